/** Drawings and accents of the 14-line font; the 16-line font is made of them too. */
import type { Accent, FontDesign } from './font-composition.ts';
import { type Glyph, parseSheet } from './glyph-bitmap.ts';
import { glyphSheet14 } from './glyph-sheet-14.ts';

const HEIGHT = 14;

/** A mark whose first drawn line is `top`. */
const mark = (top: number, ...rows: readonly number[]): Glyph =>
  Array.from({ length: HEIGHT }, (_, line) => rows[line - top] ?? 0);

const cedilla = mark(11, 0b0001_1000, 0b0000_1100, 0b0011_1000);

const smallAccents: Readonly<Record<Accent, Glyph>> = {
  acute: mark(0, 0b0000_1100, 0b0001_1000, 0b0011_0000),
  grave: mark(0, 0b0110_0000, 0b0011_0000, 0b0001_1000),
  circumflex: mark(0, 0b0001_0000, 0b0011_1000, 0b0110_1100),
  diaeresis: mark(1, 0b0110_1100, 0b0110_1100),
  ring: mark(0, 0b0011_1000, 0b0010_1000, 0b0011_1000),
  tilde: mark(1, 0b0111_0110, 0b1101_1100),
  cedilla,
};

/** Capitals begin at line 3 when they carry an accent. */
const capitalAccents: Readonly<Record<Accent, Glyph>> = {
  acute: mark(0, 0b0001_1000, 0b0011_0000),
  grave: mark(0, 0b0011_0000, 0b0001_1000),
  circumflex: mark(0, 0b0011_1000, 0b0110_1100),
  diaeresis: mark(0, 0b0110_1100, 0b0110_1100),
  ring: mark(0, 0b0011_1000, 0b0010_1000, 0b0011_1000),
  tilde: mark(0, 0b0111_0110, 0b1101_1100),
  cedilla,
};

export const design14: FontDesign = {
  height: HEIGHT,
  glyphs: parseSheet(glyphSheet14),
  smallAccents,
  capitalAccents,
  smallTop: 4,
  spareLines: [3, 8],
};
