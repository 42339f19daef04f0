/**
 * A crystal derived from virtual time. Everything is integer arithmetic on absolute times, so a clock that is asked
 * after a week of guest time is exactly as right as one that was asked at every tick.
 */

/** Both directions between virtual time (ticks) and cycles of one device's clock, both counted from power-on. */
export interface DeviceClock {
  /** Whole cycles that have passed at `time`. */
  cyclesAt(time: number): number;
  /** The first tick at which `cycle` cycles have passed. */
  timeOf(cycle: number): number;
}

/** `frequency` is in cycles per second of guest time; a tick must be shorter than half a cycle, or pulses would be lost. */
export function createDeviceClock(frequency: number, ticksPerSecond: number): DeviceClock {
  // One second is the unit that both sides share exactly; inside it the products must stay exact.
  if (!Number.isSafeInteger(frequency * ticksPerSecond) || frequency < 1 || ticksPerSecond < 2 * frequency) {
    throw new Error(`a clock of ${frequency} Hz cannot be derived from ${ticksPerSecond} ticks per second`);
  }
  return {
    cyclesAt: (time) => scale(time, frequency, ticksPerSecond),
    timeOf: (cycle) => 0 - scale(-cycle, ticksPerSecond, frequency),
  };
}

/** The floor of `value * to / from`, exact while the result is a safe integer. */
function scale(value: number, to: number, from: number): number {
  const seconds = Math.floor(value / from);
  const product = (value - seconds * from) * to;
  const remainder = product % from;
  return seconds * to + (product - remainder) / from;
}
