import { expect, it } from 'vitest';
import { FLOPPY_SIZES, floppySizeProblem, mediumOf, rotationOf } from './media.ts';

it.each([
  { kib: 160, format: [40, 1, 8] },
  { kib: 180, format: [40, 1, 9] },
  { kib: 320, format: [40, 2, 8] },
  { kib: 360, format: [40, 2, 9] },
  { kib: 720, format: [80, 2, 9] },
  { kib: 1200, format: [80, 2, 15] },
  { kib: 1440, format: [80, 2, 18] },
  { kib: 1680, format: [80, 2, 21] },
  { kib: 1722, format: [82, 2, 21] },
  { kib: 2880, format: [80, 2, 36] },
  { kib: 1, format: [80, 2, 18] },
  { kib: 1500, format: [80, 2, 36] },
  { kib: 359.5, format: [80, 2, 18] },
  // The last sector is not whole.
  { kib: 359.75, format: [40, 2, 9] },
])('an image of $kib KiB has cylinders, heads and sectors $format', ({ kib, format }) => {
  const { cylinders, heads, sectors } = mediumOf(kib * 1024);
  expect([cylinders, heads, sectors]).toEqual(format);
});

it('every size of a floppy is one, and nothing beyond the largest', () => {
  for (const size of FLOPPY_SIZES) {
    const { cylinders, heads, sectors } = mediumOf(size);
    expect([cylinders * heads * sectors * 512, floppySizeProblem(size)]).toEqual([size, undefined]);
  }
  expect(floppySizeProblem(2880 * 1024 + 1)).toBe(
    'has 2949121 bytes; a floppy has 160, 180, 320, 360, 720, 1200, 1440, 1680, 1722 or 2880 KiB',
  );
});

it('a disk has each sector once a turn', () => {
  const rotation = rotationOf(mediumOf(1440 * 1024), 200_000_000);
  // 200 ms, sixteen times as fast.
  const turn = 2_500_000;
  expect(rotation.ticksPerTurn).toBe(turn);
  expect([rotation.nextIndex(0), rotation.nextIndex(turn - 1)]).toEqual([turn, turn]);
  for (let place = 0; place < 18; place += 1) {
    const end = rotation.endOfSector(0, place);
    expect(rotation.endOfSector(turn, place)).toBe(end + turn);
    // From behind its beginning a sector is a turn away.
    const start = Math.floor((place * turn) / 18);
    expect(rotation.endOfSector(start + 1, place)).toBe(end + turn);
    expect(rotation.nextPlace(start + 1)).toBe((place + 1) % 18);
  }
});
