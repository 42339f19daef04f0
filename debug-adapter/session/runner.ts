/**
 * The run loop: runs the machine in slices of a few milliseconds and yields to the host between them, so that requests
 * are served with the machine at rest. A plan (a step, a run to the boot sector) rides on it; without one it runs freely.
 */
import type {
  Breakpoint,
  EventRecord,
  Machine,
  MachineEvent,
  MachineRequest,
  PendingAccess,
  RunResult,
  Watchpoint,
} from '../../vm-core/index.ts';
import type { Host } from '../host.ts';
import { NO_STOPS, type RunnerStops } from './event-stops.ts';

/** How long a slice is meant to take: short enough for requests and frames, long enough not to matter. */
const SLICE_MS = 8;
const INSTRUCTIONS_MIN = 1_000;
/**
 * Instructions of one call of the machine at most: at full speed a tenth of a millisecond, and still only a second where
 * every instruction of a guest is a slow one (code that changes itself all the time). More of them gain nothing.
 */
const INSTRUCTIONS_MAX = 20_000;
/** A guest that fell behind the wall clock catches up by at most this much. */
const LAG_MAX_MS = 100;
/** How long a halted machine sleeps at most before it looks at the clock again. */
const SLEEP_MAX_MS = 50;
/** The 386's exceptions, all of which a plan that steps wants to see. */
const ALL_EXCEPTIONS: ReadonlySet<number> = new Set(Array.from({ length: 32 }, (_, vector) => vector));

/**
 * What a plan wants next: one instruction; only the delivery of what is pending in front of it (an exception that was
 * shown, interrupts); to run on until a breakpoint; or to stop, because it is done.
 */
export type PlanStep = 'one-instruction' | 'deliver-events' | 'run' | 'done';

/** Instructions of one call of the machine, where a plan says so. */
const STEP_INSTRUCTIONS = { 'one-instruction': 1, 'deliver-events': 0 } as const;

/** What a resumed machine is to do before it stops of its own accord. */
export interface Plan {
  /** Called with the machine at rest, first at the start and then whenever the machine came back. */
  advance(): PlanStep;
  /**
   * An exception is about to be delivered instead of the instruction. Told while single instructions run, and at the
   * start if the last stop showed an exception.
   */
  faulted(): void;
  /** Removes whatever the plan put into the machine. Called once, when the run stops for any reason. */
  dispose(): void;
}

/** Why the machine stopped. */
export type StopCause =
  /** `evaluated`, here and below: the machine has already let the breakpoints at this place take effect. */
  | { readonly kind: 'pause'; readonly evaluated: boolean; readonly waitsFor?: PendingAccess | undefined }
  /** The plan is done. */
  | { readonly kind: 'plan'; readonly evaluated: boolean }
  | { readonly kind: 'breakpoint'; readonly breakpoints: readonly Breakpoint[] }
  /** Watched memory was accessed; breakpoints at the place have not taken effect yet. */
  | { readonly kind: 'watchpoint'; readonly watchpoints: readonly Watchpoint[] }
  | { readonly kind: 'exception'; readonly event: EventRecord }
  | { readonly kind: 'event'; readonly event: MachineEvent }
  | { readonly kind: 'triple-fault'; readonly chain: readonly EventRecord[] }
  | { readonly kind: 'unsupported'; readonly what: string }
  /** The firmware found nothing to boot. */
  | { readonly kind: 'boot-failure'; readonly message: string }
  /** Our own failure, or a host that could not give what the machine needs. */
  | { readonly kind: 'failure'; readonly error: unknown };

export interface RunnerListener {
  stopped(cause: StopCause): void;
  /** The guest ended the run; it will not go on. */
  ended(request: Exclude<MachineRequest, { kind: 'reset' | 'boot-failure' }>): void;
  /** The guest asked for a reset, or shut down while shutdowns reset; the machine has been reset and goes on. */
  reset(why: 'request' | 'triple-fault'): void;
  /** After each slice, with the machine at rest. */
  sliceDone(): void;
  /** The processor halted with interrupts disabled: nothing but a reset can wake it. Told once. */
  haltedForGood(): void;
}

export interface RunnerOptions {
  readonly machine: Machine;
  readonly host: Pick<Host, 'now' | 'defer'>;
  readonly listener: RunnerListener;
  /** Keep halted time in step with the wall clock. */
  readonly realTime: boolean;
}

export class Runner {
  readonly #options: RunnerOptions;
  #stops = NO_STOPS;
  #running = false;
  #disposed = false;
  #plan: Plan | undefined;
  /** Where the user was told that the machine stands; its breakpoints are not reported again. */
  #reportedAt: number | undefined;
  #resume = false;
  /** True when the last stop showed an exception that is delivered as soon as the machine runs. */
  #exceptionShown = false;
  /** True when the last run ended at a breakpoint. */
  #evaluated = false;
  /** Only the callback with the newest ticket counts; older ones were overtaken by a wake-up or a stop. */
  #ticket = 0;
  #instructionsMax = INSTRUCTIONS_MAX;
  #anchor = { ticks: 0, ms: 0 };
  #toldHaltedForGood = false;
  /** What the machine waits for; the plan's last step is made again then. */
  #waiting: { readonly access: PendingAccess | undefined; readonly step: PlanStep } | undefined;

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /** Exceptions and events at which the user wants to stop. */
  set stops(stops: RunnerStops) {
    this.#stops = stops;
    this.#machine.onEvent = stops.onEvent;
  }

  get running(): boolean {
    return this.#running;
  }

  /** Lets the machine run, with a plan until that is done. */
  start(plan?: Plan): void {
    if (this.#running || this.#disposed) throw new Error('the machine cannot be started now');
    this.#running = true;
    this.#plan = plan;
    this.#resume = this.#reportedAt === this.#machine.cpus[0].linearEip;
    // Whoever has moved EIP since does not want the exception any more.
    if (this.#exceptionShown && this.#resume) plan?.faulted();
    this.#exceptionShown = false;
    this.#anchor = { ticks: this.#machine.time, ms: this.#options.host.now() };
    this.#schedule(0);
  }

  /** The debugger has put the processor elsewhere, which the user knows: breakpoints there are passed. */
  movedHere(): void {
    this.#reportedAt = this.#machine.cpus[0].linearEip;
    this.#exceptionShown = false;
  }

  /** Stops at once: between two slices the machine is at rest. */
  pause(): void {
    if (!this.#running) return;
    const waitsFor = this.#waiting?.access;
    // An instruction that has begun has passed the breakpoints at it.
    this.#stop({ kind: 'pause', evaluated: this.#evaluated || waitsFor !== undefined, waitsFor });
  }

  /** Something came from outside: a sleeping machine looks at once. */
  wake(): void {
    if (this.#running) this.#schedule(0);
  }

  /** Ends this runner; nothing is reported any more. */
  dispose(): void {
    this.#disposed = true;
    this.#halt();
  }

  get #machine(): Machine {
    return this.#options.machine;
  }

  #schedule(delayMs: number): void {
    const ticket = ++this.#ticket;
    this.#options.host.defer(() => {
      if (ticket === this.#ticket) this.#slice();
    }, delayMs);
  }

  #slice(): void {
    const { host, listener } = this.#options;
    const end = host.now() + SLICE_MS;
    let outcome: number | 'again' | 'left';
    try {
      do outcome = this.#runOnce(end);
      while (outcome === 'again' && host.now() < end);
    } catch (error) {
      this.#stop({ kind: 'failure', error });
      return;
    }
    if (this.#running) listener.sliceDone();
    if (this.#running && outcome !== 'left') this.#schedule(outcome === 'again' ? 0 : outcome);
  }

  /** One call of the machine. Gives the milliseconds to sleep, `left` when something else will schedule the next. */
  #runOnce(end: number): number | 'again' | 'left' {
    const step = this.#waiting?.step ?? this.#plan?.advance() ?? 'run';
    this.#waiting = undefined;
    if (step === 'done') return this.#stop({ kind: 'plan', evaluated: this.#evaluated });
    const single = step !== 'run';
    const machine = this.#machine;
    machine.stopOnExceptions = single ? ALL_EXCEPTIONS : this.#stops.vectors;
    const began = this.#options.host.now();
    const instructionsMax = single ? STEP_INSTRUCTIONS[step] : this.#instructionsMax;
    const timeMax = this.#timeMax();
    const result = machine.run({
      instructionsMax,
      resume: this.#resume,
      ...(timeMax === undefined ? {} : { timeMax }),
    });
    // Without an instruction, breakpoints at this place have not been passed.
    if (step !== 'deliver-events') this.#resume = false;
    this.#evaluated = result.reason === 'breakpoint';
    if (!single && result.reason === 'limit') this.#adapt(this.#options.host.now() - began, end - began);
    if (result.reason === 'waiting') this.#waiting = { access: result.access, step };
    return this.#handle(result, single, timeMax);
  }

  /** The next slice's instructions, from how long these took. */
  #adapt(tookMs: number, hadMs: number): void {
    const factor = Math.min(2, Math.max(0.25, hadMs / Math.max(tookMs, 0.1)));
    this.#instructionsMax = Math.round(
      Math.min(INSTRUCTIONS_MAX, Math.max(INSTRUCTIONS_MIN, this.#instructionsMax * factor)),
    );
  }

  /** Virtual time that the wall clock has reached, which a halted machine must not pass. */
  #timeMax(): number | undefined {
    if (!this.#options.realTime) return undefined;
    const { time, ticksPerSecond } = this.#machine;
    const now = this.#options.host.now();
    const reached = this.#anchor.ticks + ((now - this.#anchor.ms) * ticksPerSecond) / 1000;
    const lagMax = (LAG_MAX_MS * ticksPerSecond) / 1000;
    if (reached - time <= lagMax) return Math.floor(reached);
    this.#anchor = { ticks: time + lagMax, ms: now };
    return Math.floor(time + lagMax);
  }

  #handle(result: RunResult, single: boolean, timeMax: number | undefined): number | 'again' | 'left' {
    switch (result.reason) {
      case 'limit':
      case 'stopped':
      case 'branch':
        return 'again';
      case 'event':
        return this.#stop({ kind: 'event', event: result.event });
      case 'watchpoint':
        return this.#stop({ kind: 'watchpoint', watchpoints: result.hits.map(({ watchpoint }) => watchpoint) });
      case 'halted':
        return this.#sleepTime(result.nextEvent, timeMax);
      case 'waiting':
        return this.#wait(result.ready);
      case 'breakpoint':
        return this.#reachedBreakpoints(result.breakpoints);
      case 'exception':
        this.#exceptionShown = this.#wantsException(result.event);
        if (this.#exceptionShown) return this.#stop({ kind: 'exception', event: result.event });
        if (single) this.#plan?.faulted();
        this.#resume = true;
        return 'again';
      case 'triple-fault':
        if (this.#stops.stopsAtTripleFault(result.chain))
          return this.#stop({ kind: 'triple-fault', chain: result.chain });
        return this.#reset('triple-fault');
      case 'request':
        if (result.request.kind === 'reset') return this.#reset('request');
        if (result.request.kind === 'boot-failure') return this.#stop(result.request);
        this.#halt();
        this.#options.listener.ended(result.request);
        return 'left';
      case 'unsupported':
        return this.#stop({ kind: 'unsupported', what: result.what });
    }
  }

  #wantsException(event: EventRecord): boolean {
    return this.#stops.vectors.has(event.vector) && this.#stops.stopsAtException(event);
  }

  /** Breakpoints of the plan only bring it forward; any other stops. */
  #reachedBreakpoints(breakpoints: readonly Breakpoint[]): 'again' | 'left' {
    const users = breakpoints.filter((breakpoint) => !planBreakpoints.has(breakpoint));
    if (users.length > 0) return this.#stop({ kind: 'breakpoint', breakpoints: users });
    this.#resume = true;
    return 'again';
  }

  #reset(why: 'request' | 'triple-fault'): 'again' {
    this.#machine.reset();
    this.#options.listener.reset(why);
    return 'again';
  }

  #sleepTime(nextEvent: number | undefined, timeMax: number | undefined): number {
    const { machine, listener } = this.#options;
    if (!this.#toldHaltedForGood && !interruptsEnabled(machine)) {
      this.#toldHaltedForGood = true;
      listener.haltedForGood();
    }
    if (nextEvent === undefined) return SLEEP_MAX_MS;
    const ticks = nextEvent - (timeMax ?? machine.time);
    return Math.min(SLEEP_MAX_MS, Math.max(1, Math.ceil((ticks * 1000) / machine.ticksPerSecond)));
  }

  #wait(ready: Promise<void>): 'left' {
    const ticket = ++this.#ticket;
    const current = (): boolean => this.#running && ticket === this.#ticket;
    ready.then(
      () => {
        if (!current()) return;
        this.#resume = true;
        this.#schedule(0);
      },
      (error: unknown) => {
        if (current()) this.#stop({ kind: 'failure', error });
      },
    );
    return 'left';
  }

  #stop(cause: StopCause): 'left' {
    this.#halt();
    this.#reportedAt = this.#machine.cpus[0].linearEip;
    this.#options.listener.stopped(cause);
    return 'left';
  }

  #halt(): void {
    this.#ticket++;
    this.#running = false;
    this.#waiting = undefined;
    this.#plan?.dispose();
    this.#plan = undefined;
  }
}

const EFLAGS_IF = 1 << 9;

function interruptsEnabled(machine: Machine): boolean {
  return (machine.cpus[0].state.eflags & EFLAGS_IF) !== 0;
}

/** Breakpoints that belong to plans: reaching one is no news to the user. */
const planBreakpoints = new WeakSet<Breakpoint>();

/** A breakpoint of a plan. It stands in the machine until it is removed. */
export class PlanBreakpoint {
  readonly #machine: Machine;
  readonly #breakpoint: Breakpoint;
  /** True once the place was reached with `qualifies` true. */
  reached = false;

  constructor(machine: Machine, linearAddress: number, qualifies: () => boolean = () => true) {
    this.#machine = machine;
    this.#breakpoint = {
      address: linearAddress,
      space: 'linear',
      reached: () => {
        if (!qualifies()) return false;
        this.reached = true;
        return true;
      },
    };
    planBreakpoints.add(this.#breakpoint);
    machine.addBreakpoint(this.#breakpoint);
  }

  remove(): void {
    this.#machine.removeBreakpoint(this.#breakpoint);
  }
}
