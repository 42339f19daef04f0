/**
 * How a whole font of code page 437 comes out of a sheet of drawings: mirrored and turned shapes, letters with accents, box
 * drawing by rule.
 */
import { boxGlyphs } from './box-drawing.ts';
import { codePage437 } from './code-page-437.ts';
import {
  blankGlyph,
  clearAbove,
  flip,
  type Glyph,
  invert,
  mirror,
  moveLeft,
  overlay,
  removeLines,
} from './glyph-bitmap.ts';

/** Marks above and below letters; above small letters and above (lowered) capitals. */
export type Accent = 'acute' | 'grave' | 'circumflex' | 'diaeresis' | 'ring' | 'tilde' | 'cedilla';

/** A sheet's measures and marks. */
export interface FontDesign {
  readonly height: number;
  readonly glyphs: ReadonlyMap<string, Glyph>;
  readonly smallAccents: Readonly<Record<Accent, Glyph>>;
  readonly capitalAccents: Readonly<Record<Accent, Glyph>>;
  /** First line of small letters: above it lies the dot of the i. */
  readonly smallTop: number;
  /** Lines that a capital can do without when an accent needs its room. */
  readonly spareLines: readonly number[];
}

/** Characters that are another one turned. */
const MIRRORED: Readonly<Record<string, string>> = {
  '\\': '/',
  ')': '(',
  '>': '<',
  '}': '{',
  '←': '→',
  '◄': '►',
  '»': '«',
  '¬': '⌐',
  '≤': '≥',
};
const FLIPPED: Readonly<Record<string, string>> = { '↓': '↑', '▼': '▲', '¡': '!' };
const INVERTED: Readonly<Record<string, string>> = { '◘': '•', '◙': '○' };

/** Characters whose shape is narrower than the cell; mirroring would move them to the right. */
const MIRRORED_IN_SEVEN_COLUMNS = new Set(['≤', '←', '¬', '»', '>', '◄', '\\']);

/** Letter, base and mark. */
const ACCENTED =
  'ÇCcedilla üudiaeresis éeacute âacircumflex äadiaeresis àagrave åaring çccedilla êecircumflex ëediaeresis èegrave ' +
  'ïidiaeresis îicircumflex ìigrave ÄAdiaeresis ÅAring ÉEacute ôocircumflex öodiaeresis òograve ûucircumflex ùugrave ' +
  'ÿydiaeresis ÖOdiaeresis ÜUdiaeresis áaacute íiacute óoacute úuacute ñntilde ÑNtilde';

/** Where mirroring and turning leave a shape of seven columns. */
const mirrorOf = (character: string, glyph: Glyph): Glyph =>
  MIRRORED_IN_SEVEN_COLUMNS.has(character) ? moveLeft(mirror(glyph)) : mirror(glyph);

function accented(design: FontDesign, base: string, accent: Accent): Glyph {
  const glyph = design.glyphs.get(base) as Glyph;
  if (accent === 'cedilla') return overlay(glyph, design.smallAccents.cedilla);
  const capital = base >= 'A' && base <= 'Z';
  if (capital) return overlay(removeLines(glyph, design.spareLines), design.capitalAccents[accent]);
  return overlay(clearAbove(glyph, design.smallTop), design.smallAccents[accent]);
}

/** Every character of the font by its Unicode form; what the code page has beyond these is blank. */
function compose(design: FontDesign): ReadonlyMap<string, Glyph> {
  const drawn = (character: string): Glyph => design.glyphs.get(character) as Glyph;
  const composed = new Map([...design.glyphs, ...boxGlyphs(design.height)]);
  for (const [character, source] of Object.entries(MIRRORED))
    composed.set(character, mirrorOf(character, drawn(source)));
  for (const [character, source] of Object.entries(FLIPPED)) composed.set(character, flip(drawn(source)));
  for (const [character, source] of Object.entries(INVERTED)) composed.set(character, invert(drawn(source)));
  composed.set('¿', flip(moveLeft(mirror(drawn('?')))));
  for (const entry of ACCENTED.split(' ')) {
    // A sheet may draw a letter itself where composing it would give another letter's shape.
    if (!composed.has(entry.charAt(0)))
      composed.set(entry.charAt(0), accented(design, entry.charAt(1), entry.slice(2) as Accent));
  }
  return composed;
}

/** Characters that have no dots. */
const BLANKS = '\u0000 \u00a0';

/** The font as it is loaded into plane 2: 256 glyphs of `height` bytes each, by code. */
export function fontBytes(design: FontDesign): Uint8Array {
  const composed = compose(design);
  const font = new Uint8Array(256 * design.height);
  for (const [code, character] of [...codePage437].entries()) {
    const glyph = BLANKS.includes(character) ? blankGlyph(design.height) : composed.get(character);
    if (glyph === undefined) throw new Error(`The ${design.height}-line font has no drawing of ${character}`);
    font.set(glyph, code * design.height);
  }
  return font;
}

/** Adds a blank line above and below a drawing of 14 lines; shapes that reach the cell's edge are continued. */
export function padTo16(glyph: Glyph): Glyph {
  const [first, last] = [glyph[0] as number, glyph.at(-1) as number];
  const throughBoth = (row: number): number => (row === VERTICAL_STROKE ? row : 0);
  return [throughBoth(first), ...glyph, throughBoth(last)];
}

/** The row of the integral sign's stroke. */
const VERTICAL_STROKE = 0b0001_1000;
