/** The rows of the grid: groups of bytes as little-endian values, and their text. */
import { localized } from '../../debug-adapter/protocol/localized.ts';
import type { MemorySpace } from '../../debug-adapter/protocol/memory.ts';
import { type CharacterSet, characterOf } from './code-page.ts';
import { hexadecimal } from './address-space.ts';
import { byteAt, type MemoryModel, pointersAt } from './memory-model.ts';

/** Bytes of one value in the hexadecimal column. */
export type GroupSize = 1 | 2 | 4 | 8;

/** How memory is laid out and read. */
export interface Layout {
  readonly space: MemorySpace;
  readonly bytesPerRow: number;
  readonly groupSize: GroupSize;
  readonly characterSet: CharacterSet;
}

/** One cell of either column. */
export interface Cell {
  readonly address: number;
  readonly text: string;
  /** CSS classes for what is known of it. */
  readonly classes: string;
  /** The same in words, for tooltips and screen readers; empty when there is nothing to say. */
  readonly title: string;
}

export interface Row {
  readonly address: number;
  readonly groups: readonly Cell[];
  readonly characters: readonly Cell[];
  /** Registers that point into it. */
  readonly pointers: readonly string[];
}

/** Stands for the two digits of a byte that is not mapped. */
const UNMAPPED = '··';

export function makeRow(model: MemoryModel, layout: Layout, address: number): Row {
  const { bytesPerRow, groupSize, space } = layout;
  const groups: Cell[] = [];
  for (let at = address; at < address + bytesPerRow; at += groupSize) groups.push(makeGroup(model, layout, at));
  const characters = Array.from({ length: bytesPerRow }, (_, index) => makeCharacter(model, layout, address + index));
  return { address, groups, characters, pointers: pointersAt(model, space, address, bytesPerRow) };
}

function makeGroup(model: MemoryModel, { space, groupSize }: Layout, address: number): Cell {
  const bytes = Array.from({ length: groupSize }, (_, index) => byteAt(model, space, address + index));
  const digits = bytes.map(({ value, known }) => {
    if (value !== undefined) return hexadecimal(value, 2);
    return known ? UNMAPPED : '  ';
  });
  const pointers = pointersAt(model, space, address, groupSize);
  const earlier = bytes.map((byte) => byte.was ?? byte.value);
  const was = bytes.some((byte) => byte.was !== undefined)
    ? earlier.map((value) => (value === undefined ? UNMAPPED : hexadecimal(value, 2)))
    : undefined;
  return {
    address,
    text: digits.toReversed().join(''),
    ...describe(bytes, pointers, was?.toReversed().join('')),
  };
}

function makeCharacter(model: MemoryModel, { space, characterSet }: Layout, address: number): Cell {
  const byte = byteAt(model, space, address);
  const text = byte.value === undefined ? (byte.known ? '·' : ' ') : characterOf(byte.value, characterSet);
  const was = byte.was === undefined ? undefined : hexadecimal(byte.was, 2);
  return { address, text, ...describe([byte], [], was) };
}

function describe(
  bytes: readonly { readonly value: number | undefined; readonly known: boolean; readonly changed: boolean }[],
  pointers: readonly string[],
  was: string | undefined,
): Pick<Cell, 'classes' | 'title'> {
  const unmapped = bytes.some(({ known, value }) => known && value === undefined);
  const changed = bytes.some((byte) => byte.changed);
  const facts = [
    ['pointed', pointers.length > 0, pointers.join(', ')],
    ['changed', changed, localized('changed')],
    ['differs', was !== undefined, localized('was {0}', was ?? '')],
    ['unmapped', unmapped, localized('not mapped')],
  ] as const;
  const holding = facts.filter(([, holds]) => holds);
  return {
    classes: holding.map(([name]) => name).join(' '),
    title: holding.map(([, , words]) => words).join(', '),
  };
}

/** Widths in characters: of the gap behind an address, of the gap before the text, of the registers' names. */
const ADDRESS_GAP = 2;
const TEXT_GAP = 1;
const POINTERS_WIDTH = 14;

/** What fits into a width that is counted in characters. */
export function fitColumns(
  characters: number,
  groupSize: GroupSize,
  addressDigits = 8,
): { readonly bytesPerRow: number; readonly showPointers: boolean } {
  const needed = (bytesPerRow: number): number =>
    addressDigits + ADDRESS_GAP + (bytesPerRow / groupSize) * (2 * groupSize + 1) + TEXT_GAP + bytesPerRow;
  const bytesPerRow = [16, 8].find((count) => needed(count) <= characters) ?? Math.max(4, groupSize);
  return { bytesPerRow, showPointers: needed(bytesPerRow) + POINTERS_WIDTH <= characters };
}
