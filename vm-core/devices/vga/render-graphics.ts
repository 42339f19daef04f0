/** Draws graphics modes (IBM PS/2 Video Subsystem Technical Reference, "All-Points-Addressable Modes"). */
import { colors16, colors256 } from './colors.ts';
import { type PictureLayout, planeAddress, rowStart } from './picture-layout.ts';
import type { VgaState } from './vga-state.ts';

/** For each byte, its bits as nibbles of 0 or 1, the leftmost pixel in the top nibble. */
const bitsAsNibbles = Uint32Array.from({ length: 256 }, (_, byte) => {
  let nibbles = 0;
  for (let bit = 0; bit < 8; bit++) nibbles |= ((byte >> bit) & 1) << (bit * 4);
  return nibbles;
});

/** For each byte, its bit pairs as four nibbles of 0–3, the leftmost pixel in bits 15–12. */
const pairsAsNibbles = Uint32Array.from({ length: 256 }, (_, byte) => {
  let nibbles = 0;
  for (let pair = 0; pair < 4; pair++) nibbles |= ((byte >> (pair * 2)) & 3) << (pair * 4);
  return nibbles;
});

/** The eight pixels of one address as nibbles; `planes` has plane 0 in its lowest byte. */
function planarNibbles(planes: number): number {
  return (
    (bitsAsNibbles[planes & 0xff] as number) |
    ((bitsAsNibbles[(planes >>> 8) & 0xff] as number) << 1) |
    ((bitsAsNibbles[(planes >>> 16) & 0xff] as number) << 2) |
    ((bitsAsNibbles[planes >>> 24] as number) << 3)
  );
}

function interleavedNibbles(planes: number): number {
  const left = (pairsAsNibbles[planes & 0xff] as number) | ((pairsAsNibbles[(planes >>> 16) & 0xff] as number) << 2);
  const right = (pairsAsNibbles[(planes >>> 8) & 0xff] as number) | ((pairsAsNibbles[planes >>> 24] as number) << 2);
  return (left << 16) | right;
}

/** Draws the pixels of one address at `x`. */
type ColumnPainter = (planes: number, line: Uint32Array, x: number) => void;

function nibblePainter(colors: Uint32Array, nibblesOf: (planes: number) => number): ColumnPainter {
  return (planes, line, x) => {
    const nibbles = nibblesOf(planes);
    for (let pixel = 0; pixel < 8; pixel++) line[x + pixel] = colors[(nibbles >>> (28 - pixel * 4)) & 15] as number;
  };
}

function packedPainter(colors: Uint32Array): ColumnPainter {
  return (planes, line, x) => {
    line[x] = colors[planes & 0xff] as number;
    line[x + 1] = colors[(planes >>> 8) & 0xff] as number;
    line[x + 2] = colors[(planes >>> 16) & 0xff] as number;
    line[x + 3] = colors[planes >>> 24] as number;
  };
}

function painterOf(state: VgaState, kind: PictureLayout['kind']): ColumnPainter {
  if (kind === 'packed') return packedPainter(colors256(state));
  return nibblePainter(colors16(state), kind === 'interleaved' ? interleavedNibbles : planarNibbles);
}

/** Draws the whole picture into `pixels`, width × height. */
export function renderGraphics(state: VgaState, layout: PictureLayout, pixels: Uint32Array): void {
  const { videoMemory } = state;
  const memory = new DataView(videoMemory.buffer, videoMemory.byteOffset, videoMemory.byteLength);
  const paint = painterOf(state, layout.kind);
  const line = new Uint32Array((layout.columns + 1) * layout.columnWidth);
  for (let y = 0; y < layout.height; y++) {
    const { counter, rowScan } = rowStart(layout, y);
    for (let column = 0; column <= layout.columns; column++) {
      const address = planeAddress(layout.wiring, counter + (column >> layout.countShift), rowScan);
      paint(memory.getUint32(address * 4, true), line, column * layout.columnWidth);
    }
    const panning = y < layout.split ? layout.panning : layout.splitPanning;
    pixels.set(line.subarray(panning, panning + layout.width), y * layout.width);
  }
}
