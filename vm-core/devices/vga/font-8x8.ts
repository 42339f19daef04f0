/** The 8x8 font of the 200-line modes and of 43- and 50-line text, drawn for this project. */
import { type Accent, fontBytes } from './font-composition.ts';
import { type Glyph, parseSheet } from './glyph-bitmap.ts';
import { glyphSheet8 } from './glyph-sheet-8.ts';

const HEIGHT = 8;

/** A mark whose first drawn line is `top`. */
const mark = (top: number, ...rows: readonly number[]): Glyph =>
  Array.from({ length: HEIGHT }, (_, line) => rows[line - top] ?? 0);

const smallAccents: Readonly<Record<Accent, Glyph>> = {
  acute: mark(0, 0b0001_1000, 0b0011_0000),
  grave: mark(0, 0b0011_0000, 0b0001_1000),
  circumflex: mark(0, 0b0011_1000, 0b0110_1100),
  diaeresis: mark(0, 0b0110_1100),
  ring: mark(0, 0b0011_1000, 0b0010_1000),
  tilde: mark(0, 0b0111_0110),
  cedilla: mark(7, 0b0011_0000),
};

/** Capitals begin at line 2 when they carry an accent, two lines shorter. */
const capitalAccents: Readonly<Record<Accent, Glyph>> = smallAccents;

/** Code page 437, 8 bytes for each of 256 characters. */
export const font8x8: Uint8Array = fontBytes({
  height: HEIGHT,
  glyphs: parseSheet(glyphSheet8),
  smallAccents,
  capitalAccents,
  smallTop: 2,
  spareLines: [1, 4],
});
