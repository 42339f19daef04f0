/**
 * Conversions between the lanes of vectors and integers, and between formats; rounding to integers (SDM vol. 1 §4.8.4,
 * §11.4.1.6, §12.8.5). What is rounded to an integer the host rounds; other results that are rounded it makes where they
 * raise nothing new.
 */
import type { Value } from '../../wasm/function-builder.ts';
import type { SharedFunction } from '../../wasm/module-builder.ts';
import { ENVIRONMENT_ROUNDING, INEXACT, INVALID } from './formats.ts';
import { doubles, IMMEDIATE_SIGNATURE, type LaneFormat, laneFunction, Lanes, singles } from './lanes.ts';
import { doubleFromInteger, doubleFromSingle, singleFromDouble, singleFromInteger } from './narrow-conversions.ts';
import * as quick from './quick-lanes.ts';

/** Immediate of ROUND: rounding as MXCSR says; no exception for a result that is inexact. */
const [ROUND_BY_MXCSR, ROUND_SILENTLY] = [4, 8];

/** Rounds to integers that stay numbers. */
function integral(of: LaneFormat, count: number): SharedFunction {
  return {
    signature: IMMEDIATE_SIGNATURE,
    write: (f) => {
      const [flagsAt, first, second, mxcsr, immediate] = f.parameters as readonly [Value, Value, Value, Value, Value];
      const lanes = new Lanes(f, of, count, { flagsAt, mxcsr });
      const x = lanes.dropDenormals(lanes.only(second));
      const own = lanes.and(immediate, ENVIRONMENT_ROUNDING);
      const mode = lanes.select(lanes.and(immediate, ROUND_BY_MXCSR), lanes.rounding(), own);
      const nan = lanes.isNaN(x);
      const result = lanes.choose(nan, lanes.either(x, lanes.quietBits), lanes.rounded(x, mode));
      lanes.raiseIfAny(lanes.isSignaling(x), INVALID);
      lanes.if(lanes.isZero(lanes.and(immediate, ROUND_SILENTLY)), () =>
        lanes.raiseIfAny(lanes.without(lanes.without(lanes.all(lanes.ones), lanes.equal(result, x)), nan), INEXACT),
      );
      f.return(lanes.merged(first, result));
    },
  };
}

export const integralPackedSingles: SharedFunction = integral(singles, 4);
export const integralPackedDoubles: SharedFunction = integral(doubles, 2);
export const integralSingle: SharedFunction = integral(singles, 1);
export const integralDouble: SharedFunction = integral(doubles, 1);

/**
 * Numbers rounded for integers of so many bits: which of them fit, told of with what is inexact. A NaN, and what does not
 * fit, is invalid.
 */
function fitting(
  lanes: Lanes,
  x: Value,
  bits: 32 | 64,
  rounding: quick.Rounding,
): { readonly rounded: Value; readonly fits: Value } {
  const mode = rounding === 'truncated' ? lanes.constant(3) : lanes.rounding();
  const rounded = lanes.rounded(x, mode);
  const limit = lanes.power(bits - 1);
  const least = lanes.either(limit, lanes.signs);
  const fits = lanes.both(lanes.ge(rounded, least), lanes.lt(rounded, limit));
  lanes.raiseIfAny(lanes.without(lanes.all(lanes.ones), fits), INVALID);
  lanes.raiseIfAny(lanes.without(fits, lanes.equal(rounded, x)), INEXACT);
  return { rounded, fits };
}

const INDEFINITE_32 = 0x8000_0000_8000_0000n;

/** Numbers of 32 bits to integers of 32; the lanes that are not computed become zero. */
function integersFromSingles(count: 2 | 4, rounding: quick.Rounding): quick.QuickFunction {
  const called = laneFunction(singles, count, (lanes, _, second) => {
    const { f } = lanes;
    const { rounded, fits } = fitting(lanes, lanes.dropDenormals(lanes.only(second)), 32, rounding);
    const integers = f.operate('i32x4.trunc_sat_f32x4_s', rounded);
    return lanes.merged(f.v128(0n, 0n), lanes.choose(fits, integers, f.v128(INDEFINITE_32, INDEFINITE_32)));
  });
  return count === 4 ? { ...called, quick: quick.quickIntegers(singles, rounding) } : called;
}

/** Numbers of 64 bits to integers of 32 in the lower half; the upper half becomes zero. */
function integersFromDoubles(rounding: quick.Rounding): quick.QuickFunction {
  const called = laneFunction(doubles, 2, (lanes, _, second) => {
    const { f } = lanes;
    const { rounded, fits } = fitting(lanes, lanes.dropDenormals(second), 32, rounding);
    const integers = f.operate('i32x4.trunc_sat_f64x2_s_zero', rounded);
    // The lower half of each mask.
    const masks = f.shuffle(fits, fits, [0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11]);
    return lanes.choose(masks, integers, f.v128(INDEFINITE_32, 0n));
  });
  return { ...called, quick: quick.quickIntegers(doubles, rounding) };
}

export const integersFromPackedSingles: Readonly<Record<quick.Rounding, SharedFunction>> = {
  truncated: integersFromSingles(4, 'truncated'),
  rounded: integersFromSingles(4, 'rounded'),
};
export const integersFromTwoSingles: Readonly<Record<quick.Rounding, SharedFunction>> = {
  truncated: integersFromSingles(2, 'truncated'),
  rounded: integersFromSingles(2, 'rounded'),
};
export const integersFromPackedDoubles: Readonly<Record<quick.Rounding, SharedFunction>> = {
  truncated: integersFromDoubles('truncated'),
  rounded: integersFromDoubles('rounded'),
};

/** The lowest lane as an integer in lane 0; of 32 bits it is its lower half. */
function integerFromLowest(of: LaneFormat, bits: 32 | 64, rounding: quick.Rounding): quick.QuickFunction {
  const called = laneFunction(of, 1, (lanes, _, second) => {
    const { f, flagsAt, mxcsr } = lanes;
    const x = lanes.dropDenormals(lanes.only(second));
    const wide = of.lanes === 4 ? f.operate('f64x2.promote_low_f32x4', x) : x;
    const { rounded, fits } = fitting(new Lanes(f, doubles, 1, { flagsAt, mxcsr }), wide, bits, rounding);
    const number = f.operateOnLane('f64x2.extract_lane', 0, rounded);
    const integer = f.operate('i64.trunc_sat_f64_s', number);
    const indefinite = f.i64(-(1n << BigInt(bits - 1)));
    const fitsLowest = lanes.low(f.operateOnLane('i64x2.extract_lane', 0, fits));
    return f.operate('i64x2.splat', lanes.select(fitsLowest, integer, indefinite));
  });
  return { ...called, quick: quick.quickInteger(of, bits, rounding) };
}

/** By the integer's size. */
type IntegersFromLowest = Readonly<Record<32 | 64, Readonly<Record<quick.Rounding, SharedFunction>>>>;

function integersFromLowest(of: LaneFormat): IntegersFromLowest {
  const both = (bits: 32 | 64) => ({
    truncated: integerFromLowest(of, bits, 'truncated'),
    rounded: integerFromLowest(of, bits, 'rounded'),
  });
  return { 32: both(32), 64: both(64) };
}

export const integerFromSingle: IntegersFromLowest = integersFromLowest(singles);
export const integerFromDouble: IntegersFromLowest = integersFromLowest(doubles);

/** Integers of 32 bits to numbers of 32. */
const calledSinglesFromIntegers = laneFunction(singles, 4, (lanes, _, second) => {
  const { f } = lanes;
  lanes.if(lanes.isQuick(), () => f.return(f.operate('f32x4.convert_i32x4_s', second)));
  const result = f.variable(second);
  const environment = lanes.environment();
  for (let n = 0; n < 4; n++) {
    const integer = lanes.wideSigned(f.operateOnLane('i32x4.extract_lane', n, second));
    lanes.setLane(result, n, f.callShared(singleFromInteger, lanes.flagsAt, integer, environment));
  }
  return result;
});
export const singlesFromIntegers: quick.QuickFunction = { ...calledSinglesFromIntegers, quick: quick.quickSingles };

/** The integer of 64 bits in the lower half of y as a number in the lowest lane of x. */
function lowestFromInteger(of: LaneFormat): quick.QuickFunction {
  const called = laneFunction(of, 1, (lanes, first, second) => {
    const { f } = lanes;
    const integer = f.operateOnLane('i64x2.extract_lane', 0, second);
    const result = f.variable(first);
    lanes.if(
      lanes.isQuick(),
      () =>
        f.set(
          result,
          of.lanes === 4
            ? f.operateOnLane('f32x4.replace_lane', 0, first, f.operate('f32.convert_i64_s', integer))
            : f.operateOnLane('f64x2.replace_lane', 0, first, f.operate('f64.convert_i64_s', integer)),
        ),
      () => {
        const convert = of.lanes === 4 ? singleFromInteger : doubleFromInteger;
        lanes.setLane(result, 0, f.callShared(convert, lanes.flagsAt, integer, lanes.environment()));
      },
    );
    return result;
  });
  return { ...called, quick: quick.quickFromInteger(of) };
}

export const singleFromLowestInteger: SharedFunction = lowestFromInteger(singles);
export const doubleFromLowestInteger: SharedFunction = lowestFromInteger(doubles);

/** Numbers of 32 bits, the lower two or the lowest, to numbers of 64. */
function widened(count: 1 | 2): quick.QuickFunction {
  const called = laneFunction(singles, count, (lanes, first, second) => {
    const { f, flagsAt, mxcsr } = lanes;
    const wide = new Lanes(f, doubles, count, { flagsAt, mxcsr });
    const x = lanes.only(second);
    lanes.if(lanes.every(lanes.isPlain(x)), () =>
      f.return(wide.merged(first, f.operate('f64x2.promote_low_f32x4', x))),
    );
    const result = f.variable(first);
    const environment = lanes.environment();
    for (let n = 0; n < count; n++) {
      wide.setLane(result, n, f.callShared(doubleFromSingle, flagsAt, lanes.lane(second, n), environment));
    }
    return result;
  });
  return count === 1 ? { ...called, quick: quick.quickWidened(singles, doubles) } : called;
}

export const doublesFromSingles: SharedFunction = widened(2);
export const doubleFromLowestSingle: SharedFunction = widened(1);

/** Numbers of 64 bits to numbers of 32: two, with zeros above, or the lowest into x. */
function narrowed(count: 1 | 2): quick.QuickFunction {
  const called = laneFunction(doubles, count, (lanes, first, second) => {
    const { f, flagsAt, mxcsr } = lanes;
    const narrow = new Lanes(f, singles, count, { flagsAt, mxcsr });
    const others = count === 1 ? first : f.v128(0n, 0n);
    lanes.if(lanes.isQuick(), () => {
      const x = lanes.only(second);
      const magnitude = lanes.abs(x);
      const { bias } = singles.narrow;
      const inRange = lanes.both(lanes.ge(magnitude, lanes.power(1 - bias)), lanes.lt(magnitude, lanes.power(bias)));
      lanes.if(lanes.every(lanes.either(inRange, lanes.isZeroNumber(x))), () =>
        f.return(narrow.merged(others, f.operate('f32x4.demote_f64x2_zero', x))),
      );
    });
    const result = f.variable(others);
    const environment = lanes.environment();
    for (let n = 0; n < count; n++) {
      narrow.setLane(result, n, f.callShared(singleFromDouble, flagsAt, lanes.lane(second, n), environment));
    }
    return result;
  });
  return count === 1 ? { ...called, quick: quick.quickNarrowed(doubles, singles) } : called;
}

export const singlesFromDoubles: SharedFunction = narrowed(2);
export const singleFromLowestDouble: SharedFunction = narrowed(1);
