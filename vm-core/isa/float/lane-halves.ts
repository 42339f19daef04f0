/** Numbers of 16 bits in the lanes of vectors, from and to those of 32 (SDM vol. 1 §14.4). */
import type { Value } from '../../wasm/function-builder.ts';
import type { SharedFunction } from '../../wasm/module-builder.ts';
import { ENVIRONMENT_FLUSH, INVALID } from './formats.ts';
import { IMMEDIATE_SIGNATURE, laneFunction, Lanes, singles } from './lanes.ts';
import { halfFromSingle } from './narrow-conversions.ts';

/** By how much a fraction of 32 bits is longer, and the difference of the biases. */
const LONGER = 13;
const REBIAS = 112;

/** A half's infinity, moved to where a number of 32 bits has exponent and fraction. */
const INFINITY_MOVED = 0x7c00n << BigInt(LONGER);
const SINGLE_INFINITY = 0x7f80_0000n;

/** The lower four halves of y as numbers: exact, and denormal ones are nothing special, whatever MXCSR says. */
export const singlesFromHalves: SharedFunction = laneFunction(singles, 4, (lanes, _, second) => {
  const { f } = lanes;
  const halves = f.copy(f.operate('i32x4.extend_low_i16x8_u', second));
  const sign = f.operate('i32x4.shl', lanes.both(halves, lanes.all(0x8000n)), f.i32(16));
  const moved = f.copy(f.operate('i32x4.shl', lanes.both(halves, lanes.all(0x7fffn)), f.i32(LONGER)));
  // A denormal number is one here, too, before it is scaled.
  const scaled = f.operate('f32x4.mul', moved, lanes.power(REBIAS));
  const isSpecial = f.operate('i32x4.ge_s', moved, lanes.all(INFINITY_MOVED));
  const magnitude = f.copy(lanes.either(scaled, lanes.both(isSpecial, lanes.all(SINGLE_INFINITY))));
  const notNumbers = f.copy(lanes.isNaN(magnitude));
  lanes.if(lanes.any(notNumbers), () => lanes.raiseIfAny(lanes.isSignaling(magnitude), INVALID));
  return lanes.either(lanes.either(magnitude, sign), lanes.both(notNumbers, lanes.quietBits));
});

/** Of the immediate: MXCSR tells how to round, not the two bits below. */
const BY_MXCSR = 4;
const ROUNDING_SHIFT = 13;
const ROUNDING = 3 << ROUNDING_SHIFT;

/** The least normal half, and the first number that is rounded to infinity, as numbers of 32 bits. */
const LEAST_NORMAL = 0x3880_0000n;
const TOO_LARGE = 0x477f_f000n;

/** Four halves, with zeros above, from the numbers in y. */
export const halvesFromSingles: SharedFunction = {
  signature: IMMEDIATE_SIGNATURE,
  write: (f) => {
    const [flagsAt, , numbers, mxcsr, immediate] = f.parameters as readonly [Value, Value, Value, Value, Value];
    const plain = new Lanes(f, singles, 4, { flagsAt, mxcsr });
    const own = plain.or(plain.and(mxcsr, ~ROUNDING), plain.and(plain.shl(immediate, ROUNDING_SHIFT), ROUNDING));
    const chosen = f.copy(plain.select(plain.and(immediate, BY_MXCSR), mxcsr, own));
    const lanes = new Lanes(f, singles, 4, { flagsAt, mxcsr: chosen });
    lanes.if(lanes.isQuick(), () => returnQuick(lanes, numbers));
    const environment = f.copy(lanes.and(lanes.environment(), ~ENVIRONMENT_FLUSH));
    let result = f.v128(0n, 0n);
    for (let n = 0; n < 4; n++) {
      const half = lanes.low(f.callShared(halfFromSingle, flagsAt, lanes.lane(numbers, n), environment));
      result = f.operateOnLane('i16x8.replace_lane', n, result, half);
    }
    f.return(result);
  },
};

/** Rounds to nearest where all numbers are zeros or become normal ones. */
function returnQuick(lanes: Lanes, numbers: Value): void {
  const { f } = lanes;
  const magnitude = f.copy(lanes.abs(numbers));
  const isZero = f.copy(lanes.isZeroNumber(numbers));
  const inRange = lanes.both(
    f.operate('i32x4.ge_s', magnitude, lanes.all(LEAST_NORMAL)),
    f.operate('i32x4.lt_s', magnitude, lanes.all(TOO_LARGE)),
  );
  lanes.if(lanes.every(lanes.either(inRange, isZero)), () => {
    const last = lanes.both(f.operate('i32x4.shr_u', magnitude, f.i32(LONGER)), lanes.all(1n));
    const half = lanes.all((1n << BigInt(LONGER - 1)) - 1n);
    const rounded = f.operate('i32x4.add', f.operate('i32x4.add', magnitude, half), last);
    const rebased = f.operate('i32x4.sub', rounded, lanes.all(BigInt(REBIAS) << 23n));
    const bits = lanes.without(f.operate('i32x4.shr_u', rebased, f.i32(LONGER)), isZero);
    const sign = f.operate('i32x4.shr_u', lanes.both(numbers, lanes.signs), f.i32(16));
    f.return(f.operate('i16x8.narrow_i32x4_u', lanes.either(bits, sign), f.v128(0n, 0n)));
  });
}
