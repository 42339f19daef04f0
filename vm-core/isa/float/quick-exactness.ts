/**
 * Whether results of the host's arithmetic are exact (SDM vol. 1 §4.9.1.6), in few operations that know it of the usual ones:
 * what they say no to may be exact, too. They are for code whose results have not been rounded yet.
 */
import type { FunctionBuilder, Value } from '../../wasm/function-builder.ts';
import type { OperationName } from '../../wasm/vector-opcodes.ts';
import type { LaneFormat } from './lanes.ts';

/** Arithmetic as WebAssembly names it. */
export type HostArithmetic = 'add' | 'sub' | 'mul' | 'div' | 'sqrt';

/** What is computed with: lanes of a format, all of them or the lowest. */
interface ComputedLanes {
  readonly of: LaneFormat;
  readonly count: number;
}

/** The same bits in all lanes. */
export function allLanes(f: FunctionBuilder, { narrow: { bits } }: LaneFormat, value: bigint): Value {
  const lane = BigInt.asUintN(bits, value);
  const half = bits === 64 ? lane : lane | (lane << 32n);
  return f.v128(half, half);
}

/**
 * 1 if the result is known to be exact: numbers that are normal or zero, none of which is too large. `x` is the first operand,
 * or for a root that of the lanes that are not computed.
 */
export function isExactArithmetic(
  f: FunctionBuilder,
  lanes: ComputedLanes,
  name: HostArithmetic,
  [x, y, result]: readonly [x: Value, y: Value, result: Value],
): Value {
  const { of } = lanes;
  const on = (operation: 'add' | 'sub' | 'mul', one: Value, other: Value) =>
    f.operate(`${of.shape}.${operation}` satisfies OperationName, one, other);
  if (name === 'add' || name === 'sub') {
    // What the sum has lost of both (D. E. Knuth, TAOCP vol. 2 §4.2.2, theorem B).
    const second = on('sub', result, x);
    const lostOfX = on('sub', x, on('sub', result, second));
    const lost = name === 'add' ? on('add', lostOfX, on('sub', y, second)) : on('sub', lostOfX, on('add', y, second));
    return areEqual(f, lanes, lost, f.v128(0n, 0n));
  }
  const { precision } = of.narrow;
  const half = precision >> 1;
  // The product of two such numbers has a place for each bit.
  const areShort = (one: Value, other: Value) => {
    const lowOf = (vector: Value, zeros: number) =>
      f.operate('v128.and', vector, allLanes(f, of, (1n << BigInt(zeros)) - 1n));
    return isZero(f, lanes, f.operate('v128.or', lowOf(one, precision - half), lowOf(other, half)));
  };
  if (name === 'mul') return areShort(x, y);
  const other = name === 'sqrt' ? result : y;
  return f.binary(
    'and',
    areShort(result, other),
    areEqual(f, lanes, on('mul', result, other), name === 'sqrt' ? y : x),
  );
}

/** 1 if a signed integer has no more bits than so many besides its sign. */
export function isExactInteger(f: FunctionBuilder, integer: Value, precision: number): Value {
  const most = f.like(integer, 1n << BigInt(precision));
  return f.binary('ltU', f.binary('add', integer, most), f.like(integer, 2n << BigInt(precision)));
}

function isZero(f: FunctionBuilder, { of, count }: ComputedLanes, vector: Value): Value {
  if (count === 1) return f.eqz(f.operateOnLane(`${of.integers}.extract_lane`, 0, vector));
  return f.eqz(f.operate('v128.any_true', vector));
}

function areEqual(f: FunctionBuilder, { of, count }: ComputedLanes, x: Value, y: Value): Value {
  const equal = f.operate(`${of.shape}.eq`, x, y);
  if (count > 1) return f.operate(`${of.integers}.all_true`, equal);
  return f.binary('ne', f.operateOnLane(`${of.integers}.extract_lane`, 0, equal), f.i32(0));
}
