/**
 * The screen as the BIOS data area describes it, with every value that a guest may have spoilt brought back into range.
 */
import { type VgaMode, vgaModes } from '../../../devices/vga/mode-table.ts';
import type { FirmwareContext } from '../../firmware.ts';
import { bda, changeBits } from '../bios-data.ts';
import { writeCrtc } from './vga-registers.ts';

const modesByNumber: ReadonlyMap<number, VgaMode> = new Map(vgaModes.map((mode) => [mode.number, mode]));
const FALLBACK_MODE = 3;
const COLUMNS_MAX = 132;
const ROWS_MAX = 128;
const CHARACTER_HEIGHT_MAX = 32;
const PAGES = 8;

/** The mode of a number (bit 7 ignored), or undefined. */
export function findMode(number: number): VgaMode | undefined {
  return modesByNumber.get(number & 0x7f);
}

export interface Screen {
  readonly mode: VgaMode;
  readonly columns: number;
  readonly rows: number;
  readonly characterHeight: number;
  /** Bytes from page to page. */
  readonly pageSize: number;
  /** The page that is shown. */
  readonly activePage: number;
}

/** Scan lines that text modes are to have, as bits 7 and 4 of 40:89 say. */
export type TextLines = 200 | 350 | 400;
const LINES_200 = 0x80;
const LINES_400 = 0x10;

export function textLinesOf({ memory }: FirmwareContext): TextLines {
  const flags = memory.read(bda.VIDEO_FLAGS, 1) & (LINES_200 | LINES_400);
  if (flags === LINES_400) return 400;
  return flags === LINES_200 ? 200 : 350;
}

/** Takes effect with the next mode set. */
export function setTextLines(context: FirmwareContext, lines: TextLines): void {
  const bits = lines === 400 ? LINES_400 : lines === 200 ? LINES_200 : 0;
  changeBits(context, bda.VIDEO_FLAGS, LINES_200 | LINES_400, bits);
}

export interface CursorPosition {
  readonly column: number;
  readonly row: number;
}

const inRange = (value: number, max: number, otherwise: number): number =>
  value >= 1 && value <= max ? value : otherwise;

export function screenOf({ memory }: FirmwareContext): Screen {
  const mode = findMode(memory.read(bda.VIDEO_MODE, 1)) ?? (findMode(FALLBACK_MODE) as VgaMode);
  return {
    mode,
    columns: inRange(memory.read(bda.VIDEO_COLUMNS, 2), COLUMNS_MAX, mode.columns),
    rows: inRange(memory.read(bda.VIDEO_ROWS, 1) + 1, ROWS_MAX, mode.rows),
    characterHeight: inRange(memory.read(bda.CHARACTER_HEIGHT, 1), CHARACTER_HEIGHT_MAX, mode.characterHeight),
    pageSize: memory.read(bda.VIDEO_PAGE_SIZE, 2),
    activePage: memory.read(bda.VIDEO_PAGE, 1) % PAGES,
  };
}

/** Pages beyond the eighth do not exist; the number wraps. */
export const pageNumber = (value: number): number => value % PAGES;

/** The cursor of a page, inside the screen. */
export function cursorOf({ memory }: FirmwareContext, screen: Screen, page: number): CursorPosition {
  const at = bda.CURSOR_POSITIONS + pageNumber(page) * 2;
  return {
    column: Math.min(memory.read(at, 1), screen.columns - 1),
    row: Math.min(memory.read(at + 1, 1), screen.rows - 1),
  };
}

/** Moves a page's cursor; the hardware's too if the page is shown. */
export function moveCursor(context: FirmwareContext, screen: Screen, page: number, to: CursorPosition): void {
  const at = bda.CURSOR_POSITIONS + pageNumber(page) * 2;
  context.memory.write(at, 1, to.column & 0xff);
  context.memory.write(at + 1, 1, to.row & 0xff);
  if (pageNumber(page) === screen.activePage) showCursor(context, screen);
}

/** Writes the place of the shown page's cursor to the CRTC. */
export function showCursor(context: FirmwareContext, screen: Screen): void {
  const at = bda.CURSOR_POSITIONS + screen.activePage * 2;
  const column = context.memory.read(at, 1);
  const row = context.memory.read(at + 1, 1);
  const cell = (screen.activePage * screen.pageSize) / 2 + row * screen.columns + column;
  writeCrtc(context, 0x0e, cell >> 8);
  writeCrtc(context, 0x0f, cell);
}
