/**
 * INT 10h, AH=1Bh and 1Ch: what the video BIOS can do and how it stands, and saving that (IBM PS/2 BIOS Interface Technical
 * Reference, "Functionality/state information", "Save/restore video state").
 */
import type { FirmwareContext } from '../../firmware.ts';
import { bda } from '../bios-data.ts';
import type { Caller } from '../caller.ts';
import { FUNCTIONALITY_TABLE, ROM_SEGMENT } from '../rom.ts';
import type { Service } from '../service.ts';
import { screenOf, textLinesOf } from './screen.ts';
import { readAttribute, readSequencer } from './vga-registers.ts';
import { restoreState, saveState, stateBlocks } from './video-state.ts';

const TABLE_SIZE = 64;
const DISPLAY_VGA_COLOR = 8;
const MEMORY_256_KIB = 3;
const MODE_CONTROL = 0x10;
const FONT_SELECT = 3;
/** Scan lines as the table counts them. */
const SCAN_LINE_CODES: ReadonlyMap<number, number> = new Map([
  [200, 0],
  [350, 1],
  [400, 2],
  [480, 3],
]);

/** The fields that stand in the BIOS data area as they are: where from, how many bytes, where to. */
const copies: readonly (readonly [from: number, size: number, to: number])[] = [
  [bda.VIDEO_MODE, 1, 0x04],
  [bda.VIDEO_COLUMNS, 2, 0x05],
  [bda.VIDEO_PAGE_SIZE, 2, 0x07],
  [bda.VIDEO_PAGE_START, 2, 0x09],
  [bda.CURSOR_POSITIONS, 16, 0x0b],
  [bda.CURSOR_SHAPE, 2, 0x1b],
  [bda.VIDEO_PAGE, 1, 0x1d],
  [bda.CRTC_PORT, 2, 0x1e],
  [bda.CGA_MODE_CONTROL, 1, 0x20],
  [bda.CGA_PALETTE, 1, 0x21],
  [bda.CHARACTER_HEIGHT, 2, 0x23],
];

/** Bits: 0 all modes on all displays, 1 gray summing, 3 palette not loaded, 4 cursor emulation, 5 blinking. */
function flagsOf(context: FirmwareContext): number {
  const video = context.memory.read(bda.VIDEO_FLAGS, 1);
  const emulation = (context.memory.read(bda.VIDEO_CONTROL, 1) & 1) === 0;
  const blinking = (readAttribute(context, MODE_CONTROL) & 8) !== 0;
  return 1 | (video & 0x0a) | (emulation ? 0x10 : 0) | (blinking ? 0x20 : 0);
}

function stateTable(context: FirmwareContext): Uint8Array {
  const bytes = new Uint8Array(TABLE_SIZE);
  const view = new DataView(bytes.buffer);
  const { memory } = context;
  const { mode, rows } = screenOf(context);
  view.setUint16(0x00, FUNCTIONALITY_TABLE, true);
  view.setUint16(0x02, ROM_SEGMENT, true);
  for (const [from, size, to] of copies) bytes.set(memory.readBytes(from, size), to);
  view.setUint8(0x22, rows);
  view.setUint8(0x25, DISPLAY_VGA_COLOR);
  view.setUint16(0x27, 2 ** mode.bitsPerPixel, true);
  view.setUint8(0x29, mode.pageCount);
  view.setUint8(0x2a, SCAN_LINE_CODES.get(mode.kind === 'text' ? textLinesOf(context) : mode.height) ?? 2);
  const fonts = readSequencer(context, FONT_SELECT);
  view.setUint8(0x2b, (fonts & 3) | ((fonts >> 2) & 4));
  view.setUint8(0x2c, ((fonts >> 2) & 3) | ((fonts >> 3) & 4));
  view.setUint8(0x2d, flagsOf(context));
  view.setUint8(0x31, MEMORY_256_KIB);
  return bytes;
}

function getFunctionality(caller: Caller): undefined {
  if (caller.bx !== 0) return;
  caller.memory.writeBytes(caller.es(caller.di), stateTable(caller.context));
  caller.al = 0x1b;
}

/** The display interface is no part of this older function. */
const PARTS = 7;

/** AL: 0 tells the size in blocks of 64 bytes, 1 saves, 2 restores; CX says what. */
function handleState(caller: Caller): undefined {
  const { context, al } = caller;
  const parts = caller.cx & PARTS;
  if (al > 2) return;
  if (al === 0) caller.bx = stateBlocks(parts);
  else if (al === 1) saveState(context, parts, caller.es(caller.bx));
  else restoreState(context, parts, caller.es(caller.bx));
  caller.al = 0x1c;
}

export const functionalityServices: readonly Service[] = [
  { interrupt: 0x10, function: { ah: 0x1b }, name: 'functionality and state', run: getFunctionality },
  { interrupt: 0x10, function: { ah: 0x1c }, name: 'save and restore state', run: handleState },
];
