/** Arithmetic on packed integers that is more than one operation of WebAssembly (SDM vol. 2B). */
import type { OperationName } from '../../wasm/vector-opcodes.ts';
import { bytes, bytesOfLanes, places, type VectorFunction } from './lanes.ts';

/** Upper halves of the doubleword products of words. */
export function multiplyHigh(sign: 's' | 'u'): VectorFunction {
  return ({ f }, x, y) => {
    const low = f.operate(`i32x4.extmul_low_i16x8_${sign}`, x, y);
    const high = f.operate(`i32x4.extmul_high_i16x8_${sign}`, x, y);
    return f.shuffle(low, high, bytesOfLanes([1, 3, 5, 7, 9, 11, 13, 15], 2));
  };
}

/** PMULUDQ, PMULDQ: products of the doublewords with an even number. */
export function multiplyEven(sign: 's' | 'u'): VectorFunction {
  return ({ f }, x, y) => {
    const [even, other] = [x, y].map((value) => f.shuffle(value, value, bytesOfLanes([0, 2, 0, 2], 4)));
    return f.operate(`i64x2.extmul_low_i32x4_${sign}`, even as typeof x, other as typeof y);
  };
}

/** PMULHRSW. Of 8000h by 8000h WebAssembly keeps the result below 8000h. */
export const multiplyRounded: VectorFunction = ({ f }, x, y) => {
  const least = f.operate('i16x8.splat', f.i32(0x8000));
  const both = f.operate('v128.and', f.operate('i16x8.eq', x, least), f.operate('i16x8.eq', y, least));
  return f.operate('v128.xor', f.operate('i16x8.q15mulr_sat_s', x, y), both);
};

/** PMADDUBSW: unsigned bytes of `x` by signed ones of `y`. */
export const multiplyBytes: VectorFunction = (s, x, y) => {
  const { f } = s;
  const eight = s.constant(8);
  const lowBytes = f.operate('i16x8.splat', s.constant(0xff));
  const evenY = f.operate('i16x8.shr_s', f.operate('i16x8.shl', y, eight), eight);
  const even = f.operate('i16x8.mul', f.operate('v128.and', x, lowBytes), evenY);
  const odd = f.operate('i16x8.mul', f.operate('i16x8.shr_u', x, eight), f.operate('i16x8.shr_s', y, eight));
  return f.operate('i16x8.add_sat_s', even, odd);
};

/** PHADD and PHSUB: neighbours with each other. */
export function neighbours(size: 2 | 4, name: OperationName): VectorFunction {
  const even = Array.from({ length: 16 / size }, (_, n) => 2 * n);
  const odd = even.map((lane) => lane + 1);
  return ({ f }, x, y) =>
    f.operate(name, f.shuffle(x, y, bytesOfLanes(even, size)), f.shuffle(x, y, bytesOfLanes(odd, size)));
}

/** PSIGN: `x`, negated where `y` is negative, 0 where it is 0. */
export function signed(lanes: 'i8x16' | 'i16x8' | 'i32x4'): VectorFunction {
  return ({ f }, x, y) => {
    const zero = f.v128(0n, 0n);
    const negative = f.operate(`${lanes}.lt_s`, y, zero);
    const result = f.operate(`${lanes}.sub`, f.operate('v128.xor', x, negative), negative);
    return f.operate('v128.andnot', result, f.operate(`${lanes}.eq`, y, zero));
  };
}

const distances: VectorFunction = ({ f }, x, y) =>
  f.operate('v128.or', f.operate('i8x16.sub_sat_u', x, y), f.operate('i8x16.sub_sat_u', y, x));

/** PSADBW: sums of the distances of eight bytes. */
export const sumOfDistances: VectorFunction = (s, x, y, selector) => {
  const { f } = s;
  const two = f.operate('i16x8.extadd_pairwise_i8x16_u', distances(s, x, y, selector));
  const four = f.operate('i32x4.extadd_pairwise_i16x8_u', two);
  const eight = f.operate('i64x2.add', four, f.operate('i64x2.shr_u', four, s.constant(32)));
  return f.operate('v128.and', eight, f.v128(0xffffn, 0xffffn));
};

/** MPSADBW: four bytes of `y` are laid on each place of `x`; both are found by bits of the immediate byte. */
export const movingDistances: VectorFunction = (s, x, y, selector) => {
  const { f } = s;
  const fromX = s.and(selector, 4);
  const fromY = s.shl(s.and(selector, 3), 2);
  return places(0, 4)
    .map((n) => {
      const atX = f.operate('i8x16.splat', s.add(fromX, s.constant(n)));
      const moved = f.operate('i8x16.swizzle', x, f.operate('i8x16.add', atX, bytes(s, places())));
      const byte = f.operate('i8x16.swizzle', y, f.operate('i8x16.splat', s.add(fromY, s.constant(n))));
      return f.operate('i16x8.extend_low_i8x16_u', distances(s, moved, byte, selector));
    })
    .reduce((sum, next) => f.operate('i16x8.add', sum, next));
};

/** PHMINPOSUW: the smallest word, and its number, the lowest if there are several. */
export const smallestWord: VectorFunction = (s, _, y) => {
  const { f } = s;
  const keys = (['low', 'high'] as const).map((half, n) => {
    const wide = f.operate(`i32x4.extend_${half}_i16x8_u`, y);
    const numbers = bytes(
      s,
      [0, 1, 2, 3].flatMap((lane) => [lane + 4 * n, 0, 0, 0]),
    );
    return f.operate('v128.or', f.operate('i32x4.shl', wide, s.constant(16)), numbers);
  }) as [typeof y, typeof y];
  const four = f.operate('i32x4.min_u', ...keys);
  const two = f.operate('i32x4.min_u', four, f.shuffle(four, four, bytesOfLanes([2, 3, 2, 3], 4)));
  const one = f.operate('i32x4.min_u', two, f.shuffle(two, two, bytesOfLanes([1, 1, 1, 1], 4)));
  const key = f.operateOnLane('i32x4.extract_lane', 0, one);
  const result = s.or(s.shrU(key, 16), s.shl(key, 16));
  return f.operateOnLane('i32x4.replace_lane', 0, f.v128(0n, 0n), result);
};
