/**
 * Characters on the screen, in text and in graphics modes alike: what INT 10h writes, reads and scrolls.
 */
import type { FirmwareContext } from '../../firmware.ts';
import { surfaceOf } from './graphics-surface.ts';
import { pageNumber, type Screen } from './screen.ts';

/** Bit 7 of the colour of a character in a graphics mode combines it with what is there. */
const XOR = 0x80;
const VECTOR_FONT_UPPER = 0x1f;
const VECTOR_FONT = 0x43;
const TEXT_WINDOW_MASK = 0x7fff;

/** A character and its attribute; the attribute is undefined where a graphics mode cannot tell. */
export interface Cell {
  readonly character: number;
  readonly attribute: number;
}

/** Corners of a window, in cells, all inside. */
export interface Window {
  readonly top: number;
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
}

/** Physical address of a cell of a text mode; it wraps inside the 32 KiB of video memory. */
function cellAddress(screen: Screen, page: number, row: number, column: number): number {
  const offset = pageNumber(page) * screen.pageSize + (row * screen.columns + column) * 2;
  return (screen.mode.segment << 4) + (offset & TEXT_WINDOW_MASK);
}

/** How a run of equal characters is written. */
export interface CharacterRun {
  readonly page: number;
  readonly row: number;
  readonly column: number;
  readonly character: number;
  /** Attribute or colour; undefined keeps the attribute of a text mode. */
  readonly attribute: number | undefined;
  readonly count: number;
  /** Mode 13h only: the colour behind the character. */
  readonly background?: number;
}

/** Writes a character `count` times from a cell on; rows follow each other, and nothing is written behind the page. */
export function writeCharacters(context: FirmwareContext, screen: Screen, run: CharacterRun): void {
  const first = run.row * screen.columns + run.column;
  const count = Math.min(run.count, screen.rows * screen.columns - first);
  if (screen.mode.kind === 'graphics') {
    drawCharacters(context, screen, { ...run, count });
    return;
  }
  for (let index = first; index < first + count; index++) {
    const address = cellAddress(screen, run.page, 0, index);
    if (run.attribute === undefined) context.memory.write(address, 1, run.character);
    else context.memory.write(address, 2, (run.attribute << 8) | run.character);
  }
}

function drawCharacters(context: FirmwareContext, screen: Screen, run: CharacterRun): void {
  const surface = surfaceOf(context, screen, pageNumber(run.page));
  const color = run.attribute ?? 0;
  const deep = screen.mode.bitsPerPixel === 8;
  const xor = !deep && (color & XOR) !== 0;
  const glyph = readGlyph(context, screen, run.character);
  const first = run.row * screen.columns + run.column;
  for (let index = first; index < first + run.count; index++) {
    const column = index % screen.columns;
    const top = Math.floor(index / screen.columns) * screen.characterHeight;
    if (column * 8 >= screen.mode.width) continue;
    for (let line = 0; line < glyph.length && top + line < screen.mode.height; line++) {
      const background = deep ? (run.background ?? 0) : 0;
      surface.drawCellRow(column, top + line, glyph[line] as number, deep ? color : color & 0x7f, background, xor);
    }
  }
  surface.done();
}

/** The lines of a character as the vectors of the graphics fonts give them: INT 43h, and INT 1Fh for CGA's upper half. */
function readGlyph(context: FirmwareContext, screen: Screen, character: number): Uint8Array {
  const upper = screen.mode.segment === 0xb800 && character >= 0x80;
  const pointer = context.memory.read((upper ? VECTOR_FONT_UPPER : VECTOR_FONT) * 4, 4);
  const base = ((pointer >>> 16) << 4) + (pointer & 0xffff);
  const index = upper ? character - 0x80 : character;
  return context.memory.readBytes(base + index * screen.characterHeight, screen.characterHeight);
}

/** What stands in a cell; in graphics modes the character whose picture is there, or 0. */
export function readCell(context: FirmwareContext, screen: Screen, page: number, row: number, column: number): Cell {
  if (screen.mode.kind === 'text') {
    const word = context.memory.read(cellAddress(screen, page, row, column), 2);
    return { character: word & 0xff, attribute: word >> 8 };
  }
  const top = row * screen.characterHeight;
  if (column * 8 >= screen.mode.width || top + screen.characterHeight > screen.mode.height) {
    return { character: 0, attribute: 0 };
  }
  const surface = surfaceOf(context, screen, pageNumber(page));
  const lines = Array.from({ length: screen.characterHeight }, (_, line) => surface.readCellRow(column, top + line, 0));
  surface.done();
  for (let character = 0; character < 256; character++) {
    const glyph = readGlyph(context, screen, character);
    if (lines.every((line, index) => line === glyph[index])) return { character, attribute: 0 };
  }
  return { character: 0, attribute: 0 };
}

/** Moves a window's rows up (`lines` > 0) or down (< 0) and blanks what becomes free; 0 blanks the whole window. */
export function scroll(
  context: FirmwareContext,
  screen: Screen,
  page: number,
  asked: Window,
  lines: number,
  attribute: number,
): void {
  const right = Math.min(asked.right, screen.columns - 1);
  const bottom = Math.min(asked.bottom, screen.rows - 1);
  const window = { ...asked, right, bottom };
  if (window.left > right || window.top > bottom) return;
  const height = bottom - window.top + 1;
  const distance = lines === 0 || Math.abs(lines) >= height ? height : Math.abs(lines);
  const move = screen.mode.kind === 'text' ? scrollText : scrollGraphics;
  move(context, screen, page, window, distance, lines < 0, attribute);
}

type Scroll = (
  context: FirmwareContext,
  screen: Screen,
  page: number,
  window: Window,
  distance: number,
  down: boolean,
  attribute: number,
) => void;

const scrollText: Scroll = (context, screen, page, window, distance, down, attribute) => {
  const { memory } = context;
  const width = window.right - window.left + 1;
  const blank = (attribute << 8) | 0x20;
  const height = window.bottom - window.top + 1;
  for (let step = 0; step < height; step++) {
    const to = down ? window.bottom - step : window.top + step;
    const from = down ? to - distance : to + distance;
    const inside = from >= window.top && from <= window.bottom;
    for (let column = window.left; column < window.left + width; column++) {
      const value = inside ? memory.read(cellAddress(screen, page, from, column), 2) : blank;
      memory.write(cellAddress(screen, page, to, column), 2, value);
    }
  }
};

const scrollGraphics: Scroll = (context, screen, page, window, distance, down, attribute) => {
  const surface = surfaceOf(context, screen, pageNumber(page));
  const cells = screen.mode.width / 8;
  const count = Math.min(window.right, cells - 1) - window.left + 1;
  const top = window.top * screen.characterHeight;
  const bottom = Math.min((window.bottom + 1) * screen.characterHeight, screen.mode.height) - 1;
  const pixels = distance * screen.characterHeight;
  for (let step = 0; step <= bottom - top && count > 0; step++) {
    const to = down ? bottom - step : top + step;
    const from = down ? to - pixels : to + pixels;
    if (from >= top && from <= bottom) surface.copyCells(window.left, count, from, to);
    else surface.fillCells(window.left, count, to, attribute);
  }
  surface.done();
};
