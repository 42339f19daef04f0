/**
 * One counter of the Intel 8254 (data sheet 231164-005), worked out from the clock cycle instead of being stepped: its
 * output and its count are functions of how many cycles have passed since the count was loaded, so an idle counter costs
 * nothing and never drifts. Cycles are of the counter's CLK input, counted from power-on. Every function but the two
 * writers expects a counter that `synchronize` has brought up to the cycle.
 */

/** State of one counter. */
export type CounterState = {
  /** Bits 0–5 of the control word: BCD, mode (3 bits), access (1 low byte, 2 high byte, 3 both). */
  control: number;
  gate: boolean;
  /**
   * `empty`: nothing to count since the control word. `armed`: modes 1 and 5 wait for the gate. `counting`: since
   * `start`. `held`: the gate is low; `elapsed` cycles had passed.
   */
  phase: 'empty' | 'armed' | 'counting' | 'held';
  /** The cycle at which the counting element held `count`. */
  start: number;
  elapsed: number;
  /** The count in use, 1…65,536 (1…10,000 in BCD). */
  count: number;
  /** The count written last: what the next load takes. */
  written: number;
  /** The cycle of the next load, or -1 when none is due. */
  loadAt: number;
  /** Status bit NULL COUNT: `written` has not reached the counting element. */
  nullCount: boolean;
  /** The low byte of a count in two parts, while its high byte is awaited; otherwise -1. */
  lowByte: number;
  /** The next read gives the high byte. */
  readHigh: boolean;
  /** Latched count and status, or -1. */
  countLatch: number;
  statusLatch: number;
};

/** A counter as at power-on: mode 0 without a count. Real ones are undefined until the first control word. */
export const POWER_ON_COUNTER: CounterState = {
  control: 0x30,
  gate: true,
  phase: 'empty',
  start: 0,
  elapsed: 0,
  count: 0x10000,
  written: 0x10000,
  loadAt: -1,
  nullCount: true,
  lowByte: -1,
  readHigh: false,
  countLatch: -1,
  statusLatch: -1,
};

const ACCESS_LOW = 1;
const ACCESS_HIGH = 2;
const ACCESS_BOTH = 3;

/** The mode, 0–5; 6 and 7 are second names of 2 and 3. */
export function modeOf(counter: CounterState): number {
  const mode = (counter.control >> 1) & 7;
  return mode > 5 ? mode - 4 : mode;
}

function accessOf(counter: CounterState): number {
  return (counter.control >> 4) & 3;
}

function isBcd(counter: CounterState): boolean {
  return (counter.control & 1) === 1;
}

/** How many different counts there are: where a counter that is not reloaded wraps. */
function modulusOf(counter: CounterState): number {
  return isBcd(counter) ? 10_000 : 0x10000;
}

function isPeriodic(counter: CounterState): boolean {
  const mode = modeOf(counter);
  return mode === 2 || mode === 3;
}

function isTriggeredByGate(counter: CounterState): boolean {
  const mode = modeOf(counter);
  return mode === 1 || mode === 5;
}

/** Mode 3: cycles of the high half; the low half has the rest. */
function highHalf(count: number): number {
  return (count + 1) >> 1;
}

function elapsedAt(counter: CounterState, cycle: number): number {
  return counter.phase === 'held' ? counter.elapsed : cycle - counter.start;
}

/** Brings the state up to `cycle`: carries out the load that was due. */
export function synchronize(counter: CounterState, cycle: number): void {
  const { loadAt } = counter;
  if (loadAt < 0 || cycle < loadAt) return;
  // A new count for mode 3 may start with the low half: then the high half is imagined to lie before it.
  const inPeriod = isPeriodic(counter) && counter.phase === 'counting' ? (loadAt - counter.start) % counter.count : 0;
  counter.start = inPeriod === 0 ? loadAt : loadAt - highHalf(counter.written);
  counter.count = counter.written;
  counter.nullCount = false;
  counter.loadAt = -1;
  counter.elapsed = 0;
  counter.phase = counter.gate || isTriggeredByGate(counter) ? 'counting' : 'held';
}

/** The level of OUT. */
export function outputAt(counter: CounterState, cycle: number): boolean {
  const { phase, count } = counter;
  const elapsed = elapsedAt(counter, cycle);
  switch (modeOf(counter)) {
    case 0:
      return phase !== 'empty' && elapsed >= count;
    case 1:
      return phase !== 'counting' || elapsed >= count;
    case 2:
      return phase !== 'counting' || count === 1 || elapsed % count !== count - 1;
    case 3:
      return phase !== 'counting' || elapsed % count < highHalf(count);
    default:
      return phase !== 'counting' || elapsed !== count;
  }
}

/** The next cycle after `cycle` at which OUT may change or a load is due; Infinity if none will come by itself. */
export function nextEdge(counter: CounterState, cycle: number): number {
  const edge = counter.phase === 'counting' ? nextCountEdge(counter, cycle) : Number.POSITIVE_INFINITY;
  return counter.loadAt > cycle ? Math.min(edge, counter.loadAt) : edge;
}

function nextCountEdge(counter: CounterState, cycle: number): number {
  const { start, count } = counter;
  const elapsed = cycle - start;
  const mode = modeOf(counter);
  if (isPeriodic(counter)) {
    if (count === 1) return Number.POSITIVE_INFINITY;
    const position = elapsed % count;
    const change = mode === 2 ? count - 1 : highHalf(count);
    return cycle - position + (position < change ? change : count);
  }
  if (elapsed < count) return start + count;
  return mode >= 4 && elapsed === count ? start + count + 1 : Number.POSITIVE_INFINITY;
}

/** The count as 16 bits, in BCD if the counter counts so. */
export function countAt(counter: CounterState, cycle: number): number {
  const value = binaryCountAt(counter, cycle);
  return isBcd(counter) ? toBcd(value) : value;
}

function binaryCountAt(counter: CounterState, cycle: number): number {
  const { phase, count } = counter;
  const modulus = modulusOf(counter);
  if (phase === 'empty' || phase === 'armed') {
    // A real port takes longer to read than the cycle after which a count is loaded, so nobody reads what was there before.
    return (counter.loadAt < 0 ? count : counter.written) % modulus;
  }
  const elapsed = elapsedAt(counter, cycle);
  if (!isPeriodic(counter)) return (modulus + ((count - elapsed) % modulus)) % modulus;
  const position = elapsed % count;
  if (modeOf(counter) === 2) return (count - position) % modulus;
  // Mode 3 counts down by two in each half, from the even number below.
  const inHalf = position < highHalf(count) ? position : position - highHalf(count);
  return ((count & ~1) - 2 * inHalf) % modulus;
}

/** The status byte of the read-back command. */
export function statusAt(counter: CounterState, cycle: number): number {
  return (outputAt(counter, cycle) ? 0x80 : 0) | (counter.nullCount ? 0x40 : 0) | counter.control;
}

/** Writes a control word for this counter (not a latch or read-back command). */
export function writeControl(counter: CounterState, control: number): void {
  Object.assign(counter, { ...POWER_ON_COUNTER, control: control & 0x3f, gate: counter.gate });
}

/** Writes one byte of a count. */
export function writeCount(counter: CounterState, cycle: number, byte: number): void {
  const access = accessOf(counter);
  if (access === ACCESS_BOTH && counter.lowByte < 0) {
    counter.lowByte = byte;
    if (modeOf(counter) === 0) {
      counter.phase = 'empty';
      counter.loadAt = -1;
    }
    return;
  }
  const raw = access === ACCESS_LOW ? byte : (byte << 8) | (access === ACCESS_BOTH ? counter.lowByte : 0);
  counter.lowByte = -1;
  counter.written = (isBcd(counter) ? fromBcd(raw) : raw) || modulusOf(counter);
  counter.nullCount = true;
  scheduleLoad(counter, cycle);
}

/** When a count that was just written reaches the counting element. */
function scheduleLoad(counter: CounterState, cycle: number): void {
  if (isTriggeredByGate(counter)) {
    if (counter.phase === 'empty') counter.phase = 'armed';
    return;
  }
  if (isPeriodic(counter) && counter.phase === 'counting') {
    const position = (cycle - counter.start) % counter.count;
    const half = modeOf(counter) === 3 && position < highHalf(counter.count);
    counter.loadAt = cycle - position + (half ? highHalf(counter.count) : counter.count);
    return;
  }
  if (isPeriodic(counter) && counter.phase === 'held') return;
  if (modeOf(counter) === 0) counter.phase = 'empty';
  counter.loadAt = cycle + 1;
}

/** Reads one byte: latched status first, then the latched or the live count. */
export function readCount(counter: CounterState, cycle: number): number {
  if (counter.statusLatch >= 0) {
    const status = counter.statusLatch;
    counter.statusLatch = -1;
    return status;
  }
  const access = accessOf(counter);
  const high = access === ACCESS_HIGH || (access === ACCESS_BOTH && counter.readHigh);
  const value = counter.countLatch >= 0 ? counter.countLatch : countAt(counter, cycle);
  if (access === ACCESS_BOTH) counter.readHigh = !counter.readHigh;
  if (access !== ACCESS_BOTH || high) counter.countLatch = -1;
  return high ? value >> 8 : value & 0xff;
}

/** The counter latch command; a latched count stays until it was read. */
export function latchCount(counter: CounterState, cycle: number): void {
  if (counter.countLatch < 0) counter.countLatch = countAt(counter, cycle);
}

export function latchStatus(counter: CounterState, cycle: number): void {
  if (counter.statusLatch < 0) counter.statusLatch = statusAt(counter, cycle);
}

/** Drives the GATE input. */
export function setGate(counter: CounterState, cycle: number, gate: boolean): void {
  if (gate === counter.gate) return;
  counter.gate = gate;
  if (isTriggeredByGate(counter)) {
    if (gate && counter.phase !== 'empty') counter.loadAt = cycle + 1;
    return;
  }
  if (!gate && counter.phase === 'counting') {
    counter.elapsed = cycle - counter.start;
    counter.phase = 'held';
    if (isPeriodic(counter)) counter.loadAt = -1;
  } else if (gate && counter.phase === 'held') {
    if (isPeriodic(counter)) {
      counter.loadAt = cycle + 1;
    } else {
      counter.start = cycle - counter.elapsed;
      counter.phase = 'counting';
    }
  }
}

function fromBcd(raw: number): number {
  const value = (raw >> 12) * 1000 + ((raw >> 8) & 15) * 100 + ((raw >> 4) & 15) * 10 + (raw & 15);
  return value % 10_000;
}

function toBcd(value: number): number {
  const digit = (unit: number): number => Math.floor(value / unit) % 10;
  return (digit(1000) << 12) | (digit(100) << 8) | (digit(10) << 4) | digit(1);
}
