/**
 * What the PC's speaker does (IBM PC/AT Technical Reference, port 61h and timer channel 2): the level at its coil as a
 * waveform that goes on by itself, so that a tone costs the machine one message and silence costs nothing.
 */
import { type CounterState, modeOf, nextEdge, outputAt } from './counter.ts';

/** The level from `time` on, until the next signal replaces it. Lengths are cycles of 1,193,182 Hz. */
export type SpeakerSignal = {
  /** Virtual time in ticks. */
  time: number;
  high: boolean;
  /** When the level changes for the first time; 0: never. */
  next: number;
  /** How long it is high and low from then on; 0: for good. */
  highCycles: number;
  lowCycles: number;
};

export const SILENT_SPEAKER: SpeakerSignal = { time: 0, high: false, next: 0, highCycles: 0, lowCycles: 0 };

/** The signal of a counter's output, or of a speaker that is not connected to it. */
export function speakerSignal(counter: CounterState, cycle: number, connected: boolean, time: number): SpeakerSignal {
  if (!connected) return { ...SILENT_SPEAKER, time };
  const high = outputAt(counter, cycle);
  const edge = counter.phase === 'counting' ? nextEdge({ ...counter, loadAt: -1 }, cycle) : Number.POSITIVE_INFINITY;
  if (edge === Number.POSITIVE_INFINITY) return { time, high, next: 0, highCycles: 0, lowCycles: 0 };
  return { time, high, next: edge - cycle, ...lengths(counter) };
}

/** How long both levels last: modes 2 and 3 go on for ever, the strobes of modes 4 and 5 end after a cycle. */
function lengths(counter: CounterState): { highCycles: number; lowCycles: number } {
  const { count } = counter;
  switch (modeOf(counter)) {
    case 2:
      return { highCycles: count - 1, lowCycles: 1 };
    case 3:
      return { highCycles: (count + 1) >> 1, lowCycles: count >> 1 };
    case 4:
    case 5:
      return { highCycles: 0, lowCycles: 1 };
    default:
      return { highCycles: 0, lowCycles: 0 };
  }
}

/** Whether a listener that heard `before` has to be told: a level or a tone that goes on is no news. */
export function isNews(before: SpeakerSignal, after: SpeakerSignal): boolean {
  const isTone = after.highCycles !== 0 && after.lowCycles !== 0;
  if (!isTone && after.next !== 0) return true;
  if (before.highCycles !== after.highCycles || before.lowCycles !== after.lowCycles) return true;
  return !isTone && (before.high !== after.high || before.next !== 0);
}

const SIGNAL_SIZE = 24;

/** A signal as a message of the output channel `speaker`: 24 bytes. */
export function encodeSpeakerSignal({ time, high, next, highCycles, lowCycles }: SpeakerSignal): Uint8Array {
  const bytes = new Uint8Array(SIGNAL_SIZE);
  const view = new DataView(bytes.buffer);
  view.setFloat64(0, time, true);
  view.setUint32(8, high ? 1 : 0, true);
  view.setUint32(12, next, true);
  view.setUint32(16, highCycles, true);
  view.setUint32(20, lowCycles, true);
  return bytes;
}

/** The inverse, for whoever plays the sound. */
export function decodeSpeakerSignal(bytes: Uint8Array): SpeakerSignal {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    time: view.getFloat64(0, true),
    high: view.getUint32(8, true) !== 0,
    next: view.getUint32(12, true),
    highCycles: view.getUint32(16, true),
    lowCycles: view.getUint32(20, true),
  };
}
