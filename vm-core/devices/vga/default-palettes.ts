/**
 * The colours that a VGA BIOS loads into the DAC at a mode set, computed by rule (IBM PS/2 Video Subsystem Technical
 * Reference, "Video DAC"; values are 6 bits).
 */

export type DacPaletteName = 'enhanced-64' | 'color-16' | 'monochrome' | 'color-256';

type Color = readonly [red: number, green: number, blue: number];

/** Two thirds and one third of full brightness. */
const STRONG = 0x2a;
const WEAK = 0x15;

const bitOf = (value: number, bit: number): number => (value >> bit) & 1;

/** The 64 colours of the enhanced EGA monitor: bits 2–0 are strong red, green, blue, bits 5–3 the weak ones. */
const enhancedColor = (index: number): Color => [
  STRONG * bitOf(index, 2) + WEAK * bitOf(index, 5),
  STRONG * bitOf(index, 1) + WEAK * bitOf(index, 4),
  STRONG * bitOf(index, 0) + WEAK * bitOf(index, 3),
];

/** The 16 colours of the CGA monitor, which darkens the green of dark yellow to get brown. */
function rgbiColor(color: number, intensity: number): Color {
  if (color === 6 && intensity === 0) return [STRONG, WEAK, 0];
  const base = WEAK * intensity;
  return [STRONG * bitOf(color, 2) + base, STRONG * bitOf(color, 1) + base, STRONG * bitOf(color, 0) + base];
}

/** Video is bit 3, intensity bit 4. */
function monochromeColor(index: number): Color {
  const level = STRONG * bitOf(index, 3) + WEAK * bitOf(index, 4);
  return [level, level, level];
}

/** Sixteen grays of even brightness for the eye. */
const GRAYS = [0x00, 0x05, 0x08, 0x0b, 0x0e, 0x11, 0x14, 0x18, 0x1c, 0x20, 0x24, 0x28, 0x2d, 0x32, 0x38, 0x3f];

/** Five levels from the weakest to the strongest gun, for three brightnesses times three saturations. */
const HUE_LEVELS: readonly (readonly number[])[] = [
  [0x00, 0x10, 0x1f, 0x2f, 0x3f],
  [0x1f, 0x27, 0x2f, 0x37, 0x3f],
  [0x2d, 0x31, 0x36, 0x3a, 0x3f],
  [0x00, 0x07, 0x0e, 0x15, 0x1c],
  [0x0e, 0x11, 0x15, 0x18, 0x1c],
  [0x14, 0x16, 0x18, 0x1a, 0x1c],
  [0x00, 0x04, 0x08, 0x0c, 0x10],
  [0x08, 0x0a, 0x0c, 0x0e, 0x10],
  [0x0b, 0x0c, 0x0d, 0x0f, 0x10],
];

/** Steps of a hue circle; it starts at blue and goes through magenta, red, yellow, green and cyan. */
const HUE_COUNT = 24;

/** Level (0–4) of a gun `phase` steps after it begins to rise: up 4 steps, full for 8, down 4, off for 8. */
function gunLevel(phase: number): number {
  const step = ((phase % HUE_COUNT) + HUE_COUNT) % HUE_COUNT;
  if (step <= 4) return step;
  if (step <= 12) return 4;
  return Math.max(0, 16 - step);
}

const FIRST_HUE = 0x20;

function color256(index: number): Color {
  if (index < 0x10) return rgbiColor(index & 7, index >> 3);
  if (index < FIRST_HUE) {
    const gray = GRAYS[index - 0x10] as number;
    return [gray, gray, gray];
  }
  const levels = HUE_LEVELS[Math.floor((index - FIRST_HUE) / HUE_COUNT)];
  if (levels === undefined) return [0, 0, 0];
  const hue = (index - FIRST_HUE) % HUE_COUNT;
  return [levels[gunLevel(hue)] as number, levels[gunLevel(hue - 8)] as number, levels[gunLevel(hue + 8)] as number];
}

const rules: Readonly<Record<DacPaletteName, (index: number) => Color>> = {
  'enhanced-64': (index) => enhancedColor(index & 0x3f),
  'color-16': (index) => rgbiColor(index & 7, bitOf(index, 4)),
  monochrome: monochromeColor,
  'color-256': color256,
};

/** 256 entries of red, green and blue as the DAC takes them at port 3C9h. */
export function dacPalette(name: DacPaletteName): Uint8Array {
  return Uint8Array.from(Array.from({ length: 256 }, (_, index) => rules[name](index)).flat());
}
