/** One performance counter that is on: what it counts of each tick, and how far it is from its overflow (SDM vol. 3B §19.2.1.1). */
import { CYCLE, HARDWARE_INTERRUPT, NEVER } from './events.ts';

const USR = 1n << 16n;
const OS = 1n << 17n;
const EDGE = 1n << 18n;
const INT = 1n << 20n;
const INV = 1n << 23n;

/** How a counter is set up. */
export interface CounterSetting {
  readonly event: number;
  /** Slot of its value. */
  readonly value: number;
  /** Its bit in the registers that have one for each. */
  readonly bit: number;
  readonly user: boolean;
  readonly system: boolean;
  readonly interrupts: boolean;
  readonly edge?: boolean;
  readonly inverted?: boolean;
  /** Counts ticks with at least so many events; 0: counts events. */
  readonly threshold?: number;
}

/** The parts of an event select beside its event. */
export function settingOf(select: bigint): Omit<CounterSetting, 'event' | 'value' | 'bit'> {
  return {
    user: (select & USR) !== 0n,
    system: (select & OS) !== 0n,
    interrupts: (select & INT) !== 0n,
    edge: (select & EDGE) !== 0n,
    inverted: (select & INV) !== 0n,
    threshold: Number((select >> 24n) & 0xffn),
  };
}

export class Counter {
  readonly setting: CounterSetting;
  /** What is counted, or with `#isComplement` the ticks without it. */
  readonly event: number;
  readonly isEdge: boolean;
  /** Events until it overflows; at least 1. */
  remaining: number;
  readonly #isComplement: boolean;
  /** What the edge detection has seen in the last tick. */
  #wasMet = false;

  constructor(setting: CounterSetting, remaining: number) {
    const { event, threshold = 0, inverted = false } = setting;
    this.setting = setting;
    this.remaining = remaining;
    this.isEdge = setting.edge === true;
    // No tick has two events: a threshold of 2 is never met, and not meeting it always.
    const isBeyond = threshold > 1;
    this.event = isBeyond ? (inverted ? CYCLE : NEVER) : event;
    this.#isComplement = threshold === 1 && inverted;
  }

  /** It counts something that can happen. */
  get isLive(): boolean {
    return this.event !== NEVER || this.#isComplement;
  }

  /** Whether it takes more to count than ticks. */
  get needsNotes(): boolean {
    return this.event !== CYCLE && this.event !== HARDWARE_INTERRUPT && this.event !== NEVER;
  }

  /** What it counts of so many ticks; of one at most if it detects edges. */
  countOf(ticks: number, events: number): number {
    const count = this.#isComplement ? ticks - events : events;
    if (!this.isEdge) return count;
    const begins = count > 0 && !this.#wasMet;
    this.#wasMet = count > 0;
    return begins ? 1 : 0;
  }

  /** The processor is halted: no tick comes. */
  halted(): void {
    this.#wasMet = false;
  }
}
