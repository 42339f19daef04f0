/**
 * Operations on the double extended format as x87 has them (SDM vol. 1 §8.5, tables 4-7 and 8-10): two numbers as vectors,
 * whose lane 0 is the significand and the low bits of lane 1 sign and exponent.
 */
import type { FunctionBuilder, Value, Variable } from '../../wasm/function-builder.ts';
import type { SharedFunction } from '../../wasm/module-builder.ts';
import { Arithmetic } from '../arithmetic.ts';
import { exactProduct, exactQuotient, exactRoot, exactSum } from './exact.ts';
import * as format from './formats.ts';
import { packExtended, roundExtended, type Unrounded } from './rounding.ts';

const TOP_BIT = 1n << 63n;
const QUIET_BIT = 1n << 62n;
const WHOLE_PRECISION = 3 << format.ENVIRONMENT_PRECISION_SHIFT;
const ROUNDED_UP_BIT = 9;

/** A number taken apart; the significand of a denormal number is normalized once `normalize` was called. */
export interface ExtendedParts {
  readonly sign: Value;
  readonly exponent: Variable;
  readonly significand: Variable;
}

/** What stands on the stack of an x87: the value that is told by an invalid operation. */
export function indefinite(a: Arithmetic): Value {
  return packExtended(a, a.f.i32(1), a.f.i32(format.EXTENDED_SPECIAL), a.f.i64(TOP_BIT | QUIET_BIT));
}

/** One function over numbers of the format; it keeps the exceptions in the word that its first parameter points to. */
export class ExtendedOperation extends Arithmetic {
  readonly flagsAt: Value;
  readonly environment: Value;

  constructor(f: FunctionBuilder, flagsAt: Value, environment: Value) {
    super(f);
    this.flagsAt = flagsAt;
    this.environment = environment;
  }

  take(vector: Value): ExtendedParts {
    const { f } = this;
    const upper = this.low(f.operateOnLane('i64x2.extract_lane', 1, vector));
    return {
      sign: f.copy(this.and(this.shrU(upper, 15), 1)),
      exponent: f.variable(this.and(upper, format.EXTENDED_SPECIAL)),
      significand: f.variable(f.operateOnLane('i64x2.extract_lane', 0, vector)),
    };
  }

  raise(exceptions: number): void {
    const { f } = this;
    f.store(32, this.flagsAt, 0, this.or(f.load('i32', 32, this.flagsAt), exceptions));
  }

  /** Ends the function with the indefinite number. */
  returnInvalid(): void {
    this.raise(format.INVALID);
    this.f.return(indefinite(this));
  }

  isZeroNumber({ exponent, significand }: ExtendedParts): Value {
    return this.and(this.isZero(exponent), this.isZero(significand));
  }

  isInfinite({ exponent, significand }: ExtendedParts): Value {
    return this.and(this.eq(exponent, format.EXTENDED_SPECIAL), this.eq(this.shl(significand, 1), 0));
  }

  isNaN({ exponent, significand }: ExtendedParts): Value {
    return this.and(this.eq(exponent, format.EXTENDED_SPECIAL), this.ne(this.shl(significand, 1), 0));
  }

  /** Encodings of the 8087 that no x87 since takes: an exponent, but no top bit. */
  isUnsupported({ exponent, significand }: ExtendedParts): Value {
    return this.and(this.ne(exponent, 0), this.f.binary('geS', significand, this.f.i64(0n)));
  }

  /** Neither zero nor denormal nor anything special. */
  isNormal({ exponent, significand }: ExtendedParts): Value {
    const inRange = this.ltU(this.sub(exponent, this.f.i32(1)), this.f.i32(format.EXTENDED_SPECIAL - 1));
    return this.and(inRange, this.ltS(significand, 0));
  }

  isSignaling(number: ExtendedParts): Value {
    return this.and(this.isNaN(number), this.isZero(this.bit(number.significand, 62)));
  }

  /** Makes a denormal number one with its top bit set, whose exponent goes below 1, and tells of it. */
  normalize(number: ExtendedParts): void {
    const { exponent, significand } = number;
    this.if(this.and(this.isZero(exponent), this.ne(significand, 0)), () => this.raise(format.DENORMAL));
    this.normalizeQuietly(number);
  }

  normalizeQuietly({ exponent, significand }: ExtendedParts): void {
    const { f } = this;
    this.if(this.and(this.isZero(exponent), this.ne(significand, 0)), () => {
      const zeros = f.copy(f.unary('clz', significand));
      f.set(significand, this.shl(significand, zeros));
      f.set(exponent, this.sub(f.i32(1), this.low(zeros)));
    });
  }

  /** Ends the function where an operand is a NaN or no number at all. */
  handleNaNs(numbers: readonly ExtendedParts[]): void {
    const any = (test: (number: ExtendedParts) => Value) => numbers.map(test).reduce((x, y) => this.or(x, y));
    this.if(
      any((number) => this.isUnsupported(number)),
      () => this.returnInvalid(),
    );
    this.if(
      any((number) => this.isNaN(number)),
      () => {
        const isSignaling = (number: ExtendedParts) => this.isSignaling(number);
        this.if(any(isSignaling), () => this.raise(format.INVALID));
        this.f.return(this.#quietOne(numbers));
      },
    );
  }

  /** The NaN that is the result: the one with the larger significand, a quiet one before a signaling one. */
  #quietOne(numbers: readonly ExtendedParts[]): Value {
    const { f } = this;
    const [x, y] = numbers as readonly [ExtendedParts, ExtendedParts | undefined];
    const quiet = ({ sign, significand }: ExtendedParts) =>
      packExtended(this, sign, f.i32(format.EXTENDED_SPECIAL), this.or(significand, f.i64(QUIET_BIT)));
    if (!y) return quiet(x);
    const quietBit = (number: ExtendedParts) => this.low(this.shrU(this.shl(number.significand, 1), 63));
    const bothNaN = this.and(this.isNaN(x), this.isNaN(y));
    const sameKind = this.eq(quietBit(x), quietBit(y));
    const larger = this.or(
      this.gtU(x.significand, y.significand),
      this.and(f.binary('eq', x.significand, y.significand), this.isZero(x.sign)),
    );
    const ofBoth = this.select(sameKind, larger, quietBit(x));
    const first = f.copy(this.select(bothNaN, ofBoth, this.isNaN(x)));
    return this.#chosen(first, quiet(x), quiet(y));
  }

  #chosen(condition: Value, whenTrue: Value, whenFalse: Value): Value {
    const chosen = this.f.variable(whenFalse);
    this.if(condition, () => this.f.set(chosen, whenTrue));
    return chosen;
  }

  infinity(sign: Value): Value {
    return packExtended(this, sign, this.f.i32(format.EXTENDED_SPECIAL), this.f.i64(TOP_BIT));
  }

  zero(sign: Value): Value {
    return packExtended(this, sign, this.f.i32(0), this.f.i64(0n));
  }

  returnRounded({ sign, exponent, high, low }: Unrounded): void {
    this.#returnIfUsual({ sign, exponent, high, low });
    this.f.return(this.f.callShared(roundExtended, this.flagsAt, sign, exponent, high, low, this.environment));
  }

  /** To nearest, with the whole precision, and far from the ends of the exponents: what is usual. */
  #returnIfUsual({ sign, exponent, high, low }: Unrounded): void {
    const { f } = this;
    const asked = this.and(this.environment, format.ENVIRONMENT_ROUNDING | WHOLE_PRECISION);
    const inRange = this.ltU(this.sub(exponent, f.i32(1)), f.i32(format.EXTENDED_SPECIAL - 2));
    this.if(this.and(this.eq(asked, WHOLE_PRECISION), inRange), () => {
      const isOdd = this.ne(this.and(high, 1), 0);
      const half = f.i64(TOP_BIT);
      const isUp = f.copy(this.or(this.gtU(low, half), this.and(f.binary('eq', low, half), isOdd)));
      const rounded = f.copy(this.add(high, this.wideUnsigned(isUp)));
      const isCarried = f.copy(this.isZero(rounded));
      const significand = this.or(rounded, this.shl(this.wideUnsigned(isCarried), 63));
      this.if(this.ne(low, 0), () => {
        const flags = this.or(f.i32(format.INEXACT), this.shl(isUp, ROUNDED_UP_BIT));
        f.store(32, this.flagsAt, 0, this.or(f.load('i32', 32, this.flagsAt), flags));
      });
      f.return(packExtended(this, sign, this.add(exponent, isCarried), significand));
    });
  }
}

/** (address of the exceptions' word, x, y, environment) → result. */
const BINARY = { parameters: ['i32', 'v128', 'v128', 'i32'], result: 'v128' } as const;
const UNARY = { parameters: ['i32', 'v128', 'i32'], result: 'v128' } as const;

/** A function of two numbers: what it does with zeros and infinities, and with all others. */
function binaryFunction(
  special: (operation: ExtendedOperation, x: ExtendedParts, y: ExtendedParts) => void,
  exact: (operation: ExtendedOperation, x: ExtendedParts, y: ExtendedParts) => void,
): SharedFunction {
  return {
    signature: BINARY,
    write: (f) => {
      const [flagsAt, first, second, environment] = f.parameters as readonly [Value, Value, Value, Value];
      const operation = new ExtendedOperation(f, flagsAt, environment);
      const x = operation.take(first);
      const y = operation.take(second);
      const bothNormal = operation.and(operation.isNormal(x), operation.isNormal(y));
      operation.if(operation.isZero(bothNormal), () => {
        operation.handleNaNs([x, y]);
        special(operation, x, y);
      });
      exact(operation, x, y);
    },
  };
}

/** The sum, or with `negate` the difference. */
function sum(negate: boolean): SharedFunction {
  const signOf = (operation: ExtendedOperation, y: ExtendedParts) =>
    negate ? operation.f.copy(operation.xor(y.sign, 1)) : y.sign;
  return binaryFunction(
    (operation, x, y) => {
      const { f } = operation;
      const ySign = signOf(operation, y);
      const infinite = { x: operation.isInfinite(x), y: operation.isInfinite(y) };
      const opposite = operation.and(operation.and(infinite.x, infinite.y), operation.ne(x.sign, ySign));
      operation.if(opposite, () => operation.returnInvalid());
      operation.normalize(x);
      operation.normalize(y);
      operation.if(infinite.x, () => f.return(operation.infinity(x.sign)));
      operation.if(infinite.y, () => f.return(operation.infinity(ySign)));
      const zero = { x: operation.isZeroNumber(x), y: operation.isZeroNumber(y) };
      operation.if(operation.and(zero.x, zero.y), () => {
        const isDown = operation.eq(operation.and(operation.environment, format.ENVIRONMENT_ROUNDING), 1);
        const sign = operation.select(operation.eq(x.sign, ySign), x.sign, isDown);
        f.return(operation.zero(sign));
      });
      operation.if(zero.x, () => returnSame(operation, ySign, y));
      operation.if(zero.y, () => returnSame(operation, x.sign, x));
    },
    (operation, x, y) => {
      const { f } = operation;
      const { result, isZero } = exactSum(operation, x, { ...y, sign: signOf(operation, y) }, operation.environment);
      operation.if(isZero, () => f.return(operation.zero(result.sign)));
      operation.returnRounded(result);
    },
  );
}

/** The number alone, rounded to the precision that is asked for. */
function returnSame(operation: ExtendedOperation, sign: Value, { exponent, significand }: ExtendedParts): void {
  operation.returnRounded({ sign, exponent, high: significand, low: operation.f.i64(0n) });
}

export const extendedSum: SharedFunction = sum(false);
export const extendedDifference: SharedFunction = sum(true);

export const extendedProduct: SharedFunction = binaryFunction(
  (operation, x, y) => {
    const { f } = operation;
    const infinite = operation.or(operation.isInfinite(x), operation.isInfinite(y));
    const zero = f.copy(operation.or(operation.isZeroNumber(x), operation.isZeroNumber(y)));
    operation.if(operation.and(infinite, zero), () => operation.returnInvalid());
    operation.normalize(x);
    operation.normalize(y);
    const sign = f.copy(operation.xor(x.sign, y.sign));
    operation.if(infinite, () => f.return(operation.infinity(sign)));
    operation.if(zero, () => f.return(operation.zero(sign)));
  },
  (operation, x, y) => operation.returnRounded(exactProduct(operation, x, y)),
);

export const extendedQuotient: SharedFunction = binaryFunction(
  (operation, x, y) => {
    const { f } = operation;
    const infinite = { x: operation.isInfinite(x), y: operation.isInfinite(y) };
    const zero = { x: operation.isZeroNumber(x), y: operation.isZeroNumber(y) };
    const undefinedResult = operation.or(operation.and(infinite.x, infinite.y), operation.and(zero.x, zero.y));
    operation.if(undefinedResult, () => operation.returnInvalid());
    const sign = f.copy(operation.xor(x.sign, y.sign));
    const byZero = operation.and(zero.y, operation.isZero(infinite.x));
    operation.if(byZero, () => {
      operation.raise(format.ZERO_DIVIDE);
      f.return(operation.infinity(sign));
    });
    operation.normalize(x);
    operation.normalize(y);
    operation.if(infinite.x, () => f.return(operation.infinity(sign)));
    operation.if(operation.or(infinite.y, zero.x), () => f.return(operation.zero(sign)));
  },
  (operation, x, y) => operation.returnRounded(exactQuotient(operation, x, y)),
);

export const extendedRoot: SharedFunction = {
  signature: UNARY,
  write: (f) => {
    const [flagsAt, first, environment] = f.parameters as readonly [Value, Value, Value];
    const operation = new ExtendedOperation(f, flagsAt, environment);
    const x = operation.take(first);
    operation.handleNaNs([x]);
    operation.if(operation.isZeroNumber(x), () => f.return(operation.zero(x.sign)));
    operation.if(x.sign, () => operation.returnInvalid());
    operation.if(operation.isInfinite(x), () => f.return(operation.infinity(x.sign)));
    operation.normalize(x);
    operation.returnRounded(exactRoot(operation, x));
  },
};
