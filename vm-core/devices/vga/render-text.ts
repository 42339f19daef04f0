/** Draws text modes (IBM PS/2 Video Subsystem Technical Reference, "Alphanumeric Modes"). */
import { colors16 } from './colors.ts';
import { type PictureLayout, planeAddress, rowStart } from './picture-layout.ts';
import { blinkEnabled, type Cursor, cursorOf, fontAddresses, GLYPH_SIZE } from './text-cells.ts';
import type { VgaState } from './vga-state.ts';

/** Which half of their period the two kinds of blinking are in; true while the thing is seen. */
export interface BlinkPhase {
  readonly cursor: boolean;
  readonly attributes: boolean;
}

const AR10_LINE_GRAPHICS = 1 << 2;

/** The drawing's constants, read once per picture. */
interface TextStyle {
  readonly colors: Uint32Array;
  readonly fonts: readonly [number, number];
  readonly cursor: Cursor | undefined;
  readonly blinkingHidden: boolean;
  readonly backgroundMask: number;
  readonly underlineLine: number;
  readonly lineGraphics: boolean;
}

function textStyle(state: VgaState, layout: PictureLayout, phase: BlinkPhase): TextStyle {
  const blink = blinkEnabled(state);
  return {
    colors: colors16(state),
    fonts: fontAddresses(state),
    cursor: phase.cursor ? cursorOf(state, layout) : undefined,
    blinkingHidden: blink && !phase.attributes,
    backgroundMask: blink ? 7 : 15,
    underlineLine: (state.crtc[0x14] as number) & 0x1f,
    lineGraphics: ((state.attribute[0x10] as number) & AR10_LINE_GRAPHICS) !== 0,
  };
}

/** What stays the same in all lines of a cell. */
const CELL_CURSOR = 1;
const CELL_UNDERLINED = 2;
const CELL_NINTH_DOT = 4;
const CELL_HIDDEN = 8;

/** One character row, column by column; one column more than the picture has, for panning. */
interface RowCells {
  /** Plane address of the character's shape. */
  readonly glyph: Uint32Array;
  readonly foreground: Uint32Array;
  readonly background: Uint32Array;
  readonly flags: Uint8Array;
}

function emptyCells(layout: PictureLayout): RowCells {
  const count = layout.columns + 1;
  return {
    glyph: new Uint32Array(count),
    foreground: new Uint32Array(count),
    background: new Uint32Array(count),
    flags: new Uint8Array(count),
  };
}

function cellFlags(style: TextStyle, code: number, attribute: number, counter: number): number {
  return (
    (counter === style.cursor?.counter ? CELL_CURSOR : 0) |
    ((attribute & 7) === 1 ? CELL_UNDERLINED : 0) |
    (style.lineGraphics && code >= 0xc0 && code <= 0xdf ? CELL_NINTH_DOT : 0) |
    (style.blinkingHidden && (attribute & 0x80) !== 0 ? CELL_HIDDEN : 0)
  );
}

/** Reads the character row that begins at an address counter. */
function readCells(state: VgaState, layout: PictureLayout, style: TextStyle, counter: number, cells: RowCells): void {
  for (let column = 0; column <= layout.columns; column++) {
    const cell = (counter + (column >> layout.countShift)) & 0xffff;
    const position = planeAddress(layout.wiring, cell, 0) * 4;
    const code = state.videoMemory[position] as number;
    const attribute = state.videoMemory[position + 1] as number;
    cells.glyph[column] = style.fonts[((attribute >> 3) & 1) as 0 | 1] + code * GLYPH_SIZE;
    cells.foreground[column] = style.colors[attribute & 0x0f] as number;
    cells.background[column] = style.colors[(attribute >> 4) & style.backgroundMask] as number;
    cells.flags[column] = cellFlags(style, code, attribute, cell);
  }
}

/** The dots of one line of a cell, leftmost in bit 8 (the ninth dot of 9-dot cells is bit 0). */
function cellDots(shape: number, flags: number, onCursor: boolean, onUnderline: boolean): number {
  if (onCursor && (flags & CELL_CURSOR) !== 0) return 0x1ff;
  if ((flags & CELL_HIDDEN) !== 0) return 0;
  if (onUnderline && (flags & CELL_UNDERLINED) !== 0) return 0x1ff;
  return (shape << 1) | ((flags & CELL_NINTH_DOT) !== 0 ? shape & 1 : 0);
}

/** Draws one line of all cells. */
function drawLine(memory: Uint8Array, style: TextStyle, cells: RowCells, rowScan: number, line: Uint32Array): void {
  const { cursor } = style;
  const onCursor = cursor !== undefined && rowScan >= cursor.firstLine && rowScan <= cursor.lastLine;
  const onUnderline = rowScan === style.underlineLine;
  const width = line.length / cells.glyph.length;
  let x = 0;
  for (let column = 0; column < cells.glyph.length; column++) {
    const shape = memory[(((cells.glyph[column] as number) + rowScan) & 0xffff) * 4 + 2] as number;
    const dots = cellDots(shape, cells.flags[column] as number, onCursor, onUnderline);
    const foreground = cells.foreground[column] as number;
    const background = cells.background[column] as number;
    for (let dot = 8; dot > 8 - width; dot--) line[x++] = ((dots >> dot) & 1) !== 0 ? foreground : background;
  }
}

/** Draws the whole picture into `pixels`, width × height. */
export function renderText(state: VgaState, layout: PictureLayout, phase: BlinkPhase, pixels: Uint32Array): void {
  const style = textStyle(state, layout, phase);
  const line = new Uint32Array((layout.columns + 1) * layout.columnWidth);
  const cells = emptyCells(layout);
  let counterRead = -1;
  for (let y = 0; y < layout.height; y++) {
    const { counter, rowScan } = rowStart(layout, y);
    if (counter !== counterRead) readCells(state, layout, style, counter, cells);
    counterRead = counter;
    drawLine(state.videoMemory, style, cells, rowScan, line);
    const panning = y < layout.split ? layout.panning : layout.splitPanning;
    pixels.set(line.subarray(panning, panning + layout.width), y * layout.width);
  }
}
