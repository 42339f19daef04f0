/**
 * Sums, products, quotients and roots of the lanes of vectors (SDM vol. 1 §10.4.1.2, §11.4.1.2, §12.3): by the host's own
 * arithmetic where that is exact and raises nothing, otherwise lane by lane the exact way.
 */
import type { Value } from '../../wasm/function-builder.ts';
import type { SharedFunction } from '../../wasm/module-builder.ts';
import { type QuickFunction, quickArithmetic } from './quick-lanes.ts';
import { doubles, type LaneFormat, laneFunction, type Lanes, singles } from './lanes.ts';
import { doubleOperations, type NarrowOperations, singleOperations } from './narrow.ts';

interface Operation {
  /** The host's arithmetic. */
  fast(lanes: Lanes, x: Value, y: Value): Value;
  /** Results that are zero without an underflow; undefined: all that are zero. */
  zeros?(lanes: Lanes, x: Value, y: Value): Value;
  /** The exact function for one lane. */
  slow(operations: NarrowOperations, lane: number): SharedFunction;
  readonly isUnary?: boolean;
  /** Where the same is done for all lanes. */
  readonly name?: 'add' | 'sub' | 'mul' | 'div' | 'sqrt';
}

/** `count`: how many lanes are computed; the others are those of x. */
function operationOn(of: LaneFormat, count: number, operation: Operation): QuickFunction {
  const { fast, slow, zeros, isUnary, name } = operation;
  const operations = of.lanes === 4 ? singleOperations : doubleOperations;
  const called = laneFunction(of, count, (lanes, first, second) => {
    const { f } = lanes;
    lanes.if(lanes.isQuick(), () => {
      const x = lanes.only(first);
      const y = lanes.only(second);
      const result = fast(lanes, x, y);
      const magnitude = lanes.abs(result);
      // The least normal number may be a smaller one that was rounded up.
      const isNormal = lanes.both(
        lanes.lt(magnitude, lanes.infinity),
        zeros ? lanes.lt(lanes.leastNormal, magnitude) : lanes.ge(magnitude, lanes.leastNormal),
      );
      const zero = lanes.isZeroNumber(result);
      const isExpected = lanes.either(isNormal, zeros ? lanes.both(zero, zeros(lanes, x, y)) : zero);
      const plain = isUnary ? lanes.isPlain(y) : lanes.both(lanes.isPlain(x), lanes.isPlain(y));
      lanes.if(lanes.every(lanes.both(isExpected, plain)), () => f.return(lanes.merged(first, result)));
    });
    const result = f.variable(first);
    const environment = lanes.environment();
    for (let n = 0; n < count; n++) {
      const operands = isUnary ? [lanes.lane(second, n)] : [lanes.lane(first, n), lanes.lane(second, n)];
      lanes.setLane(result, n, f.callShared(slow(operations, n), lanes.flagsAt, ...operands, environment));
    }
    return result;
  });
  return name ? { ...called, quick: quickArithmetic(of, count, name) } : called;
}

const sum: Operation = {
  name: 'add',
  fast: ({ f, of }, x, y) => f.operate(`${of.shape}.add`, x, y),
  slow: (operations) => operations.sum,
};
const difference: Operation = {
  name: 'sub',
  fast: ({ f, of }, x, y) => f.operate(`${of.shape}.sub`, x, y),
  slow: (operations) => operations.difference,
};
const product: Operation = {
  name: 'mul',
  fast: ({ f, of }, x, y) => f.operate(`${of.shape}.mul`, x, y),
  zeros: (lanes, x, y) => lanes.either(lanes.isZeroNumber(x), lanes.isZeroNumber(y)),
  slow: (operations) => operations.product,
};
const quotient: Operation = {
  name: 'div',
  fast: ({ f, of }, x, y) => f.operate(`${of.shape}.div`, x, y),
  zeros: (lanes, x) => lanes.isZeroNumber(x),
  slow: (operations) => operations.quotient,
};
const root: Operation = {
  name: 'sqrt',
  fast: ({ f, of }, _, y) => f.operate(`${of.shape}.sqrt`, y),
  slow: (operations) => operations.root,
  isUnary: true,
};
/** Differences in the even lanes, sums in the odd ones. */
const alternating: Operation = {
  fast: (lanes, x, y) => {
    const sign = 1n << BigInt(lanes.of.narrow.bits - 1);
    const evenSigns = lanes.of.lanes === 2 ? lanes.f.v128(sign, 0n) : lanes.f.v128(sign, sign);
    return lanes.f.operate(`${lanes.of.shape}.add`, x, lanes.f.operate('v128.xor', y, evenSigns));
  },
  slow: (operations, lane) => (lane % 2 === 0 ? operations.difference : operations.sum),
};

/** The arithmetic of a format, of all lanes (`packed`) or the lowest. */
export interface LaneArithmetic {
  readonly sum: SharedFunction;
  readonly difference: SharedFunction;
  readonly product: SharedFunction;
  readonly quotient: SharedFunction;
  readonly root: SharedFunction;
  readonly alternating: SharedFunction;
}

function arithmeticOn(of: LaneFormat, count: number): LaneArithmetic {
  return {
    sum: operationOn(of, count, sum),
    difference: operationOn(of, count, difference),
    product: operationOn(of, count, product),
    quotient: operationOn(of, count, quotient),
    root: operationOn(of, count, root),
    alternating: operationOn(of, count, alternating),
  };
}

export const packedSingles: LaneArithmetic = arithmeticOn(singles, 4);
export const packedDoubles: LaneArithmetic = arithmeticOn(doubles, 2);
export const scalarSingle: LaneArithmetic = arithmeticOn(singles, 1);
export const scalarDouble: LaneArithmetic = arithmeticOn(doubles, 1);

/**
 * 1/x, or 1/√x: the manual allows 1.5·2^-12 of it, with denormals as zero; neither raises an exception. Why it is the exact
 * one: docs/decisions/0013-approximate-reciprocals.md.
 */
function approximation(count: number, isRoot: boolean): SharedFunction {
  return laneFunction(singles, count, (lanes, first, second) => {
    const { f } = lanes;
    const x = lanes.flushed(second);
    const one = lanes.power(0);
    const result = f.operate('f32x4.div', one, isRoot ? f.operate('f32x4.sqrt', x) : x);
    const small = lanes.flushed(result);
    const indefinite = lanes.all(0xffc0_0000n);
    const valid = isRoot ? lanes.choose(lanes.lt(x, lanes.all(0n)), indefinite, small) : small;
    return lanes.merged(first, lanes.choose(lanes.isNaN(x), lanes.either(x, lanes.quietBits), valid));
  });
}

export const packedReciprocal: SharedFunction = approximation(4, false);
export const packedReciprocalRoot: SharedFunction = approximation(4, true);
export const scalarReciprocal: SharedFunction = approximation(1, false);
export const scalarReciprocalRoot: SharedFunction = approximation(1, true);
