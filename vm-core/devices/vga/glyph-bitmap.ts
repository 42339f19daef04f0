/** Pictures of characters as rows of bits, and the operations of which fonts are composed. */

/** One byte per line, the leftmost dot in bit 7. */
export type Glyph = readonly number[];

const rowOfText = (text: string): number => Number.parseInt(text.replaceAll('.', '0').replaceAll('#', '1'), 2);

/** Reads a sheet: bands of a line with characters and, under each, rows of eight dots ('.' or '#'). */
export function parseSheet(sheet: string): ReadonlyMap<string, Glyph> {
  const glyphs = new Map<string, Glyph>();
  for (const band of sheet.trim().split('\n\n')) {
    const [characters = [], ...rows] = band.split('\n').map((line) => line.split(/ +/));
    for (const [column, character] of characters.entries()) {
      glyphs.set(
        character,
        rows.map((row) => rowOfText(row[column] as string)),
      );
    }
  }
  return glyphs;
}

export const blankGlyph = (height: number): Glyph => new Array<number>(height).fill(0);

/** Left and right exchanged inside the eight columns. */
export function mirror(glyph: Glyph): Glyph {
  return glyph.map((row) => {
    let mirrored = 0;
    for (let bit = 0; bit < 8; bit++) mirrored |= ((row >> bit) & 1) << (7 - bit);
    return mirrored;
  });
}

/** Top and bottom exchanged, the drawn lines staying where they are. */
export function flip(glyph: Glyph): Glyph {
  const first = glyph.findIndex((row) => row !== 0);
  const last = glyph.findLastIndex((row) => row !== 0);
  return glyph.map((row, line) => (line < first || line > last ? row : (glyph[first + last - line] as number)));
}

export const invert = (glyph: Glyph): Glyph => glyph.map((row) => row ^ 0xff);

export const moveLeft = (glyph: Glyph): Glyph => glyph.map((row) => (row << 1) & 0xff);

/** Both drawings on top of each other. */
export const overlay = (lower: Glyph, upper: Glyph): Glyph => lower.map((row, line) => row | (upper[line] as number));

/** Lines above `line` erased. */
export const clearAbove = (glyph: Glyph, line: number): Glyph => glyph.map((row, index) => (index < line ? 0 : row));

/** Moves the drawing down over the lines that are removed, so that there is room above. */
export function removeLines(glyph: Glyph, lines: readonly number[]): Glyph {
  return [...lines.map(() => 0), ...glyph.filter((_, line) => !lines.includes(line))];
}
