/**
 * A machine for tests of the session: real registers and memory, and a dozen instructions of 16-bit code, so that what
 * the session does can be tested without the engine. `script` makes `run` answer what a real machine answers rarely.
 */
import { explainWalk } from '../../../vm-core/inspect/explain-walk.ts';
import { PagingRegisters } from '../../../vm-core/memory/paging-rules.ts';
import type { PagingView } from '../../../vm-core/index.ts';
import {
  type Breakpoint,
  CpuState,
  findRegister,
  type Machine,
  type MachineConfig,
  type RunLimit,
  type RunOutcome,
  type RunResult,
} from '../../../vm-core/index.ts';

const RAM_SIZE = 1 << 20;
const STATE_PAGES = 1;
/** The toy is slow: one call runs no more instructions than this. */
const RUN_MAX = 20;
const EFLAGS_IF = 1 << 9;

export interface ToyMachine extends Machine {
  /** Answers of the next calls of `run`, before it runs code again. */
  readonly script: RunOutcome[];
  /** Limits of all calls of `run`. */
  readonly limits: RunLimit[];
  readonly inputs: { readonly device: string; readonly channel: string; readonly bytes: Uint8Array }[];
  readonly resets: number;
  get(register: string): number;
  set(register: string, value: number): void;
}

/** Makes a machine with code at 7C00h and the processor at `start`. */
export function createToyMachine(code: readonly number[], start = 0x7c00): ToyMachine {
  const toy = new Toy();
  toy.memory.write(0x7c00, Uint8Array.from(code));
  toy.set('CS.limit', 0xffff);
  toy.set('CS.attributes', 0x9b);
  toy.set('SS.attributes', 0x93);
  toy.set('ESP', 0x7c00);
  toy.set('EIP', start);
  toy.set('EFLAGS', 2);
  return toy;
}

const rules = new PagingRegisters({ physicalBits: 32, pse36: false, gigabytePages: false });
const NO_PAGING: PagingView = {
  rules,
  read: () => 0,
  explain: (linear, access) => explainWalk(rules, () => 0, linear, access),
  cached: () => [],
  counters: { hits: 0, fills: 0, evictions: 0, spared: 0, flushes: 0 },
};

class Toy implements ToyMachine {
  readonly script: RunOutcome[] = [];
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
  readonly #state = new CpuState(new WebAssembly.Memory({ initial: STATE_PAGES }), 0);
  readonly #breakpoints = new Set<Breakpoint>();
  readonly cpus: Machine['cpus'];
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
  retired = 0;
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

  constructor() {
    const ram = this.#ram;
    const linearEip = (): number => (this.get('CS.base') + this.get('EIP')) >>> 0;
    this.cpus = [
      {
        index: 0,
        retired: 0,
        state: this.#state,
        codeSize: 16,
        mode: 'real',
        paging: NO_PAGING,
        codeCounters: { kept: 0, found: 0, decoded: 0, dropped: 0, evicted: 0, evictions: 0, flushes: 0 },
        trace: () => [],
        branches: () => [],
        callStack: () => ({ calls: [], isComplete: false, begin: undefined }),
        translate: (linear: number) => (linear < RAM_SIZE ? linear : undefined),
        get linearEip() {
          return linearEip();
        },
      },
    ];
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

  get(name: string): number {
    return Number(this.#state.readRegister(registerNamed(name)));
  }

  set(name: string, value: number): void {
    this.#state.writeRegister(registerNamed(name), BigInt(value));
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
    return { ...this.#run(limit), cpu: 0 };
  }

  #run(limit: RunLimit): RunOutcome {
    this.limits.push(limit);
    const scripted = this.script.shift();
    if (scripted) return scripted;
    for (let count = 0; count < Math.min(limit.instructionsMax, RUN_MAX); count++) {
      if (this.get('HALTED') === 1) return { reason: 'halted', nextEvent: undefined };
      const stop = count === 0 && limit.resume ? undefined : this.#stopAt(this.cpus[0].linearEip);
      const result = stop ?? this.#step(limit.resume === true && count === 0);
      if (result) return result;
    }
    return { reason: 'limit' };
  }

  #stopAt(address: number): RunOutcome | undefined {
    const here = [...this.#breakpoints].filter((breakpoint) => breakpoint.address === address);
    const stopping = here.filter((breakpoint) => breakpoint.reached());
    return stopping.length > 0 ? { reason: 'breakpoint', breakpoints: stopping } : undefined;
  }

  #step(resumed: boolean): RunOutcome | undefined {
    const at = this.cpus[0].linearEip;
    const opcode = this.#ram[at] ?? 0;
    const operand = this.#ram[at + 1] ?? 0;
    const jump = (length: number, target?: number): void =>
      this.set('EIP', (target ?? this.get('EIP') + length) & 0xffff);
    const relative = (operand << 24) >> 24;
    switch (opcode) {
      case 0x40:
        this.set('EAX', (this.get('EAX') + 1) >>> 0);
        jump(1);
        break;
      case 0x90:
        jump(1);
        break;
      case 0xe8: {
        const after = this.get('EIP') + 3;
        this.#push(after);
        jump(0, after + (operand | ((this.#ram[at + 2] ?? 0) << 8)));
        break;
      }
      case 0xc3:
        jump(0, this.#pop());
        break;
      case 0xcd:
        this.#interrupt(operand, this.get('EIP') + 2);
        break;
      case 0xcf:
        jump(0, this.#pop());
        this.set('CS', this.#pop());
        this.set('CS.base', this.get('CS') << 4);
        this.set('EFLAGS', this.#pop());
        break;
      case 0xeb:
        jump(0, this.get('EIP') + 2 + relative);
        break;
      case 0xe2:
        this.set('ECX', (this.get('ECX') - 1) & 0xffff);
        jump(2, this.get('ECX') === 0 ? undefined : this.get('EIP') + 2 + relative);
        break;
      case 0xf4:
        this.set('HALTED', 1);
        jump(1);
        break;
      default: {
        const event = {
          vector: 6,
          errorCode: undefined,
          kind: 'exception' as const,
          cs: this.get('CS'),
          eip: this.get('EIP'),
          linearAddress: at,
        };
        if (this.stopOnExceptions.has(6) && !resumed) return { reason: 'exception', event };
        this.#interrupt(6, this.get('EIP'));
      }
    }
    this.retired++;
    this.time++;
    return undefined;
  }

  #interrupt(vector: number, returnOffset: number): void {
    this.#push(this.get('EFLAGS'));
    this.#push(this.get('CS'));
    this.#push(returnOffset);
    this.set('EFLAGS', this.get('EFLAGS') & ~EFLAGS_IF);
    const view = new DataView(this.#ram.buffer);
    this.set('EIP', view.getUint16(vector * 4, true));
    this.set('CS', view.getUint16(vector * 4 + 2, true));
    this.set('CS.base', view.getUint16(vector * 4 + 2, true) << 4);
  }

  #push(value: number): void {
    const sp = (this.get('ESP') - 2) & 0xffff;
    this.set('ESP', sp);
    new DataView(this.#ram.buffer).setUint16(this.get('SS.base') + sp, value, true);
  }

  #pop(): number {
    const sp = this.get('ESP');
    this.set('ESP', (sp + 2) & 0xffff);
    return new DataView(this.#ram.buffer).getUint16(this.get('SS.base') + sp, true);
  }
}

function registerNamed(name: string): NonNullable<ReturnType<typeof findRegister>> {
  const register = findRegister(name);
  if (!register) throw new Error(`no register ${name}`);
  return register;
}
