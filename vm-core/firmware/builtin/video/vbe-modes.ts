/**
 * The modes of the VESA BIOS extension (VBE 3.0, "VBE Mode Numbers"; numbers from 140h on as Bochs and those after it have
 * them). (A table: exempt from the length limit.)
 */

export interface VbeMode {
  readonly number: number;
  readonly width: number;
  readonly height: number;
  readonly bitsPerPixel: 8 | 15 | 16 | 24 | 32;
}

const mode = (number: number, width: number, height: number, bitsPerPixel: VbeMode['bitsPerPixel']): VbeMode => ({
  number,
  width,
  height,
  bitsPerPixel,
});

/** VESA's modes that are modes of the VGA, 800x600 in 16 colours and those of text, with their numbers for AH=00h. */
export const vbeVgaModes: ReadonlyMap<number, number> = new Map([
  [0x102, 0x6a],
  [0x108, 0x50],
  [0x109, 0x51],
  [0x10a, 0x52],
  [0x10b, 0x53],
  [0x10c, 0x54],
]);

/** Linear modes, in ascending order. */
export const vbeModes: readonly VbeMode[] = [
  mode(0x100, 640, 400, 8),
  mode(0x101, 640, 480, 8),
  mode(0x103, 800, 600, 8),
  mode(0x105, 1024, 768, 8),
  mode(0x107, 1280, 1024, 8),
  mode(0x10d, 320, 200, 15),
  mode(0x10e, 320, 200, 16),
  mode(0x10f, 320, 200, 24),
  mode(0x110, 640, 480, 15),
  mode(0x111, 640, 480, 16),
  mode(0x112, 640, 480, 24),
  mode(0x113, 800, 600, 15),
  mode(0x114, 800, 600, 16),
  mode(0x115, 800, 600, 24),
  mode(0x116, 1024, 768, 15),
  mode(0x117, 1024, 768, 16),
  mode(0x118, 1024, 768, 24),
  mode(0x119, 1280, 1024, 15),
  mode(0x11a, 1280, 1024, 16),
  mode(0x11b, 1280, 1024, 24),
  mode(0x11c, 1600, 1200, 8),
  mode(0x11d, 1600, 1200, 15),
  mode(0x11e, 1600, 1200, 16),
  mode(0x11f, 1600, 1200, 24),
  mode(0x140, 320, 200, 32),
  mode(0x141, 640, 400, 32),
  mode(0x142, 640, 480, 32),
  mode(0x143, 800, 600, 32),
  mode(0x144, 1024, 768, 32),
  mode(0x145, 1280, 1024, 32),
  mode(0x146, 320, 200, 8),
  mode(0x147, 1600, 1200, 32),
  mode(0x14c, 1152, 864, 32),
  mode(0x17e, 1440, 900, 16),
  mode(0x17f, 1440, 900, 24),
  mode(0x180, 1440, 900, 32),
  mode(0x187, 1920, 1200, 16),
  mode(0x188, 1920, 1200, 24),
  mode(0x189, 1920, 1200, 32),
  mode(0x18d, 1280, 720, 16),
  mode(0x18e, 1280, 720, 24),
  mode(0x18f, 1280, 720, 32),
  mode(0x190, 1920, 1080, 16),
  mode(0x191, 1920, 1080, 24),
  mode(0x192, 1920, 1080, 32),
];

/** The numbers of all modes, in ascending order. */
export const vbeModeNumbers: readonly number[] = [...vbeVgaModes.keys(), ...vbeModes.map(({ number }) => number)].sort(
  (first, second) => first - second,
);

export function findVbeMode(number: number): VbeMode | undefined {
  return vbeModes.find((candidate) => candidate.number === number);
}

/** Bytes of a pixel, and of a line without gaps. */
export function bytesOf({ width, bitsPerPixel }: VbeMode): { readonly pixel: number; readonly line: number } {
  const pixel = (bitsPerPixel + 7) >> 3;
  return { pixel, line: pixel * width };
}

/** Size and lowest bit of red, green, blue and what is left over. */
export type ColorFields = readonly (readonly [size: number, position: number])[];

const NO_FIELDS: ColorFields = [
  [0, 0],
  [0, 0],
  [0, 0],
  [0, 0],
];

const colorFields: Readonly<Record<VbeMode['bitsPerPixel'], ColorFields>> = {
  8: NO_FIELDS,
  15: [
    [5, 10],
    [5, 5],
    [5, 0],
    [1, 15],
  ],
  16: [
    [5, 11],
    [6, 5],
    [5, 0],
    [0, 0],
  ],
  24: [
    [8, 16],
    [8, 8],
    [8, 0],
    [0, 0],
  ],
  32: [
    [8, 16],
    [8, 8],
    [8, 0],
    [8, 24],
  ],
};

export function colorFieldsOf({ bitsPerPixel }: VbeMode): ColorFields {
  return colorFields[bitsPerPixel];
}
