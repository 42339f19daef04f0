/** The cursor of the grid: how keys move it, and how typing changes what it stands on. */
import { floorTo, type Limits } from './address-space.ts';
import type { GroupSize } from './cells.ts';
import { byteOf } from './code-page.ts';

export type Column = 'hex' | 'text';

export interface Cursor {
  readonly address: number;
  readonly column: Column;
  /** Digits typed into the value under the cursor that are not written yet. */
  readonly digits: string;
}

/** What a step is measured in. */
export interface Steps {
  readonly bytesPerRow: number;
  readonly groupSize: GroupSize;
  readonly rowsPerPage: number;
  readonly limits: Limits;
}

/** Keys as `KeyboardEvent.key` has them. */
export interface Key {
  readonly key: string;
  readonly ctrlKey: boolean;
}

/** Puts the cursor on an address: in the hexadecimal column on the value that holds it. */
export function placeCursor(
  address: number,
  column: Column,
  { groupSize, limits: { start, end } }: Pick<Steps, 'groupSize' | 'limits'>,
): Cursor {
  const clamped = Math.min(Math.max(start, address), end - 1);
  return { address: column === 'hex' ? floorTo(clamped, groupSize) : clamped, column, digits: '' };
}

/** Where a key moves the cursor; undefined for keys that do not. Vertical steps stay in their column of bytes. */
export function movedCursor(cursor: Cursor, { key, ctrlKey }: Key, steps: Steps): Cursor | undefined {
  const to = target(cursor, key, ctrlKey, steps);
  if (to === undefined) return undefined;
  const { start, end } = steps.limits;
  return to < start || to >= end ? { ...cursor, digits: '' } : placeCursor(to, cursor.column, steps);
}

function target(
  { address, column }: Cursor,
  key: string,
  ctrlKey: boolean,
  { bytesPerRow, groupSize, rowsPerPage, limits: { start, end } }: Steps,
): number | undefined {
  const step = column === 'hex' ? groupSize : 1;
  const rowStart = floorTo(address, bytesPerRow);
  const inRow = address - rowStart;
  switch (key) {
    case 'ArrowLeft':
      return address - step;
    case 'ArrowRight':
      return address + step;
    case 'ArrowUp':
      return address - bytesPerRow;
    case 'ArrowDown':
      return address + bytesPerRow;
    case 'PageUp':
      return Math.max(start + inRow, address - rowsPerPage * bytesPerRow);
    case 'PageDown':
      return Math.min(end - bytesPerRow + inRow, address + rowsPerPage * bytesPerRow);
    case 'Home':
      return ctrlKey ? start : rowStart;
    case 'End':
      return ctrlKey ? end - 1 : rowStart + bytesPerRow - 1;
    default:
      return undefined;
  }
}

/** What a typed character does: the cursor after it, and the bytes to write if there are any. */
export interface Typed {
  readonly cursor: Cursor;
  readonly write?: { readonly address: number; readonly bytes: readonly number[] };
}

/**
 * Types a character. In the text column its byte is written; in the hexadecimal column digits are collected, highest
 * first, until the value is complete. Undefined for characters that mean nothing here.
 */
export function typed(
  cursor: Cursor,
  character: string,
  { groupSize, limits }: Pick<Steps, 'groupSize' | 'limits'>,
): Typed | undefined {
  const { address, column } = cursor;
  if (column === 'text') {
    const byte = byteOf(character);
    if (byte === undefined) return undefined;
    return { cursor: advanced(cursor, 1, limits), write: { address, bytes: [byte] } };
  }
  if (!/^[0-9a-f]$/i.test(character)) return undefined;
  const digits = cursor.digits + character.toUpperCase();
  if (digits.length < groupSize * 2) return { cursor: { ...cursor, digits } };
  return { cursor: advanced(cursor, groupSize, limits), write: { address, bytes: littleEndian(digits) } };
}

/**
 * Completes a value of which only the first digits were typed with the digits that were there. Undefined when nothing was
 * typed, or when they are not all known.
 */
export function completed(cursor: Cursor, shown: string): Typed['write'] {
  if (cursor.digits === '') return undefined;
  const digits = cursor.digits + shown.slice(cursor.digits.length);
  return /^[0-9A-F]+$/.test(digits) ? { address: cursor.address, bytes: littleEndian(digits) } : undefined;
}

function advanced(cursor: Cursor, count: number, { end }: Limits): Cursor {
  const address = cursor.address + count;
  return { ...cursor, digits: '', address: address < end ? address : cursor.address };
}

function littleEndian(digits: string): number[] {
  return Array.from(digits.matchAll(/../g), ([pair]) => Number.parseInt(pair, 16)).toReversed();
}
