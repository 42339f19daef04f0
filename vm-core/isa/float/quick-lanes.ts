/**
 * The quick ways of functions over lanes, for code that is written where an instruction is used: the host's arithmetic, with as
 * few questions as tell that it is exact and raises nothing new (SDM vol. 1 §4.8.3, §11.5). Whatever is unusual leaves for a
 * call of the function.
 */
import type { FunctionBuilder, Label, Value } from '../../wasm/function-builder.ts';
import type { SharedFunction } from '../../wasm/module-builder.ts';
import type { OperationName } from '../../wasm/vector-opcodes.ts';
import { INEXACT } from './formats.ts';
import type { LaneFormat } from './lanes.ts';
import { allLanes, type HostArithmetic, isExactArithmetic, isExactInteger } from './quick-exactness.ts';

/** Gives the function's result from its operands. */
export type QuickWay = (quick: QuickLanes, x: Value, y: Value, immediate: Value) => Value;

/** A function over lanes, and its quick way. */
export interface QuickFunction extends SharedFunction {
  readonly quick?: QuickWay;
}

/** All exceptions masked, rounding to nearest. */
const ALL_MASKED = 0x1f80;
const ROUNDING = 0x6000;

export class QuickLanes {
  readonly f: FunctionBuilder;
  readonly #mxcsr: Value;
  readonly #unusual: Label;

  /** `unusual`: where the function is called. */
  constructor(f: FunctionBuilder, mxcsr: Value, unusual: Label) {
    this.f = f;
    this.#mxcsr = mxcsr;
    this.#unusual = unusual;
  }

  leaveIf(condition: Value): void {
    this.f.branchIf(condition, this.#unusual);
  }

  /** Results are rounded to nearest, and it is no news that they are, or they are exact. */
  requireUsualMode(isExact: () => Value): void {
    const { f } = this;
    const asked = f.binary('and', this.#mxcsr, f.i32(ALL_MASKED | ROUNDING | INEXACT));
    f.if(f.binary('ne', asked, f.i32(ALL_MASKED | INEXACT)), () => {
      this.leaveIf(f.binary('ne', asked, f.i32(ALL_MASKED)));
      this.leaveIf(f.eqz(isExact()));
    });
  }

  lowest(of: LaneFormat, x: Value): Value {
    return this.f.operateOnLane(`${of.shape}.extract_lane`, 0, x);
  }

  withLowest(of: LaneFormat, x: Value, number: Value): Value {
    return this.f.operateOnLane(`${of.shape}.replace_lane`, 0, x, number);
  }

  /** The lowest lane of a result above those of x. */
  merged(of: LaneFormat, count: number, x: Value, result: Value): Value {
    if (count > 1) return result;
    const bytes = of.narrow.bits / 8;
    return this.f.shuffle(
      result,
      x,
      Array.from({ length: 16 }, (_, n) => (n < bytes ? n : n + 16)),
    );
  }

  /** No lane of these vectors is denormal. */
  refuseDenormal(of: LaneFormat, count: number, ...vectors: readonly Value[]): void {
    const least = (1n << BigInt(of.narrow.precision)) - 1n;
    this.#leaveIfAny(of, count, vectors, -1n, least, 'below');
  }

  /** All lanes are finite. */
  requireFinite(of: LaneFormat, count: number, result: Value): void {
    const { precision, special } = of.narrow;
    this.#leaveIfAny(of, count, [result], 0n, BigInt(special) << BigInt(precision), 'from');
  }

  /** All lanes are normal, and not the least numbers that are, or zero where a lane of one of the operands is. */
  requireNormal(of: LaneFormat, count: number, result: Value, ...operands: readonly Value[]): void {
    const { precision, special } = of.narrow;
    const unit = 1n << BigInt(precision);
    this.#leaveIfAny(of, count, [result], -2n * unit, BigInt(special - 2) * unit, 'from', operands);
  }

  /** No lane is a NaN. */
  refuseNaN(of: LaneFormat, count: number, ...vectors: readonly Value[]): void {
    const { f } = this;
    if (count === 1) {
      for (const x of vectors.map((vector) => this.lowest(of, vector)))
        this.leaveIf(f.operate(of.lanes === 4 ? 'f32.ne' : 'f64.ne', x, x));
      return;
    }
    const nans = vectors.map((x) => f.operate(`${of.shape}.ne`, x, x));
    this.leaveIf(
      f.operate(
        'v128.any_true',
        nans.reduce((x, y) => f.operate('v128.or', x, y)),
      ),
    );
  }

  /**
   * Leaves if a lane without its sign, moved by one bit, and with something added, is below a bound, or from it on; not for
   * zeros that one of the operands has, too.
   */
  #leaveIfAny(
    of: LaneFormat,
    count: number,
    vectors: readonly Value[],
    added: bigint,
    bound: bigint,
    side: 'below' | 'from',
    operands: readonly Value[] = [],
  ): void {
    const { f } = this;
    const { bits } = of.narrow;
    const unlessZero = (condition: Value, isUnusual: (areZero: readonly Value[]) => Value, vector: Value) => {
      if (operands.length === 0) return this.leaveIf(condition);
      const zero = f.v128(0n, 0n);
      const isZero = (x: Value) => f.operate(`${of.shape}.eq`, x, zero);
      f.if(condition, () => this.leaveIf(isUnusual([isZero(vector), ...operands.map(isZero)])));
    };
    const bothOf = ([result, ...ofOperands]: readonly Value[]) =>
      f.operate(
        'v128.and',
        result as Value,
        ofOperands.reduce((x, y) => f.operate('v128.or', x, y)),
      );
    if (count === 1) {
      for (const vector of vectors) {
        const lane = f.operateOnLane(`${of.integers}.extract_lane`, 0, vector);
        const constant = (value: bigint) => f.like(lane, BigInt.asIntN(bits, value));
        const moved = f.binary('add', f.binary('shl', lane, constant(1n)), constant(added));
        const condition = f.binary(side === 'below' ? 'ltU' : 'geU', moved, constant(bound));
        const isUnusual = (zeros: readonly Value[]) =>
          f.eqz(f.operateOnLane(`${of.integers}.extract_lane`, 0, bothOf(zeros)));
        unlessZero(condition, isUnusual, vector);
      }
      return;
    }
    // Comparisons of vectors are signed.
    const sign = 1n << BigInt(bits - 1);
    const bad = vectors.map((vector) => {
      const doubled = f.operate(`${of.integers}.add`, vector, vector);
      const moved = f.operate(`${of.integers}.add`, doubled, allLanes(f, of, added + sign));
      if (side === 'below') return f.operate(`${of.integers}.lt_s`, moved, allLanes(f, of, bound + sign));
      return f.operate(`${of.integers}.gt_s`, moved, allLanes(f, of, bound - 1n + sign));
    });
    const worst = bad.reduce((x, y) => f.operate('v128.or', x, y));
    const isUnusual = (zeros: readonly Value[]) =>
      f.operate('v128.any_true', f.operate('v128.andnot', worst, bothOf(zeros)));
    unlessZero(f.operate('v128.any_true', worst), isUnusual, vectors[0] as Value);
  }
}

/** A sum, a product, a quotient or a root of the lowest lanes. */
export function quickArithmetic(of: LaneFormat, count: number, name: HostArithmetic): QuickWay {
  const isUnary = name === 'sqrt';
  const isSum = name === 'add' || name === 'sub';
  return (quick, x, y) => {
    const { f } = quick;
    quick.refuseDenormal(of, count, ...(isUnary ? [y] : [x, y]));
    const compute = (shape: string, ...operands: readonly Value[]) =>
      f.operate(`${shape}.${name}` as OperationName, ...(isUnary ? operands.slice(1) : operands));
    const result =
      count === 1
        ? quick.withLowest(of, x, compute(of.lanes === 4 ? 'f32' : 'f64', quick.lowest(of, x), quick.lowest(of, y)))
        : compute(of.shape, x, y);
    if (isSum) {
      quick.requireFinite(of, count, result);
      // Small sums are exact, but may have to become zero.
      quick.refuseDenormal(of, count, result);
    } else quick.requireNormal(of, count, result, ...(name === 'mul' ? [x, y] : isUnary ? [y] : [x]));
    quick.requireUsualMode(() => isExactArithmetic(f, { of, count }, name, [x, y, result]));
    return result;
  };
}

/** Minimum or maximum. */
export function quickExtreme(of: LaneFormat, count: number, isMinimum: boolean): QuickWay {
  return (quick, x, y) => {
    const { f } = quick;
    quick.refuseDenormal(of, count, x, y);
    quick.refuseNaN(of, count, x, y);
    const result = f.operate(`${of.shape}.${isMinimum ? 'pmin' : 'pmax'}`, y, x);
    return quick.merged(of, count, x, result);
  };
}

/** What comparisons of numbers that are ordered ask, by the three low bits less, equal, greater of their truth. */
const RELATIONS = [undefined, 'lt', 'eq', 'le', 'gt', 'ne', 'ge', undefined] as const;

/** A comparison whose predicate is known; `truth` has the relations for which each predicate is true. */
export function quickComparison(of: LaneFormat, count: number, truth: readonly number[]): QuickWay {
  return (quick, x, y, immediate) => {
    const { f } = quick;
    const relations = (truth[Number(immediate.constant) & 15] as number) & 7;
    quick.refuseDenormal(of, count, x, y);
    quick.refuseNaN(of, count, x, y);
    const relation = RELATIONS[relations];
    const ones = relations === 7 ? -1n : 0n;
    const result = relation ? f.operate(`${of.shape}.${relation}`, x, y) : f.v128(ones, ones);
    return quick.merged(of, count, x, result);
  };
}

/** ZF and CF of the lowest lanes. */
export function quickFlags(of: LaneFormat): QuickWay {
  return (quick, x, y) => {
    const { f } = quick;
    quick.refuseDenormal(of, 1, x, y);
    quick.refuseNaN(of, 1, x, y);
    const type = of.lanes === 4 ? 'f32' : 'f64';
    const numbers = [quick.lowest(of, x), quick.lowest(of, y)] as const;
    const isEqual = f.operate(`${type}.eq`, ...numbers);
    return f.binary('or', f.operate(`${type}.lt`, ...numbers), f.binary('shl', isEqual, f.i32(6)));
  };
}

/** Conversions to integers truncate, or round as MXCSR says. */
export type Rounding = 'truncated' | 'rounded';

/** Lanes of 32 bits, or the two of 64 into the lower half, to integers of 32 bits. */
export function quickIntegers(of: LaneFormat, rounding: Rounding): QuickWay {
  return (quick, _, y) => {
    const { f } = quick;
    const rounded = f.operate(`${of.shape}.${rounding === 'truncated' ? 'trunc' : 'nearest'}`, y);
    quick.requireUsualMode(() => f.operate(`${of.integers}.all_true`, f.operate(`${of.shape}.eq`, rounded, y)));
    const fits = f.operate(`${of.shape}.lt`, f.operate(`${of.shape}.abs`, rounded), powerIn(f, of, 31));
    quick.leaveIf(f.eqz(f.operate(`${of.integers}.all_true`, fits)));
    return f.operate(of.lanes === 4 ? 'i32x4.trunc_sat_f32x4_s' : 'i32x4.trunc_sat_f64x2_s_zero', rounded);
  };
}

/** A power of two in each lane. */
function powerIn(f: FunctionBuilder, { narrow, lanes }: LaneFormat, exponent: number): Value {
  const bits = BigInt(exponent + narrow.bias) << BigInt(narrow.precision - 1);
  const half = lanes === 2 ? bits : bits | (bits << 32n);
  return f.v128(half, half);
}

/** The lowest lane to an integer. */
export function quickInteger(of: LaneFormat, bits: 32 | 64, rounding: Rounding): QuickWay {
  return (quick, _, y) => {
    const { f } = quick;
    const number = quick.lowest(of, y);
    const wide = of.lanes === 4 ? f.operate('f64.promote_f32', number) : number;
    const rounded = f.operate(rounding === 'truncated' ? 'f64.trunc' : 'f64.nearest', wide);
    quick.requireUsualMode(() => f.operate('f64.eq', rounded, wide));
    const limit = f.operate('f64.reinterpret_i64', f.i64(BigInt(bits - 1 + 1023) << 52n));
    quick.leaveIf(f.eqz(f.operate('f64.lt', f.operate('f64.abs', rounded), limit)));
    return f.operate('i64x2.splat', f.operate('i64.trunc_sat_f64_s', rounded));
  };
}

const SINGLE_PRECISION = 24;

/** Integers of 32 bits to numbers of 32. */
export const quickSingles: QuickWay = (quick, _, y) => {
  const { f } = quick;
  const lanes = [0, 1, 2, 3].map((lane) => f.operateOnLane('i32x4.extract_lane', lane, y));
  quick.requireUsualMode(() =>
    lanes.map((lane) => isExactInteger(f, lane, SINGLE_PRECISION)).reduce((x, y) => f.binary('and', x, y)),
  );
  return f.operate('f32x4.convert_i32x4_s', y);
};

/** An integer of 64 bits to the lowest lane. */
export function quickFromInteger(of: LaneFormat): QuickWay {
  return (quick, x, y) => {
    const { f } = quick;
    const integer = f.operateOnLane('i64x2.extract_lane', 0, y);
    quick.requireUsualMode(() => isExactInteger(f, integer, of.narrow.precision));
    return quick.withLowest(of, x, f.operate(of.lanes === 4 ? 'f32.convert_i64_s' : 'f64.convert_i64_s', integer));
  };
}

/** The lowest number of 32 bits to the lowest of 64. */
export function quickWidened(of: LaneFormat, wide: LaneFormat): QuickWay {
  return (quick, x, y) => {
    quick.refuseDenormal(of, 1, y);
    quick.refuseNaN(of, 1, y);
    return quick.withLowest(wide, x, quick.f.operate('f64.promote_f32', quick.lowest(of, y)));
  };
}

/** The lowest number of 64 bits to the lowest of 32. */
export function quickNarrowed(of: LaneFormat, narrow: LaneFormat): QuickWay {
  return (quick, x, y) => {
    const { f } = quick;
    const number = quick.lowest(of, y);
    const narrowed = f.operate('f32.demote_f64', number);
    const result = quick.withLowest(narrow, x, narrowed);
    quick.requireNormal(narrow, 1, result);
    quick.requireUsualMode(() => f.operate('f64.eq', f.operate('f64.promote_f32', narrowed), number));
    return result;
  };
}
