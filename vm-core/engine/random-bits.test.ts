import { describe, expect, it } from 'vitest';
import { RandomBits } from './random-bits.ts';

const take = (bits: RandomBits, count: number) => Array.from({ length: count }, () => bits.next());

describe('random bits', () => {
  it('follow from the seed', () => {
    expect(take(new RandomBits(7), 4)).toEqual(take(new RandomBits(7), 4));
    expect(take(new RandomBits(7), 4)).not.toEqual(take(new RandomBits(8), 4));
    expect(take(new RandomBits(1), 4)).not.toEqual(take(new RandomBits(1 + 2 ** 32), 4));
  });

  it('follow from what was added', () => {
    const [a, b, c] = [new RandomBits(7), new RandomBits(7), new RandomBits(7)];
    a.add(Uint8Array.of(1, 2, 3, 4, 5));
    b.add(Uint8Array.of(1, 2, 3, 4, 5));
    c.add(Uint8Array.of(1, 2, 3, 4, 6));
    expect(take(a, 4)).toEqual(take(b, 4));
    expect(take(new RandomBits(7), 4)).not.toEqual(take(c, 4));
    expect(take(a, 4)).not.toEqual(take(c, 4));
  });

  it('have as many ones as zeros in each place', () => {
    const values = take(new RandomBits(0), 4000);
    for (let bit = 0; bit < 32; bit++) {
      const ones = values.filter((value) => ((value >>> bit) & 1) === 1).length;
      expect(Math.abs(ones - 2000)).toBeLessThan(200);
    }
  });
});
