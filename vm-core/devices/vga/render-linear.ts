/** Draws linear pictures (VESA BIOS Extension 3.0, "Packed pixel" and "Direct color" memory models). */
import { colors16, colors256 } from './colors.ts';
import { type LinearLayout, PLANAR_PIXELS } from './linear-layout.ts';
import { copyLinear } from './linear-memory.ts';
import type { VgaState } from './vga-state.ts';

const OPAQUE = 0xff000000;
const PLANES = 4;

/** Draws one line of pixels from its bytes in memory. */
type LinePainter = (bytes: Uint8Array, pixels: Uint32Array, first: number, width: number, panning: number) => void;

const fiveToEight = (value: number): number => (value << 3) | (value >> 2);
const sixToEight = (value: number): number => (value << 2) | (value >> 4);

const indexedPainter =
  (colors: Uint32Array): LinePainter =>
  (bytes, pixels, first, width) => {
    for (let x = 0; x < width; x++) pixels[first + x] = colors[bytes[x] as number] as number;
  };

/** 1:5:5:5, blue lowest. */
const paint15: LinePainter = (bytes, pixels, first, width) => {
  for (let x = 0; x < width; x++) {
    const value = (bytes[x * 2] as number) | ((bytes[x * 2 + 1] as number) << 8);
    const [red, green, blue] = [(value >> 10) & 0x1f, (value >> 5) & 0x1f, value & 0x1f];
    pixels[first + x] = OPAQUE | (fiveToEight(blue) << 16) | (fiveToEight(green) << 8) | fiveToEight(red);
  }
};

/** 5:6:5, blue lowest. */
const paint16: LinePainter = (bytes, pixels, first, width) => {
  for (let x = 0; x < width; x++) {
    const value = (bytes[x * 2] as number) | ((bytes[x * 2 + 1] as number) << 8);
    const [red, green, blue] = [value >> 11, (value >> 5) & 0x3f, value & 0x1f];
    pixels[first + x] = OPAQUE | (fiveToEight(blue) << 16) | (sixToEight(green) << 8) | fiveToEight(red);
  }
};

/** Blue, green, red and, of 32 bits, one byte that is not shown. */
const directPainter =
  (size: 3 | 4): LinePainter =>
  (bytes, pixels, first, width) => {
    for (let x = 0, at = 0; x < width; x++, at += size) {
      const [blue, green, red] = [bytes[at] as number, bytes[at + 1] as number, bytes[at + 2] as number];
      pixels[first + x] = OPAQUE | (blue << 16) | (green << 8) | red;
    }
  };

/** Planes side by side: bit 7 of a byte of each makes the first pixel. */
const planarPainter =
  (colors: Uint32Array): LinePainter =>
  (bytes, pixels, first, width, panning) => {
    for (let x = 0; x < width; x++) {
      const place = x + panning;
      const at = (place >> 3) * PLANES;
      const bit = 7 - (place & 7);
      let color = 0;
      for (let plane = 0; plane < PLANES; plane++) color |= (((bytes[at + plane] as number) >> bit) & 1) << plane;
      pixels[first + x] = colors[color] as number;
    }
  };

function painterOf(state: VgaState, bitsPerPixel: number): LinePainter {
  if (bitsPerPixel === 4) return planarPainter(colors16(state));
  if (bitsPerPixel === 15) return paint15;
  if (bitsPerPixel === 16) return paint16;
  if (bitsPerPixel === 24) return directPainter(3);
  return bitsPerPixel === 32 ? directPainter(4) : indexedPainter(colors256(state));
}

/** Draws the whole picture into `pixels`, width × height. */
export function renderLinear(state: VgaState, layout: LinearLayout, pixels: Uint32Array): void {
  const { width, height, pitch, start, panning } = layout;
  const paint = painterOf(state, layout.bitsPerPixel);
  const line = new Uint8Array(Math.ceil((width + panning) / PLANAR_PIXELS) * PLANAR_PIXELS * layout.bytesPerPixel);
  for (let y = 0; y < height; y++) {
    copyLinear(state, start + y * pitch, line);
    paint(line, pixels, y * width, width, panning);
  }
}
