/** Box-drawing characters, blocks and shades for any cell height: lines meet at cell borders, so they follow from rules. */
import type { Glyph } from './glyph-bitmap.ts';

/** Lines that leave the middle of the cell: 0 none, 1 single, 2 double. */
type Arms = readonly [up: number, right: number, down: number, left: number];

/** Each character with its arms: up, right, down, left. */
const BOXES =
  '│1010 ┤1011 ╡1012 ╢2021 ╖0021 ╕0012 ╣2022 ║2020 ╗0022 ╝2002 ╜2001 ╛1002 ┐0011 └1100 ┴1101 ┬0111 ├1110 ─0101 ┼1111 ' +
  '╞1210 ╟2120 ╚2200 ╔0220 ╩2202 ╦0222 ╠2220 ═0202 ╬2222 ╧1202 ╨2101 ╤0212 ╥0121 ╙2100 ╘1200 ╒0210 ╓0120 ╫2121 ╪1212 ' +
  '┘1001 ┌0110';

/** Columns of the lines: the single one, and the two rails of a double one; both ends included. */
const SINGLE_COLUMNS = [3, 4] as const;
const LEFT_RAIL = [1, 2] as const;
const RIGHT_RAIL = [5, 6] as const;

/** A drawing in progress. */
class Canvas {
  readonly rows: number[];

  constructor(height: number) {
    this.rows = new Array<number>(height).fill(0);
  }

  /** Fills columns and lines, both ends included. */
  fill([left, right]: readonly [number, number], [top, bottom]: readonly [number, number]): void {
    for (let line = top; line <= bottom; line++) {
      for (let column = left; column <= right; column++) {
        this.rows[line] = (this.rows[line] as number) | (0x80 >> column);
      }
    }
  }
}

/** The first of the choices whose condition holds. */
function firstOf(...choices: readonly (readonly [condition: boolean, value: number])[]): number {
  return (choices.find(([condition]) => condition) as readonly [boolean, number])[1];
}

/**
 * How far an arm's line goes, from its own edge. `beside` is the arm on the side of this rail, `across` the one on the other
 * side, `opposite` the one straight on; `near`, `center`, `far` and `end` are positions in the direction of the arm.
 */
interface Reach {
  readonly near: number;
  readonly center: number;
  readonly far: number;
  readonly end: number;
}

/** A rail of a double line turns into the double line beside it, meets a single one, or goes on. */
const railReach = (beside: number, across: number, opposite: number, { near, center, far, end }: Reach): number =>
  firstOf([beside === 2, near], [beside === 1, center], [opposite === 2, end], [across === 2, far], [true, center]);

/** A single line stops at a double one that passes, and at the far rail of one that begins here. */
const singleReach = (sides: readonly [number, number], opposite: number, { near, center, far, end }: Reach): number =>
  firstOf(
    [opposite === 1, end],
    [sides[0] === 2 && sides[1] === 2, near],
    [sides[0] === 2 || sides[1] === 2, far],
    [true, center],
  );

function boxGlyph([up, right, down, left]: Arms, height: number): Glyph {
  const canvas = new Canvas(height);
  const middle = Math.floor((height - 1) / 2);
  const [top, bottom, last] = [middle - 1, middle + 1, height - 1];
  const fromLeft: Reach = { near: LEFT_RAIL[1], center: SINGLE_COLUMNS[1], far: RIGHT_RAIL[1], end: 7 };
  const fromRight: Reach = { near: RIGHT_RAIL[0], center: SINGLE_COLUMNS[0], far: LEFT_RAIL[0], end: 0 };
  const fromTop: Reach = { near: top, center: middle, far: bottom, end: last };
  const fromBottom: Reach = { near: bottom, center: middle, far: top, end: 0 };
  if (left === 1) canvas.fill([0, singleReach([up, down], right, fromLeft)], [middle, middle]);
  if (right === 1) canvas.fill([singleReach([up, down], left, fromRight), 7], [middle, middle]);
  if (up === 1) canvas.fill(SINGLE_COLUMNS, [0, singleReach([left, right], down, fromTop)]);
  if (down === 1) canvas.fill(SINGLE_COLUMNS, [singleReach([left, right], up, fromBottom), last]);
  if (left === 2) {
    canvas.fill([0, railReach(up, down, right, fromLeft)], [top, top]);
    canvas.fill([0, railReach(down, up, right, fromLeft)], [bottom, bottom]);
  }
  if (right === 2) {
    canvas.fill([railReach(up, down, left, fromRight), 7], [top, top]);
    canvas.fill([railReach(down, up, left, fromRight), 7], [bottom, bottom]);
  }
  if (up === 2) {
    canvas.fill(LEFT_RAIL, [0, railReach(left, right, down, fromTop)]);
    canvas.fill(RIGHT_RAIL, [0, railReach(right, left, down, fromTop)]);
  }
  if (down === 2) {
    canvas.fill(LEFT_RAIL, [railReach(left, right, up, fromBottom), last]);
    canvas.fill(RIGHT_RAIL, [railReach(right, left, up, fromBottom), last]);
  }
  return canvas.rows;
}

/** Blocks as left, right, top and bottom ends in halves of the cell. */
const BLOCKS: readonly (readonly [
  character: string,
  columns: readonly [number, number],
  halves: readonly [number, number],
])[] = [
  ['█', [0, 7], [0, 2]],
  ['▄', [0, 7], [1, 2]],
  ['▌', [0, 3], [0, 2]],
  ['▐', [4, 7], [0, 2]],
  ['▀', [0, 7], [0, 1]],
];

/** Shades repeat these rows; neighbouring cells continue the pattern. */
const SHADES: readonly (readonly [character: string, even: number, odd: number])[] = [
  ['░', 0b1000_1000, 0b0010_0010],
  ['▒', 0b1010_1010, 0b0101_0101],
  ['▓', 0b0111_0111, 0b1101_1101],
];

/** All characters of this file for cells of `height` lines. */
export function boxGlyphs(height: number): ReadonlyMap<string, Glyph> {
  const glyphs = new Map<string, Glyph>();
  for (const box of BOXES.split(' ')) {
    glyphs.set(box.charAt(0), boxGlyph(Array.from(box.slice(1), Number) as unknown as Arms, height));
  }
  for (const [character, columns, [from, to]] of BLOCKS) {
    const canvas = new Canvas(height);
    canvas.fill(columns, [(from * height) / 2, (to * height) / 2 - 1]);
    glyphs.set(character, canvas.rows);
  }
  for (const [character, even, odd] of SHADES) {
    glyphs.set(
      character,
      Array.from({ length: height }, (_, line) => (line % 2 === 0 ? even : odd)),
    );
  }
  return glyphs;
}
