/**
 * Between the double extended format and what memory holds: numbers of 32 and 64 bits, integers; comparisons, and rounding
 * to an integer (SDM vol. 1 §4.8.4.1, §8.1.2, §8.5, table 8-6).
 */
import type { FunctionBuilder, Label, Value } from '../../wasm/function-builder.ts';
import type { SharedFunction } from '../../wasm/module-builder.ts';
import { ExtendedOperation, type ExtendedParts } from './extended.ts';
import { Arithmetic } from '../arithmetic.ts';
import * as format from './formats.ts';
import type { QuickOperation } from './quickly.ts';
import { packExtended, roundDouble, roundSingle } from './rounding.ts';

const TOP_BIT = 1n << 63n;

/** Condition codes of a comparison, by their bits in the x87 status word. */
export const CONDITION_BELOW = 0x100;
export const CONDITION_UNORDERED = 0x4500;
export const CONDITION_EQUAL = 0x4000;

/**
 * (address of the exceptions' word, number) → the same in the double extended format. A load makes a signaling NaN quiet;
 * an operand stays as it is for the operation to see.
 */
function fromNarrow(target: format.NarrowFormat, isLoad: boolean): QuickOperation {
  return {
    quick: (f, unusual, [bits]) => quickFromNarrow(f, unusual, target, bits as Value),
    signature: { parameters: ['i32', 'i64'], result: 'v128' },
    write: (f) => {
      const [flagsAt, bits] = f.parameters as readonly [Value, Value];
      const operation = new ExtendedOperation(f, flagsAt, f.i32(0));
      const { precision, special, bias } = target;
      const sign = f.copy(operation.low(operation.shrU(bits, target.bits - 1)));
      const exponent = f.copy(operation.and(operation.low(operation.shrU(bits, precision - 1)), special));
      const fraction = f.copy(operation.and(operation.shl(bits, 64 - precision), f.i64(TOP_BIT - 1n)));
      operation.if(operation.isZero(exponent), () => {
        operation.if(operation.isZero(fraction), () => f.return(operation.zero(sign)));
        operation.raise(format.DENORMAL);
        const zeros = f.copy(f.unary('clz', fraction));
        const first = format.EXTENDED_BIAS - bias + 1;
        const moved = operation.sub(f.i32(first), operation.low(zeros));
        f.return(packExtended(operation, sign, moved, operation.shl(fraction, zeros)));
      });
      const whole = operation.or(fraction, f.i64(TOP_BIT));
      operation.if(operation.eq(exponent, special), () => {
        const hasNaN = operation.ne(fraction, 0);
        if (!isLoad) f.return(packExtended(operation, sign, f.i32(format.EXTENDED_SPECIAL), whole));
        const isSignaling = operation.isZero(operation.bit(fraction, 62));
        operation.if(operation.and(hasNaN, isSignaling), () => operation.raise(format.INVALID));
        const quiet = operation.or(whole, operation.shl(operation.wideUnsigned(hasNaN), 62));
        f.return(packExtended(operation, sign, f.i32(format.EXTENDED_SPECIAL), quiet));
      });
      f.return(packExtended(operation, sign, operation.add(exponent, f.i32(format.EXTENDED_BIAS - bias)), whole));
    },
  };
}

/** Normal numbers. */
function quickFromNarrow(f: FunctionBuilder, unusual: Label, target: format.NarrowFormat, bits: Value): Value {
  const a = new Arithmetic(f);
  const { precision, special, bias } = target;
  const upper = f.copy(a.low(a.shrU(bits, precision - 1)));
  const exponent = f.copy(a.and(upper, special));
  f.branchIf(f.binary('geU', a.sub(exponent, f.i32(1)), f.i32(special - 1)), unusual);
  const sign = a.low(a.shrU(bits, target.bits - 1));
  const significand = a.or(a.shl(bits, 64 - precision), f.i64(TOP_BIT));
  return packExtended(a, sign, a.add(exponent, f.i32(format.EXTENDED_BIAS - bias)), significand);
}

export const loadedSingle: QuickOperation = fromNarrow(format.single, true);
export const loadedDouble: QuickOperation = fromNarrow(format.double, true);
export const singleOperand: QuickOperation = fromNarrow(format.single, false);
export const doubleOperand: QuickOperation = fromNarrow(format.double, false);

/** (address of the exceptions' word, number, environment) → its bits in the narrow format. */
function toNarrow(target: format.NarrowFormat): QuickOperation {
  return {
    quick: (f, unusual, [number]) => quickToNarrow(f, unusual, target, number as Value),
    signature: { parameters: ['i32', 'v128', 'i32'], result: 'i64' },
    write: (f) => {
      const [flagsAt, number, environment] = f.parameters as readonly [Value, Value, Value];
      const operation = new ExtendedOperation(f, flagsAt, environment);
      const x = operation.take(number);
      const { precision, special } = target;
      const infinity = BigInt(special) << BigInt(precision - 1);
      const signBit = f.copy(operation.shl(operation.wideUnsigned(x.sign), target.bits - 1));
      const signed = (bits: Value) => operation.or(signBit, bits);
      operation.if(operation.isUnsupported(x), () => {
        operation.raise(format.INVALID);
        const quiet = infinity | (1n << BigInt(precision - 2)) | (1n << BigInt(target.bits - 1));
        f.return(f.i64(quiet));
      });
      operation.if(operation.isNaN(x), () => {
        operation.if(operation.isSignaling(x), () => operation.raise(format.INVALID));
        const fraction = operation.shrU(operation.shl(x.significand, 1), 65 - precision);
        const quiet = operation.or(fraction, f.i64(infinity | (1n << BigInt(precision - 2))));
        f.return(signed(quiet));
      });
      operation.if(operation.isInfinite(x), () => f.return(signed(f.i64(infinity))));
      operation.if(operation.isZeroNumber(x), () => f.return(signBit));
      returnIfUsual(operation, target, x, signBit);
      operation.normalizeQuietly(x);
      const round = target.bits === 32 ? roundSingle : roundDouble;
      f.return(f.callShared(round, flagsAt, x.sign, x.exponent, x.significand, f.i64(0n), environment));
    },
  };
}

/** To nearest, and far from the ends of the exponents. */
function returnIfUsual(
  operation: ExtendedOperation,
  { precision, special, bias }: format.NarrowFormat,
  { exponent, significand }: ExtendedParts,
  signBit: Value,
): void {
  const { f } = operation;
  const dropped = 64 - precision;
  const narrow = f.copy(operation.sub(exponent, f.i32(format.EXTENDED_BIAS - bias)));
  const inRange = operation.ltU(operation.sub(narrow, f.i32(1)), f.i32(special - 2));
  const isNearest = operation.isZero(operation.and(operation.environment, format.ENVIRONMENT_ROUNDING));
  operation.if(operation.and(inRange, isNearest), () => {
    const rest = f.copy(operation.shl(significand, precision));
    const kept = f.copy(operation.shrU(significand, dropped));
    const half = f.i64(TOP_BIT);
    const tie = operation.and(f.binary('eq', rest, half), operation.low(operation.and(kept, 1)));
    const isUp = f.copy(operation.or(operation.gtU(rest, half), tie));
    operation.if(operation.ne(rest, 0), () => {
      operation.raise(format.INEXACT);
      operation.if(isUp, () => operation.raise(format.ROUNDED_UP));
    });
    // The top bit of what is kept, and a carry, go to the exponent.
    const below = operation.shl(operation.wideUnsigned(operation.sub(narrow, f.i32(1))), precision - 1);
    const rounded = operation.add(kept, operation.wideUnsigned(isUp));
    f.return(operation.or(operation.add(below, rounded), signBit));
  });
}

/** Normal numbers that lose nothing. */
function quickToNarrow(
  f: FunctionBuilder,
  unusual: Label,
  { precision, special, bias, bits }: format.NarrowFormat,
  number: Value,
): Value {
  const a = new Arithmetic(f);
  const upper = f.copy(a.low(f.operateOnLane('i64x2.extract_lane', 1, number)));
  const significand = f.copy(f.operateOnLane('i64x2.extract_lane', 0, number));
  const exponent = f.copy(a.sub(a.and(upper, format.EXTENDED_SPECIAL), f.i32(format.EXTENDED_BIAS - bias)));
  f.branchIf(f.binary('geU', a.sub(exponent, f.i32(1)), f.i32(special - 1)), unusual);
  f.branchIf(f.binary('geS', significand, f.i64(0n)), unusual);
  f.branchIf(a.ne(a.shl(significand, precision), 0), unusual);
  const fraction = a.shrU(a.shl(significand, 1), 65 - precision);
  const sign = a.shl(a.wideUnsigned(a.and(a.shrU(upper, 15), 1)), bits - 1);
  return a.or(a.or(fraction, a.shl(a.wideUnsigned(exponent), precision - 1)), sign);
}

export const singleFromExtended: QuickOperation = toNarrow(format.single);
export const doubleFromExtended: QuickOperation = toNarrow(format.double);

/** An integer as a number: exact. */
export const extendedFromInteger: SharedFunction = {
  signature: { parameters: ['i64'], result: 'v128' },
  write: (f) => {
    const [integer] = f.parameters as readonly [Value];
    const operation = new ExtendedOperation(f, f.i32(0), f.i32(0));
    operation.if(operation.isZero(integer), () => f.return(operation.zero(f.i32(0))));
    const sign = operation.low(operation.shrU(integer, 63));
    const magnitude = f.copy(operation.select(sign, operation.sub(f.i64(0n), integer), integer));
    const zeros = f.copy(f.unary('clz', magnitude));
    const exponent = operation.sub(f.i32(format.EXTENDED_BIAS + 63), operation.low(zeros));
    f.return(packExtended(operation, sign, exponent, operation.shl(magnitude, zeros)));
  },
};

/** A magnitude below 2^64 as an integer, and whether it was rounded, and up. The exponent is at most that of 2^63. */
function roundedInteger(
  operation: ExtendedOperation,
  { sign, exponent, significand }: ExtendedParts,
): { readonly integer: Value; readonly isInexact: Value; readonly isUp: Value } {
  const { f } = operation;
  const dropped = f.copy(operation.sub(f.i32(format.EXTENDED_BIAS + 63), exponent));
  const wide = operation.wideUnsigned(dropped);
  const kept = f.variable(significand);
  const rest = f.variable(f.i64(0n));
  operation.if(dropped, () => {
    const isSome = operation.ltU(dropped, f.i32(64));
    const isAll = operation.eq(dropped, 64);
    f.set(kept, operation.select(isSome, operation.shrU(significand, wide), f.i64(0n)));
    const below = operation.shl(significand, operation.sub(f.i64(64n), wide));
    const whole = operation.select(isAll, significand, f.i64(1n));
    f.set(rest, operation.select(isSome, below, whole));
  });
  const mode = operation.and(operation.environment, format.ENVIRONMENT_ROUNDING);
  const half = f.i64(TOP_BIT);
  const isOdd = operation.ne(operation.and(kept, 1), 0);
  const tie = operation.and(f.binary('eq', rest, half), isOdd);
  const nearest = operation.or(f.binary('gtU', rest, half), tie);
  const away = operation.select(
    operation.eq(mode, 1),
    sign,
    operation.and(operation.eq(mode, 2), operation.isZero(sign)),
  );
  const isInexact = f.copy(operation.ne(rest, 0));
  const isUp = f.copy(operation.select(operation.isZero(mode), nearest, operation.and(away, isInexact)));
  return { integer: f.copy(operation.add(kept, operation.wideUnsigned(isUp))), isInexact, isUp };
}

/** (address of the exceptions' word, number, environment) → the integer; what does not fit is the indefinite one. */
function toInteger(bits: 16 | 32 | 64): SharedFunction {
  return {
    signature: { parameters: ['i32', 'v128', 'i32'], result: 'i64' },
    write: (f) => {
      const [flagsAt, number, environment] = f.parameters as readonly [Value, Value, Value];
      const operation = new ExtendedOperation(f, flagsAt, environment);
      const x = operation.take(number);
      const invalid = () => {
        operation.raise(format.INVALID);
        f.return(f.i64(-(1n << BigInt(bits - 1))));
      };
      operation.if(operation.isZeroNumber(x), () => f.return(f.i64(0n)));
      operation.if(operation.isUnsupported(x), invalid);
      operation.if(f.binary('geS', x.exponent, f.i32(format.EXTENDED_BIAS + 64)), invalid);
      const { integer, isInexact, isUp } = roundedInteger(operation, x);
      const limit = 1n << BigInt(bits - 1);
      const end = operation.add(f.i64(limit - 1n), operation.wideUnsigned(x.sign));
      // Rounded up from all ones the integer is 0, but was too large already.
      const wrapped = operation.and(operation.isZero(integer), isUp);
      operation.if(operation.or(f.binary('gtU', integer, end), wrapped), invalid);
      raiseInexact(operation, isInexact, isUp);
      f.return(operation.select(x.sign, operation.sub(f.i64(0n), integer), integer));
    },
  };
}

function raiseInexact(operation: ExtendedOperation, isInexact: Value, isUp: Value): void {
  operation.if(isInexact, () => {
    operation.raise(format.INEXACT);
    operation.if(isUp, () => operation.raise(format.ROUNDED_UP));
  });
}

export const int16FromExtended: SharedFunction = toInteger(16);
export const int32FromExtended: SharedFunction = toInteger(32);
export const int64FromExtended: SharedFunction = toInteger(64);

/** (address of the exceptions' word, number, environment) → the number rounded to an integer. */
export const extendedToIntegral: SharedFunction = {
  signature: { parameters: ['i32', 'v128', 'i32'], result: 'v128' },
  write: (f) => {
    const [flagsAt, number, environment] = f.parameters as readonly [Value, Value, Value];
    const operation = new ExtendedOperation(f, flagsAt, environment);
    const x = operation.take(number);
    operation.handleNaNs([x]);
    const isWhole = f.binary('geS', x.exponent, f.i32(format.EXTENDED_BIAS + 63));
    operation.if(operation.or(isWhole, operation.isZeroNumber(x)), () => f.return(number));
    operation.normalize(x);
    const { integer, isInexact, isUp } = roundedInteger(operation, x);
    raiseInexact(operation, isInexact, isUp);
    operation.if(operation.isZero(integer), () => f.return(operation.zero(x.sign)));
    const zeros = f.copy(f.unary('clz', integer));
    const exponent = operation.sub(f.i32(format.EXTENDED_BIAS + 63), operation.low(zeros));
    f.return(packExtended(operation, x.sign, exponent, operation.shl(integer, zeros)));
  },
};

/** (address of the exceptions' word, x, y) → condition codes. An ordered comparison takes no NaN. */
function comparison(ordered: boolean): QuickOperation {
  return {
    quick: (f, unusual, [x, y]) => quickComparison(f, unusual, x as Value, y as Value),
    signature: { parameters: ['i32', 'v128', 'v128'], result: 'i32' },
    write: (f) => {
      const [flagsAt, first, second] = f.parameters as readonly [Value, Value, Value];
      const operation = new ExtendedOperation(f, flagsAt, f.i32(0));
      const x = operation.take(first);
      const y = operation.take(second);
      const unsupported = operation.or(operation.isUnsupported(x), operation.isUnsupported(y));
      const hasNaN = operation.or(operation.isNaN(x), operation.isNaN(y));
      const isSignaling = operation.or(operation.isSignaling(x), operation.isSignaling(y));
      operation.if(operation.or(unsupported, hasNaN), () => {
        const isInvalid = ordered ? f.i32(1) : operation.or(unsupported, isSignaling);
        operation.if(isInvalid, () => operation.raise(format.INVALID));
        f.return(f.i32(CONDITION_UNORDERED));
      });
      operation.normalize(x);
      operation.normalize(y);
      f.return(orderOf(f, operation, x, y));
    },
  };
}

/** Normal numbers and zeros. */
function quickComparison(f: FunctionBuilder, unusual: Label, first: Value, second: Value): Value {
  const a = new Arithmetic(f);
  const [x, y] = [first, second].map((number) => {
    const upper = f.copy(a.and(a.low(f.operateOnLane('i64x2.extract_lane', 1, number)), 0xffff));
    const significand = f.copy(f.operateOnLane('i64x2.extract_lane', 0, number));
    const exponent = f.copy(a.and(upper, format.EXTENDED_SPECIAL));
    const inRange = a.ltU(a.sub(exponent, f.i32(1)), f.i32(format.EXTENDED_SPECIAL - 1));
    const isZero = f.copy(a.isZero(a.or(a.wideUnsigned(exponent), significand)));
    f.branchIf(a.isZero(a.or(isZero, a.and(inRange, a.ltS(significand, 0)))), unusual);
    return { upper, significand, exponent, isZero, sign: f.copy(a.shrU(upper, 15)) };
  }) as [QuickParts, QuickParts];
  const isSame = a.and(a.eq(x.upper, y.upper), f.binary('eq', x.significand, y.significand));
  const isEqual = f.copy(a.or(isSame, a.and(x.isZero, y.isZero)));
  const bySignificand = a.and(a.eq(x.exponent, y.exponent), a.ltU(x.significand, y.significand));
  const isSmaller = a.or(a.ltU(x.exponent, y.exponent), bySignificand);
  const isBelow = a.select(a.eq(x.sign, y.sign), a.xor(isSmaller, x.sign), x.sign);
  const unequal = a.select(isBelow, f.i32(CONDITION_BELOW), f.i32(0));
  return a.select(isEqual, f.i32(CONDITION_EQUAL), unequal);
}

type QuickParts = Readonly<Record<'upper' | 'significand' | 'exponent' | 'isZero' | 'sign', Value>>;

function orderOf(f: FunctionBuilder, operation: ExtendedOperation, x: ExtendedParts, y: ExtendedParts): Value {
  const bothZero = operation.and(operation.isZeroNumber(x), operation.isZeroNumber(y));
  const sameExponent = operation.eq(x.exponent, y.exponent);
  const sameMagnitude = operation.and(sameExponent, f.binary('eq', x.significand, y.significand));
  const sameSign = operation.eq(x.sign, y.sign);
  const isEqual = operation.or(bothZero, operation.and(sameMagnitude, sameSign));
  // A zero has the exponent 0, as have the largest denormal numbers once they are normalized: then it has no significand.
  const zero = { x: operation.isZeroNumber(x), y: operation.isZeroNumber(y) };
  const byExponent = operation.ltS(x.exponent, y.exponent);
  const bySignificand = operation.and(sameExponent, operation.ltU(x.significand, y.significand));
  const smaller = operation.or(byExponent, bySignificand);
  const smallerMagnitude = operation.select(zero.x, f.i32(1), operation.and(operation.isZero(zero.y), smaller));
  const isBelow = operation.select(sameSign, operation.xor(smallerMagnitude, x.sign), operation.ne(x.sign, 0));
  const unequal = operation.select(isBelow, f.i32(CONDITION_BELOW), f.i32(0));
  return f.copy(operation.select(isEqual, f.i32(CONDITION_EQUAL), unequal));
}

export const orderedComparison: QuickOperation = comparison(true);
export const unorderedComparison: QuickOperation = comparison(false);
