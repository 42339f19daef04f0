/**
 * The timer of the local APIC (SDM vol. 3A §11.5.4): it counts virtual time, one tick each cycle of its clock. While its
 * interrupt is masked it is not in the event queue: the count is worked out when somebody reads it.
 */
import type { Timer } from '../../devices/device.ts';
import { LVT_MASKED } from '../../state/apic-table.ts';
import type { CpuState } from '../../state/cpu-state.ts';
import { apicSlot, slot } from '../../state/layout.ts';

const MODE_SHIFT = 17;
const ONE_SHOT = 0;
const PERIODIC = 1;
const DEADLINE = 2;
/** What `APIC_TIMER_START` holds while the timer stands. */
const STOPPED = 0xffff_ffff_ffff_ffffn;

/** Makes a timer of the event queue. */
export type TimerMaker = (name: string, callback: () => void) => Timer;

export class ApicTimer {
  readonly #state: CpuState;
  readonly #now: () => number;
  readonly #event: Timer;

  /** `expired` is called when the interrupt is due. */
  constructor(state: CpuState, now: () => number, timer: TimerMaker, expired: () => void) {
    this.#state = state;
    this.#now = now;
    this.#event = timer('apic-timer', () => {
      this.#goOff();
      expired();
    });
  }

  get isDeadlineMode(): boolean {
    return this.#mode === DEADLINE;
  }

  /** The current count. */
  get count(): number {
    const start = this.#start;
    const initial = this.#initial;
    if (start === undefined || initial === 0) return 0;
    const elapsed = Math.floor((this.#now() - start) / this.#divisor);
    if (this.#mode === PERIODIC) return initial - (elapsed % initial);
    return Math.max(initial - elapsed, 0);
  }

  /** A write of the initial count starts it anew; zero stops it. */
  setInitial(value: number): void {
    if (this.#mode === DEADLINE) return;
    this.#state.write32(apicSlot.TIMER_INITIAL, value);
    this.#setStart(value === 0 ? undefined : this.#now());
    this.arm();
  }

  /** The count goes on from where it is. */
  setDivide(value: number): void {
    const done = this.#initial - this.count;
    this.#state.write32(apicSlot.TIMER_DIVIDE, value);
    if (this.#start !== undefined) this.#setStart(this.#now() - done * this.#divisor);
    this.arm();
  }

  /** A write of the LVT entry. Going into or out of TSC-deadline mode stops the timer. */
  setEntry(value: number): void {
    const before = this.#mode;
    const isOver = this.count === 0;
    this.settleDeadline();
    this.#state.write32(apicSlot.LVT_TIMER, value);
    const after = this.#mode;
    if (before !== after && (isOver || before === DEADLINE || after === DEADLINE)) this.#setStart(undefined);
    if (before !== after && after !== DEADLINE) this.#state.write64(slot.TSC_DEADLINE, 0n);
    this.arm();
  }

  /** Puts the next interrupt into the event queue, or takes it out; called when what it depends on has changed. */
  arm(): void {
    const at = this.#isMasked ? undefined : this.#mode === DEADLINE ? this.#deadline() : this.#nextZero();
    if (at === undefined || !Number.isSafeInteger(at)) this.#event.cancel();
    else this.#event.arm(at);
  }

  /** A deadline that has passed while the interrupt was masked is over. */
  settleDeadline(): void {
    if (this.#isMasked && this.#state.read64(slot.TSC_DEADLINE) <= this.#counter) {
      this.#state.write64(slot.TSC_DEADLINE, 0n);
    }
  }

  get #isMasked(): boolean {
    return (this.#state.read32(apicSlot.LVT_TIMER) & LVT_MASKED) !== 0;
  }

  get #mode(): number {
    return (this.#state.read32(apicSlot.LVT_TIMER) >>> MODE_SHIFT) & 3;
  }

  get #initial(): number {
    return this.#state.read32(apicSlot.TIMER_INITIAL);
  }

  get #divisor(): number {
    const code = this.#state.read32(apicSlot.TIMER_DIVIDE);
    return 1 << (((code & 3) + ((code >>> 1) & 4) + 1) & 7);
  }

  get #start(): number | undefined {
    const value = this.#state.read64(apicSlot.TIMER_START);
    return value === STOPPED ? undefined : Number(BigInt.asIntN(64, value));
  }

  #setStart(time: number | undefined): void {
    this.#state.write64(apicSlot.TIMER_START, time === undefined ? STOPPED : BigInt(time));
  }

  #nextZero(): number | undefined {
    const start = this.#start;
    const period = this.#initial * this.#divisor;
    if (start === undefined || period === 0) return undefined;
    const elapsed = this.#now() - start;
    if (this.#mode === PERIODIC) return start + (Math.floor(elapsed / period) + 1) * period;
    return elapsed < period ? start + period : undefined;
  }

  /** The tick at which the time-stamp counter reaches the deadline; undefined if that is beyond all time. */
  #deadline(): number | undefined {
    const deadline = this.#state.read64(slot.TSC_DEADLINE);
    if (deadline === 0n) return undefined;
    const now = this.#now();
    return deadline <= this.#counter ? now : now + Number(deadline - this.#counter);
  }

  get #counter(): bigint {
    return BigInt.asUintN(64, this.#state.read64(slot.TIME_STAMP_OFFSET) + BigInt(this.#now()));
  }

  #goOff(): void {
    if (this.#mode === ONE_SHOT) this.#setStart(undefined);
    else if (this.#mode === DEADLINE) this.#state.write64(slot.TSC_DEADLINE, 0n);
    this.arm();
  }
}
