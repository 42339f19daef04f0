/**
 * Gathers what the speaker does until somebody sends it on. A guest can move the speaker with every instruction; what
 * happens within one moment too short to be heard becomes its mean level, so that a second has a bounded number of changes.
 */
import { PIT_FREQUENCY, type SpeakerSignal } from '../../vm-core/index.ts';
import type { SoundChange } from '../protocol/screen.ts';

/** In seconds: shorter than half a period of what people hear. */
const MOMENT = 1 / 32_768;
/** Changes that wait to be sent at most; of more than that only the last matters. */
const WAITING_MAX = 1024;

const SILENCE: SoundChange = { at: 0, level: 0, next: 0, high: 0, low: 0 };

export class SoundChanges {
  #waiting: SoundChange[] = [];
  /** The newest change, which the next one may still make part of a mean. */
  #open: SoundChange | undefined;
  /** What lies in the same moment before it. */
  #mean: { readonly at: number; readonly area: number } | undefined;

  /** A change at its virtual time in seconds, not before the last one. */
  add(change: SoundChange): void {
    const open = this.#open;
    this.#open = change;
    if (!open) return;
    const began = this.#mean?.at ?? open.at;
    if (change.at - began < MOMENT) {
      this.#mean = { at: began, area: (this.#mean?.area ?? 0) + areaOf(open, change.at - open.at) };
      return;
    }
    this.#closeMean(open.at);
    this.#push(open);
  }

  /** Takes all that has come, in the order of time. */
  take(): readonly SoundChange[] {
    if (this.#open) {
      this.#closeMean(this.#open.at);
      this.#push(this.#open);
    }
    const taken = this.#waiting;
    this.clear();
    return taken;
  }

  clear(): void {
    this.#waiting = [];
    this.#open = undefined;
    this.#mean = undefined;
  }

  #closeMean(end: number): void {
    if (this.#mean && end > this.#mean.at) {
      this.#push({ ...SILENCE, at: this.#mean.at, level: this.#mean.area / (end - this.#mean.at) });
    }
    this.#mean = undefined;
  }

  #push(change: SoundChange): void {
    if (this.#waiting.length === WAITING_MAX) this.#waiting.pop();
    this.#waiting.push(change);
  }
}

/** The level summed up over a time that is too short for more than one turn to be heard. */
function areaOf({ level, next }: SoundChange, duration: number): number {
  if (next === 0 || next >= duration) return level * duration;
  return level * next + (1 - level) * (duration - next);
}

/** A signal of the machine in seconds. */
export function soundChange(
  { time, high, next, highCycles, lowCycles }: SpeakerSignal,
  ticksPerSecond: number,
): SoundChange {
  return {
    at: time / ticksPerSecond,
    level: high ? 1 : 0,
    next: next / PIT_FREQUENCY,
    high: highCycles / PIT_FREQUENCY,
    low: lowCycles / PIT_FREQUENCY,
  };
}
