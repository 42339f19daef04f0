/**
 * The sound of the PC's speaker as samples: a level that turns at given times, averaged over each sample, with what a small
 * loudspeaker leaves of it (no standing level, few of the highest tones). Knows no audio interface.
 */
import type { SoundChange } from '../../debug-adapter/protocol/screen.ts';

/** Seconds between a change in the session and its sound: what messages may be late. */
const LATENCY = 0.08;
/** A session whose clock runs ahead by more than this is caught up with. */
const AHEAD_MAX = 0.4;
/** Changes that wait at most. */
const WAITING_MAX = 8192;
/** Seconds in which the sound comes and goes where the machine is held, so that it does not click. */
const FADE = 0.008;
/** Corners of the loudspeaker in Hz. */
const LOW_CORNER = 40;
const HIGH_CORNER = 7000;

export class SpeakerWave {
  readonly #sampleRate: number;
  #waiting: SoundChange[] = [];
  /** From the session's clock to the time of the samples; undefined until the first change after a silence. */
  #offset: number | undefined;
  #playing = false;
  /** Fades to whether the machine runs, 0 to 1. */
  #gate = 0;
  #level = 0;
  /** When the level turns, and how long it is high and low from then on. */
  #turnsAt = Number.POSITIVE_INFINITY;
  #high = 0;
  #low = 0;
  /** The loudspeaker's state: its cone, and the standing level. */
  #cone = 0;
  #standing = 0;

  constructor(sampleRate: number) {
    this.#sampleRate = sampleRate;
  }

  /** What the speaker does next; `time` is that of the next sample. */
  add(playing: boolean, changes: readonly SoundChange[], time: number): void {
    if (!playing || !this.#playing) this.#waiting = [];
    if (playing && !this.#playing) this.#silence();
    this.#playing = playing;
    const [first] = changes;
    if (first === undefined) return;
    const offset = this.#offsetFor(first.at, time);
    for (const change of changes.slice(-WAITING_MAX)) {
      if (this.#waiting.length === WAITING_MAX) this.#waiting.shift();
      const at = Math.max(change.at + offset, this.#waiting.at(-1)?.at ?? time);
      this.#waiting.push({ ...change, at });
    }
  }

  /** The next samples, from `time` on. */
  render(samples: Float32Array, time: number): void {
    const step = 1 / this.#sampleRate;
    const fade = 1 / (FADE * this.#sampleRate);
    const [slow, fast] = [this.#coefficient(LOW_CORNER), this.#coefficient(HIGH_CORNER)];
    for (let index = 0; index < samples.length; index++) {
      const mean = this.#advance(time + index * step, time + (index + 1) * step);
      this.#cone += (mean - this.#cone) * fast;
      this.#standing += (this.#cone - this.#standing) * slow;
      this.#gate = this.#playing ? Math.min(1, this.#gate + fade) : Math.max(0, this.#gate - fade);
      samples[index] = (this.#cone - this.#standing) * this.#gate;
    }
  }

  /** From the session's clock to ours, for what begins at `at`; a session that is late or ahead shifts what follows. */
  #offsetFor(at: number, time: number): number {
    const planned = this.#offset === undefined ? Number.NEGATIVE_INFINITY : at + this.#offset;
    if (planned < time || planned > time + AHEAD_MAX) this.#offset = time + LATENCY - at;
    return this.#offset as number;
  }

  /** The mean level between two times. */
  #advance(from: number, to: number): number {
    let area = 0;
    let at = from;
    for (;;) {
      const [first] = this.#waiting;
      const end = Math.min(to, this.#turnsAt, first?.at ?? to);
      if (end > at) {
        area += this.#level * (end - at);
        at = end;
      }
      if (first !== undefined && first.at <= end) this.#begin(first);
      else if (this.#turnsAt <= end && end < to) this.#turn();
      else return area / (to - from);
    }
  }

  #begin(change: SoundChange): void {
    this.#waiting.shift();
    this.#level = change.level;
    this.#high = change.high;
    this.#low = change.low;
    this.#turnsAt = change.next > 0 ? change.at + change.next : Number.POSITIVE_INFINITY;
    const period = change.high + change.low;
    // Beyond what samples can tell it is a level, not a tone.
    if (change.high > 0 && change.low > 0 && period * this.#sampleRate < 2) {
      this.#level = change.high / period;
      this.#turnsAt = Number.POSITIVE_INFINITY;
    }
  }

  #turn(): void {
    this.#level = 1 - this.#level;
    const length = this.#level > 0.5 ? this.#high : this.#low;
    this.#turnsAt = length > 0 ? this.#turnsAt + length : Number.POSITIVE_INFINITY;
  }

  #silence(): void {
    this.#offset = undefined;
    this.#level = 0;
    this.#turnsAt = Number.POSITIVE_INFINITY;
    if (this.#gate > 0) return;
    this.#cone = 0;
    this.#standing = 0;
  }

  #coefficient(corner: number): number {
    return 1 - Math.exp((-2 * Math.PI * corner) / this.#sampleRate);
  }
}
