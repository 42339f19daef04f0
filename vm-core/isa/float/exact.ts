/** Exact results of the basic operations on unpacked numbers, as 128 bits of significand whose lowest is sticky. */
import type { Value, Variable } from '../../wasm/function-builder.ts';
import type { Arithmetic } from '../arithmetic.ts';
import { product128 } from '../wide-arithmetic.ts';
import { ENVIRONMENT_ROUNDING, EXTENDED_BIAS } from './formats.ts';
import type { Unrounded } from './rounding.ts';

/** A number that is not zero, with the top bit of its significand set. */
export interface Unpacked {
  readonly sign: Value;
  readonly exponent: Value;
  readonly significand: Value;
}

/** A result that may still change: the operations normalize in place. */
interface Changing extends Unrounded {
  readonly exponent: Variable;
  readonly high: Variable;
  readonly low: Variable;
}

/**
 * The sum; the sign of `y` counts as given. `isZero` is true where the operands cancel: the result is then a zero whose
 * sign is that of `sign`.
 */
export function exactSum(
  a: Arithmetic,
  x: Unpacked,
  y: Unpacked,
  environment: Value,
): { readonly result: Unrounded; readonly isZero: Value } {
  const { f } = a;
  const [large, small] = bySize(a, x, y);
  const result: Changing = {
    sign: large.sign,
    exponent: f.variable(large.exponent),
    high: f.variable(large.significand),
    low: f.variable(f.i64(0n)),
  };
  const aligned = shiftedRight(a, small.significand, a.sub(large.exponent, small.exponent));
  const sameSign = f.copy(a.eq(large.sign, small.sign));
  a.if(
    sameSign,
    () => addAligned(a, result, aligned),
    () => subtractAligned(a, result, aligned),
  );
  const isZero = f.copy(a.isZero(a.or(result.high, result.low)));
  const zeroSign = a.eq(a.and(environment, ENVIRONMENT_ROUNDING), 1);
  return { result: { ...result, sign: f.copy(a.select(isZero, zeroSign, large.sign)) }, isZero };
}

/** The operand of the larger magnitude first. */
function bySize(a: Arithmetic, x: Unpacked, y: Unpacked): readonly [Unpacked, Unpacked] {
  const { f } = a;
  const lower = a.and(a.eq(x.exponent, y.exponent), a.ltU(x.significand, y.significand));
  const swap = f.copy(a.or(a.ltS(x.exponent, y.exponent), lower));
  const choose = (one: Unpacked, other: Unpacked): Unpacked => ({
    sign: f.copy(a.select(swap, one.sign, other.sign)),
    exponent: f.copy(a.select(swap, one.exponent, other.exponent)),
    significand: f.copy(a.select(swap, one.significand, other.significand)),
  });
  return [choose(y, x), choose(x, y)];
}

/** A significand moved right by a count that is not negative; what falls out is kept in the sticky bit. */
function shiftedRight(a: Arithmetic, significand: Value, count: Value): { readonly high: Value; readonly low: Value } {
  const { f } = a;
  const high = f.variable(significand);
  const low = f.variable(f.i64(0n));
  const wide = f.copy(a.wideUnsigned(count));
  a.if(count, () =>
    a.if(
      a.ltU(count, f.i32(64)),
      () => {
        f.set(low, a.shl(significand, a.sub(f.i64(64n), wide)));
        f.set(high, a.shrU(significand, wide));
      },
      () => {
        const rest = a.sub(wide, f.i64(64n));
        const lost = a.and(significand, a.sub(a.shl(f.i64(1n), rest), f.i64(1n)));
        const moved = a.or(a.shrU(significand, rest), a.wideUnsigned(a.ne(lost, 0)));
        f.set(low, a.select(a.ltU(count, f.i32(128)), moved, f.i64(1n)));
        f.set(high, f.i64(0n));
      },
    ),
  );
  return { high, low };
}

function addAligned(a: Arithmetic, result: Changing, small: { readonly high: Value; readonly low: Value }): void {
  const { f } = a;
  const before = f.copy(result.high);
  f.set(result.high, a.add(before, small.high));
  f.set(result.low, small.low);
  a.if(a.ltU(result.high, before), () => {
    const sticky = a.and(result.low, 1);
    f.set(result.low, a.or(a.or(a.shrU(result.low, 1), a.shl(result.high, 63)), sticky));
    f.set(result.high, a.or(a.shrU(result.high, 1), f.i64(1n << 63n)));
    f.set(result.exponent, a.add(result.exponent, f.i32(1)));
  });
}

function subtractAligned(a: Arithmetic, result: Changing, small: { readonly high: Value; readonly low: Value }): void {
  const { f } = a;
  const borrow = a.wideUnsigned(a.ne(small.low, 0));
  f.set(result.high, a.sub(a.sub(result.high, small.high), borrow));
  f.set(result.low, a.sub(f.i64(0n), small.low));
  a.if(a.isZero(result.high), () => {
    f.set(result.high, result.low);
    f.set(result.low, f.i64(0n));
    f.set(result.exponent, a.sub(result.exponent, f.i32(64)));
  });
  const zeros = f.copy(f.unary('clz', result.high));
  a.if(a.and(a.ne(zeros, 0), a.ne(zeros, 64)), () => {
    f.set(result.high, a.or(a.shl(result.high, zeros), a.shrU(result.low, a.sub(f.i64(64n), zeros))));
    f.set(result.low, a.shl(result.low, zeros));
    f.set(result.exponent, a.sub(result.exponent, a.low(zeros)));
  });
}

export function exactProduct(a: Arithmetic, x: Unpacked, y: Unpacked): Unrounded {
  const { f } = a;
  const { low, high } = product128(a, x.significand, y.significand, false);
  const sum = a.sub(a.add(x.exponent, y.exponent), f.i32(EXTENDED_BIAS - 1));
  const result = { exponent: f.variable(sum), high: f.variable(high), low: f.variable(low) };
  a.if(f.binary('geS', result.high, f.i64(0n)), () => {
    f.set(result.high, a.or(a.shl(result.high, 1), a.shrU(result.low, 63)));
    f.set(result.low, a.shl(result.low, 1));
    f.set(result.exponent, a.sub(result.exponent, f.i32(1)));
  });
  return { ...result, sign: f.copy(a.xor(x.sign, y.sign)) };
}

/** The quotient to 64 bits, one more, and a sticky bit. */
export function exactQuotient(a: Arithmetic, x: Unpacked, y: Unpacked): Unrounded {
  const { f } = a;
  const isSmaller = f.copy(a.ltU(x.significand, y.significand));
  const exponent = a.add(a.sub(x.exponent, y.exponent), a.sub(f.i32(EXTENDED_BIAS), isSmaller));
  // The dividend is below the divisor, so that the quotient is below 2^64; its top bit is set all the same.
  const high = f.copy(a.select(isSmaller, x.significand, a.shrU(x.significand, 1)));
  const low = f.copy(a.select(isSmaller, f.i64(0n), a.shl(x.significand, 63)));
  const { quotient, remainder } = divide128(a, high, low, y.significand);
  const isHalf = f.binary('geU', remainder, a.sub(y.significand, remainder));
  const twice = a.shl(remainder, 1);
  const left = a.select(isHalf, a.sub(twice, y.significand), twice);
  const guard = a.shl(a.wideUnsigned(isHalf), 63);
  return {
    sign: f.copy(a.xor(x.sign, y.sign)),
    exponent: f.copy(exponent),
    high: quotient,
    low: f.copy(a.or(guard, a.wideUnsigned(a.ne(left, 0)))),
  };
}

/** high:low by a divisor whose top bit is set and which is larger than high, in two digits of 32 bits. */
export function divide128(
  a: Arithmetic,
  high: Value,
  low: Value,
  divisor: Value,
): { readonly quotient: Value; readonly remainder: Value } {
  const { f } = a;
  const upper = f.copy(a.shrU(divisor, 32));
  const lower = f.copy(a.and(divisor, f.i64(0xffff_ffffn)));
  const digit = (rest: Value, next: Value): { readonly digit: Value; readonly rest: Value } => {
    const estimate = f.variable(f.binary('divU', rest, upper));
    const left = f.variable(a.sub(rest, a.mul(estimate, upper)));
    a.loop((again) => {
      const fits = a.isZero(a.shrU(left, 32));
      const tooLarge = a.gtU(a.mul(estimate, lower), a.or(a.shl(left, 32), next));
      const needsLess = a.and(fits, a.or(tooLarge, a.ne(a.shrU(estimate, 32), 0)));
      a.if(needsLess, () => {
        f.set(estimate, a.sub(estimate, f.i64(1n)));
        f.set(left, a.add(left, upper));
        a.branch(again);
      });
    });
    return { digit: estimate, rest: f.copy(a.sub(a.or(a.shl(rest, 32), next), a.mul(estimate, divisor))) };
  };
  const first = digit(high, f.copy(a.shrU(low, 32)));
  const second = digit(first.rest, f.copy(a.and(low, f.i64(0xffff_ffffn))));
  return { quotient: f.copy(a.or(a.shl(first.digit, 32), second.digit)), remainder: second.rest };
}

/** 2^32 and 2^64 as numbers of 64 bits. */
const [TWO_32, TWO_64] = [0x41f0_0000_0000_0000n, 0x43f0_0000_0000_0000n];

/** The square root of a positive number: the host's, one step of Newton's, and one of correction. */
export function exactRoot(a: Arithmetic, x: Unpacked): Unrounded {
  const { f } = a;
  const isOdd = a.and(x.exponent, 1);
  // An even power of two is taken out; EXTENDED_BIAS is odd.
  const exponent = a.add(a.shrS(a.sub(x.exponent, f.i32(EXTENDED_BIAS)), 1), f.i32(EXTENDED_BIAS));
  const radicandHigh = f.copy(a.select(isOdd, a.shrU(x.significand, 1), x.significand));
  const radicandLow = f.copy(a.select(isOdd, a.shl(x.significand, 63), f.i64(0n)));
  const number = (bits: bigint) => f.operate('f64.reinterpret_i64', f.i64(bits));
  const unsigned = (value: Value) => f.operate('f64.convert_i64_u', value);
  const host = f.operate('f64.mul', f.operate('f64.sqrt', unsigned(radicandHigh)), number(TWO_32));
  const first = f.copy(f.operate('i64.trunc_sat_f64_u', host));
  const lackOfFirst = remainderOf(a, radicandHigh, radicandLow, first);
  const wide = f.operate('f64.mul', f.operate('f64.convert_i64_s', lackOfFirst.high), number(TWO_64));
  const lack = f.operate('f64.add', wide, unsigned(lackOfFirst.low));
  const twice = f.operate('f64.add', unsigned(first), unsigned(first));
  const step = f.operate('i64.trunc_sat_f64_s', f.operate('f64.div', lack, twice));
  const root = f.variable(a.add(first, step));
  // The root has its top bit set: without it, it was one more than 64 bits hold.
  a.if(f.binary('geS', root, f.i64(0n)), () => f.set(root, f.i64(-1n)));
  const beyond = remainderOf(a, radicandHigh, radicandLow, root);
  const remainder = f.variable(beyond.low);
  const overflow = f.variable(a.low(beyond.high));
  const doubled = (value: Value) => ({ low: a.or(a.shl(value, 1), f.i64(1n)), high: f.i32(1) });
  a.if(a.ltS(overflow, 0), () => {
    f.set(root, a.sub(root, f.i64(1n)));
    const { low, high } = doubled(root);
    f.set(remainder, a.add(remainder, low));
    f.set(overflow, a.add(a.add(overflow, high), a.ltU(remainder, low)));
  });
  const { low: most, high: mostHigh } = doubled(root);
  const isMore = a.or(a.gtS(overflow, mostHigh), a.and(a.eq(overflow, 1), f.binary('geU', remainder, most)));
  a.if(isMore, () => {
    f.set(overflow, a.sub(a.sub(overflow, mostHigh), a.ltU(remainder, most)));
    f.set(remainder, a.sub(remainder, most));
    f.set(root, a.add(root, f.i64(1n)));
  });
  const isAbove = a.or(a.ne(overflow, 0), a.gtU(remainder, root));
  const isExact = a.and(a.isZero(overflow), a.isZero(remainder));
  const rest = a.select(isAbove, f.i64((1n << 63n) | 1n), f.i64(1n));
  return {
    sign: f.i32(0),
    exponent: f.copy(exponent),
    high: root,
    low: f.copy(a.select(isExact, f.i64(0n), rest)),
  };
}

/** What 128 bits have beyond the square of 64, as a signed number. */
function remainderOf(
  a: Arithmetic,
  high: Value,
  low: Value,
  root: Value,
): { readonly high: Value; readonly low: Value } {
  const square = product128(a, root, root, false);
  const borrow = a.wideUnsigned(a.ltU(low, square.low));
  return { high: a.f.copy(a.sub(a.sub(high, square.high), borrow)), low: a.f.copy(a.sub(low, square.low)) };
}
