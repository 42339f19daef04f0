import { describe, expect, it } from 'vitest';
import { clampTop, rangeToAsk, rowsInView, thumbOffset, topMax, topOfThumb, topShowing } from './scroll-position.ts';

const geometry = { base: 0, bytesPerRow: 16, rowHeight: 20, height: 210 };

describe('scrolling', () => {
  it('ends where the address space ends', () => {
    expect(clampTop(-3, geometry)).toBe(0);
    expect(clampTop(2 ** 40, geometry)).toBe(2 ** 28 - 10);
    const { first, count } = rowsInView(topMax(geometry), geometry);
    expect(first + count).toBe(2 ** 28);
  });

  it('fills the place, also between two rows', () => {
    expect(rowsInView(7.9, geometry)).toEqual({ first: 7, count: 12 });
  });

  it('shows an address with as little movement as it takes, or in the upper part', () => {
    expect(topShowing(0x150, 20.5, geometry, true)).toBe(20.5);
    expect(topShowing(0x100, 20.5, geometry, false)).toBe(16);
    expect(topShowing(0x1f0, 20.5, geometry, false)).toBe(22);
    expect(topShowing(0x7c00, 20, geometry, true)).toBe(0x7c0 - 2);
    expect(topShowing(0, 20, geometry, true)).toBe(0);
  });

  it('asks for more than is in view, within the address space', () => {
    expect(rangeToAsk(100, geometry)).toEqual({ address: 88 * 16, length: 36 * 16 });
    expect(rangeToAsk(2, geometry)).toEqual({ address: 0, length: 26 * 16 });
    const end = rangeToAsk(topMax(geometry), geometry);
    expect(end.address + end.length).toBe(2 ** 32);
  });

  it('is the same in a window of a larger space', () => {
    const upper = { ...geometry, base: -(2 ** 32) };
    expect(topShowing(-0x8000_0000, 0, upper, true)).toBe(2 ** 27 - 2);
    expect(rangeToAsk(2 ** 27, upper)).toEqual({ address: -0x8000_0000 - 12 * 16, length: 36 * 16 });
  });

  it('puts the thumb where the position is, and back', () => {
    expect(thumbOffset(0, geometry)).toBe(0);
    expect(thumbOffset(topMax(geometry), geometry)).toBe(210 - 24);
    for (const offset of [0, 1, 93.5, 186])
      expect(thumbOffset(topOfThumb(offset, geometry), geometry)).toBeCloseTo(offset);
    expect(topOfThumb(-50, geometry)).toBe(0);
    expect(topOfThumb(5000, geometry)).toBe(topMax(geometry));
  });
});
