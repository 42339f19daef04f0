import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SoundChange } from '../../debug-adapter/protocol/screen.ts';
import { SpeakerWave } from './speaker-wave.ts';

const RATE = 48_000;
const tone = (at: number, hz: number): SoundChange => ({ at, level: 1, next: 0.5 / hz, high: 0.5 / hz, low: 0.5 / hz });
const quiet = (at: number): SoundChange => ({ at, level: 0, next: 0, high: 0, low: 0 });

/** Renders so many seconds, in blocks as the browser asks for them. */
function render(wave: SpeakerWave, seconds: number, from = 0): Float32Array {
  const samples = new Float32Array(Math.round(seconds * RATE));
  for (let at = 0; at < samples.length; at += 128) wave.render(samples.subarray(at, at + 128), from + at / RATE);
  return samples;
}

/** Rising zero crossings a second. */
function pitch(samples: Float32Array): number {
  const rises = samples.filter((sample, index) => sample > 0 && (samples[index - 1] ?? 0) <= 0).length;
  return (rises * RATE) / samples.length;
}

const peak = (samples: Float32Array): number => Math.max(...samples.map(Math.abs));
const largestStep = (samples: Float32Array): number =>
  Math.max(...samples.map((sample, index) => Math.abs(sample - (samples[index - 1] ?? sample))));

describe('the wave of the speaker', () => {
  it.each([40, 440, 1000, 5000])('has the pitch of a tone of %i Hz', (hz) => {
    const wave = new SpeakerWave(RATE);
    wave.add(true, [tone(100, hz)], 0);
    expect(pitch(render(wave, 1.1).subarray(0.1 * RATE))).toBeCloseTo(hz, -1);
  });

  it('is silent for silence, for a standing level, and for tones that nobody hears', () => {
    const wave = new SpeakerWave(RATE);
    expect(peak(render(wave, 0.1))).toBe(0);
    wave.add(true, [{ ...quiet(0), level: 1 }], 0.1);
    render(wave, 0.5, 0.1);
    expect(peak(render(wave, 0.1, 0.6))).toBeLessThan(0.001);
    wave.add(true, [tone(1, 400_000)], 0.7);
    render(wave, 0.5, 0.7);
    expect(peak(render(wave, 0.1, 1.2))).toBeLessThan(0.001);
  });

  it('plays changes as far apart as they were, also when their messages come together', () => {
    const wave = new SpeakerWave(RATE);
    wave.add(true, [tone(3, 1000), quiet(3.1), tone(3.2, 2000), quiet(3.3)], 0);
    const samples = render(wave, 0.5);
    const part = (from: number, to: number) => samples.subarray((0.08 + from) * RATE, (0.08 + to) * RATE);
    expect(pitch(part(0.02, 0.09))).toBeCloseTo(1000, -2);
    expect(peak(part(0.15, 0.19))).toBeLessThan(0.01);
    expect(pitch(part(0.22, 0.29))).toBeCloseTo(2000, -2);
    expect(peak(part(0.35, 0.4))).toBeLessThan(0.01);
  });

  it('goes on with a tone however late the next message is, and takes the late change up', () => {
    const wave = new SpeakerWave(RATE);
    wave.add(true, [tone(0, 500)], 0);
    expect(pitch(render(wave, 2).subarray(RATE))).toBeCloseTo(500, -1);
    wave.add(true, [quiet(0.5)], 2);
    render(wave, 0.2, 2);
    expect(peak(render(wave, 0.1, 2.2))).toBeLessThan(0.01);
  });

  it('fades where the machine is held, and forgets what was to come', () => {
    const wave = new SpeakerWave(RATE);
    wave.add(true, [tone(0, 300), tone(0.2, 3000)], 0);
    const before = render(wave, 0.15);
    wave.add(false, [], 0.15);
    const after = render(wave, 0.3, 0.15);
    expect(peak(after.subarray(0.02 * RATE))).toBe(0);
    // No step is larger than the loudspeaker makes of the tone itself.
    expect(largestStep(after)).toBeLessThanOrEqual(largestStep(before) * 1.1);
    wave.add(true, [], 0.45);
    expect(peak(render(wave, 0.2, 0.45))).toBe(0);
  });

  it('makes of a fast carrier its mean, as a loudspeaker does', () => {
    const wave = new SpeakerWave(RATE);
    // Eight thousand levels a second that follow a sine of 250 Hz.
    const levels = Array.from({ length: 4000 }, (_, index) => ({
      ...quiet(index / 8000),
      level: 0.5 + 0.5 * Math.sin((2 * Math.PI * 250 * index) / 8000),
    }));
    wave.add(true, levels, 0);
    const samples = render(wave, 0.5).subarray(0.2 * RATE);
    expect(pitch(samples)).toBeCloseTo(250, -1);
    expect(peak(samples)).toBeGreaterThan(0.3);
  });

  it('keeps a bounded number of changes', () => {
    const wave = new SpeakerWave(RATE);
    for (let message = 0; message < 100; message++) {
      wave.add(
        true,
        Array.from({ length: 1000 }, (_, index) => quiet(message + index / 1000)),
        0,
      );
    }
    wave.add(true, [tone(100, 1000)], 0);
    expect(peak(render(wave, 2))).toBeGreaterThan(0.1);
  });

  it('stays within what can be played, whatever the machine does', () => {
    const seconds = fc.double({ min: 0, max: 0.1, noNaN: true });
    const change = fc.record({
      at: fc.double({ min: 0, max: 3, noNaN: true }),
      level: fc.double({ min: 0, max: 1, noNaN: true }),
      next: seconds,
      high: fc.oneof(seconds, fc.constant(1e-9)),
      low: fc.oneof(seconds, fc.constant(1e-9)),
    });
    const message = fc.record({ playing: fc.boolean(), changes: fc.array(change, { maxLength: 20 }) });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 8 }), (messages) => {
        const wave = new SpeakerWave(RATE);
        messages.forEach(({ playing, changes }, index) => {
          const inOrder = changes.toSorted((left, right) => left.at - right.at);
          wave.add(playing, inOrder, index * 0.05);
          expect(render(wave, 0.05, index * 0.05).every((sample) => Math.abs(sample) <= 1)).toBe(true);
        });
      }),
    );
  });
});
