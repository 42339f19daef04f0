import { describe, expect, it } from 'vitest';
import type { SoundChange } from '../protocol/screen.ts';
import { SoundChanges, soundChange } from './sound-changes.ts';

const level = (at: number, value: number): SoundChange => ({ at, level: value, next: 0, high: 0, low: 0 });

describe('changes of the speaker', () => {
  it('keep those that can be heard apart', () => {
    const changes = new SoundChanges();
    const given = [level(0, 1), level(0.001, 0), level(0.002, 1)];
    for (const change of given) changes.add(change);
    expect(changes.take()).toEqual(given);
    expect(changes.take()).toEqual([]);
  });

  it('make a mean of those that cannot, which sums up to the same', () => {
    const changes = new SoundChanges();
    // A carrier of 100 kHz that is high for three quarters of its period, for a hundredth of a second.
    for (let period = 0; period < 1000; period++) {
      changes.add(level(period * 1e-5, 1));
      changes.add(level(period * 1e-5 + 7.5e-6, 0));
    }
    const taken = changes.take();
    expect(taken.length).toBeLessThan(2 * 0.01 * 32_768 + 4);
    const sum = taken.reduce((area, change, index) => {
      const end = taken[index + 1]?.at ?? change.at;
      return area + change.level * (end - change.at);
    }, 0);
    expect(sum / 0.01).toBeCloseTo(0.75, 2);
  });

  it('count a pulse within a moment for as long as it is', () => {
    const changes = new SoundChanges();
    changes.add({ at: 0, level: 1, next: 5e-6, high: 0, low: 0 });
    changes.add(level(2e-5, 0));
    changes.add(level(1, 1));
    expect(changes.take()[0]).toMatchObject({ at: 0, level: expect.closeTo(0.25) });
  });

  it('stay bounded however many come', () => {
    const changes = new SoundChanges();
    for (let index = 0; index < 100_000; index++) changes.add(level(index * 1e-3, index % 2));
    const taken = changes.take();
    expect(taken).toHaveLength(1024);
    expect(taken.at(-1)?.at).toBeCloseTo(99.999);
  });

  it('are in seconds', () => {
    const signal = { time: 50, high: true, next: 1_193_182, highCycles: 2_386_364, lowCycles: 596_591 };
    expect(soundChange(signal, 100)).toEqual({ at: 0.5, level: 1, next: 1, high: 2, low: 0.5 });
  });
});
