import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type CounterState,
  countAt,
  nextEdge,
  outputAt,
  POWER_ON_COUNTER,
  setGate,
  statusAt,
  synchronize,
  writeControl,
  writeCount,
} from './counter.ts';

const LOW_BYTE = 0x10;
const BOTH_BYTES = 0x30;

/** A counter in `mode` that took `count` (one byte) at cycle 0 with the gate as given. */
function counterWith(mode: number, count: number, gate = true, bcd = 0): CounterState {
  const counter = { ...POWER_ON_COUNTER, gate };
  writeControl(counter, LOW_BYTE | (mode << 1) | bcd);
  writeCount(counter, 0, count);
  return counter;
}

/** OUT over the cycles 0…length-1, `-` high and `_` low; `events` happen at their cycle. */
function waveform(counter: CounterState, length: number, events: Record<number, (at: number) => void> = {}): string {
  return Array.from({ length }, (_, cycle) => {
    synchronize(counter, cycle);
    events[cycle]?.(cycle);
    synchronize(counter, cycle);
    return outputAt(counter, cycle) ? '-' : '_';
  }).join('');
}

const gateAt =
  (counter: CounterState, gate: boolean) =>
  (at: number): void =>
    setGate(counter, at, gate);
const countFor =
  (counter: CounterState, count: number) =>
  (at: number): void =>
    writeCount(counter, at, count);

/** The timing diagrams of the data sheet; the count is written at cycle 0 and loaded at cycle 1. */
describe('8254 waveforms', () => {
  it('mode 0 goes high N + 1 cycles after the count', () => {
    expect(waveform(counterWith(0, 4), 9)).toBe('_____----');
  });

  it('mode 0 holds the count while the gate is low', () => {
    const counter = counterWith(0, 3);
    expect(waveform(counter, 12, { 2: gateAt(counter, false), 6: gateAt(counter, true) })).toBe('________----');
  });

  it('mode 0 starts again with a new count', () => {
    const counter = counterWith(0, 2);
    expect(waveform(counter, 12, { 6: countFor(counter, 3) })).toBe('___---____--');
  });

  it('mode 1 is low for N cycles after each trigger', () => {
    const counter = counterWith(1, 3, false);
    expect(waveform(counter, 10, { 2: gateAt(counter, true) })).toBe('---___----');
  });

  it('mode 1 can be triggered again while it is low', () => {
    const counter = counterWith(1, 3, false);
    const events = { 1: gateAt(counter, true), 2: gateAt(counter, false), 3: gateAt(counter, true) };
    expect(waveform(counter, 10, events)).toBe('--_____---');
  });

  it('mode 1 takes a new count with the next trigger only', () => {
    const counter = counterWith(1, 2, false);
    const events = {
      1: gateAt(counter, true),
      2: countFor(counter, 4),
      5: gateAt(counter, false),
      6: gateAt(counter, true),
    };
    expect(waveform(counter, 14, events)).toBe('--__---____---');
  });

  it('mode 2 is low for the last cycle of each period', () => {
    expect(waveform(counterWith(2, 3), 11)).toBe('---_--_--_-');
  });

  it('mode 2 takes a new count after the present period', () => {
    const counter = counterWith(2, 4);
    expect(waveform(counter, 12, { 2: countFor(counter, 2) })).toBe('----_-_-_-_-');
  });

  it('mode 2 reloads when the gate rises', () => {
    const counter = counterWith(2, 3);
    expect(waveform(counter, 12, { 3: gateAt(counter, false), 5: gateAt(counter, true) })).toBe('--------_--_');
  });

  it('mode 3 halves an even count', () => {
    expect(waveform(counterWith(3, 4), 12)).toBe('---__--__--_');
  });

  it('mode 3 is high one cycle longer with an odd count', () => {
    expect(waveform(counterWith(3, 5), 13)).toBe('----__---__--');
  });

  it('mode 3 takes a new count after the present half', () => {
    const counter = counterWith(3, 4);
    expect(waveform(counter, 12, { 2: countFor(counter, 6) })).toBe('---___---___');
    const inLowHalf = counterWith(3, 4);
    expect(waveform(inLowHalf, 14, { 4: countFor(inLowHalf, 6) })).toBe('---__---___---');
  });

  it('mode 3 goes high at once when the gate falls', () => {
    const counter = counterWith(3, 6);
    expect(waveform(counter, 14, { 4: gateAt(counter, false), 6: gateAt(counter, true) })).toBe('----------___-');
  });

  it('mode 4 strobes for one cycle N + 1 cycles after the count', () => {
    expect(waveform(counterWith(4, 3), 8)).toBe('----_---');
  });

  it('mode 4 counts on where the gate held it', () => {
    const counter = counterWith(4, 3);
    expect(waveform(counter, 10, { 2: gateAt(counter, false), 5: gateAt(counter, true) })).toBe('-------_--');
  });

  it('mode 5 strobes N + 1 cycles after the trigger', () => {
    const counter = counterWith(5, 3, false);
    expect(waveform(counter, 10, { 2: gateAt(counter, true) })).toBe('------_---');
  });

  it('the illegal count 1 of modes 2 and 3 stays high', () => {
    expect(waveform(counterWith(2, 1), 5)).toBe('-----');
    expect(waveform(counterWith(3, 1), 5)).toBe('-----');
  });
});

describe('8254 counts', () => {
  const countsFrom = (counter: CounterState, cycles: readonly number[]): number[] =>
    cycles.map((cycle) => {
      synchronize(counter, cycle);
      return countAt(counter, cycle);
    });

  it.each([
    { name: 'mode 0 counts down and wraps', counter: counterWith(0, 2), expected: [2, 1, 0, 0xffff, 0xfffe] },
    { name: 'mode 2 reloads', counter: counterWith(2, 3), expected: [3, 2, 1, 3, 2] },
    { name: 'mode 3 counts by two', counter: counterWith(3, 4), expected: [4, 2, 4, 2, 4] },
    { name: 'mode 3 with an odd count', counter: counterWith(3, 5), expected: [4, 2, 0, 4, 2, 4] },
    { name: 'mode 4 wraps after the strobe', counter: counterWith(4, 1), expected: [1, 0, 0xffff] },
    {
      name: 'BCD borrows decimally and wraps at 9999',
      counter: counterWith(0, 0x11, true, 1),
      expected: [0x11, 0x10, 0x09],
    },
    { name: 'BCD wraps', counter: counterWith(0, 0x01, true, 1), expected: [0x01, 0x00, 0x9999] },
    { name: 'mode 3 in BCD', counter: counterWith(3, 0x12, true, 1), expected: [0x12, 0x10, 0x08] },
  ])('$name', ({ counter, expected }) => {
    expect(
      countsFrom(
        counter,
        expected.map((_, index) => index + 1),
      ),
    ).toEqual(expected);
  });

  it('takes 0 as the largest count', () => {
    const binary = counterWith(2, 0);
    const decimal = counterWith(2, 0, true, 1);
    expect(countsFrom(binary, [1, 2])).toEqual([0, 0xffff]);
    expect(countsFrom(decimal, [1, 2])).toEqual([0, 0x9999]);
    expect([binary.count, decimal.count]).toEqual([0x10000, 10_000]);
  });

  it('stops in mode 0 between the two bytes of a new count', () => {
    const counter = { ...POWER_ON_COUNTER };
    writeControl(counter, BOTH_BYTES);
    writeCount(counter, 0, 3);
    writeCount(counter, 0, 0);
    synchronize(counter, 10);
    expect(outputAt(counter, 10)).toBe(true);
    writeCount(counter, 10, 5);
    synchronize(counter, 100);
    expect(outputAt(counter, 100)).toBe(false);
    writeCount(counter, 100, 0);
    synchronize(counter, 106);
    expect(outputAt(counter, 106)).toBe(true);
  });

  it('is read as if its first count were loaded, by who is faster than any port', () => {
    const counter = { ...POWER_ON_COUNTER };
    writeControl(counter, BOTH_BYTES);
    writeCount(counter, 0, 0xff);
    writeCount(counter, 0, 0xff);
    expect(countAt(counter, 0)).toBe(0xffff);
    expect(statusAt(counter, 0) & 0x40).toBe(0x40);
    synchronize(counter, 2);
    expect(countAt(counter, 2)).toBe(0xfffe);
  });

  it('reports null count until the count is loaded', () => {
    const counter = counterWith(2, 4);
    expect(statusAt(counter, 0) & 0x40).toBe(0x40);
    synchronize(counter, 1);
    expect(statusAt(counter, 1) & 0x40).toBe(0);
    writeCount(counter, 2, 9);
    synchronize(counter, 4);
    expect(statusAt(counter, 4) & 0x40).toBe(0x40);
    synchronize(counter, 5);
    expect(statusAt(counter, 5) & 0x40).toBe(0);
  });
});

describe('8254 edges', () => {
  const operation = fc.record({
    kind: fc.constantFrom('control', 'count', 'count', 'gate'),
    value: fc.nat(0x3f),
    wait: fc.nat(40),
  });

  it('announces every change of OUT, and time may jump from one to the next', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 20 }), (operations) => {
        const stepped: CounterState = { ...POWER_ON_COUNTER };
        const jumping: CounterState = { ...POWER_ON_COUNTER };
        let cycle = 0;
        for (const { kind, value, wait } of operations) {
          for (const counter of [stepped, jumping]) {
            if (kind === 'control') writeControl(counter, (value & 0x0f) | LOW_BYTE);
            else if (kind === 'count') writeCount(counter, cycle, value & 0x0f);
            else setGate(counter, cycle, (value & 1) === 1);
          }
          const end = cycle + wait;
          let edge = nextEdge(jumping, cycle);
          let level = outputAt(jumping, cycle);
          while (cycle < end) {
            cycle += 1;
            synchronize(stepped, cycle);
            if (cycle === edge) {
              synchronize(jumping, cycle);
              level = outputAt(jumping, cycle);
              edge = nextEdge(jumping, cycle);
              expect(edge).toBeGreaterThan(cycle);
            }
            expect(outputAt(stepped, cycle)).toBe(level);
          }
          synchronize(jumping, cycle);
          expect(jumping).toEqual(stepped);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
