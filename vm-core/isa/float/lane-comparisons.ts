/**
 * Minima, maxima and comparisons of the lanes of vectors (SDM vol. 1 §11.5.2, vol. 2A CMPPD, MAXPS, COMISS). They round
 * nothing: the host's own arithmetic serves them all.
 */
import type { Value } from '../../wasm/function-builder.ts';
import type { SharedFunction } from '../../wasm/module-builder.ts';
import { DENORMAL, INVALID } from './formats.ts';
import { type QuickFunction, quickComparison, quickExtreme, quickFlags } from './quick-lanes.ts';
import { doubles, IMMEDIATE_SIGNATURE, type LaneFormat, laneFunction, Lanes, singles } from './lanes.ts';

/** Raises what two operands bring with them: NaNs, those that signal or (`isSignaling` not 0) all, and denormal numbers. */
function raiseOf(lanes: Lanes, x: Value, y: Value, isSignaling: Value): void {
  const { f } = lanes;
  const unordered = lanes.either(lanes.isNaN(x), lanes.isNaN(y));
  const denormal = lanes.either(lanes.isDenormal(x), lanes.isDenormal(y));
  lanes.if(lanes.any(lanes.either(unordered, denormal)), () => {
    const invalid = f.variable(unordered);
    lanes.if(lanes.isZero(isSignaling), () => f.set(invalid, lanes.either(lanes.isSignaling(x), lanes.isSignaling(y))));
    lanes.raiseIfAny(invalid, INVALID);
    lanes.raiseIfAny(lanes.without(denormal, unordered), DENORMAL);
  });
}

/** The second operand where the first is not less, or not greater; so for NaNs and two zeros. */
function extreme(of: LaneFormat, count: number, isMinimum: boolean): QuickFunction {
  const called = laneFunction(of, count, (lanes, first, second) => {
    const x = lanes.dropDenormals(lanes.only(first));
    const y = lanes.dropDenormals(lanes.only(second));
    raiseOf(lanes, x, y, lanes.constant(1));
    const takesFirst = isMinimum ? lanes.lt(x, y) : lanes.lt(y, x);
    return lanes.merged(first, lanes.choose(takesFirst, x, y));
  });
  return { ...called, quick: quickExtreme(of, count, isMinimum) };
}

/** What two numbers are to each other, by bits: less, equal, greater, unordered. */
const [LESS, EQUAL, GREATER, UNORDERED] = [1, 2, 4, 8];

/** Of the predicates 0 to 15 of a comparison: the relations for which they are true. */
const truth: readonly number[] = [
  ...[EQUAL, LESS, LESS | EQUAL, UNORDERED],
  ...[LESS | GREATER | UNORDERED, EQUAL | GREATER | UNORDERED, GREATER | UNORDERED, LESS | EQUAL | GREATER],
  ...[EQUAL | UNORDERED, LESS | UNORDERED, LESS | EQUAL | UNORDERED, 0],
  ...[LESS | GREATER, EQUAL | GREATER, GREATER, LESS | EQUAL | GREATER | UNORDERED],
];
const TRUTHS = truth.reduce((sum, relations, n) => sum | (BigInt(relations) << BigInt(4 * n)), 0n);
/** Bit n: predicate n signals quiet NaNs too. Those from 16 on are the same comparisons with that turned around. */
const SIGNALING = [1, 2, 5, 6, 9, 10, 13, 14].reduce((sum, n) => sum | (1 << n), 0);

/** The immediate is a predicate, from 0 to 31; lanes become all ones or all zeros. */
function comparison(of: LaneFormat, count: number): QuickFunction {
  return {
    quick: quickComparison(of, count, truth),
    signature: IMMEDIATE_SIGNATURE,
    write: (f) => {
      const [flagsAt, first, second, mxcsr, predicate] = f.parameters as readonly [Value, Value, Value, Value, Value];
      const lanes = new Lanes(f, of, count, { flagsAt, mxcsr });
      const x = lanes.dropDenormals(lanes.only(first));
      const y = lanes.dropDenormals(lanes.only(second));
      const kind = lanes.and(predicate, 15);
      const turned = lanes.and(lanes.shrU(predicate, 4), 1);
      raiseOf(lanes, x, y, lanes.xor(lanes.bit(f.i32(SIGNALING), kind), turned));
      const relations = f.copy(lanes.low(lanes.shrU(f.i64(TRUTHS), lanes.shl(kind, 2))));
      const whole = (n: number) => f.operate('i32x4.splat', lanes.sub(f.i32(0), lanes.bit(relations, n)));
      const unordered = lanes.either(lanes.isNaN(x), lanes.isNaN(y));
      const result = [lanes.lt(x, y), lanes.equal(x, y), lanes.lt(y, x), unordered]
        .map((relation, n) => lanes.both(relation, whole(n)))
        .reduce((one, other) => lanes.either(one, other));
      f.return(lanes.merged(first, result));
    },
  };
}

/** Flags of a comparison of the lowest lanes, by their places in EFLAGS. */
const [ZF, PF, CF] = [0x40, 4, 1];

/** (address of the exceptions' word, x, y, MXCSR) → ZF, PF and CF. */
function flagComparison(of: LaneFormat, signalsAll: boolean): QuickFunction {
  return {
    quick: quickFlags(of),
    signature: { parameters: ['i32', 'v128', 'v128', 'i32'], result: 'i32' },
    write: (f) => {
      const [flagsAt, first, second, mxcsr] = f.parameters as readonly [Value, Value, Value, Value];
      const lanes = new Lanes(f, of, 1, { flagsAt, mxcsr });
      const x = lanes.dropDenormals(lanes.only(first));
      const y = lanes.dropDenormals(lanes.only(second));
      raiseOf(lanes, x, y, f.i32(signalsAll ? 1 : 0));
      const bits = (relation: Value, flags: number) =>
        lanes.and(f.operateOnLane('i32x4.extract_lane', 0, relation), flags);
      const unordered = lanes.either(lanes.isNaN(x), lanes.isNaN(y));
      const ordered = lanes.or(bits(lanes.lt(x, y), CF), bits(lanes.equal(x, y), ZF));
      f.return(lanes.or(ordered, bits(unordered, ZF | PF | CF)));
    },
  };
}

/** The comparisons of a format, of all lanes or the lowest. */
export interface LaneComparisons {
  readonly minimum: SharedFunction;
  readonly maximum: SharedFunction;
  /** Has the predicate as its immediate. */
  readonly comparison: SharedFunction;
}

function comparisonsOn(of: LaneFormat, count: number): LaneComparisons {
  return {
    minimum: extreme(of, count, true),
    maximum: extreme(of, count, false),
    comparison: comparison(of, count),
  };
}

export const comparePackedSingles: LaneComparisons = comparisonsOn(singles, 4);
export const comparePackedDoubles: LaneComparisons = comparisonsOn(doubles, 2);
export const compareSingle: LaneComparisons = comparisonsOn(singles, 1);
export const compareDouble: LaneComparisons = comparisonsOn(doubles, 1);

export const orderedSingleFlags: SharedFunction = flagComparison(singles, true);
export const orderedDoubleFlags: SharedFunction = flagComparison(doubles, true);
export const unorderedSingleFlags: SharedFunction = flagComparison(singles, false);
export const unorderedDoubleFlags: SharedFunction = flagComparison(doubles, false);
