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

/** The dots of one line of a cell, leftmost in bit 8 (the ninth dot of 9-dot cells is bit 0). */
function cellDots(state: VgaState, style: TextStyle, code: number, attribute: number, line: number): number {
  const font = style.fonts[((attribute >> 3) & 1) as 0 | 1];
  const dots = state.videoMemory[((font + code * GLYPH_SIZE + line) & 0xffff) * 4 + 2] as number;
  const extended = style.lineGraphics && code >= 0xc0 && code <= 0xdf;
  return (dots << 1) | (extended ? dots & 1 : 0);
}

/** Draws one pixel row of whole cells, one more than the picture has so that it can be moved left by the panning. */
function drawLine(state: VgaState, layout: PictureLayout, style: TextStyle, y: number, line: Uint32Array): void {
  const { counter, rowScan } = rowStart(layout, y);
  const { cursor } = style;
  const cursorCounter =
    cursor !== undefined && rowScan >= cursor.firstLine && rowScan <= cursor.lastLine ? cursor.counter : -1;
  let x = 0;
  for (let column = 0; column <= layout.columns; column++) {
    const cell = (counter + (column >> layout.countShift)) & 0xffff;
    const position = planeAddress(layout.wiring, cell, rowScan) * 4;
    const code = state.videoMemory[position] as number;
    const attribute = state.videoMemory[position + 1] as number;
    const foreground = style.colors[attribute & 0x0f] as number;
    const background = style.colors[(attribute >> 4) & style.backgroundMask] as number;
    let dots = cellDots(state, style, code, attribute, rowScan);
    if (rowScan === style.underlineLine && (attribute & 7) === 1) dots = 0x1ff;
    if (style.blinkingHidden && (attribute & 0x80) !== 0) dots = 0;
    if (cell === cursorCounter) dots = 0x1ff;
    for (let dot = 0; dot < layout.columnWidth; dot++) {
      line[x++] = ((dots >> (8 - dot)) & 1) !== 0 ? foreground : background;
    }
  }
}

/** Draws the whole picture into `pixels`, width × height. */
export function renderText(state: VgaState, layout: PictureLayout, phase: BlinkPhase, pixels: Uint32Array): void {
  const style = textStyle(state, layout, phase);
  const line = new Uint32Array((layout.columns + 1) * layout.columnWidth);
  for (let y = 0; y < layout.height; y++) {
    drawLine(state, layout, style, y, line);
    const panning = y < layout.split ? layout.panning : layout.splitPanning;
    pixels.set(line.subarray(panning, panning + layout.width), y * layout.width);
  }
}
