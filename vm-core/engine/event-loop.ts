/**
 * What happens between the instructions of one vCPU (SDM vol. 3A §6.9): faults and traps on their way, interrupts, HLT, and
 * the stops that the embedder asked for. Which vCPU runs is the scheduler's business.
 */
import { EXIT, FAULT, GuestFault, VECTOR_DB, VECTOR_NMI, VECTOR_PF } from '../cpu/cpu.ts';
import { DR6_BS, reportDebugReasons } from '../cpu/debug-registers.ts';
import { recordOf } from '../cpu/exceptions.ts';
import type { CpuEvent } from '../cpu/interrupt-entry.ts';
import { isToldByLine } from '../cpu/x87-errors.ts';
import type { Breakpoint, RunOutcome } from '../machine/machine.ts';
import type { DeviceWait } from '../memory/access-log.ts';
import type { Address } from '../state/address.ts';
import { internal, slot } from '../state/layout.ts';
import { IF, RF, TF } from '../state/lazy-flags.ts';
import type { EmbedderBreakpoints } from './embedder-breakpoints.ts';
import type { EventSource } from './event-source.ts';
import { forgetGather, takeGatherTraps } from './gather-traps.ts';
import { PendingEvents } from './pending-events.ts';
import type { Processor } from './processor.ts';
import { initProcessor, startProcessor } from './processor-init.ts';
import { STATUS_HOOK } from './record.ts';
import { passesOverTrap } from './single-step.ts';

/** One execution is at most so long, so that counts stay small integers. */
const BUDGET_MAX = 1 << 24;

/** What the event loops of a machine's vCPUs share. */
export interface SharedByLoops {
  /** Virtual time in ticks, as of the last return to a loop. */
  time: number;
  /** Instructions that all vCPUs have retired. */
  retired: number;
  stopOnExceptions: ReadonlySet<number>;
  readonly source: EventSource;
  readonly breakpoints: EmbedderBreakpoints;
}

export class EventLoop {
  /** Instructions that this vCPU has retired. */
  retired = 0;
  readonly processor: Processor;
  readonly #processor: Processor;
  readonly #shared: SharedByLoops;
  /** Breakpoints that stop at the hook that was met last, found while the code still ran; taken by `#hook`. */
  #met: { readonly linear: Address; readonly breakpoints: readonly Breakpoint[] } | undefined;
  /** Linear address whose breakpoints were reported last and are passed over once; null for none. */
  #resumeAt: Address | null = null;
  /** Linear address whose hook has been served: execution begins behind it. */
  #passHookAt: Address | undefined;
  /** What `#resumeAt` was when the last run came back because an event waited for the host; the next run goes on. */
  #resumeAfterWait: Address | null | undefined;
  readonly #pending: PendingEvents;
  /** What a device has stopped in the middle: a delivery, or without an event the instruction at an address. */
  #stopped: { readonly wait: DeviceWait; readonly event: CpuEvent | undefined; readonly linear: Address } | undefined;

  /** Linear address of a breakpoint that was reported and at which the vCPU still is. */
  #reportedAt: Address | undefined;

  constructor(processor: Processor, shared: SharedByLoops) {
    this.processor = processor;
    this.#processor = processor;
    this.#shared = shared;
    this.#pending = new PendingEvents(processor.state, () => processor.interruptPending());
    processor.onHook = () => this.#passesHook();
  }

  /** The linear address of EIP if there are breakpoints to be passed over. */
  #breakpointHere(): Address | null {
    const linear = this.#processor.linearEip;
    const isThere = this.#shared.breakpoints.has(linear, this.#processor.physicalOf(linear));
    return isThere || this.#processor.breakpoints.metByExecution(linear) !== 0 ? linear : null;
  }

  #setResume(linear: Address | null): void {
    this.#resumeAt = linear;
    this.#processor.state.write32(internal.HOOKS_ASK, linear === null ? 0 : 1);
  }

  /** Forgets what was on its way; after RESET. */
  reset(): void {
    this.#processor.pendingFault = undefined;
    this.#processor.unsupportedText = undefined;
    this.#pending.reset();
    this.#passHookAt = undefined;
    this.#resumeAfterWait = undefined;
    this.#stopped = undefined;
    this.#reportedAt = undefined;
    this.#processor.unfinished.forget();
  }

  /** Nothing may come in from outside: an instruction or a delivery is in the middle. */
  get isInTheMiddle(): boolean {
    return this.#stopped !== undefined;
  }

  /** PAUSE has ended the turn of the vCPU. */
  get hasYielded(): boolean {
    return this.#processor.state.read32(internal.YIELDED) !== 0;
  }

  set hasYielded(yes: boolean) {
    this.#processor.state.write32(internal.YIELDED, yes ? 1 : 0);
  }

  /** True where a breakpoint was reported last and nothing was executed since. */
  get isAtReported(): boolean {
    return this.#reportedAt !== undefined && this.#reportedAt === this.#processor.linearEip;
  }

  /** A run begins. With `resumes`, what is reported before the first instruction was reported already. */
  begin(resumes: boolean): void {
    const continues = this.#stopped !== undefined;
    const passes = resumes && !continues && this.#resumeAfterWait === undefined;
    this.#setResume(this.#resumeAfterWait ?? (passes ? this.#breakpointHere() : null));
    this.#resumeAfterWait = undefined;
    this.#processor.passInterruptAt = resumes || continues ? this.#processor.linearEip : undefined;
  }

  /** A run is over: brings what is worked out on demand into registers. */
  end(): void {
    this.#pending.noteRequest();
    this.#processor.localApic.apic.note();
    this.#processor.counters.settle();
  }

  /** Goes on with what a device has stopped: a delivery is made here, an instruction is executed next. */
  goOn(): RunOutcome | undefined {
    const stopped = this.#stopped;
    if (!stopped) return undefined;
    const { wait, event, linear } = stopped;
    // An embedder that has moved EIP since does not want the rest of the instruction any more.
    const isGivenUp = !event && this.#processor.linearEip !== linear;
    const waits = !isGivenUp && this.#processor.unfinished.isWaiting;
    if (waits) return { reason: 'waiting', ready: wait.ready, access: wait.access };
    if (event || isGivenUp) this.#stopped = undefined;
    return event ? this.#enter(event) : undefined;
  }

  #waitForDevice(wait: DeviceWait, event: CpuEvent | undefined): RunOutcome {
    this.#stopped = { wait, event, linear: this.#processor.linearEip };
    return { reason: 'waiting', ready: wait.ready, access: wait.access };
  }

  /** The run comes back because an event waits for the host; the next one goes on as this one would. */
  keepResume(): void {
    this.#resumeAfterWait = this.#resumeAt;
  }

  /** What the embedder wants to stop for. */
  stopBetweenInstructions(): RunOutcome | undefined {
    const hits = this.#processor.watches.takeHits();
    if (hits.length > 0) return { reason: 'watchpoint', hits };
    const event = this.#processor.reports.take();
    if (event) return { reason: 'event', event };
    const { branches } = this.#processor;
    return branches.isReached ? { reason: 'branch', branch: branches.newest() } : undefined;
  }

  /**
   * Whether the vCPU has anything to do. INIT and start-up happen here; HLT ends when an interrupt can be taken, MWAIT by a
   * store, too.
   */
  isRunnable(): boolean {
    const { state } = this.#processor;
    if (this.#pending.isInitDue) initProcessor(this.#processor, () => this.reset());
    if (state.read8(slot.WAITS_FOR_STARTUP) !== 0) {
      if (state.read32(slot.STARTUP_PENDING) === 0) return false;
      startProcessor(this.#processor);
    }
    if (state.read8(slot.HALTED) === 0) return true;
    const { monitored, counters } = this.#processor;
    if (!this.#pending.endsHalt && monitored?.isStoredTo !== true) {
      counters.halted();
      return false;
    }
    state.write8(slot.HALTED, 0);
    monitored?.disarm();
    return true;
  }

  /** Delivers at most one event of each class, in the order of their priority. */
  deliverEvents(): RunOutcome | undefined {
    const processor = this.#processor;
    const pending = this.#pending;
    const exception = pending.takeException(processor);
    const failed = exception && this.#deliver(exception);
    if (failed || processor.branches.isReached) return failed;
    if (pending.isTrapDue()) {
      const stopped = this.#debugTrap(processor.breakpoints.pending);
      if (stopped || processor.branches.isReached) return stopped;
    }
    if (pending.takeNmi()) {
      const result = this.#deliver({ vector: VECTOR_NMI, errorCode: undefined, kind: 'external', nonMaskable: true });
      if (result || processor.branches.isReached) return result;
    }
    if (pending.isInterruptDue()) {
      return this.#deliver({ vector: processor.acknowledgeInterrupt(), errorCode: undefined, kind: 'external' });
    }
    return undefined;
  }

  #debugTrap(reasons: number): RunOutcome | undefined {
    this.#processor.breakpoints.pending = 0;
    reportDebugReasons(this.#processor.state, reasons);
    return this.#fault(new GuestFault(VECTOR_DB));
  }

  /** A fault or trap of the guest: shown first if the embedder asked for its vector. */
  #fault(fault: GuestFault): RunOutcome | undefined {
    const event: CpuEvent = { vector: fault.vector, errorCode: fault.errorCode, kind: 'exception' };
    if (!this.#shared.stopOnExceptions.has(fault.vector)) return this.#deliver(event);
    this.#pending.show(fault, this.#processor.linearEip);
    return { reason: 'exception', event: recordOf(this.#processor, event) };
  }

  /** A delivery takes a tick, so that timers go on while a guest does nothing but fault. */
  #deliver(event: CpuEvent): RunOutcome | undefined {
    this.#shared.time++;
    this.#processor.counters.delivers(event.kind === 'external');
    if (event.kind !== 'software') this.#processor.trace.interrupted(event.kind, event.vector);
    return this.#enter(event);
  }

  #enter(event: CpuEvent): RunOutcome | undefined {
    this.#processor.branches.leaves();
    const delivery = this.#processor.deliver(event);
    this.#processor.refresh();
    if (!delivery) return this.#notDelivered(event);
    if (delivery.kind === 'triple-fault') return { reason: 'triple-fault', chain: delivery.chain };
    const source = event.kind;
    if (source !== 'software') this.#processor.branches.entered(source, event.vector);
    this.#processor.reports.report(() => ({ kind: 'interrupt', vector: event.vector, source }));
    return undefined;
  }

  #notDelivered(event: CpuEvent): RunOutcome {
    const wait = this.#processor.unfinished.takeWait();
    return wait ? this.#waitForDevice(wait, event) : this.#unsupported();
  }

  #reportHalt(): void {
    const interruptsEnabled = (this.#processor.state.read32(slot.EFLAGS) & IF) !== 0;
    this.#processor.reports.report(() => ({ kind: 'halt', interruptsEnabled }));
  }

  #unsupported(): RunOutcome {
    const what = this.#processor.unsupportedText ?? 'an unknown feature';
    this.#processor.unsupportedText = undefined;
    return { reason: 'unsupported', what };
  }

  /** Executes so many instructions at most. */
  execute(room: number): RunOutcome | undefined {
    const processor = this.#processor;
    const { state } = processor;
    const flags = state.read32(slot.EFLAGS);
    const shadow = state.read8(slot.INTERRUPT_SHADOW) !== 0;
    const stepping = (flags & TF) !== 0;
    const untilEvent = Math.max(this.#shared.source.events.nextDeadline() - this.#shared.time, 1);
    const single = shadow || stepping || (flags & RF) !== 0;
    const continues = this.#stopped !== undefined;
    this.#stopped = undefined;
    const budget = single || continues ? 1 : Math.min(room, untilEvent, processor.counters.budget, BUDGET_MAX);
    const passesHere = this.#passHookAt !== undefined && this.#passHookAt === processor.linearEip;
    this.#passHookAt = undefined;
    if (stepping) processor.setSingleStep(true);
    if (stepping) processor.branches.stepBegins();
    state.write32(internal.INTERRUPTS_HEARD, processor.reports.onEvent ? 1 : 0);
    state.write32(internal.FAULTS_HEARD, this.#hearsFaults ? 1 : 0);
    const status = processor.execute(budget, continues || passesHere, continues);
    if (stepping) processor.setSingleStep(false);
    const executed = this.#count();
    if (executed > 0) this.#reportedAt = undefined;
    if ((status & EXIT) !== 0 || status === FAULT) processor.refresh();
    if (executed > 0 && single) this.#instructionDone(shadow, (flags & RF) !== 0);
    if (state.read8(slot.HALTED) !== 0) this.#reportHalt();
    if (status === STATUS_HOOK) return this.#hook();
    if (status === FAULT || this.#processor.pendingFault) return this.#faulted();
    if (stepping && executed > 0 && !passesOverTrap(processor))
      return this.#debugTrap(processor.breakpoints.pending | DR6_BS);
    return undefined;
  }

  /** Whether page faults are somebody's business besides the guest's. */
  get #hearsFaults(): boolean {
    const { reports, trace, counters } = this.#processor;
    const isHeard = reports.onEvent !== undefined || trace.isOn || counters.isOn;
    return isHeard || this.#shared.stopOnExceptions.has(VECTOR_PF);
  }

  /** Counts what was executed since the last count. */
  #count(): number {
    const executed = this.#processor.executed();
    const ticks = this.#processor.ticks();
    this.#processor.counters.executionEnded();
    this.#processor.endExecution();
    this.retired += executed;
    this.#shared.retired += executed;
    this.#shared.time += ticks;
    return executed;
  }

  /** STI's and MOV SS's hold on interrupts, and RF, are over after one instruction. */
  #instructionDone(shadow: boolean, resumeFlag: boolean): void {
    const { state } = this.#processor;
    if (shadow) state.write8(slot.INTERRUPT_SHADOW, 0);
    // An IRET may have loaded RF for the instruction it returns to.
    const loadsFlags = this.#processor.lastBlockRowName() === 'IRET';
    if (resumeFlag && !loadsFlags) state.write32(slot.EFLAGS, state.read32(slot.EFLAGS) & ~RF);
  }

  #faulted(): RunOutcome | undefined {
    const fault = this.#processor.pendingFault;
    this.#processor.pendingFault = undefined;
    const wait = this.#processor.unfinished.takeWait();
    if (wait) {
      forgetGather(this.#processor.state);
      return this.#waitForDevice(wait, undefined);
    }
    const traps = takeGatherTraps(this.#processor.state, this.#processor.breakpoints.pending);
    if (!fault) return this.#processor.unsupportedText === undefined ? undefined : this.#unsupported();
    if (traps !== 0) return this.#debugTrap(traps);
    return isToldByLine(this.#processor.state, fault) ? this.#tellFloatError() : this.#fault(fault);
  }

  /** The instruction is tried again until an interrupt is taken or the error is ignored; that takes time. */
  #tellFloatError(): undefined {
    this.#shared.time++;
    this.#processor.counters.delivers(false);
    this.#shared.source.raiseFloatError?.();
  }

  /**
   * Asked while code runs: true if all there is at a hook are breakpoints and none of them stops. A condition in a hot
   * loop does not hold millions of times a second, so nothing is allocated here and the code is not left.
   */
  #passesHook(): boolean {
    const processor = this.#processor;
    const linear = processor.linearEip;
    if (this.#resumeAt === linear) return false;
    const shadow = processor.state.read8(slot.INTERRUPT_SHADOW);
    this.#count();
    const physical = processor.physicalOf(linear);
    const breakpoints = this.#shared.breakpoints.met(linear, physical, processor.index);
    const passes =
      breakpoints.length === 0 &&
      processor.linearEip === linear &&
      processor.breakpoints.metByExecution(linear) === 0 &&
      !this.#shared.source.hasFirmwareHook(physical);
    // The breakpoints have taken effect and must not be asked again, whatever else ends the execution here.
    if (!passes || processor.exitRequested) this.#met = { linear, breakpoints };
    else processor.state.write8(slot.INTERRUPT_SHADOW, shadow);
    return passes;
  }

  /** A hook was met: breakpoints of the embedder, then those of the debug registers, then firmware. */
  #hook(): RunOutcome | undefined {
    const processor = this.#processor;
    const met = this.#met;
    this.#met = undefined;
    const linear = processor.linearEip;
    if (this.#resumeAt === linear) this.#setResume(null);
    else if (met) {
      if (met.breakpoints.length > 0) {
        this.#reportedAt = linear;
        return { reason: 'breakpoint', breakpoints: met.breakpoints };
      }
      if (linear !== met.linear) return undefined;
    }
    const reasons = processor.breakpoints.metByExecution(linear);
    if (reasons !== 0 && (processor.state.read32(slot.EFLAGS) & RF) === 0) return this.#debugTrap(reasons);
    const ready = this.#shared.source.firmwareHook(processor.physicalOf(linear));
    if (ready) {
      this.#setResume(linear);
      return { reason: 'waiting', ready };
    }
    processor.refresh();
    if (processor.linearEip === linear) this.#passHookAt = linear;
    return undefined;
  }
}
