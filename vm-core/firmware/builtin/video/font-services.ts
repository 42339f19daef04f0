/**
 * INT 10h, AH=11h: character generators (IBM PS/2 BIOS Interface Technical Reference). The functions 10h–14h also fit the
 * rows of the screen to the font, 00h–04h do not.
 */
import { ES } from '../../../state/layout.ts';
import type { FirmwareContext } from '../../firmware.ts';
import { bda, setVector } from '../bios-data.ts';
import type { Caller } from '../caller.ts';
import { FONT_8X8, FONT_8X14, FONT_8X16, ROM_SEGMENT } from '../rom.ts';
import type { Service } from '../service.ts';
import { loadFont } from './font-memory.ts';
import { readRomFont, romFonts } from './mode-set.ts';
import { screenOf, textLinesOf } from './screen.ts';
import { readCrtc, writeCrtc, writeSequencer } from './vga-registers.ts';

const CHARACTER_HEIGHT_MAX = 32;
/** The mode that has 400 lines whatever was asked for. */
const MONOCHROME_TEXT = 7;
const FONT_UPPER_HALF: number = FONT_8X8 + 128 * 8;

const row = (al: number, name: string, run: (caller: Caller) => undefined): Service => ({
  interrupt: 0x10,
  function: { ax: 0x1100 | al },
  name,
  run,
});

/** A character is 1 to 32 lines high; other heights that a guest gives are brought into that range. */
const lines = (height: number): number => Math.min(Math.max(height, 1), CHARACTER_HEIGHT_MAX);

function loadUserFont(caller: Caller): number {
  const height = lines(caller.bh);
  const count = Math.min(caller.cx, 256);
  const glyphs = caller.memory.readBytes(caller.es(caller.bp), count * height);
  loadFont(caller.context, glyphs, height, caller.dx & 0xff, caller.bl & 7);
  return height;
}

function loadRomFont(caller: Caller, height: 8 | 14 | 16): number {
  loadFont(caller.context, readRomFont(caller.context, height), height, 0, caller.bl & 7);
  return height;
}

/** As many rows as the picture's scan lines hold; the cursor becomes the underline of the new height. */
function fitRows(context: FirmwareContext, height: number): undefined {
  const { memory } = context;
  const screen = screenOf(context);
  if (screen.mode.kind === 'graphics') return;
  const lines = screen.mode.number === MONOCHROME_TEXT ? 400 : textLinesOf(context);
  const rows = Math.max(1, Math.floor(lines / height));
  writeCrtc(context, 0x09, (readCrtc(context, 0x09) & 0xe0) | (height - 1));
  writeCrtc(context, 0x0a, Math.max(0, height - 3));
  writeCrtc(context, 0x0b, Math.max(0, height - 2));
  writeCrtc(context, 0x12, rows * height * (lines === 200 ? 2 : 1) - 1);
  memory.write(bda.VIDEO_ROWS, 1, rows - 1);
  memory.write(bda.CHARACTER_HEIGHT, 2, height);
  memory.write(bda.VIDEO_PAGE_SIZE, 2, (rows * screen.columns * 2 + 0xff) & 0xff00);
}

/** BL of the functions 21h–24h: how many rows a graphics mode has; 0 takes DL. */
const ROWS_BY_CODE = [0, 14, 25, 43];

function useGraphicsFont(caller: Caller, segment: number, offset: number, height: number): undefined {
  const { context } = caller;
  setVector(context, 0x43, segment, offset);
  const rows = caller.bl === 0 ? caller.dl : (ROWS_BY_CODE[caller.bl] ?? 25);
  context.memory.write(bda.CHARACTER_HEIGHT, 2, height);
  context.memory.write(bda.VIDEO_ROWS, 1, Math.max(rows, 1) - 1);
}

function getFontInformation(caller: Caller): undefined {
  const { context } = caller;
  const fromVector = (vector: number) => ({
    segment: context.memory.read(vector * 4 + 2, 2),
    offset: context.memory.read(vector * 4, 2),
  });
  const inRom = (offset: number) => ({ segment: ROM_SEGMENT, offset });
  const pointers = [
    () => fromVector(0x1f),
    () => fromVector(0x43),
    () => inRom(FONT_8X14),
    () => inRom(FONT_8X8),
    () => inRom(FONT_UPPER_HALF),
    () => inRom(FONT_8X14),
    () => inRom(FONT_8X16),
    () => inRom(FONT_8X16),
  ];
  const pointer = pointers[caller.bh]?.();
  if (!pointer) return;
  caller.setEs(pointer.segment);
  caller.bp = pointer.offset;
  caller.cx = context.memory.read(bda.CHARACTER_HEIGHT, 2);
  caller.dl = context.memory.read(bda.VIDEO_ROWS, 1);
}

export const fontServices: readonly Service[] = [
  row(0x00, 'load a font of the caller', (caller) => {
    loadUserFont(caller);
  }),
  row(0x01, 'load the 8x14 font', (caller) => {
    loadRomFont(caller, 14);
  }),
  row(0x02, 'load the 8x8 font', (caller) => {
    loadRomFont(caller, 8);
  }),
  row(0x03, 'select fonts by character map', ({ context, bl }) => {
    writeSequencer(context, 3, bl & 0x3f);
  }),
  row(0x04, 'load the 8x16 font', (caller) => {
    loadRomFont(caller, 16);
  }),
  row(0x10, 'load a font of the caller and fit the rows', (caller) => fitRows(caller.context, loadUserFont(caller))),
  row(0x11, 'load the 8x14 font and fit the rows', (caller) => fitRows(caller.context, loadRomFont(caller, 14))),
  row(0x12, 'load the 8x8 font and fit the rows', (caller) => fitRows(caller.context, loadRomFont(caller, 8))),
  row(0x14, 'load the 8x16 font and fit the rows', (caller) => fitRows(caller.context, loadRomFont(caller, 16))),
  row(0x20, 'set the upper half of the CGA graphics font', (caller) => {
    setVector(caller.context, 0x1f, caller.state.segment(ES).selector, caller.bp);
  }),
  row(0x21, 'set the graphics font', (caller) =>
    useGraphicsFont(caller, caller.state.segment(ES).selector, caller.bp, lines(caller.cx)),
  ),
  row(0x22, 'use the 8x14 font for graphics', (caller) => useGraphicsFont(caller, ROM_SEGMENT, romFonts[14], 14)),
  row(0x23, 'use the 8x8 font for graphics', (caller) => useGraphicsFont(caller, ROM_SEGMENT, romFonts[8], 8)),
  row(0x24, 'use the 8x16 font for graphics', (caller) => useGraphicsFont(caller, ROM_SEGMENT, romFonts[16], 16)),
  row(0x30, 'get font information', getFontInformation),
];
