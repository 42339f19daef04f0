import { describe, expect, it } from 'vitest';
import type { Frame } from '../../vm-core/index.ts';
import { ChangedRows } from './changed-rows.ts';

const [WIDTH, HEIGHT] = [4, 10];

/** A picture whose rows have these shades, 0 where none is given. */
function picture(shades: Readonly<Record<number, number>> = {}, height = HEIGHT): Frame {
  const pixels = new Uint8ClampedArray(WIDTH * height * 4);
  for (const [row, shade] of Object.entries(shades)) {
    pixels.fill(shade, Number(row) * WIDTH * 4, (Number(row) + 1) * WIDTH * 4);
  }
  return { width: WIDTH, height, aspectRatio: 4 / 3, pixels };
}

/** `top+count`, or what else there is to send. */
function taken(rows: ChangedRows, frame: Frame): string {
  const given = rows.take(frame);
  return given ? `${given.top}+${given.pixels.length / (WIDTH * 4)}` : 'nothing';
}

const everyRow = (shade: number) => picture(Object.fromEntries([...Array(HEIGHT).keys()].map((row) => [row, shade])));

describe('what of a picture is sent', () => {
  it('is all of it first, then the rows from the first to the last that changed', () => {
    const rows = new ChangedRows();
    expect(taken(rows, picture())).toBe('0+10');
    expect(taken(rows, picture())).toBe('nothing');
    expect(taken(rows, picture({ 3: 1 }))).toBe('3+1');
    expect(taken(rows, picture({ 3: 1, 9: 7 }))).toBe('9+1');
    expect(taken(rows, picture({ 2: 5, 4: 5, 9: 7 }))).toBe('2+3');
    expect(taken(rows, picture({}, 12))).toBe('0+12');
  });

  it('has the pixels of those rows', () => {
    const rows = new ChangedRows();
    rows.take(picture());
    expect(rows.take(picture({ 1: 9, 2: 8 }))?.pixels).toEqual(
      Uint8ClampedArray.from([...Array(WIDTH * 4).fill(9), ...Array(WIDTH * 4).fill(8)]),
    );
  });

  it('is all of it for some frames without a look, where most of it changed with each of several', () => {
    const rows = new ChangedRows();
    for (let shade = 0; shade <= 3; shade++) expect(taken(rows, everyRow(shade))).toBe('0+10');
    // Nobody looks: also what did not change is sent.
    for (let frame = 0; frame < 20; frame++) expect(taken(rows, everyRow(3))).toBe('0+10');
    expect(taken(rows, everyRow(3))).toBe('nothing');
    expect(taken(rows, { ...everyRow(3), ...picture({ 0: 3 }) })).toBe('0+10');
  });

  it('is looked for again after a frame of which little changed', () => {
    const rows = new ChangedRows();
    for (let round = 1; round < 20; round++) {
      expect(taken(rows, everyRow(round))).toBe('0+10');
      expect(taken(rows, everyRow(round))).toBe('nothing');
      const pixels = everyRow(round).pixels;
      pixels[0] = 99;
      expect(taken(rows, { ...everyRow(round), pixels })).toBe('0+1');
    }
  });

  it('is all of it for a view that appears', () => {
    const rows = new ChangedRows();
    rows.take(picture());
    rows.forget();
    expect(taken(rows, picture())).toBe('0+10');
  });
});
