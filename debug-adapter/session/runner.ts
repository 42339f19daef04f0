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
  RunLimit,
  RunResult,
  Watchpoint,
} from '../../vm-core/index.ts';
import type { Host } from '../host.ts';
import { NO_STOPS, type RunnerStops } from './event-stops.ts';
import { isOfPlan } from './plan-breakpoint.ts';

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
 * shown, interrupts); to run on until a breakpoint, or until the next branch was taken; or to stop, because it is done.
 */
export type PlanStep = 'one-instruction' | 'deliver-events' | 'run' | 'run-to-branch' | 'done';

/** Instructions of one call of the machine, where a plan says so. */
const STEP_INSTRUCTIONS = { 'one-instruction': 1, 'deliver-events': 0 } as const;

/** What a resumed machine is to do before it stops of its own accord. */
export interface Plan {
  /** Index of the processor whose instructions it counts, and that it ends with. */
  readonly cpu: number;
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

/** Why the machine stopped, and the index of the processor that this is about. */
export type StopCause = StopReport & { readonly cpu: number };

export type StopReport =
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
  /** All processors halted with interrupts disabled: nothing but a reset can wake them. Told once. */
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
  /** Where the user was told that a processor stands; its breakpoints are not reported again. */
  #reported = { cpu: 0, address: undefined as number | undefined };
  /** The one that runs while all others stand still. */
  #onlyCpu: number | undefined;
  /** Processors that stand where they have passed the breakpoints, each with what it had retired by then. */
  #passing: readonly { readonly cpu: number; readonly retired: number; readonly address: number }[] = [];
  /** True when the last stop showed an exception that is delivered as soon as the machine runs. */
  #exceptionShown = false;
  /** True when the last run ended at a breakpoint. */
  #evaluated = false;
  /** Only the callback with the newest ticket counts; older ones were overtaken by a wake-up or a stop. */
  #ticket = 0;
  #instructionsMax = INSTRUCTIONS_MAX;
  #anchor = { ticks: 0, ms: 0 };
  #toldHaltedForGood = false;
  /** A step of the plan that is made again: the machine waited for something, or came back for another processor's sake. */
  #unfinished: { readonly access: PendingAccess | undefined; readonly step: PlanStep } | undefined;

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

  /** Lets the machine run, with a plan until that is done; `onlyCpu` lets all other processors stand still. */
  start(plan?: Plan, onlyCpu?: number): void {
    if (this.#running || this.#disposed) throw new Error('the machine cannot be started now');
    this.#running = true;
    this.#plan = plan;
    this.#onlyCpu = onlyCpu;
    const { cpu, address } = this.#reported;
    const isThere = address === this.#eipOf(cpu);
    this.#passing = [];
    if (isThere) this.#passes(cpu);
    // Who steps another processor sees where that stands, too.
    if (plan && plan.cpu !== cpu) this.#passes(plan.cpu);
    // Whoever has moved EIP since does not want the exception any more.
    if (this.#exceptionShown && isThere && plan?.cpu === cpu) plan.faulted();
    this.#exceptionShown = false;
    this.#anchor = { ticks: this.#machine.time, ms: this.#options.host.now() };
    this.#schedule(0);
  }

  /** Index of the processor that runs while all others stand still. */
  get onlyCpu(): number | undefined {
    return this.#running ? this.#onlyCpu : undefined;
  }

  /** The others run, too. */
  letAllRun(): void {
    this.#onlyCpu = undefined;
    this.wake();
  }

  /** The debugger has put a processor elsewhere, which the user knows: breakpoints there are passed. */
  movedHere(cpu: number): void {
    this.#reported = { cpu, address: this.#eipOf(cpu) };
    this.#exceptionShown = false;
  }

  /** Stops at once, for the sake of a processor: between two slices the machine is at rest. */
  pause(cpu: number): void {
    if (!this.#running) return;
    const waitsFor = this.#unfinished?.access;
    // An instruction that has begun has passed the breakpoints at it.
    this.#stop({ kind: 'pause', cpu, evaluated: this.#evaluated || waitsFor !== undefined, waitsFor });
  }

  /** A processor goes on from here without coming upon the breakpoints at this place. */
  #passes(cpu: number): void {
    const vcpu = this.#machine.cpus[cpu];
    const others = this.#passing.filter((each) => each.cpu !== cpu);
    if (vcpu) this.#passing = [...others, { cpu, retired: vcpu.retired, address: vcpu.linearEip }];
  }

  #eipOf(cpu: number): number | undefined {
    return this.#machine.cpus[cpu]?.linearEip;
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
      this.#stop({ kind: 'failure', cpu: this.#planCpu, error });
      return;
    }
    if (this.#running) listener.sliceDone();
    if (this.#running && outcome !== 'left') this.#schedule(outcome === 'again' ? 0 : outcome);
  }

  /** One call of the machine. Gives the milliseconds to sleep, `left` when something else will schedule the next. */
  #runOnce(end: number): number | 'again' | 'left' {
    const step = this.#unfinished?.step ?? this.#plan?.advance() ?? 'run';
    this.#unfinished = undefined;
    if (step === 'done') return this.#stop({ kind: 'plan', cpu: this.#planCpu, evaluated: this.#evaluated });
    const single = step === 'one-instruction' || step === 'deliver-events';
    const machine = this.#machine;
    machine.stopOnExceptions = single ? ALL_EXCEPTIONS : this.#stops.vectors;
    const began = this.#options.host.now();
    const instructionsMax = single ? STEP_INSTRUCTIONS[step] : this.#instructionsMax;
    const timeMax = this.#timeMax();
    const result = machine.run({
      instructionsMax,
      resume: this.#passing.map(({ cpu }) => cpu),
      untilBranch: step === 'run-to-branch',
      ...(timeMax === undefined ? {} : { timeMax }),
      ...this.#limitOfCpu(step !== 'run'),
    });
    // Without an instruction, breakpoints at a place have not been passed.
    this.#passing = this.#passing.filter(({ cpu, retired, address }) => {
      const vcpu = machine.cpus[cpu];
      return vcpu?.retired === retired && vcpu.linearEip === address;
    });
    this.#evaluated = result.reason === 'breakpoint';
    if (!single && result.reason === 'limit') this.#adapt(this.#options.host.now() - began, end - began);
    if (result.reason === 'waiting') this.#unfinished = { access: result.access, step };
    // The plan's processor has not had its turn.
    else if (single && result.cpu !== this.#planCpu) this.#unfinished = { access: undefined, step };
    return this.#handle(result, single, timeMax);
  }

  /** Whose instructions count, and who runs, where there are several. */
  #limitOfCpu(isOfPlan: boolean): Pick<RunLimit, 'ofCpu' | 'onlyCpu'> {
    if (this.#machine.cpus.length === 1) return {};
    return {
      ...(isOfPlan ? { ofCpu: this.#planCpu } : {}),
      ...(this.#onlyCpu === undefined ? {} : { onlyCpu: this.#onlyCpu }),
    };
  }

  /** The processor that the plan is of; without a plan the one that the user knows best. */
  get #planCpu(): number {
    return this.#plan?.cpu ?? this.#onlyCpu ?? this.#reported.cpu;
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
    const { cpu } = result;
    switch (result.reason) {
      case 'limit':
      case 'stopped':
        return 'again';
      case 'branch':
        return this.#stop({ kind: 'plan', cpu, evaluated: false });
      case 'event':
        return this.#stop({ kind: 'event', event: result.event, cpu });
      case 'watchpoint':
        return this.#stop({ kind: 'watchpoint', watchpoints: result.hits.map(({ watchpoint }) => watchpoint), cpu });
      case 'halted':
        return this.#sleepTime(result.nextEvent, timeMax);
      case 'waiting':
        return this.#wait(result);
      case 'breakpoint':
        return this.#reachedBreakpoints(result.breakpoints, cpu);
      case 'exception':
        this.#exceptionShown = this.#wantsException(result.event, cpu);
        if (this.#exceptionShown) return this.#stop({ kind: 'exception', event: result.event, cpu });
        if (single && cpu === this.#planCpu) this.#plan?.faulted();
        this.#passes(cpu);
        return 'again';
      case 'triple-fault':
        if (this.#stops.stopsAtTripleFault(result.chain, cpu))
          return this.#stop({ kind: 'triple-fault', chain: result.chain, cpu });
        return this.#reset('triple-fault');
      case 'request':
        if (result.request.kind === 'reset') return this.#reset('request');
        if (result.request.kind === 'boot-failure') return this.#stop({ ...result.request, cpu });
        this.#halt();
        this.#options.listener.ended(result.request);
        return 'left';
      case 'unsupported':
        return this.#stop({ kind: 'unsupported', what: result.what, cpu });
    }
  }

  #wantsException(event: EventRecord, cpu: number): boolean {
    return this.#stops.vectors.has(event.vector) && this.#stops.stopsAtException(event, cpu);
  }

  /** Breakpoints of the plan only bring it forward; any other stops. */
  #reachedBreakpoints(breakpoints: readonly Breakpoint[], cpu: number): 'again' | 'left' {
    const users = breakpoints.filter((breakpoint) => !isOfPlan(breakpoint));
    if (users.length > 0) return this.#stop({ kind: 'breakpoint', cpu, breakpoints: users });
    this.#passes(cpu);
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

  #wait({ ready, cpu }: Extract<RunResult, { reason: 'waiting' }>): 'left' {
    const ticket = ++this.#ticket;
    const current = (): boolean => this.#running && ticket === this.#ticket;
    ready.then(
      () => {
        if (!current()) return;
        this.#passes(cpu);
        this.#schedule(0);
      },
      (error: unknown) => {
        if (current()) this.#stop({ kind: 'failure', cpu, error });
      },
    );
    return 'left';
  }

  #stop(cause: StopCause): 'left' {
    this.#halt();
    this.#reported = { cpu: cause.cpu, address: this.#eipOf(cause.cpu) };
    this.#options.listener.stopped(cause);
    return 'left';
  }

  #halt(): void {
    this.#ticket++;
    this.#running = false;
    this.#unfinished = undefined;
    this.#plan?.dispose();
    this.#plan = undefined;
  }
}

const EFLAGS_IF = 1 << 9;

function interruptsEnabled(machine: Machine): boolean {
  return machine.cpus.some(({ state }) => (state.eflags & EFLAGS_IF) !== 0);
}
