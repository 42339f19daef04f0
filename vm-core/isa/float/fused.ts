/** x·y + z with one rounding (SDM vol. 1 §14.5): the exact product and sum of numbers of 32 or 64 bits. Numbers are i64. */
import type { Value, Variable } from '../../wasm/function-builder.ts';
import type { SharedFunction } from '../../wasm/module-builder.ts';
import type { Arithmetic } from '../arithmetic.ts';
import { exactProduct } from './exact.ts';
import * as format from './formats.ts';
import { NarrowOperation, type Parts } from './narrow.ts';
import type { Unrounded } from './rounding.ts';

/** The product, or the summand, counts with the other sign; a NaN keeps its own. */
export const NEGATE_PRODUCT = 1;
export const NEGATE_SUMMAND = 2;

/** (address of the exceptions' word, x, y, z, environment, what is negated) → number. */
const SIGNATURE = { parameters: ['i32', 'i64', 'i64', 'i64', 'i32', 'i32'], result: 'i64' } as const;

function fused(target: format.NarrowFormat): SharedFunction {
  return {
    signature: SIGNATURE,
    write: (f) => {
      const [flagsAt, first, second, third, environment, negated] = f.parameters as unknown as readonly [
        ...[Value, Value, Value, Value, Value, Value],
      ];
      const a = new NarrowOperation(f, target, flagsAt, environment);
      const [x, y, z] = [a.take(first), a.take(second), a.take(third)];
      a.handleNaNs([x, y, z]);
      for (const number of [x, y, z]) a.dropDenormal(number);
      const sign = f.copy(a.xor(a.xor(x.sign, y.sign), a.and(negated, NEGATE_PRODUCT)));
      const summandSign = f.copy(a.xor(z.sign, a.shrU(a.and(negated, NEGATE_SUMMAND), 1)));
      const summand = { ...z, sign: summandSign };
      const infinite = f.copy(a.or(a.isInfinite(x), a.isInfinite(y)));
      const zero = f.copy(a.or(a.isZeroNumber(x), a.isZeroNumber(y)));
      const opposite = a.and(a.isInfinite(z), a.ne(sign, summandSign));
      a.if(a.and(infinite, a.or(zero, opposite)), () => a.returnInvalid());
      for (const number of [x, y, z]) a.normalize(number);
      a.if(infinite, () => f.return(a.withSign(sign, a.infinityBits)));
      a.if(a.isInfinite(z), () => f.return(a.withSign(summandSign, a.infinityBits)));
      a.if(zero, () => returnWithoutProduct(a, sign, summand));
      const product = { ...exactProduct(a, x, y), sign };
      a.if(a.isZeroNumber(z), () => a.returnRounded(product));
      const whole = { sign: summandSign, exponent: z.exponent, high: z.significand, low: f.i64(0n) };
      const { result, isZero } = wideSum(a, product, whole);
      a.if(isZero, () => f.return(a.withSign(zeroSign(a), 0n)));
      a.returnRounded(result);
    },
  };
}

export const fusedSingle: SharedFunction = fused(format.single);
export const fusedDouble: SharedFunction = fused(format.double);

/** The sign of a zero that comes from numbers of different signs. */
function zeroSign(a: NarrowOperation): Value {
  return a.eq(a.and(a.environment, format.ENVIRONMENT_ROUNDING), 1);
}

/** The product is zero: the result is the summand, or a zero, too. */
function returnWithoutProduct(a: NarrowOperation, sign: Value, z: Parts): void {
  const { f } = a;
  a.if(a.isZeroNumber(z), () => f.return(a.withSign(a.select(a.eq(sign, z.sign), sign, zeroSign(a)), 0n)));
  a.returnRounded({ sign: z.sign, exponent: z.exponent, high: z.significand, low: f.i64(0n) });
}

/** The 128 bits of a significand, which may still move. */
interface Wide {
  readonly sign: Value;
  readonly exponent: Variable;
  readonly high: Variable;
  readonly low: Variable;
}

/**
 * The sum of two numbers with 128 bits of significand each. What falls out of the smaller one is kept in its lowest bit:
 * where the sum loses more than one bit at its top, nothing has fallen out, for factors have 53 bits at most.
 */
function wideSum(a: Arithmetic, x: Unrounded, y: Unrounded): { readonly result: Unrounded; readonly isZero: Value } {
  const { f } = a;
  const lowerLow = a.and(f.binary('eq', x.high, y.high), a.ltU(x.low, y.low));
  const lower = a.and(a.eq(x.exponent, y.exponent), a.or(a.ltU(x.high, y.high), lowerLow));
  const swap = f.copy(a.or(a.ltS(x.exponent, y.exponent), lower));
  const large = chosen(a, swap, y, x);
  const small = chosen(a, swap, x, y);
  moveRight(a, small, a.sub(large.exponent, small.exponent));
  a.if(
    a.eq(large.sign, small.sign),
    () => addWide(a, large, small),
    () => subtractWide(a, large, small),
  );
  return { result: large, isZero: f.copy(a.isZero(a.or(large.high, large.low))) };
}

function chosen(a: Arithmetic, condition: Value, one: Unrounded, other: Unrounded): Wide {
  const { f } = a;
  return {
    sign: f.copy(a.select(condition, one.sign, other.sign)),
    exponent: f.variable(a.select(condition, one.exponent, other.exponent)),
    high: f.variable(a.select(condition, one.high, other.high)),
    low: f.variable(a.select(condition, one.low, other.low)),
  };
}

/** Moves a significand right by a count that is not negative. */
function moveRight(a: Arithmetic, { high, low }: Wide, count: Value): void {
  const { f } = a;
  const left = f.variable(count);
  a.if(f.binary('geS', left, f.i32(128)), () => {
    f.set(low, f.i64(1n));
    f.set(high, f.i64(0n));
    f.set(left, f.i32(0));
  });
  a.if(f.binary('geS', left, f.i32(64)), () => {
    const sticky = a.wideUnsigned(a.ne(low, 0));
    f.set(low, a.or(high, sticky));
    f.set(high, f.i64(0n));
    f.set(left, a.sub(left, f.i32(64)));
  });
  a.if(left, () => {
    const wide = f.copy(a.wideUnsigned(left));
    const back = a.sub(f.i64(64n), wide);
    const sticky = a.wideUnsigned(a.ne(a.shl(low, back), 0));
    f.set(low, a.or(a.or(a.shrU(low, wide), a.shl(high, back)), sticky));
    f.set(high, a.shrU(high, wide));
  });
}

function addWide(a: Arithmetic, large: Wide, small: Wide): void {
  const { f } = a;
  f.set(large.low, a.add(large.low, small.low));
  const carry = f.copy(a.wideUnsigned(a.ltU(large.low, small.low)));
  const before = f.copy(large.high);
  f.set(large.high, a.add(a.add(before, small.high), carry));
  const isOver = a.or(a.ltU(large.high, before), a.and(f.binary('eq', large.high, before), a.low(carry)));
  a.if(isOver, () => {
    const sticky = a.and(large.low, 1);
    f.set(large.low, a.or(a.or(a.shrU(large.low, 1), a.shl(large.high, 63)), sticky));
    f.set(large.high, a.or(a.shrU(large.high, 1), f.i64(1n << 63n)));
    f.set(large.exponent, a.add(large.exponent, f.i32(1)));
  });
}

function subtractWide(a: Arithmetic, large: Wide, small: Wide): void {
  const { f } = a;
  const borrow = f.copy(a.wideUnsigned(a.ltU(large.low, small.low)));
  f.set(large.low, a.sub(large.low, small.low));
  f.set(large.high, a.sub(a.sub(large.high, small.high), borrow));
  a.if(a.isZero(large.high), () => {
    f.set(large.high, large.low);
    f.set(large.low, f.i64(0n));
    f.set(large.exponent, a.sub(large.exponent, f.i32(64)));
  });
  const zeros = f.copy(f.unary('clz', large.high));
  a.if(a.and(a.ne(zeros, 0), a.ne(zeros, 64)), () => {
    const kept = a.shrU(large.low, a.sub(f.i64(64n), zeros));
    f.set(large.high, a.or(a.shl(large.high, zeros), kept));
    f.set(large.low, a.shl(large.low, zeros));
    f.set(large.exponent, a.sub(large.exponent, a.low(zeros)));
  });
}
