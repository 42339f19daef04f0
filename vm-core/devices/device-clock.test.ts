import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDeviceClock } from './device-clock.ts';

describe('device clock', () => {
  it('is exact against big integers, years after power-on', () => {
    const frequency = fc.constantFrom(32_768, 1_193_182, 1_843_200);
    const ticksPerSecond = fc.integer({ min: 3_700_000, max: 2_000_000_000 });
    fc.assert(
      fc.property(frequency, ticksPerSecond, fc.integer({ min: 0, max: 2 ** 52 }), (hertz, ticks, time) => {
        const clock = createDeviceClock(hertz, ticks);
        const cycles = clock.cyclesAt(time);
        expect(BigInt(cycles)).toBe((BigInt(time) * BigInt(hertz)) / BigInt(ticks));
        const start = clock.timeOf(cycles);
        expect(clock.cyclesAt(start)).toBe(cycles);
        if (start > 0) expect(clock.cyclesAt(start - 1)).toBe(cycles - 1);
      }),
    );
  });

  it('has whole seconds at whole seconds', () => {
    const clock = createDeviceClock(1_193_182, 200_000_000);
    expect(clock.timeOf(0)).toBe(0);
    for (const hours of [1, 24, 24 * 365]) {
      expect(clock.cyclesAt(hours * 3600 * 200_000_000)).toBe(hours * 3600 * 1_193_182);
      expect(clock.timeOf(hours * 3600 * 1_193_182)).toBe(hours * 3600 * 200_000_000);
    }
  });

  it('refuses a virtual time that is too coarse for its pulses or too fine to be exact', () => {
    expect(() => createDeviceClock(1_193_182, 2_000_000)).toThrow('1193182 Hz');
    expect(() => createDeviceClock(1_193_182, 1e10)).toThrow('cannot be derived');
  });
});
