import { describe, expect, it } from 'vitest';
import { codePage437, codePage437Text } from './code-page-437.ts';
import { font8x14 } from './font-8x14.ts';
import { font8x16 } from './font-8x16.ts';
import { font8x8 } from './font-8x8.ts';

const fonts = [
  { height: 8, font: font8x8 },
  { height: 14, font: font8x14 },
  { height: 16, font: font8x16 },
];

const glyph = (font: Uint8Array, height: number, code: number): readonly number[] => [
  ...font.subarray(code * height, (code + 1) * height),
];

const picture = (rows: readonly number[]): string =>
  rows.map((row) => row.toString(2).padStart(8, '0').replaceAll('0', '.').replaceAll('1', '#')).join('\n');

describe('code page 437', () => {
  it('has 256 different characters', () => {
    expect(codePage437).toHaveLength(256);
    expect(new Set(codePage437).size).toBe(256);
    expect([codePage437[0x41], codePage437[0xe1], codePage437[0xb0], codePage437[0x9b]]).toEqual(['A', 'ß', '░', '¢']);
  });

  it('becomes text with blanks as spaces', () => {
    expect(codePage437Text(Uint8Array.of(0x48, 0x69, 0, 0xff, 0x81))).toBe('Hi  ü');
  });
});

describe.each(fonts)('font of $height lines', ({ height, font }) => {
  it('draws every character but the blanks', () => {
    expect(font).toHaveLength(256 * height);
    const blank = Array.from({ length: 256 }, (_, code) => code).filter((code) =>
      glyph(font, height, code).every((row) => row === 0),
    );
    expect(blank).toEqual([0x00, 0x20, 0xff]);
  });

  it('draws no two characters alike', () => {
    const seen = new Map<string, number>();
    for (let code = 1; code < 0xff; code++) {
      const shape = glyph(font, height, code).join();
      expect(seen.get(shape), `code ${code.toString(16)}`).toBeUndefined();
      seen.set(shape, code);
    }
  });

  it('leaves the right column free in letters and digits, so that they do not touch', () => {
    for (const character of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789') {
      expect(
        glyph(font, height, character.charCodeAt(0)).every((row) => (row & 1) === 0),
        character,
      ).toBe(true);
    }
  });

  it('joins box-drawing characters at the borders of the cell', () => {
    const sides = (code: number) => {
      const rows = glyph(font, height, code);
      const edge = (bit: number) => rows.map((row) => (row >> bit) & 1).join('');
      return { left: edge(7), right: edge(0), top: rows[0], bottom: rows.at(-1) };
    };
    const code = (character: string): number => codePage437.indexOf(character);
    for (const row of [
      '╔═╦═╗',
      '║ ║ ║',
      '╠═╬═╣',
      '╚═╩═╝',
      '┌─┬─┐',
      '├─┼─┤',
      '└─┴─┘',
      '╒═╤═╕',
      '╞═╪═╡',
      '╙─╨─╜',
      '╓─╥─╖',
      '╟─╫─╢',
    ]) {
      for (let column = 1; column < row.length; column++) {
        const [before, after] = [row[column - 1] as string, row[column] as string];
        if (before === ' ' || after === ' ') continue;
        expect(sides(code(before)).right, `${before}${after}`).toBe(sides(code(after)).left);
      }
    }
    for (const column of ['╔║╠╚', '╗║╣╝', '╦║╬╩', '┌│├└', '┬│┼┴', '┐│┤┘', '╓║╟╙', '╥║╫╨', '╤│╪╧', '╕│╡╛']) {
      for (let row = 1; row < column.length; row++) {
        const [above, below] = [column[row - 1] as string, column[row] as string];
        expect(sides(code(above)).bottom, `${above} over ${below}`).toBe(sides(code(below)).top);
      }
    }
  });
});

describe('shapes', () => {
  it('are drawn', () => {
    expect(picture(glyph(font8x16, 16, 0x67))).toMatchInlineSnapshot(`
      "........
      ........
      ........
      ........
      ........
      .######.
      ##...##.
      ##...##.
      ##...##.
      ##...##.
      ##...##.
      .######.
      .....##.
      ##...##.
      .#####..
      ........"
    `);
    expect(picture(glyph(font8x16, 16, 0x8e))).toMatchInlineSnapshot(`
      "........
      .##.##..
      .##.##..
      ........
      ...#....
      ..###...
      .##.##..
      ##...##.
      ##...##.
      #######.
      ##...##.
      ##...##.
      ........
      ........
      ........
      ........"
    `);
    expect(picture(glyph(font8x8, 8, 0xce))).toMatchInlineSnapshot(`
      ".##..##.
      .##..##.
      ###..###
      ........
      ###..###
      .##..##.
      .##..##.
      .##..##."
    `);
  });
});
