/**
 * INT 10h, AH=00h: sets a mode by programming the VGA, and describes it in the BIOS data area.
 */
import { textModeOf, type VgaMode } from '../../../devices/vga/mode-table.ts';
import type { FirmwareContext } from '../../firmware.ts';
import { bda, setVector } from '../bios-data.ts';
import { FONT_8X8, FONT_8X14, FONT_8X16, ROM_BASE, ROM_SEGMENT } from '../rom.ts';
import { loadFont } from './font-memory.ts';
import { findMode, type TextLines, textLinesOf } from './screen.ts';
import { programMode } from './vga-registers.ts';

/** Heights of the ROM's fonts, with their offsets. */
export const romFonts: Readonly<Record<8 | 14 | 16, number>> = { 8: FONT_8X8, 14: FONT_8X14, 16: FONT_8X16 };

/** Bit 7 of the mode number keeps the video memory. */
const KEEP_MEMORY = 0x80;
/** Lines 6 and 7 of a cell of 8, which the BIOS scales to the character's height. */
const UNDERLINE_CURSOR = 0x0607;
const BLANK_TEXT = 0x0720;

/** 40:87: 256 KiB of video memory; bit 7 tells that the memory was kept. */
const CONTROL_256_KIB = 0x60;
/** 40:89: 400 lines in text modes, VGA active. */
export const FLAGS_400_LINES = 0x11;

/** Mode-control values of the CGA that programs look for at 40:65, modes 0–7. */
const CGA_MODE_CONTROLS = [0x2c, 0x28, 0x2d, 0x29, 0x2a, 0x2e, 0x1e, 0x29];

/** Reads 256 characters of a height from the ROM. */
export function readRomFont(context: FirmwareContext, height: 8 | 14 | 16): Uint8Array {
  return context.memory.readBytes(ROM_BASE + romFonts[height], 256 * height);
}

/** IBM's colour text modes come with fewer lines too. */
const COLOR_TEXT_MAX = 3;
const hasLines = (mode: VgaMode, lines: TextLines): lines is 200 | 350 =>
  mode.number <= COLOR_TEXT_MAX && lines !== 400;

/** Sets the mode of AL; an unknown number changes nothing and returns false. */
export function setMode(context: FirmwareContext, number: number): boolean {
  const found = findMode(number);
  if (!found) return false;
  const lines = textLinesOf(context);
  const mode = hasLines(found, lines) ? textModeOf(found, lines) : found;
  const keep = (number & KEEP_MEMORY) !== 0;
  programMode(context, mode);
  if (!keep) clearMemory(context, mode);
  if (mode.kind === 'text') loadFont(context, readRomFont(context, mode.characterHeight), mode.characterHeight, 0, 0);
  describeMode(context, mode, keep);
  setVector(context, 0x1f, ROM_SEGMENT, FONT_8X8 + 128 * 8);
  setVector(context, 0x43, ROM_SEGMENT, romFonts[mode.characterHeight]);
  return true;
}

function describeMode({ memory }: FirmwareContext, mode: VgaMode, keep: boolean): void {
  memory.write(bda.VIDEO_MODE, 1, mode.number);
  memory.write(bda.VIDEO_COLUMNS, 2, mode.columns);
  memory.write(bda.VIDEO_PAGE_SIZE, 2, mode.pageSize & 0xffff);
  memory.write(bda.VIDEO_PAGE_START, 2, 0);
  memory.writeBytes(bda.CURSOR_POSITIONS, new Uint8Array(16));
  memory.write(bda.CURSOR_SHAPE, 2, UNDERLINE_CURSOR);
  memory.write(bda.VIDEO_PAGE, 1, 0);
  memory.write(bda.CGA_MODE_CONTROL, 1, CGA_MODE_CONTROLS[mode.number] ?? 0x29);
  memory.write(bda.CGA_PALETTE, 1, mode.number === 6 ? 0x3f : 0x30);
  memory.write(bda.VIDEO_ROWS, 1, mode.rows - 1);
  memory.write(bda.CHARACTER_HEIGHT, 2, mode.characterHeight);
  memory.write(bda.VIDEO_CONTROL, 1, CONTROL_256_KIB | (keep ? KEEP_MEMORY : 0));
  memory.write(bda.VIDEO_SWITCHES, 1, 0xf9);
}

/** Blanks text with gray on black; clears graphics, whose planes are all written at once. */
function clearMemory({ memory }: FirmwareContext, mode: VgaMode): void {
  const bytes = new Uint8Array(mode.segment === 0xa000 ? 0x10000 : 0x8000);
  if (mode.kind === 'text') new Uint16Array(bytes.buffer).fill(BLANK_TEXT);
  memory.writeBytes(mode.segment << 4, bytes);
}
