/** The 8x16 font of the 400- and 480-line modes: the drawings of the 14-line font with a line more above and below. */
import { design14 } from './font-design-14.ts';
import { type Accent, fontBytes, padTo16 } from './font-composition.ts';
import type { Glyph } from './glyph-bitmap.ts';

const padAccents = (accents: Readonly<Record<Accent, Glyph>>): Record<Accent, Glyph> =>
  Object.fromEntries(Object.entries(accents).map(([name, glyph]) => [name, padTo16(glyph)])) as Record<Accent, Glyph>;

/** Code page 437, 16 bytes for each of 256 characters. */
export const font8x16: Uint8Array = fontBytes({
  height: 16,
  glyphs: new Map([...design14.glyphs].map(([character, glyph]) => [character, padTo16(glyph)])),
  smallAccents: padAccents(design14.smallAccents),
  capitalAccents: padAccents(design14.capitalAccents),
  smallTop: design14.smallTop + 1,
  spareLines: design14.spareLines.map((line) => line + 1),
});
