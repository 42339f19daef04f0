/**
 * The picture's shape as the registers give it: size, pixel format, and which plane address each part shows (IBM PS/2
 * Video Subsystem Technical Reference, "CRT Controller"). Repeated lines and doubled pixels are resolved: mode 13h has
 * 320 x 200 pixels.
 */
import { displayLinesOf, dotsPerCharacter, linesPerCount, totalLinesOf } from './crt-timing.ts';
import type { VgaState } from './vga-state.ts';

/** Whatever the registers say, no picture is wider. (The CRT controller's own limit of height is 1024.) */
const WIDTH_MAX = 1920;

/** What is shown while nothing is. */
const NO_SIGNAL = { width: 640, height: 400 };

/**
 * `text`: characters. `planar`: one bit of each plane makes a pixel. `interleaved`: two bits of planes 0 and 2, then of
 * 1 and 3 (CGA's four colours). `packed`: each byte is a pixel, planes in turn (mode 13h, unchained too).
 */
export type PictureKind = 'text' | 'planar' | 'interleaved' | 'packed';

/** How address counters become plane addresses. */
interface AddressWiring {
  readonly unit: 'byte' | 'word' | 'doubleword';
  /** In word mode, the counter bit that appears as address bit 0. */
  readonly wordTopBit: 13 | 15;
  /** Address bits 13 and 14 are bits 0 and 1 of the row scan counter. */
  readonly rowScanAt13: boolean;
  readonly rowScanAt14: boolean;
}

export interface PictureLayout {
  readonly kind: PictureKind;
  /** `off`: no synchronisation or screen switched off, black. `border`: the palette is disconnected, overscan colour. */
  readonly output: 'picture' | 'off' | 'border';
  readonly width: number;
  readonly height: number;
  /** Character clocks of a line, and the pixels of each. */
  readonly columns: number;
  readonly columnWidth: number;
  /** Pixel rows that show the same memory row (for text: of a character). */
  readonly rowHeight: number;
  /** Address counters from row to row. */
  readonly pitch: number;
  readonly startAddress: number;
  /** Rows of the first character row that lie above the picture. */
  readonly presetRow: number;
  /** First pixel row of the lower part, and the address that it shows: 0 and what byte panning adds. */
  readonly split: number;
  readonly splitAddress: number;
  /** Pixels by which the upper and lower parts move left. */
  readonly panning: number;
  readonly splitPanning: number;
  /** The counter moves every 2 ** countShift characters. */
  readonly countShift: number;
  readonly wiring: AddressWiring;
}

const bitSet = (value: number | undefined, bit: number): boolean => (((value as number) >> bit) & 1) !== 0;

function pictureKind(graphics: Uint8Array): PictureKind {
  if (!bitSet(graphics[6], 0)) return 'text';
  if (bitSet(graphics[5], 6)) return 'packed';
  return bitSet(graphics[5], 5) ? 'interleaved' : 'planar';
}

/** SR01 bit 5 switches the picture off. */
export function isScreenOff({ sequencer }: VgaState): boolean {
  return bitSet(sequencer[1], 5);
}

function pictureOutput(state: VgaState): PictureLayout['output'] {
  const { crtc, sequencer } = state;
  const running = ((sequencer[0] as number) & 3) === 3 && bitSet(crtc[0x17], 7) && crtc[0] !== 0;
  if (!running || isScreenOff(state)) return 'off';
  return bitSet(state.attributeIndex, 5) ? 'picture' : 'border';
}

function addressWiring(crtc: Uint8Array): AddressWiring {
  const modeControl = crtc[0x17];
  const word = bitSet(modeControl, 6) ? 'byte' : 'word';
  return {
    unit: bitSet(crtc[0x14], 6) ? 'doubleword' : word,
    wordTopBit: bitSet(modeControl, 5) ? 15 : 13,
    rowScanAt13: !bitSet(modeControl, 0),
    rowScanAt14: !bitSet(modeControl, 1),
  };
}

/** AR13 as pixels: in 9-dot text 8 means none and 0–7 mean 1–8; packed pixels count half. */
function pixelPanning(state: VgaState, kind: PictureKind, columnWidth: number): number {
  const value = state.attribute[0x13] as number;
  if (kind === 'packed') return (value >> 1) & 3;
  if (columnWidth === 9) return value >= 8 ? 0 : value + 1;
  return value & 7;
}

function columnWidthOf(kind: PictureKind, sequencer: Uint8Array): number {
  if (kind === 'packed') return 4;
  return kind === 'text' ? dotsPerCharacter(sequencer) : 8;
}

/** Scan lines per pixel row and pixel rows per memory row. */
function rowHeights(
  crtc: Uint8Array,
  kind: PictureKind,
  wiring: AddressWiring,
): { lineRepeat: number; rowHeight: number } {
  const scanLines = ((crtc[9] as number) & 0x1f) + 1;
  const doubled = bitSet(crtc[9], 7) ? 2 : 1;
  const linesDiffer = kind === 'text' || wiring.rowScanAt13 || wiring.rowScanAt14;
  return linesDiffer
    ? { lineRepeat: doubled, rowHeight: scanLines }
    : { lineRepeat: doubled * scanLines, rowHeight: 1 };
}

function lineCompare(crtc: Uint8Array): number {
  const bit8 = ((crtc[7] as number) >> 4) & 1;
  const bit9 = ((crtc[9] as number) >> 6) & 1;
  return (crtc[0x18] as number) | (bit8 << 8) | (bit9 << 9);
}

export function pictureLayout(state: VgaState): PictureLayout {
  const { crtc } = state;
  const kind = pictureKind(state.graphics);
  const output = pictureOutput(state);
  const wiring = addressWiring(crtc);
  const columnWidth = columnWidthOf(kind, state.sequencer);
  const columnsMax = Math.min((crtc[0] as number) + 5, Math.floor(WIDTH_MAX / columnWidth));
  const columns = Math.min((crtc[1] as number) + 1, columnsMax);
  const { lineRepeat, rowHeight } = rowHeights(crtc, kind, wiring);
  const lines = Math.min(displayLinesOf(crtc), totalLinesOf(crtc));
  const synchronised = output !== 'off' || isScreenOff(state);
  const panning = pixelPanning(state, kind, columnWidth);
  const bytePanning = ((crtc[8] as number) >> 5) & 3;
  // AR10 bit 5 keeps the lower part where it is.
  const splitPans = !bitSet(state.attribute[0x10], 5);
  return {
    kind,
    output,
    width: synchronised ? columns * columnWidth : NO_SIGNAL.width,
    height: synchronised ? Math.ceil(lines / lineRepeat) : NO_SIGNAL.height,
    columns,
    columnWidth,
    rowHeight,
    pitch: (crtc[0x13] as number) * 2,
    startAddress: (((crtc[0x0c] as number) << 8) | (crtc[0x0d] as number)) + bytePanning,
    splitAddress: splitPans ? bytePanning : 0,
    presetRow: kind === 'text' ? Math.min((crtc[8] as number) & 0x1f, rowHeight - 1) : 0,
    split: Math.ceil(((lineCompare(crtc) + 1) * linesPerCount(crtc)) / lineRepeat),
    panning,
    splitPanning: splitPans ? panning : 0,
    countShift: bitSet(crtc[0x14], 5) ? 2 : bitSet(crtc[0x17], 3) ? 1 : 0,
    wiring,
  };
}

/** The address counter at the left edge of a pixel row, and which line of its memory row it is. */
export function rowStart(layout: PictureLayout, y: number): { readonly counter: number; readonly rowScan: number } {
  const below = y >= layout.split;
  const line = below ? y - layout.split : y + layout.presetRow;
  const row = Math.floor(line / layout.rowHeight);
  return {
    counter: (below ? layout.splitAddress : layout.startAddress) + row * layout.pitch,
    rowScan: line - row * layout.rowHeight,
  };
}

/** The plane address that an address counter reaches. */
export function planeAddress(
  { unit, wordTopBit, rowScanAt13, rowScanAt14 }: AddressWiring,
  counter: number,
  rowScan: number,
): number {
  let address = counter & 0xffff;
  if (unit === 'doubleword') address = ((address << 2) & 0xfffc) | ((address >> 12) & 3);
  else if (unit === 'word') address = ((address << 1) & 0xfffe) | ((address >> wordTopBit) & 1);
  if (rowScanAt13) address = (address & ~(1 << 13)) | ((rowScan & 1) << 13);
  if (rowScanAt14) address = (address & ~(1 << 14)) | ((rowScan & 2) << 13);
  return address;
}
