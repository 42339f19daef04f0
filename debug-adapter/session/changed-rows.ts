/**
 * What of a picture has to be sent: the rows from the first to the last that changed. Where most of the picture changes with
 * every frame, looking for changes only costs time, so for some frames nobody looks and all of it is sent.
 */
import type { Frame } from '../../vm-core/index.ts';

/** Frames in a row of which most rows changed, until nobody looks any more, and for how many frames. */
const FULL_FRAMES = 3;
const UNTRACKED_FRAMES = 20;

/** Whole rows of a frame. */
export interface FrameRows {
  readonly top: number;
  readonly pixels: Uint8ClampedArray<ArrayBuffer>;
}

export class ChangedRows {
  /** The picture that was sent last; undefined where there is none or nobody looks. */
  #before: Frame | undefined;
  #fullFrames = 0;
  #untrackedLeft = 0;

  /** The next frame is sent as a whole. */
  forget(): void {
    this.#before = undefined;
    this.#fullFrames = 0;
    this.#untrackedLeft = 0;
  }

  /** The rows to send of the next frame, whose pixels are given away; undefined when nothing changed. */
  take(frame: Frame): FrameRows | undefined {
    if (this.#untrackedLeft > 0) {
      this.#untrackedLeft--;
      return this.#whole(frame, this.#untrackedLeft === 0);
    }
    if (this.#before?.width !== frame.width || this.#before.height !== frame.height) return this.#whole(frame, true);
    const rows = differentRows(this.#before, frame);
    if (!rows) return undefined;
    if ((rows.end - rows.top) * 2 > frame.height) return this.#mostChanged(frame);
    this.#fullFrames = 0;
    this.#before = frame;
    const rowSize = frame.width * 4;
    return { top: rows.top, pixels: frame.pixels.slice(rows.top * rowSize, rows.end * rowSize) };
  }

  #mostChanged(frame: Frame): FrameRows {
    this.#fullFrames++;
    if (this.#fullFrames < FULL_FRAMES) return this.#whole(frame, true);
    this.#fullFrames = 0;
    this.#untrackedLeft = UNTRACKED_FRAMES;
    return this.#whole(frame, false);
  }

  #whole(frame: Frame, remember: boolean): FrameRows {
    this.#before = remember ? { ...frame, pixels: frame.pixels.slice() } : undefined;
    return { top: 0, pixels: frame.pixels };
  }
}

/** The first row that differs, and the one behind the last. */
function differentRows(before: Frame, after: Frame): { readonly top: number; readonly end: number } | undefined {
  const [was, is] = [wordsOf(before), wordsOf(after)];
  let first = 0;
  while (first < is.length && was[first] === is[first]) first++;
  if (first === is.length) return undefined;
  let last = is.length - 1;
  while (was[last] === is[last]) last--;
  return { top: Math.floor(first / after.width), end: Math.floor(last / after.width) + 1 };
}

function wordsOf({ pixels }: Frame): Uint32Array {
  return new Uint32Array(pixels.buffer, pixels.byteOffset, pixels.length / 4);
}
