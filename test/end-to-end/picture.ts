/** Looks at a picture of the guest's 80 × 25 text screen. */
import type { CanvasPicture } from './workbench.ts';

const ROWS = 25;
const COLUMNS = 80;
/** The cursor's rows of pixels at the bottom of a cell, and one to spare. */
const CURSOR_ROWS = 3;

/** A character's place on the screen, from the top left corner, from 0. */
export interface Cell {
  readonly row: number;
  readonly column: number;
}

/** How many pixels of a cell are not black. The cursor's rows do not count. */
export function litPixelCount({ width, height, pixels }: CanvasPicture, { row, column }: Cell): number {
  const cellWidth = width / COLUMNS;
  const cellHeight = height / ROWS;
  let count = 0;
  for (let y = row * cellHeight; y < (row + 1) * cellHeight - CURSOR_ROWS; y += 1) {
    for (let x = column * cellWidth; x < (column + 1) * cellWidth; x += 1) {
      const index = (y * width + x) * 4;
      if (pixels.slice(index, index + 3).some((part) => part > 0)) count += 1;
    }
  }
  return count;
}
