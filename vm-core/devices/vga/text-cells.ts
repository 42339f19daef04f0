/** Characters, attributes, cursor and fonts of a text mode, as the registers and planes 0–2 hold them. */
import { type PictureLayout, planeAddress, rowStart } from './picture-layout.ts';
import type { VgaState } from './vga-state.ts';

/** Bytes of one character's shape in plane 2, and of a whole font. */
export const GLYPH_SIZE = 32;
export const FONT_SIZE: number = 256 * GLYPH_SIZE;

const BLINK_ATTRIBUTE = 0x80;

/** Address in plane 2 of each of the eight fonts that SR03 can select: bit 2 is the upper half of the 16 KiB block. */
const fontAddress = (font: number): number => (font & 3) * 0x4000 + ((font >> 2) & 1) * 0x2000;

/** Font addresses for attributes with bit 3 clear (B) and set (A). */
export function fontAddresses(state: VgaState): readonly [number, number] {
  const select = state.sequencer[3] as number;
  return [fontAddress((select & 3) | ((select >> 2) & 4)), fontAddress(((select >> 2) & 3) | ((select >> 3) & 4))];
}

/** AR10 bit 3: attribute bit 7 blinks; otherwise it is the intensity of the background. */
export function blinkEnabled(state: VgaState): boolean {
  return ((state.attribute[0x10] as number) & 8) !== 0;
}

/** The cursor's address counter and lines. */
export interface Cursor {
  readonly counter: number;
  readonly firstLine: number;
  readonly lastLine: number;
}

/** The cursor, or undefined where the registers switch it off. */
export function cursorOf(state: VgaState, layout: PictureLayout): Cursor | undefined {
  const { crtc } = state;
  const start = crtc[0x0a] as number;
  const end = crtc[0x0b] as number;
  const firstLine = start & 0x1f;
  const lastLine = Math.min(end & 0x1f, layout.rowHeight - 1);
  if ((start & 0x20) !== 0 || firstLine > (end & 0x1f) || firstLine > lastLine) return undefined;
  const counter = (((crtc[0x0e] as number) << 8) | (crtc[0x0f] as number)) + ((end >> 5) & 3);
  return { counter: counter & 0xffff, firstLine, lastLine };
}

/** One cell: character code and attribute. */
type CellVisitor = (column: number, code: number, attribute: number, counter: number) => void;

/** Visits the cells of the memory row that a pixel row shows. */
function visitRow(state: VgaState, layout: PictureLayout, y: number, visit: CellVisitor): void {
  const { counter } = rowStart(layout, y);
  for (let column = 0; column < layout.columns; column++) {
    const cell = (counter + (column >> layout.countShift)) & 0xffff;
    const position = planeAddress(layout.wiring, cell, 0) * 4;
    visit(column, state.videoMemory[position] as number, state.videoMemory[position + 1] as number, cell);
  }
}

/** The pixel rows at which whole character rows begin. */
function rowTops(layout: PictureLayout): readonly number[] {
  const tops: number[] = [];
  const upperEnd = Math.min(layout.split, layout.height);
  for (let y = -layout.presetRow; y + layout.rowHeight <= upperEnd; y += layout.rowHeight) tops.push(Math.max(0, y));
  for (let y = layout.split; y + layout.rowHeight <= layout.height; y += layout.rowHeight) tops.push(y);
  return tops;
}

/** The codes of every character row, column by column. */
export function textCodes(state: VgaState, layout: PictureLayout): readonly Uint8Array[] {
  return rowTops(layout).map((y) => {
    const codes = new Uint8Array(layout.columns);
    visitRow(state, layout, y, (column, code) => {
      codes[column] = code;
    });
    return codes;
  });
}

/** What of the picture changes by itself as time passes. */
export interface Blinking {
  readonly cursor: boolean;
  readonly attributes: boolean;
}

export function blinkingOf(state: VgaState, layout: PictureLayout): Blinking {
  const cursor = cursorOf(state, layout);
  const blinks = blinkEnabled(state);
  const found = { cursor: false, attributes: false };
  for (let y = 0; y < layout.height; y += rowRest(layout, y)) {
    visitRow(state, layout, y, (_column, _code, attribute, counter) => {
      if (cursor !== undefined && counter === cursor.counter) found.cursor = true;
      if (blinks && (attribute & BLINK_ATTRIBUTE) !== 0) found.attributes = true;
    });
  }
  return found;
}

/** Pixel rows from `y` to the next memory row or to the lower part. */
function rowRest(layout: PictureLayout, y: number): number {
  const rest = layout.rowHeight - rowStart(layout, y).rowScan;
  return y < layout.split ? Math.min(rest, layout.split - y) : rest;
}
