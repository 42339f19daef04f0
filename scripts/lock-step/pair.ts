/** Two machines of one configuration, one of which interprets. They run the same number of instructions. */
import {
  createMachine,
  type CpuState,
  type Machine,
  type MachineConfig,
  type RunResult,
  type Vcpu,
} from '../../vm-core/index.ts';
import { defaultEngine } from '../../vm-core/engine/compiler/tiers.ts';
import { decodeInstruction } from '../../debug-adapter/disassembly/decode-instruction.ts';
import { registersDiffer, restDiffers, runningDiffer } from './machine-state.ts';

/** What both are. */
export interface PairConfig {
  readonly config: MachineConfig;
  readonly engine: Exclude<MachineConfig['engine'], undefined>;
  /** Whether they are compared wherever the compiled one is between two blocks. */
  readonly atBorders?: boolean;
}

const BYTES_SHOWN = 15;

export class MachinePair {
  readonly interpreted: Machine;
  readonly compiled: Machine;
  /** Borders of blocks at which they were compared. */
  borders = 0;
  readonly #output: readonly [string[], string[]] = [[], []];
  #serial = '';
  /** Differences that were found during a run. */
  #found: readonly string[] = [];
  /** Why the interpreter has stopped before the other one. */
  #ahead: string | undefined;

  constructor({ config, engine, atBorders = false }: PairConfig) {
    this.interpreted = createMachine({ ...config, engine: 'interpreter' });
    if (atBorders) defaultEngine.watch = (state, executed) => this.#atBorder(state, executed);
    try {
      this.compiled = createMachine({ ...config, engine });
    } finally {
      defaultEngine.watch = undefined;
    }
    [this.interpreted, this.compiled].forEach((machine, n) => {
      machine.onOutput = (device, channel, bytes) => {
        const text = Buffer.from(bytes).toString('latin1');
        this.#output[n]?.push(`${device} ${channel} ${text}`);
        if (n === 0 && device === 'uart-1' && channel === 'serial') this.#serial += text;
      };
    });
  }

  get retired(): number {
    return this.compiled.retired;
  }

  /** What came out of the first serial port. */
  get console(): string {
    return this.#serial.replaceAll('\r', '');
  }

  /** Runs both; gives why the guest runs no further, `limit` if it does. */
  run(instructionsMax: number): string {
    this.#ahead = undefined;
    const start = this.compiled.retired;
    const actual = reasonOf(this.compiled.run({ instructionsMax }));
    const rest = instructionsMax - (this.interpreted.retired - start);
    const expected = this.#ahead ?? reasonOf(this.interpreted.run({ instructionsMax: rest }));
    if (expected !== actual) this.#tell([`the run ended with ${expected} interpreted, with ${actual} compiled`]);
    if (expected !== 'reset') return expected;
    this.interpreted.reset();
    this.compiled.reset();
    return 'limit';
  }

  /** What differs of registers, counts and output. */
  differences(): readonly string[] {
    const [expected, actual] = this.#output.map((lines) => lines.splice(0).join('\n'));
    const output = expected === actual ? [] : [`output: ${expected} interpreted, ${actual} compiled`];
    return [...this.#found, ...output, ...registersDiffer(this.interpreted, this.compiled)];
  }

  /** The same, and what differs of memory and devices. */
  allDifferences(): readonly string[] {
    return [...this.differences(), ...restDiffers(this.interpreted, this.compiled)];
  }

  /** Where the machine that interprets is, as text. */
  place(): string {
    return this.interpreted.cpus.map((cpu) => this.#placeOf(cpu)).join('; ');
  }

  #placeOf(cpu: Vcpu): string {
    const { linearEip, codeSize, mode, index, state } = cpu;
    const physical = cpu.translate(linearEip);
    const bytes = physical === undefined ? new Uint8Array() : this.interpreted.memory.read(physical, BYTES_SHOWN);
    const { text } = decodeInstruction(bytes, 0, codeSize, state.eip);
    const digits = Buffer.from(bytes).toString('hex');
    return `vCPU ${index}, ${mode} mode, ${hex(linearEip)}: ${text} (${digits})`;
  }

  /** The compiled one is between two blocks, this far in its execution: the other one follows it. */
  #atBorder(state: CpuState, executed: number): void {
    if (this.#found.length > 0 || this.#ahead !== undefined) return;
    const behind = this.compiled.retired + executed - this.interpreted.retired;
    if (behind <= 0) return;
    const cpu = this.interpreted.cpus.find((each) => each.state.base === state.base) as Vcpu;
    const from = cpu.linearEip;
    const reason = reasonOf(this.interpreted.run({ instructionsMax: behind }));
    if (reason !== 'limit') this.#ahead = reason;
    this.borders++;
    const found = runningDiffer(cpu, state);
    if (found.length > 0) this.#tell([...found, `${behind} instructions from ${hex(from)} on, to ${this.place()}`]);
  }

  #tell(differences: readonly string[]): void {
    this.#found = [...this.#found, ...differences];
  }
}

const hex = (address: number): string => `${address.toString(16).toUpperCase()}h`;

function reasonOf(result: RunResult): string {
  return result.reason === 'request' ? result.request.kind : result.reason;
}
