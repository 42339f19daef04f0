/**
 * Rounds of AES on 128 bits, byte n being row n mod 4 of column n div 4 (SDM vol. 2A AESENC; FIPS 197 §5). The boxes are
 * computed from their definition; sixteen swizzles look a byte up.
 */
import type { Value } from '../../wasm/function-builder.ts';
import type { FunctionBuilder } from '../../wasm/function-builder.ts';
import type { SharedFunction } from '../../wasm/module-builder.ts';
import type { Semantics } from '../semantics.ts';
import type { VectorFunction } from './lanes.ts';

/** x⁸ = x⁴ + x³ + x + 1. */
const REDUCTION = 0x1b;

function multiply(x: number, y: number): number {
  let product = 0;
  for (let bit = 7; bit >= 0; bit--) {
    product = (product << 1) ^ ((product & 0x80) !== 0 ? 0x100 | REDUCTION : 0);
    if (((y >> bit) & 1) !== 0) product ^= x;
  }
  return product;
}

/** FIPS 197 §5.1.1: the inverse, then an affine function of its bits. */
function substituted(x: number): number {
  let inverse = 0;
  for (let y = 1; y < 256; y++) if (multiply(x, y) === 1) inverse = y;
  let result = 0x63;
  for (let turn = 0; turn < 5; turn++) result ^= (inverse << turn) | (inverse >> (8 - turn));
  return result & 0xff;
}

/** The box or its inverse; made when it is first needed. */
function boxOf(direction: 'forward' | 'inverse'): readonly number[] {
  const forward = Array.from({ length: 256 }, (_, x) => substituted(x));
  return direction === 'forward' ? forward : forward.map((_, x) => forward.indexOf(x));
}

const vectorOf = (f: FunctionBuilder, values: readonly number[]): Value => {
  const half = (from: number) =>
    values.slice(from, from + 8).reduce((sum, value, n) => sum | (BigInt(value) << BigInt(8 * n)), 0n);
  return f.v128(half(0), half(8));
};

/** Every byte through a box. */
function substitution(direction: 'forward' | 'inverse'): SharedFunction {
  return {
    signature: { parameters: ['v128'], result: 'v128' },
    write: (f) => {
      const box = boxOf(direction);
      const sixteen = f.operate('i8x16.splat', f.i32(16));
      let index = f.parameters[0] as Value;
      let result = f.v128(0n, 0n);
      for (let from = 0; from < 256; from += 16) {
        const part = f.operate('i8x16.swizzle', vectorOf(f, box.slice(from, from + 16)), index);
        result = f.operate('v128.or', result, part);
        index = f.operate('i8x16.sub', index, sixteen);
      }
      f.return(result);
    },
  };
}

const substitute = substitution('forward');
const substituteBack = substitution('inverse');

/** Row r is turned by r columns to the left, or to the right. */
const rowNumbers = (turn: 1 | -1) =>
  Array.from({ length: 16 }, (_, n) => ((((n >> 2) + turn * (n & 3) + 8) & 3) << 2) | (n & 3));

/** Byte n of each column from byte n + by. */
const columnNumbers = (by: number) => Array.from({ length: 16 }, (_, n) => (n & ~3) | ((n + by) & 3));

const shuffle = ({ f }: Semantics, x: Value, numbers: readonly number[]) => f.shuffle(x, x, numbers);
const xor = ({ f }: Semantics, x: Value, y: Value) => f.operate('v128.xor', x, y);

/** Every byte by x. */
function doubled(s: Semantics, x: Value): Value {
  const { f } = s;
  const carries = f.operate('i8x16.shr_s', x, s.constant(7));
  const reduction = f.operate('v128.and', carries, f.operate('i8x16.splat', s.constant(REDUCTION)));
  return xor(s, f.operate('i8x16.shl', x, s.constant(1)), reduction);
}

/** FIPS 197 §5.1.3: 2·a + 3·b + c + d for each byte a of a column and those that follow. */
function mixColumns(s: Semantics, x: Value): Value {
  const next = shuffle(s, x, columnNumbers(1));
  const both = xor(s, x, next);
  return xor(s, xor(s, doubled(s, both), next), shuffle(s, both, columnNumbers(2)));
}

/** §5.3.3: as mixing once more what 4·(a + c) was added to. */
function mixColumnsBack(s: Semantics, x: Value): Value {
  const opposite = xor(s, x, shuffle(s, x, columnNumbers(2)));
  return mixColumns(s, xor(s, x, doubled(s, doubled(s, opposite))));
}

/** AESENC and AESENCLAST. */
export function encryptRound(last: boolean): VectorFunction {
  return (s, x, key) => {
    const moved = s.f.callShared(substitute, shuffle(s, x, rowNumbers(1)));
    return xor(s, last ? moved : mixColumns(s, moved), key);
  };
}

/** AESDEC and AESDECLAST. */
export function decryptRound(last: boolean): VectorFunction {
  return (s, x, key) => {
    const moved = s.f.callShared(substituteBack, shuffle(s, x, rowNumbers(-1)));
    return xor(s, last ? moved : mixColumnsBack(s, moved), key);
  };
}

/** AESIMC. */
export const inverseMixColumns: VectorFunction = (s, _, y) => mixColumnsBack(s, y);

/** AESKEYGENASSIST: doublewords 1 and 3 through the box, and the same turned by a byte with the round's constant. */
export const assistKey: VectorFunction = (s, _, y, selector) => {
  const { f } = s;
  const boxed = f.callShared(substitute, y);
  const numbers = [1, 3].flatMap((lane) => [0, 1, 2, 3, 1, 2, 3, 0].map((n) => lane * 4 + n));
  const constant = f.operate('v128.and', f.operate('i32x4.splat', selector), f.v128(0xffn << 32n, 0xffn << 32n));
  return xor(s, shuffle(s, boxed, numbers), constant);
};
