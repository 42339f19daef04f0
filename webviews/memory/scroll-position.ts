/**
 * Scrolling through 4 GiB, all of an address space of 32 bits and a window of a larger one. A page cannot be that high, so the rows in view are laid out from a position that is counted in
 * rows, with fractions, and the scroll bar is our own.
 */
import { WINDOW_SIZE } from '../../debug-adapter/protocol/memory.ts';

/** What is laid out where. */
export interface Geometry {
  /** Where the window begins; rows are counted from here. */
  readonly base: number;
  readonly bytesPerRow: number;
  readonly rowHeight: number;
  /** Height of the rows' place on the page. */
  readonly height: number;
}

/** Rows that fit completely. */
export function wholeRows({ height, rowHeight }: Geometry): number {
  return Math.max(1, Math.floor(height / rowHeight));
}

export function rowCount({ bytesPerRow }: Geometry): number {
  return WINDOW_SIZE / bytesPerRow;
}

/** The last position: the last row is at the bottom. */
export function topMax(geometry: Geometry): number {
  return rowCount(geometry) - wholeRows(geometry);
}

export function clampTop(top: number, geometry: Geometry): number {
  return Math.min(Math.max(0, top), topMax(geometry));
}

/** The position that shows an address: unchanged if it is in view; with `center`, in the upper part if it was far away. */
export function topShowing(address: number, top: number, geometry: Geometry, center: boolean): number {
  const row = Math.floor((address - geometry.base) / geometry.bytesPerRow);
  const rows = wholeRows(geometry);
  if (row >= top && row + 1 <= top + rows) return top;
  if (center) return clampTop(row - Math.floor(rows / 4), geometry);
  return clampTop(row < top ? row : row - rows + 1, geometry);
}

/** The first row and how many are needed to fill the place. */
export function rowsInView(top: number, geometry: Geometry): { readonly first: number; readonly count: number } {
  const first = Math.floor(top);
  const count = Math.ceil(geometry.height / geometry.rowHeight) + 1;
  return { first, count: Math.min(count, rowCount(geometry) - first) };
}

/** Where a row begins. */
export function addressOfRow(row: number, { base, bytesPerRow }: Geometry): number {
  return base + row * bytesPerRow;
}

/** What to ask the session for so that some scrolling needs no answer: three times what is in view. */
export function rangeToAsk(top: number, geometry: Geometry): { readonly address: number; readonly length: number } {
  const { first, count } = rowsInView(top, geometry);
  const start = Math.max(0, first - count);
  const end = Math.min(rowCount(geometry), first + 2 * count);
  return { address: addressOfRow(start, geometry), length: (end - start) * geometry.bytesPerRow };
}

/** Pixels of the scroll bar's thumb, which cannot be as small as it would have to be. */
export const THUMB_HEIGHT = 24;

export function thumbOffset(top: number, geometry: Geometry): number {
  return (top / topMax(geometry)) * Math.max(0, geometry.height - THUMB_HEIGHT);
}

/** The position at which the thumb is at an offset. */
export function topOfThumb(offset: number, geometry: Geometry): number {
  const room = Math.max(1, geometry.height - THUMB_HEIGHT);
  return clampTop(Math.round((offset / room) * topMax(geometry)), geometry);
}
