/**
 * Drives a machine until something ends the run: the guest itself, a text, a limit. The clock of the host decides only
 * about the time limit and about pauses, so that a run does the same every time.
 */
import type { EventRecord, Machine, RunLimit, RunOutcome } from '../../vm-core/index.ts';
import { explainBootFailure } from '../session/boot-failure.ts';
import type { TextWatch } from './text-watch.ts';

/** Why a run ended; the names are those of `--stats`. */
export type StopReason =
  | 'power-off'
  | 'until'
  | 'exit-device'
  | 'reset'
  | 'boot-failure'
  | 'no-progress'
  | 'triple-fault'
  | 'max-instructions'
  | 'max-seconds'
  | 'halted'
  | 'unsupported'
  | 'interrupted';

export interface RunEnd {
  readonly stopReason: StopReason;
  readonly exitStatus: number;
  /** What to tell the user, if the reason alone does not say it. */
  readonly message?: string;
}

/** Why the machine came back, with the index of the processor that it is about if there are several. */
type LoopOutcome = RunOutcome & { readonly cpu?: number };

export interface RunLoopOptions {
  readonly until: TextWatch | undefined;
  /** Keys wait for this text. */
  readonly keysAfter: TextWatch | undefined;
  readonly keys: readonly Uint8Array[];
  readonly instructionsMax: number;
  readonly secondsMax: number;
  readonly onTripleFault: 'stop' | 'reset';
  readonly noReboot: boolean;
  /** Somebody may still send bytes from outside; `typing`: a person does, so a sleeping guest keeps to the wall clock. */
  readonly input: () => 'closed' | 'open' | 'typing';
  /** The machine's `run`; the tracer puts itself in between here. */
  readonly run: (limit: RunLimit) => LoopOutcome;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Settles after other work of the process had its turn, or after a while. */
  readonly pause: (delayMs: number) => Promise<void>;
}

/** Instructions between two looks at the screen and the clock. */
const SLICE_INSTRUCTIONS = 200_000;
/** Guest time between two looks while the guest sleeps: what it shows meanwhile must not be missed. */
const SLICE_SECONDS = 0.02;
/** A typist's pace in guest time: the keyboard and the BIOS hold only a few keys. */
const KEYS_PER_SECOND = 50;
const IDLE_PAUSE_MS = 5;
/** A guest whose handlers fault at once executes nothing; the machine comes back from it so often before it is ended. */
const FRUITLESS_RUNS_MAX = 1000;
const EFLAGS_IF = 1 << 9;
const EXIT_TRIPLE_FAULT = 3;
const EXIT_LIMIT = 124;
/** As a shell reports SIGINT. */
const EXIT_INTERRUPTED = 130;

export class RunLoop {
  /** Set to end the run from outside, for example by a signal. */
  interrupted = false;
  private readonly machine: Machine;
  private readonly options: RunLoopOptions;
  private readonly keys: Uint8Array[];
  /** Guest time at which the next key may be pressed. */
  private nextKeyTime = 0;
  /** Runs in a row that reached a limit without an instruction. */
  private fruitlessRuns = 0;
  /** Guest time that a sleeping machine was allowed to reach. */
  private reached = 0;

  constructor(machine: Machine, options: RunLoopOptions) {
    this.machine = machine;
    this.options = options;
    this.keys = [...options.keys];
  }

  async run(): Promise<RunEnd> {
    const { options, machine } = this;
    const deadline = options.now() + options.secondsMax * 1000;
    for (;;) {
      options.keysAfter?.look(machine.display);
      options.until?.look(machine.display);
      const end = this.endBefore(deadline);
      if (end !== undefined) return end;
      this.pressKey();
      const instructionsMax = Math.min(SLICE_INSTRUCTIONS, options.instructionsMax - machine.retired);
      const timeMax = Math.ceil(this.time + SLICE_SECONDS * machine.ticksPerSecond);
      const before = machine.retired;
      const result = options.run({ instructionsMax, timeMax });
      this.fruitlessRuns = result.reason === 'limit' && machine.retired === before ? this.fruitlessRuns + 1 : 0;
      const ended = await this.handle(result, timeMax);
      if (ended !== undefined) return ended;
    }
  }

  private get time(): number {
    return Math.max(this.machine.time, this.reached);
  }

  /** Ends that do not come from the machine. */
  private endBefore(deadline: number): RunEnd | undefined {
    const { options, machine } = this;
    if (options.until?.seen === true) return { stopReason: 'until', exitStatus: 0 };
    if (this.interrupted) return { stopReason: 'interrupted', exitStatus: EXIT_INTERRUPTED };
    if (machine.retired >= options.instructionsMax) {
      const message = `the guest was ended after ${machine.retired} instructions (--max-instructions)`;
      return { stopReason: 'max-instructions', exitStatus: EXIT_LIMIT, message };
    }
    if (this.fruitlessRuns > FRUITLESS_RUNS_MAX) {
      const message = `${describePlace(machine)}: the guest makes no progress, its exception handlers fault at once`;
      return { stopReason: 'no-progress', exitStatus: EXIT_LIMIT, message };
    }
    if (options.now() >= deadline) {
      const message = `the guest was ended after ${options.secondsMax} s (--max-seconds)`;
      return { stopReason: 'max-seconds', exitStatus: EXIT_LIMIT, message };
    }
    return undefined;
  }

  private get keysWait(): boolean {
    return this.options.keysAfter?.seen === false;
  }

  /** Presses at most one key, if its time has come. */
  private pressKey(): void {
    if (this.keysWait || this.time < this.nextKeyTime) return;
    const key = this.keys.shift();
    if (key === undefined) return;
    this.machine.input('keyboard', 'keys', key);
    this.nextKeyTime = this.time + this.machine.ticksPerSecond / KEYS_PER_SECOND;
  }

  private async handle(result: LoopOutcome, timeMax: number): Promise<RunEnd | undefined> {
    switch (result.reason) {
      case 'limit':
      case 'stopped':
      case 'breakpoint':
      case 'watchpoint':
      case 'event':
      case 'exception':
      case 'branch':
        await this.options.pause(0);
        return undefined;
      case 'halted':
        this.reached = timeMax;
        return this.handleHalt(result.nextEvent);
      case 'waiting':
        await result.ready;
        return undefined;
      case 'triple-fault':
        if (this.options.onTripleFault === 'reset') return this.reset();
        return { stopReason: 'triple-fault', exitStatus: EXIT_TRIPLE_FAULT, message: describeChain(result.chain) };
      case 'request':
        if (result.request.kind === 'reset') return this.reset();
        if (result.request.kind === 'boot-failure') {
          return { stopReason: 'boot-failure', exitStatus: 1, message: explainBootFailure(result.request.message) };
        }
        if (result.request.kind === 'power-off') return { stopReason: 'power-off', exitStatus: 0 };
        return { stopReason: 'exit-device', exitStatus: ((result.request.value << 1) | 1) & 0xff };
      case 'unsupported': {
        const message = `${describePlace(this.machine, result.cpu)}: ${result.what} is not supported yet`;
        return { stopReason: 'unsupported', exitStatus: 1, message };
      }
    }
  }

  /** Only an event, a key or a byte from outside wakes a guest, and only if it takes interrupts. */
  private async handleHalt(nextEvent: number | undefined): Promise<RunEnd | undefined> {
    const { keysAfter, input, until, pause } = this.options;
    until?.look(this.machine.display);
    keysAfter?.look(this.machine.display);
    const takesInterrupts = this.machine.cpus.some(({ state }) => (state.eflags & EFLAGS_IF) !== 0);
    const keysLeft = this.keys.length > 0 && !this.keysWait;
    const canWake = takesInterrupts && (nextEvent !== undefined || keysLeft || input() !== 'closed');
    if (!canWake && until?.seen !== true) {
      const message = `${describePlace(this.machine)}: the guest sleeps and nothing can wake it`;
      return { stopReason: 'halted', exitStatus: until === undefined ? 0 : EXIT_LIMIT, message };
    }
    const waitsForOutside = !keysLeft && (nextEvent === undefined || input() === 'typing');
    await pause(waitsForOutside ? IDLE_PAUSE_MS : 0);
    return undefined;
  }

  private reset(): RunEnd | undefined {
    if (this.options.noReboot) return { stopReason: 'reset', exitStatus: 0 };
    this.machine.reset();
    return undefined;
  }
}

/** Where a processor is, the first unless another is given. */
function describePlace({ cpus }: Machine, index = 0): string {
  const place = `at linear address ${hexadecimal((cpus[index] ?? cpus[0]).linearEip, 8)}`;
  return cpus.length === 1 ? place : `CPU ${index} ${place}`;
}

/** The exceptions that led to the shutdown, in order. */
function describeChain(chain: readonly EventRecord[]): string {
  const steps = chain.map(({ vector, errorCode, cs, eip }) => {
    const code = errorCode === undefined ? '' : ` (error code ${hexadecimal(errorCode, 4)})`;
    return `vector ${vector}${code} at ${hexadecimal(cs, 4)}:${hexadecimal(eip, 8)}`;
  });
  return `triple fault: ${steps.join(', then ')}`;
}

function hexadecimal(value: number, digits: number): string {
  return `${value.toString(16).toUpperCase().padStart(digits, '0')}h`;
}
