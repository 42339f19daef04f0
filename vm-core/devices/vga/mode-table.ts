/**
 * The register sets of the standard VGA modes (IBM PS/2 Video Subsystem Technical Reference, "BIOS parameter table").
 * Firmware writes them to the registers through the ports; the display itself knows no mode numbers. (A table: exempt
 * from the length limit.)
 */
import type { DacPaletteName } from './default-palettes.ts';

/** One mode: what to write to every register, and what the BIOS tells its callers about the mode. */
export interface VgaMode {
  /** Number for INT 10h, AH=00h. */
  readonly number: number;
  readonly kind: 'text' | 'graphics';
  /** Pixels of the picture. */
  readonly width: number;
  readonly height: number;
  /** Text columns and rows (of characters, also in graphics modes). */
  readonly columns: number;
  readonly rows: number;
  /** Scan lines of a character: selects the 8x8, 8x14 or 8x16 font. */
  readonly characterHeight: 8 | 14 | 16;
  /** Bits of a pixel as the guest sees them; 4 for colour text. */
  readonly bitsPerPixel: number;
  /** Real-mode segment of the video memory. */
  readonly segment: 0xa000 | 0xb000 | 0xb800;
  /** Bytes from one display page to the next as the processor addresses them. */
  readonly pageSize: number;
  readonly pageCount: number;
  /** What belongs into the DAC. */
  readonly palette: DacPaletteName;
  /** Miscellaneous Output register (write port 3C2h). */
  readonly miscOutput: number;
  /** SR00…SR04. */
  readonly sequencer: readonly number[];
  /** CR00…CR18. CR11 bit 7 protects CR00…CR07: clear it before writing them. */
  readonly crtc: readonly number[];
  /** GR00…GR08. */
  readonly graphics: readonly number[];
  /** AR00…AR14; afterwards write 20h to 3C0h to show the picture. */
  readonly attribute: readonly number[];
}

/** CR00…CR05: horizontal total, display end, blanking and retrace, in characters. */
const HORIZONTAL_40_TEXT = [0x2d, 0x27, 0x28, 0x90, 0x2b, 0xa0];
const HORIZONTAL_40 = [0x2d, 0x27, 0x28, 0x90, 0x2b, 0x80];
const HORIZONTAL_80_TEXT = [0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81];
const HORIZONTAL_100 = [0x7f, 0x63, 0x64, 0x83, 0x69, 0x19];
/** 132 characters of 8 dots, at the faster of a VGA's clocks. */
const HORIZONTAL_132 = [0x9b, 0x83, 0x84, 0x9e, 0x8a, 0x1c];
const HORIZONTAL_80 = [0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80];

/** Vertical timing: CR06, CR07 (overflow), CR10…CR12 (retrace, display end), CR15, CR16 (blanking); polarity in `misc`. */
const LINES_400 = { misc: 0x63, total: [0xbf, 0x1f], retrace: [0x9c, 0x8e, 0x8f], blank: [0x96, 0xb9] };
const LINES_350 = { misc: 0xa3, total: [0xbf, 0x1f], retrace: [0x83, 0x85, 0x5d], blank: [0x63, 0xba] };
/** 43 rows of 8 lines. */
const LINES_344 = { ...LINES_350, retrace: [0x83, 0x85, 0x57] };
const LINES_480 = { misc: 0xe3, total: [0x0b, 0x3e], retrace: [0xea, 0x8c, 0xdf], blank: [0xe7, 0x04] };
/** VESA's timing of 800x600 at 60 Hz, as far as the dot clocks of a VGA allow. */
const LINES_600 = { misc: 0x27, total: [0x72, 0xf0], retrace: [0x59, 0x8d, 0x57], blank: [0x58, 0x73] };

interface CrtcParts {
  readonly horizontal: readonly number[];
  readonly vertical: typeof LINES_400;
  /** CR09: scan lines of a row less one; bit 7 doubles every line; bit 6 is bit 9 of the line compare. */
  readonly maximumScanLine: number;
  /** CR0A, CR0B. */
  readonly cursor?: readonly [number, number];
  /** CR13: words from row to row. */
  readonly offset: number;
  /** CR14: underline row; bit 6 addresses doublewords. */
  readonly underline: number;
  /** CR17: addressing. */
  readonly modeControl: number;
}

function crtc(parts: CrtcParts): readonly number[] {
  const [cursorStart, cursorEnd] = parts.cursor ?? [0, 0];
  return [
    ...parts.horizontal,
    ...parts.vertical.total,
    0x00, // CR08: preset row scan
    parts.maximumScanLine,
    cursorStart,
    cursorEnd,
    ...[0, 0], // CR0C, CR0D: start address
    ...[0, 0], // CR0E, CR0F: cursor location
    ...parts.vertical.retrace,
    parts.offset,
    parts.underline,
    ...parts.vertical.blank,
    parts.modeControl,
    0xff, // CR18: line compare below the picture
  ];
}

/** GR00…GR08 from the three registers that differ: mode, miscellaneous, colour don't care. */
const graphics = (mode: number, miscellaneous: number, colorDontCare: number): readonly number[] => [
  ...[0, 0, 0, 0, 0],
  mode,
  miscellaneous,
  colorDontCare,
  0xff,
];

/** AR10…AR14. */
const attributeControls = (modeControl: number, planeEnable: number, panning = 0): readonly number[] => [
  modeControl,
  0x00,
  planeEnable,
  panning,
  0x00,
];

/** AR00…AR0F: colours 0–15 on a 64-colour (enhanced) monitor, where brown is 14h. */
const PALETTE_64 = [0, 1, 2, 3, 4, 5, 0x14, 7, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f];
/** The same in the 200-line modes, where bit 4 is the intensity. */
const PALETTE_16 = [0, 1, 2, 3, 4, 5, 6, 7, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17];
const PALETTE_CGA_4 = [0, 0x13, 0x15, 0x17, 2, 4, 6, 7, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17];
const PALETTE_CGA_2 = [0, ...new Array<number>(15).fill(0x17)];
const PALETTE_MONO_TEXT = [0, ...new Array<number>(7).fill(0x08), 0x10, ...new Array<number>(7).fill(0x18)];
const PALETTE_MONO_GRAPHICS = [0, 8, 0, 0, 0x18, 0x18, 0, 0, 0, 8, 0, 0, 0, 0x18, 0, 0];
const PALETTE_2 = [0, ...new Array<number>(15).fill(0x3f)];
const PALETTE_IDENTITY = Array.from({ length: 16 }, (_, index) => index);

const TEXT_CURSOR = [0x0d, 0x0e] as const;

function textMode(number: number, columns: 40 | 80): VgaMode {
  const wide = columns === 80;
  return {
    number,
    kind: 'text',
    width: columns * 9,
    height: 400,
    columns,
    rows: 25,
    characterHeight: 16,
    bitsPerPixel: 4,
    segment: 0xb800,
    pageSize: wide ? 0x1000 : 0x800,
    pageCount: 8,
    palette: 'enhanced-64',
    miscOutput: LINES_400.misc | 4,
    sequencer: [0x03, wide ? 0x00 : 0x08, 0x03, 0x00, 0x02],
    crtc: crtc({
      horizontal: wide ? HORIZONTAL_80_TEXT : HORIZONTAL_40_TEXT,
      vertical: LINES_400,
      maximumScanLine: 0x4f,
      cursor: TEXT_CURSOR,
      offset: columns / 2,
      underline: 0x1f,
      modeControl: 0xa3,
    }),
    graphics: graphics(0x10, 0x0e, 0x00),
    attribute: [...PALETTE_64, ...attributeControls(0x0c, 0x0f, 8)],
  };
}

/**
 * A colour text mode as a program gets it that has asked for 350 or 200 scan lines (INT 10h, AH=12h, BL=30h): that of an
 * EGA, or of a CGA, whose lines are shown twice.
 */
export function textModeOf(mode: VgaMode, lines: 200 | 350): VgaMode {
  const wide = mode.columns === 80;
  const doubled = lines === 200;
  return {
    ...mode,
    width: mode.columns * 8,
    height: lines,
    characterHeight: doubled ? 8 : 14,
    palette: doubled ? 'color-16' : 'enhanced-64',
    miscOutput: doubled ? LINES_400.misc : LINES_350.misc,
    sequencer: [0x03, wide ? 0x01 : 0x09, 0x03, 0x00, 0x02],
    crtc: crtc({
      horizontal: wide ? HORIZONTAL_80_TEXT : HORIZONTAL_40_TEXT,
      vertical: doubled ? LINES_400 : LINES_350,
      maximumScanLine: doubled ? 0xc7 : 0x4d,
      cursor: doubled ? [0x06, 0x07] : [0x0b, 0x0c],
      offset: mode.columns / 2,
      underline: 0x1f,
      modeControl: 0xa3,
    }),
    attribute: [...(doubled ? PALETTE_16 : PALETTE_64), ...attributeControls(0x08, 0x0f)],
  };
}

/** What differs between the text modes of VESA. */
interface WideTextParts {
  readonly number: number;
  readonly columns: 80 | 132;
  readonly height: number;
  readonly characterHeight: 8 | 16;
  readonly vertical: typeof LINES_400;
}

/** A text mode with cells 8 dots wide, for more columns or rows than IBM's have. */
function wideTextMode({ number, columns, height, characterHeight, vertical }: WideTextParts): VgaMode {
  const small = characterHeight === 8;
  return {
    ...textMode(number, 80),
    width: columns * 8,
    height,
    columns,
    rows: height / characterHeight,
    characterHeight,
    pageSize: 0x4000,
    pageCount: 2,
    miscOutput: vertical.misc | (columns === 132 ? 4 : 0),
    sequencer: [0x03, 0x01, 0x03, 0x00, 0x02],
    crtc: crtc({
      horizontal: columns === 132 ? HORIZONTAL_132 : HORIZONTAL_80_TEXT,
      vertical,
      maximumScanLine: 0x40 | (characterHeight - 1),
      cursor: small ? [0x06, 0x07] : TEXT_CURSOR,
      offset: columns / 2,
      underline: 0x1f,
      modeControl: 0xa3,
    }),
    attribute: [...PALETTE_64, ...attributeControls(0x08, 0x0f)],
  };
}

const monochromeText: VgaMode = {
  ...textMode(7, 80),
  bitsPerPixel: 1,
  segment: 0xb000,
  palette: 'monochrome',
  miscOutput: 0x66,
  crtc: crtc({
    horizontal: HORIZONTAL_80_TEXT,
    vertical: LINES_400,
    maximumScanLine: 0x4f,
    cursor: TEXT_CURSOR,
    offset: 40,
    underline: 0x0d,
    modeControl: 0xa3,
  }),
  graphics: graphics(0x10, 0x0a, 0x00),
  attribute: [...PALETTE_MONO_TEXT, ...attributeControls(0x0e, 0x0f, 8)],
};

function cgaMode(number: number, colors: 2 | 4): VgaMode {
  const four = colors === 4;
  return {
    number,
    kind: 'graphics',
    width: four ? 320 : 640,
    height: 200,
    columns: four ? 40 : 80,
    rows: 25,
    characterHeight: 8,
    bitsPerPixel: four ? 2 : 1,
    segment: 0xb800,
    pageSize: 0x4000,
    pageCount: 1,
    palette: 'color-16',
    miscOutput: LINES_400.misc,
    sequencer: four ? [0x03, 0x09, 0x03, 0x00, 0x02] : [0x03, 0x01, 0x01, 0x00, 0x06],
    crtc: crtc({
      horizontal: four ? HORIZONTAL_40 : HORIZONTAL_80,
      vertical: LINES_400,
      maximumScanLine: 0xc1,
      offset: four ? 20 : 40,
      underline: 0x00,
      modeControl: four ? 0xa2 : 0xc2,
    }),
    graphics: four ? graphics(0x30, 0x0f, 0x00) : graphics(0x00, 0x0d, 0x00),
    attribute: [
      ...(four ? PALETTE_CGA_4 : PALETTE_CGA_2),
      ...(four ? attributeControls(0x01, 0x03) : attributeControls(0x01, 0x01)),
    ],
  };
}

/** What differs between the planar modes. */
type PlanarParts = Pick<
  VgaMode,
  'number' | 'width' | 'height' | 'bitsPerPixel' | 'palette' | 'pageSize' | 'pageCount'
> & {
  readonly vertical: typeof LINES_400;
  readonly characterHeight: 8 | 14 | 16;
  readonly colors: readonly number[];
};

const planarHorizontal = { 40: HORIZONTAL_40, 80: HORIZONTAL_80, 100: HORIZONTAL_100 } as const;

function planarMode({ vertical, colors, ...parts }: PlanarParts): VgaMode {
  const columns = parts.width / 8;
  const oneColor = parts.bitsPerPixel === 1;
  // CR09: line compare bit 9, doubled lines, and bit 9 of the start of blanking.
  const maximumScanLine = 0x40 | (parts.height === 200 ? 0x80 : 0) | (parts.height === 600 ? 0x20 : 0);
  return {
    ...parts,
    kind: 'graphics',
    columns,
    rows: Math.floor(parts.height / parts.characterHeight),
    segment: 0xa000,
    miscOutput: vertical.misc,
    sequencer: [0x03, columns === 40 ? 0x09 : 0x01, 0x0f, 0x00, 0x06],
    crtc: crtc({
      horizontal: planarHorizontal[columns as 40 | 80 | 100],
      vertical,
      maximumScanLine,
      offset: columns / 2,
      underline: parts.height === 350 ? 0x0f : 0x00,
      modeControl: oneColor ? 0xc3 : 0xe3,
    }),
    graphics: graphics(0x00, 0x05, oneColor ? 0x01 : 0x0f),
    attribute: [...colors, ...attributeControls(0x01, oneColor ? 0x01 : 0x0f)],
  };
}

const PLANAR_350 = { number: 0x10, width: 640, height: 350, vertical: LINES_350, characterHeight: 14 } as const;
const PLANAR_480 = { number: 0x12, width: 640, height: 480, vertical: LINES_480, characterHeight: 16 } as const;

/** 640x350 monochrome: planes 0 (video) and 2 (intensity). */
const monochromeGraphics: VgaMode = {
  ...planarMode({
    ...PLANAR_350,
    number: 0x0f,
    bitsPerPixel: 2,
    palette: 'monochrome',
    pageSize: 0x8000,
    pageCount: 2,
    colors: PALETTE_MONO_GRAPHICS,
  }),
  miscOutput: 0xa2,
  graphics: graphics(0x00, 0x05, 0x05),
  attribute: [...PALETTE_MONO_GRAPHICS, ...attributeControls(0x0b, 0x05)],
};

const mode13: VgaMode = {
  number: 0x13,
  kind: 'graphics',
  width: 320,
  height: 200,
  columns: 40,
  rows: 25,
  characterHeight: 8,
  bitsPerPixel: 8,
  segment: 0xa000,
  pageSize: 0x10000,
  pageCount: 1,
  palette: 'color-256',
  miscOutput: LINES_400.misc,
  sequencer: [0x03, 0x01, 0x0f, 0x00, 0x0e],
  crtc: crtc({
    horizontal: HORIZONTAL_80,
    vertical: LINES_400,
    maximumScanLine: 0x41,
    offset: 40,
    underline: 0x40,
    modeControl: 0xa3,
  }),
  graphics: graphics(0x40, 0x05, 0x0f),
  attribute: [...PALETTE_IDENTITY, ...attributeControls(0x41, 0x0f)],
};

/** Every mode the built-in BIOS can set, by number. */
export const vgaModes: readonly VgaMode[] = [
  textMode(0x00, 40),
  textMode(0x01, 40),
  textMode(0x02, 80),
  textMode(0x03, 80),
  cgaMode(0x04, 4),
  cgaMode(0x05, 4),
  cgaMode(0x06, 2),
  monochromeText,
  planarMode({
    number: 0x0d,
    width: 320,
    height: 200,
    characterHeight: 8,
    bitsPerPixel: 4,
    vertical: LINES_400,
    palette: 'color-16',
    pageSize: 0x2000,
    pageCount: 8,
    colors: PALETTE_16,
  }),
  planarMode({
    number: 0x0e,
    width: 640,
    height: 200,
    characterHeight: 8,
    bitsPerPixel: 4,
    vertical: LINES_400,
    palette: 'color-16',
    pageSize: 0x4000,
    pageCount: 4,
    colors: PALETTE_16,
  }),
  monochromeGraphics,
  planarMode({
    ...PLANAR_350,
    bitsPerPixel: 4,
    palette: 'enhanced-64',
    pageSize: 0x8000,
    pageCount: 2,
    colors: PALETTE_64,
  }),
  planarMode({
    ...PLANAR_480,
    number: 0x11,
    bitsPerPixel: 1,
    palette: 'enhanced-64',
    pageSize: 0x10000,
    pageCount: 1,
    colors: PALETTE_2,
  }),
  planarMode({
    ...PLANAR_480,
    bitsPerPixel: 4,
    palette: 'enhanced-64',
    pageSize: 0x10000,
    pageCount: 1,
    colors: PALETTE_64,
  }),
  mode13,
  wideTextMode({ number: 0x50, columns: 80, height: 480, characterHeight: 8, vertical: LINES_480 }),
  wideTextMode({ number: 0x51, columns: 132, height: 400, characterHeight: 16, vertical: LINES_400 }),
  wideTextMode({ number: 0x52, columns: 132, height: 344, characterHeight: 8, vertical: LINES_344 }),
  wideTextMode({ number: 0x53, columns: 132, height: 400, characterHeight: 8, vertical: LINES_400 }),
  wideTextMode({ number: 0x54, columns: 132, height: 480, characterHeight: 8, vertical: LINES_480 }),
  planarMode({
    number: 0x6a,
    width: 800,
    height: 600,
    characterHeight: 16,
    bitsPerPixel: 4,
    vertical: LINES_600,
    palette: 'enhanced-64',
    pageSize: 0x10000,
    pageCount: 1,
    colors: PALETTE_64,
  }),
];
