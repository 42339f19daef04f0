/** The guest's screen at the end of a run: as text for a terminal, as a PNG file. */
import { encode } from 'fast-png';
import type { Display } from '../../vm-core/index.ts';
import { writeOutputFile } from './output-files.ts';

/** The rows of a text mode without the empty ones at the end; in a graphics mode a line that says so. */
export function printScreen(display: Display): string {
  const rows = display.text();
  if (rows === undefined) {
    const { width, height } = display.render();
    return `(a graphics mode of ${width} by ${height} pixels: --screenshot FILE shows it)\n`;
  }
  const last = rows.findLastIndex((row) => row !== '');
  return rows
    .slice(0, last + 1)
    .map((row) => `${row}\n`)
    .join('');
}

/** Writes the picture in the guest's pixels. Throws an Error that names a file that cannot be written. */
export function writeScreenshot(display: Display, path: string): void {
  const { width, height, pixels } = display.render();
  const png = encode({ width, height, data: new Uint8Array(pixels.buffer), channels: 4, depth: 8 });
  writeOutputFile('screenshot', path, png);
}
