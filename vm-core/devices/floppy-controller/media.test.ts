import { expect, it } from 'vitest';
import { mediumOf, rotationOf } from './media.ts';

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
  { kib: 3600, format: [100, 2, 36] },
  { kib: 100_000, format: [255, 2, 36] },
])('an image of $kib KiB has cylinders, heads and sectors $format', ({ kib, format }) => {
  const { cylinders, heads, sectors } = mediumOf(kib * 1024);
  expect([cylinders, heads, sectors]).toEqual(format);
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
