/**
 * A machine for tests of the session, of processors with a dozen instructions, so that what the session does can be tested
 * without the engine. Several processors take turns. `script` makes `run` answer what a real machine answers rarely.
 */
import type { Breakpoint, Machine, MachineConfig, RunLimit, RunOutcome, RunResult } from '../../../vm-core/index.ts';
import { ToyCpu } from './toy-cpu.ts';

const RAM_SIZE = 1 << 20;
/** The toy is slow: one call runs no more instructions than this. */
const RUN_MAX = 20;
/** Instructions that a processor executes before the next has its turn. */
const TURN = 3;

/** An answer of `run`; about the first processor unless it says otherwise. */
export type ToyAnswer = RunOutcome & { readonly cpu?: number };

export interface ToyMachine extends Machine {
  readonly cpus: readonly [ToyCpu, ...ToyCpu[]];
  /** Answers of the next calls of `run`, before it runs code again. */
  readonly script: ToyAnswer[];
  /** Limits of all calls of `run`. */
  readonly limits: RunLimit[];
  readonly inputs: { readonly device: string; readonly channel: string; readonly bytes: Uint8Array }[];
  readonly resets: number;
  /** Registers of the first processor. */
  get(register: string): number;
  set(register: string, value: number): void;
}

/** Makes a machine with code at 7C00h and the first processor there; the others are halted. */
export function createToyMachine(code: readonly number[], cpuCount = 1): ToyMachine {
  const toy = new Toy(cpuCount);
  toy.memory.write(0x7c00, Uint8Array.from(code));
  toy.set('EIP', 0x7c00);
  for (const cpu of toy.cpus.slice(1)) cpu.set('HALTED', 1);
  return toy;
}

class Toy implements ToyMachine {
  readonly script: ToyAnswer[] = [];
  readonly limits: RunLimit[] = [];
  readonly inputs: { device: string; channel: string; bytes: Uint8Array }[] = [];
  readonly config: MachineConfig = {
    machineType: 'isa-1',
    cpuModel: '386',
    memorySize: RAM_SIZE,
    firmware: 'builtin',
    exitDevice: false,
    startTimeMs: 0,
  };
  readonly #ram = new Uint8Array(RAM_SIZE);
  readonly #breakpoints = new Set<Breakpoint>();
  readonly cpus: ToyMachine['cpus'];
  /** Whose turn it is, and how much of it is left. */
  #turn = { cpu: 0, left: TURN };
  readonly compiledCode: Machine['compiledCode'] = undefined;
  readonly dirtyLog = { begin: () => {}, dirtyPages: () => [] };
  readonly memory: Machine['memory'];
  readonly devices = new Map<string, never>();
  readonly inputLog = [];
  readonly ticksPerSecond = 1_000_000;
  readonly boot = { entry: 0x7c00, loadAddress: 0x7c00 };
  stopOnExceptions: ReadonlySet<number> = new Set();
  recordsCalls = false;
  recordsTrace = false;
  recordsBranches = false;
  onOutput: Machine['onOutput'] = () => {};
  onLog: Machine['onLog'] = () => {};
  onEvent: Machine['onEvent'];
  time = 0;
  resets = 0;
  display = {
    generation: 1,
    /** One pixel, which is another in each generation. */
    render: () => ({
      width: 1,
      height: 1,
      aspectRatio: 1,
      pixels: Uint8ClampedArray.from([this.display.generation & 0xff, (this.display.generation >> 8) & 0xff, 0, 255]),
    }),
    text: (): readonly string[] => ['toy'],
  };

  constructor(cpuCount: number) {
    const ram = this.#ram;
    const others = Array.from({ length: cpuCount - 1 }, (_, n) => new ToyCpu(n + 1, ram));
    this.cpus = [new ToyCpu(0, ram), ...others];
    this.memory = {
      ramSize: RAM_SIZE,
      read: (at, length) => ram.slice(at, at + length),
      readInteger: (at, size) =>
        at + size > RAM_SIZE
          ? undefined
          : ram.subarray(at, at + size).reduceRight((value, byte) => value * 0x100 + byte, 0),
      write: (at, bytes) => {
        const fitting = bytes.subarray(0, Math.max(0, RAM_SIZE - at));
        ram.set(fitting, at);
        return fitting.length;
      },
    };
  }

  get retired(): number {
    return this.cpus.reduce((sum, cpu) => sum + cpu.retired, 0);
  }

  get(name: string): number {
    return this.cpus[0].get(name);
  }

  set(name: string, value: number): void {
    this.cpus[0].set(name, value);
  }

  addWatchpoint(): void {}

  removeWatchpoint(): void {}

  addBreakpoint(breakpoint: Breakpoint): void {
    this.#breakpoints.add(breakpoint);
  }

  removeBreakpoint(breakpoint: Breakpoint): void {
    this.#breakpoints.delete(breakpoint);
  }

  input(device: string, channel: string, bytes: Uint8Array): void {
    this.inputs.push({ device, channel, bytes });
    this.set('HALTED', 0);
  }

  stop(): void {}

  replay(): void {}

  reset(): void {
    this.resets++;
    this.set('CS', 0xf000);
    this.set('CS.base', 0xffff0000);
    this.set('EIP', 0xfff0);
  }

  run(limit: RunLimit): RunResult {
    this.limits.push(limit);
    const scripted = this.script.shift();
    if (scripted) return { cpu: 0, ...scripted };
    const counted = (): number => (limit.ofCpu === undefined ? this.retired : (this.cpus[limit.ofCpu]?.retired ?? 0));
    const end = counted() + limit.instructionsMax;
    const before = this.cpus.map(({ retired }) => retired);
    for (let count = 0; count < RUN_MAX; count++) {
      const cpu = this.#next(limit.onlyCpu);
      if (!cpu) return { reason: 'halted', nextEvent: undefined, cpu: limit.onlyCpu ?? 0 };
      const isCounted = limit.ofCpu === undefined || limit.ofCpu === cpu.index;
      if (isCounted && counted() >= end) return { reason: 'limit', cpu: cpu.index };
      const passes = typeof limit.resume === 'object' ? limit.resume.includes(cpu.index) : limit.resume === true;
      const isResumed = passes && cpu.retired === before[cpu.index];
      const outcome = (isResumed ? undefined : this.#stopAt(cpu)) ?? this.#step(cpu, isResumed);
      if (outcome) return { ...outcome, cpu: cpu.index };
    }
    return { reason: 'limit', cpu: this.#turn.cpu };
  }

  /** The processor whose turn it is: the next that is not halted when a turn is over. */
  #next(onlyCpu: number | undefined): ToyCpu | undefined {
    if (onlyCpu !== undefined) return this.#awake(onlyCpu);
    for (let n = 0; n <= this.cpus.length; n++) {
      const cpu = this.#turn.left > 0 ? this.#awake(this.#turn.cpu) : undefined;
      if (cpu) return cpu;
      this.#turn = { cpu: (this.#turn.cpu + 1) % this.cpus.length, left: TURN };
    }
    return undefined;
  }

  #awake(index: number): ToyCpu | undefined {
    const cpu = this.cpus[index];
    return cpu?.get('HALTED') === 0 ? cpu : undefined;
  }

  #stopAt({ linearEip, index }: ToyCpu): RunOutcome | undefined {
    const here = [...this.#breakpoints].filter(
      ({ address, cpu }) => address === linearEip && (cpu === undefined || cpu === index),
    );
    const stopping = here.filter((breakpoint) => breakpoint.reached(index));
    return stopping.length > 0 ? { reason: 'breakpoint', breakpoints: stopping } : undefined;
  }

  #step(cpu: ToyCpu, isResumed: boolean): RunOutcome | undefined {
    const outcome = cpu.step(this.stopOnExceptions.has(6) && !isResumed);
    if (outcome) return outcome;
    this.time++;
    this.#turn.left--;
    return undefined;
  }
}
