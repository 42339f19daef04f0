/** Hashes that tell the places of a computed jump apart. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashOf } from './jump-table.ts';

const COUNT_MAX = 32;

describe('the hash of the places of a computed jump', () => {
  it('tells them apart, and is found for nearly all that there may be', () => {
    let found = 0;
    let tried = 0;
    const places = fc.uniqueArray(fc.bigInt({ min: 0n, max: (1n << 32n) - 1n }), {
      minLength: 4,
      maxLength: COUNT_MAX,
    });
    fc.assert(
      fc.property(places, (list) => {
        tried++;
        const hash = hashOf(list);
        if (!hash) return;
        found++;
        const { multiplier, shift } = hash;
        const numbers = list.map((place) => Math.imul(Number(BigInt.asIntN(32, place)), multiplier) >>> shift);
        expect(new Set(numbers).size).toBe(list.length);
        expect(Math.max(...numbers)).toBeLessThan(2 ** (32 - shift));
      }),
    );
    expect(found).toBeGreaterThan(tried * 0.9);
  });

  it('is not found for places that differ in their upper halves alone', () => {
    expect(hashOf([1n, 1n + (1n << 32n), 2n, 3n])).toBeUndefined();
  });
});
