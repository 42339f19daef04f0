/**
 * Operations on vectors of which enough is known while a function is built: masks and numbers of bytes that come from an
 * immediate become constants, and what is chosen by them a shuffle (WebAssembly core §4.3.3, §4.3.4).
 */
import type { Value } from './function-builder.ts';

/** A vector that is known, or a shuffle of two. */
export type FoldedVector =
  | { readonly vector: bigint }
  | { readonly x: Value; readonly y: Value; readonly bytes: readonly number[] };

const SHAPES: Readonly<Record<string, readonly [bits: number, lanes: number]>> = {
  ...{ i8x16: [8, 16], i16x8: [16, 8], i32x4: [32, 4], i64x2: [64, 2] },
};
const ALL = (1n << 128n) - 1n;
const ZERO: Value = { type: 'v128', local: -1, vector: 0n };

type LaneFunction = (x: bigint, y: bigint, bits: number) => bigint;

/** Operations on lanes; what they give is cut to the lane. */
const onLanes: Readonly<Record<string, LaneFunction>> = {
  add: (x, y) => x + y,
  sub: (x, y) => x - y,
  mul: (x, y) => x * y,
  neg: (x) => -x,
  eq: (x, y) => (x === y ? -1n : 0n),
  shl: (x, count, bits) => x << (count & BigInt(bits - 1)),
  shr_u: (x, count, bits) => x >> (count & BigInt(bits - 1)),
  shr_s: (x, count, bits) => BigInt.asIntN(bits, x) >> (count & BigInt(bits - 1)),
};
const SHIFTS = ['shl', 'shr_u', 'shr_s'];

const onBits: Readonly<Record<string, (x: bigint, y: bigint) => bigint>> = {
  and: (x, y) => x & y,
  or: (x, y) => x | y,
  xor: (x, y) => x ^ y,
  andnot: (x, y) => x & ~y & ALL,
  not: (x) => ~x & ALL,
};

/** Undefined where the operation has to be done when the function runs. */
export function foldVector(name: string, operands: readonly Value[]): FoldedVector | undefined {
  const [shape = '', operation = ''] = name.split('.');
  const known = operands.map(
    ({ vector, constant }) => vector ?? (constant === undefined ? undefined : BigInt(constant)),
  );
  if (name === 'i8x16.swizzle') return chosen(operands[0] as Value, known[1]);
  if (name === 'v128.bitselect') return selected(operands as [Value, Value, Value], known[2]);
  if (known.includes(undefined)) return undefined;
  const [x = 0n, y = 0n] = known as readonly bigint[];
  const lanes = SHAPES[shape];
  if (operation === 'splat') return lanes && { vector: byLanes(lanes, () => x) };
  if (shape === 'v128') return onBits[operation] && { vector: (onBits[operation] as LaneFunction)(x, y, 128) };
  const compute = onLanes[operation];
  if (!lanes || !compute) return undefined;
  const isShift = SHIFTS.includes(operation);
  const [bits] = lanes;
  const lane = (of: bigint, n: number) => BigInt.asUintN(bits, of >> BigInt(n * bits));
  return { vector: byLanes(lanes, (n) => compute(lane(x, n), isShift ? y : lane(y, n), bits)) };
}

function byLanes([bits, lanes]: readonly [number, number], laneAt: (n: number) => bigint): bigint {
  let vector = 0n;
  for (let n = 0; n < lanes; n++) vector |= BigInt.asUintN(bits, laneAt(n)) << BigInt(n * bits);
  return vector;
}

const byteOf = (vector: bigint, n: number) => Number((vector >> BigInt(8 * n)) & 0xffn);
const bytesBy = (byteAt: (n: number) => number) => Array.from({ length: 16 }, (_, n) => byteAt(n));

/** Numbers beyond 15 choose a zero. */
function chosen(x: Value, numbers: bigint | undefined): FoldedVector | undefined {
  if (numbers === undefined) return undefined;
  return { x, y: ZERO, bytes: bytesBy((n) => Math.min(byteOf(numbers, n), 16)) };
}

/** A mask of whole bytes. */
function selected([x, y]: readonly [Value, Value, Value], mask: bigint | undefined): FoldedVector | undefined {
  if (mask === undefined) return undefined;
  const bytes = bytesBy((n) => byteOf(mask, n));
  if (!bytes.every((byte) => byte === 0 || byte === 0xff)) return undefined;
  return { x, y, bytes: bytes.map((byte, n) => (byte === 0 ? n + 16 : n)) };
}
