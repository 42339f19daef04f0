/** Instructions that put the parts of vectors into another order (SDM vol. 1 §5.5.3, §5.6.1.5, §5.10.3). */
import type { Value } from '../../wasm/function-builder.ts';
import type { Semantics } from '../semantics.ts';
import { bytes, bytesOfLanes, fieldsOf, maskOf, places, type VectorFunction, words } from './lanes.ts';

/** PUNPCKL and PUNPCKH: parts of `x` and `y` by turns, from a half of each. */
export function interleaved(size: 1 | 2 | 4 | 8, half: 'low' | 'high'): VectorFunction {
  const count = 16 / size;
  const start = half === 'low' ? 0 : count / 2;
  const lanes = places(start, count / 2).flatMap((lane) => [lane, lane + count]);
  return ({ f }, x, y) => f.shuffle(x, y, bytesOfLanes(lanes, size));
}

/** PSHUFB: bytes of `x` by the numbers in `y`, of which `mask` counts; with bit 7 set, 0. */
export function byNumbers(mask: 0x8f | 0x87): VectorFunction {
  return ({ f }, x, y) =>
    f.operate('i8x16.swizzle', x, f.operate('v128.and', y, f.operate('i8x16.splat', f.i32(mask))));
}

const ALL = [0, 1, 2, 3, 4, 5, 6, 7] as const;
/** Numbers of the two bytes of a word, as a word. */
const bytesOfWord = (n: number) => ((2 * n + 1) << 8) | (2 * n);

/** The numbers of bytes that `selector` chooses: for each word a field of it, what that is multiplied with, what is added. */
function chosen(
  s: Semantics,
  selector: Value,
  by: {
    readonly starts: readonly number[];
    readonly width: 1 | 2;
    readonly unit: number;
    readonly base: readonly number[];
  },
): Value {
  const { f } = s;
  const fields = fieldsOf(s, selector, by.starts, by.width);
  const scaled = f.operate('i16x8.mul', fields, f.operate('i16x8.splat', s.constant(by.unit)));
  return f.operate('i16x8.add', scaled, words(s, by.base));
}

/** Each doubleword by two bits. */
const chosenDoublewords = (s: Semantics, selector: Value) =>
  chosen(s, selector, {
    ...{ starts: ALL.map((n) => (n >> 1) * 2), width: 2, unit: 0x0404 },
    base: ALL.map((n) => bytesOfWord(n & 1)),
  });

/** Each quadword by one bit. */
const chosenQuadwords = (s: Semantics, selector: Value) =>
  chosen(s, selector, {
    ...{ starts: ALL.map((n) => n >> 2), width: 1, unit: 0x0808 },
    base: ALL.map((n) => bytesOfWord(n & 3)),
  });

/** PSHUFD. */
export const chooseDoublewords: VectorFunction = (s, _, y, selector) =>
  s.f.operate('i8x16.swizzle', y, chosenDoublewords(s, selector));

/** PSHUFLW, PSHUFW and PSHUFHW: the words of one half. */
export function chooseWords(half: 'low' | 'high'): VectorFunction {
  const first = half === 'low' ? 0 : 4;
  return (s, _, y, selector) => {
    const { f } = s;
    const numbers = chosen(s, selector, {
      ...{ starts: ALL.map((n) => (n & 3) * 2), width: 2, unit: 0x0202 },
      base: ALL.map(() => bytesOfWord(first)),
    });
    const changed = f.operate('i8x16.swizzle', y, numbers);
    return f.shuffle(y, changed, bytesOfLanes(half === 'low' ? [2, 1] : [0, 3], 8));
  };
}

const combined =
  (numbersOf: (s: Semantics, selector: Value) => Value): VectorFunction =>
  (s, x, y, selector) => {
    const { f } = s;
    const numbers = numbersOf(s, selector);
    if (numbers.vector !== undefined) {
      const { vector } = numbers;
      return f.shuffle(
        x,
        y,
        places().map((n) => Number((vector >> BigInt(8 * n)) & 0xffn) + (n < 8 ? 0 : 16)),
      );
    }
    const [low, high] = [f.operate('i8x16.swizzle', x, numbers), f.operate('i8x16.swizzle', y, numbers)];
    return f.shuffle(low, high, bytesOfLanes([0, 3], 8));
  };

/** SHUFPS and SHUFPD: the lower half from `x`, the upper half from `y`. */
export const combineSingles: VectorFunction = combined(chosenDoublewords);
export const combineDoubles: VectorFunction = combined(chosenQuadwords);

/** PBLENDW, BLENDPS, BLENDPD: where the bit of a word, doubleword or quadword is set, `y`. */
export function blended(wordsOfLane: 1 | 2 | 4): VectorFunction {
  const bits = ALL.map((n) => Math.floor(n / wordsOfLane));
  return (s, x, y, selector) => s.f.operate('v128.bitselect', y, x, maskOf(s, selector, bits));
}

/** PALIGNR: sixteen of the 32 bytes of `x` above `y`, from a number on. */
export const aligned: VectorFunction = (s, x, y, selector) => {
  const { f } = s;
  const from = f.operate('i8x16.splat', s.select(s.gtU(selector, 32), s.constant(32), selector));
  const numbers = f.operate('i8x16.add', from, bytes(s, places()));
  const upper = f.operate('i8x16.sub', numbers, f.operate('i8x16.splat', s.constant(16)));
  return f.operate('v128.or', f.operate('i8x16.swizzle', y, numbers), f.operate('i8x16.swizzle', x, upper));
};

/** The same of the sixteen bytes of two MMX operands. */
export const alignedHalves: VectorFunction = (s, x, y, selector) => {
  const { f } = s;
  const both = f.shuffle(y, x, bytesOfLanes([0, 2], 8));
  return aligned(s, f.v128(0n, 0n), both, selector);
};
