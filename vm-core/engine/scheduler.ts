/**
 * Runs the vCPUs of a machine in turn on one thread: due timers, whose turn it is, how long a run goes on. A turn ends at
 * HLT, at PAUSE, and after a quantum of virtual time, which is the sum of what all vCPUs retire: the same guest with the
 * same input runs the same, however often it was stopped in between.
 */
import type { Breakpoint, BreakpointFilter, RunLimit, RunOutcome } from '../machine/machine.ts';
import { EXIT } from '../cpu/cpu.ts';
import { internal } from '../state/layout.ts';
import type { Address } from '../state/address.ts';
import { EmbedderBreakpoints } from './embedder-breakpoints.ts';
import { EventLoop, type SharedByLoops } from './event-loop.ts';
import type { EventSource } from './event-source.ts';
import type { Processor } from './processor.ts';

/**
 * Ticks of a turn. Measured: turns of 500 cost 7 % of the speed of four busy vCPUs, from 2,000 on the difference is lost in
 * the noise; short ones let messages arrive sooner.
 */
const QUANTUM = 5_000;
/** HLT may skip to so many timer events in one run; a guest that nothing wakes must not keep the run from returning. */
const IDLE_EVENTS_MAX = 4096;
/** So many executions in a row may retire nothing: a handler that itself faults at once would go on for ever. */
const FRUITLESS_MAX = 4096;
/** A run that counts the instructions of one vCPU comes back after so many of the others, slow ones included within a second. */
const OTHERS_MAX = 20_000;

export class Scheduler {
  readonly #processors: readonly Processor[];
  readonly #loops: readonly EventLoop[];
  readonly #shared: SharedByLoops;
  #current: EventLoop;
  /** Virtual time at which the turn of the current vCPU is over. */
  #turnEnd: number;
  #stopRequested = false;
  /** Index of the vCPU that the last run's result is about. */
  about = 0;

  constructor(processors: readonly Processor[], source: EventSource) {
    const breakpoints = new EmbedderBreakpoints();
    this.#processors = processors;
    this.#shared = { time: 0, retired: 0, stopOnExceptions: new Set(), source, breakpoints };
    this.#loops = processors.map((processor) => new EventLoop(processor, this.#shared));
    if (processors.length > 1) for (const { state } of processors) state.write32(internal.YIELDS, EXIT);
    this.#current = this.#loopOf(0);
    this.#turnEnd = this.#nextTurnEnd();
    this.#current.processor.code.filterAt = (linear, physical) => this.#filterAt(linear, physical);
    source.events.onSooner = () => this.running.requestExit();
  }

  /** Virtual time in ticks, as of the last return from generated code. */
  get time(): number {
    return this.#shared.time;
  }

  /** Instructions retired since power-on. */
  get retired(): number {
    return this.#shared.retired;
  }

  get stopOnExceptions(): ReadonlySet<number> {
    return this.#shared.stopOnExceptions;
  }

  set stopOnExceptions(vectors: ReadonlySet<number>) {
    this.#shared.stopOnExceptions = vectors;
  }

  /** The vCPU whose turn it is. */
  get running(): Processor {
    return this.#current.processor;
  }

  /** Nothing may come in from outside: an instruction or a delivery is in the middle. */
  get isInTheMiddle(): boolean {
    return this.#current.isInTheMiddle;
  }

  /** Instructions that one vCPU has retired. */
  retiredBy(index: number): number {
    return this.#loopOf(index).retired;
  }

  stop(): void {
    this.#stopRequested = true;
    this.running.requestExit();
  }

  addBreakpoint(breakpoint: Breakpoint): void {
    if (this.#shared.breakpoints.add(breakpoint)) this.running.invalidateCodeAt(breakpoint.space, breakpoint.address);
  }

  removeBreakpoint(breakpoint: Breakpoint): void {
    this.#shared.breakpoints.remove(breakpoint);
    this.running.invalidateCodeAt(breakpoint.space, breakpoint.address);
  }

  /** True where execution must stop to ask: a breakpoint of the embedder or of debug registers. */
  hasBreakpoint(linear: Address, physical: number): boolean {
    return this.#shared.breakpoints.has(linear, physical) || this.#hasHardwareBreakpoint(linear);
  }

  #hasHardwareBreakpoint(linear: Address): boolean {
    for (const { breakpoints } of this.#processors) if (breakpoints.metByExecution(linear) !== 0) return true;
    return false;
  }

  /** Of a breakpoint that is alone at a place. */
  #filterAt(linear: Address, physical: number): BreakpointFilter | undefined {
    const isAsked = this.#shared.source.hasFirmwareHook(physical) || this.#hasHardwareBreakpoint(linear);
    return isAsked ? undefined : this.#shared.breakpoints.filterAt(linear, physical);
  }

  /** Forgets what was on its way; after RESET. The first vCPU begins. */
  reset(): void {
    for (const loop of this.#loops) loop.reset();
    this.#current = this.#loopOf(0);
    this.#turnEnd = this.#nextTurnEnd();
  }

  run(limit: RunLimit): RunOutcome {
    // The embedder may have written registers.
    for (const processor of this.#processors) processor.refresh();
    this.#stopRequested = false;
    const outcome = limit.onlyCpu === undefined ? this.#run(limit) : this.#runOnly(limit, this.#loopOf(limit.onlyCpu));
    for (const loop of this.#loops) loop.end();
    return outcome;
  }

  /** The others stand still, and whose turn it was goes on with it afterwards. */
  #runOnly(limit: RunLimit, loop: EventLoop): RunOutcome {
    const current = this.#current;
    if (current === loop) return this.#run(limit);
    if (current.isInTheMiddle) {
      const rest = this.#run({ instructionsMax: 1, onlyCpu: current.processor.index });
      if (rest.reason !== 'limit') return rest;
    }
    const before = this.time;
    this.#current = loop;
    const outcome = this.#run(limit);
    if (loop.isInTheMiddle) return outcome;
    this.#current = current;
    this.#turnEnd += this.time - before;
    return outcome;
  }

  #run(limit: RunLimit): RunOutcome {
    const shared = this.#shared;
    const chosen = limit.onlyCpu ?? limit.ofCpu;
    const counted = chosen === undefined ? shared : this.#loopOf(chosen);
    const start = counted.retired;
    const end = start + limit.instructionsMax;
    const endOfAll = counted === shared ? end : shared.retired + limit.instructionsMax + OTHERS_MAX;
    this.about = chosen ?? this.running.index;
    this.#begin(limit);
    const waits = this.#current.goOn();
    if (waits) return this.#isAbout(waits);
    let fruitless = 0;
    for (let idleEvents = 0; ; ) {
      if (!this.#current.isInTheMiddle) {
        const ready = shared.source.events.runDue(shared.time);
        if (ready) return this.#waitForEvent(ready, counted.retired > start && counted.retired >= end);
        const stop = this.#stopBetweenInstructions();
        if (stop) return this.#isAbout(stop);
        if (!this.#hasTurn(limit)) {
          if (this.#passOn(limit)) continue;
          const idle = this.#idle(limit, idleEvents++);
          if (idle) return idle;
          continue;
        }
        const failed = this.#current.deliverEvents();
        if (failed) return this.#isAbout(failed);
        if (this.running.branches.isReached) continue;
        if (this.#isLate(limit) && fruitless++ <= FRUITLESS_MAX) continue;
      }
      // Without an instruction, what is pending for the chosen vCPU is delivered in its turn.
      const isTurn = chosen === undefined || limit.instructionsMax > 0 || counted === this.#current;
      if (counted.retired >= end && isTurn) return this.#limit(chosen);
      if (shared.retired >= endOfAll) return this.#limit(undefined);
      const before = shared.retired;
      const room = counted === this.#current ? end - counted.retired : endOfAll - shared.retired;
      const result = this.#current.execute(Math.min(room, Math.max(this.#turnEnd - shared.time, 1)));
      if (result) return this.#isAbout(result);
      fruitless = shared.retired > before ? 0 : fruitless + 1;
      if (fruitless > FRUITLESS_MAX) return this.#limit(undefined);
    }
  }

  /** A delivery takes a tick: behind it a timer may be due, or the turn over, before the next instruction. */
  #isLate({ onlyCpu }: RunLimit): boolean {
    const { time, source } = this.#shared;
    return time >= source.events.nextDeadline() || (onlyCpu === undefined && time >= this.#turnEnd);
  }

  #begin({ resume, ofCpu, onlyCpu, untilBranch }: RunLimit): void {
    const chosen = onlyCpu ?? ofCpu;
    for (const loop of this.#loops) {
      const { index, branches } = loop.processor;
      branches.runBegins(untilBranch === true && (chosen ?? index) === index);
      const isMeant = loop === this.#current || index === chosen || loop.isAtReported;
      loop.begin(typeof resume === 'object' ? resume.includes(index) : resume === true && isMeant);
    }
  }

  #isAbout(outcome: RunOutcome): RunOutcome {
    this.about = this.running.index;
    return outcome;
  }

  /** About the vCPU whose instructions were counted, and are done, or about that whose turn it is. */
  #limit(chosen: number | undefined): RunOutcome {
    this.about = chosen ?? this.running.index;
    return { reason: 'limit' };
  }

  /** Nothing may happen before the event that waits. A run that has done its work leaves the waiting to the next. */
  #waitForEvent(ready: Promise<void>, isDone: boolean): RunOutcome {
    if (isDone) {
      // The next run asks again and reports what it is told.
      ready.catch(() => {});
      return { reason: 'limit' };
    }
    for (const loop of this.#loops) loop.keepResume();
    return { reason: 'waiting', ready };
  }

  #stopBetweenInstructions(): RunOutcome | undefined {
    const request = this.#shared.source.takeRequest();
    if (request) return { reason: 'request', request };
    const stop = this.#current.stopBetweenInstructions();
    if (stop) return stop;
    if (!this.#stopRequested) return undefined;
    this.#stopRequested = false;
    return { reason: 'stopped' };
  }

  #hasTurn({ onlyCpu }: RunLimit): boolean {
    const loop = this.#current;
    const isOver = onlyCpu === undefined && (this.#shared.time >= this.#turnEnd || loop.hasYielded);
    return !isOver && loop.isRunnable();
  }

  /** The next vCPU in the round that has something to do gets a turn; false if there is none. */
  #passOn({ onlyCpu }: RunLimit): boolean {
    if (onlyCpu !== undefined) return false;
    const loops = this.#loops;
    const { index } = this.running;
    for (let distance = 1; distance <= loops.length; distance++) {
      const loop = loops[(index + distance) % loops.length] as EventLoop;
      if (!loop.isRunnable()) continue;
      loop.hasYielded = false;
      this.#current = loop;
      this.#turnEnd = this.#nextTurnEnd();
      return true;
    }
    return false;
  }

  #nextTurnEnd(): number {
    return this.#loops.length === 1 ? Number.POSITIVE_INFINITY : this.time + QUANTUM;
  }

  /** Skips virtual time to the next event. */
  #idle(limit: RunLimit, idleEvents: number): RunOutcome | undefined {
    const shared = this.#shared;
    const next = shared.source.events.nextDeadline();
    if (next === Number.POSITIVE_INFINITY) return { reason: 'halted', nextEvent: undefined };
    if (next > (limit.timeMax ?? Number.POSITIVE_INFINITY)) return { reason: 'halted', nextEvent: next };
    if (idleEvents >= IDLE_EVENTS_MAX) return { reason: 'limit' };
    shared.time = Math.max(shared.time, next);
    return undefined;
  }

  #loopOf(index: number): EventLoop {
    const loop = this.#loops[index];
    if (!loop) throw new Error(`there is no vCPU ${index}`);
    return loop;
  }
}
