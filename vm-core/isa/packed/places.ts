/** Single lanes of vectors, and bits out of all (SDM vol. 2B PEXTRB, PINSRB, PMOVMSKB; vol. 2A INSERTPS). */
import type { Value } from '../../wasm/function-builder.ts';
import type { OperationName } from '../../wasm/vector-opcodes.ts';
import type { Semantics } from '../semantics.ts';
import { bytes, maskOf, places, type VectorFunction } from './lanes.ts';

/** Bytes of a lane. */
export type LaneSize = 1 | 2 | 4 | 8;

const SPLATS: Readonly<Record<LaneSize, OperationName>> = {
  ...{ 1: 'i8x16.splat', 2: 'i16x8.splat', 4: 'i32x4.splat', 8: 'i64x2.splat' },
};

/** The lane that the immediate byte numbers, with zeros above; of `count` lanes. */
export function laneOf(s: Semantics, x: Value, selector: Value, size: LaneSize, count: number): Value {
  const { f } = s;
  const from = f.operate('i8x16.splat', s.mul(s.and(selector, count - 1), s.constant(size)));
  const lane = f.operate('i8x16.swizzle', x, f.operate('i8x16.add', from, bytes(s, places())));
  if (size === 8) return f.operateOnLane('i64x2.extract_lane', 0, lane);
  if (size === 4) return f.operateOnLane('i32x4.extract_lane', 0, lane);
  return f.operateOnLane(size === 2 ? 'i16x8.extract_lane_u' : 'i8x16.extract_lane_u', 0, lane);
}

/** The vector with a value in the lane that the immediate byte numbers. */
export function withLane(
  s: Semantics,
  x: Value,
  value: Value,
  selector: Value,
  lane: { readonly size: LaneSize; readonly count: number },
): Value {
  const { f } = s;
  const numbers = bytes(
    s,
    places().map((n) => Math.floor(n / lane.size)),
  );
  const mask = f.operate('i8x16.eq', numbers, f.operate('i8x16.splat', s.and(selector, lane.count - 1)));
  return f.operate('v128.bitselect', f.operate(SPLATS[lane.size], value), x, mask);
}

/** INSERTPS, for a source whose lane 0 is the one that is taken; bits of the immediate byte clear lanes. */
export const insertSingle: VectorFunction = (s, x, y, selector) => {
  const { f } = s;
  const value = f.operateOnLane('i32x4.extract_lane', 0, y);
  const inserted = withLane(s, x, value, s.shrU(selector, 4), { size: 4, count: 4 });
  const cleared = maskOf(
    s,
    selector,
    places(0, 8).map((n) => n >> 1),
  );
  return f.operate('v128.andnot', inserted, cleared);
};
