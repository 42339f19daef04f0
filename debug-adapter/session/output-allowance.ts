/**
 * How much output a client is trusted to show in a second. VS Code queues its other events behind output, so a guest, or a
 * log point in a loop, must not be able to send without end.
 */

/** In characters. */
const ALLOWANCE_MAX = 65_536;
const ALLOWANCE_PER_MS = 32;
/** What an event costs besides its characters. */
const EVENT_COST = 256;

export class OutputAllowance {
  readonly #now: () => number;
  #left = ALLOWANCE_MAX;
  #refilledMs: number;

  /** `now` gives monotonic milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
    this.#refilledMs = now();
  }

  /** True if an event with so many characters may be sent now. */
  suffices(length: number): boolean {
    const nowMs = this.#now();
    this.#left = Math.min(ALLOWANCE_MAX, this.#left + (nowMs - this.#refilledMs) * ALLOWANCE_PER_MS);
    this.#refilledMs = nowMs;
    return length + EVENT_COST <= this.#left;
  }

  /** An event was sent. */
  spend(length: number): void {
    this.#left -= length + EVENT_COST;
  }
}
