/**
 * Operations on numbers of 32 and 64 bits as SSE has them (SDM vol. 1 §4.8.3.5, §11.5, table 4-7), the exact way: for
 * operands and results that the host's own arithmetic does not serve. Numbers are i64.
 */
import type { FunctionBuilder, Value, Variable } from '../../wasm/function-builder.ts';
import type { SharedFunction } from '../../wasm/module-builder.ts';
import { Arithmetic } from '../arithmetic.ts';
import { exactProduct, exactQuotient, exactRoot, exactSum, type Unpacked } from './exact.ts';
import * as format from './formats.ts';
import { roundDouble, roundHalf, roundSingle, type Unrounded } from './rounding.ts';

const TOP_BIT = 1n << 63n;

/** A number taken apart; what is denormal has its top bit set and an exponent below that of any normal number. */
export interface Parts extends Unpacked {
  /** As it was, with 0 for a denormal one that counts as zero. */
  readonly bits: Variable;
  readonly exponent: Variable;
  readonly significand: Variable;
}

/** One function over numbers of a format; it keeps the exceptions in the word that its first parameter points to. */
export class NarrowOperation extends Arithmetic {
  readonly target: format.NarrowFormat;
  readonly flagsAt: Value;
  readonly environment: Value;

  constructor(f: FunctionBuilder, target: format.NarrowFormat, flagsAt: Value, environment: Value) {
    super(f);
    this.target = target;
    this.flagsAt = flagsAt;
    this.environment = environment;
  }

  /** Takes a number apart; `normalize` makes the parts those of the value. */
  take(bits: Value): Parts {
    const { f } = this;
    const { precision, special } = this.target;
    const exponent = this.and(this.low(this.shrU(bits, precision - 1)), special);
    return {
      bits: f.variable(bits),
      sign: f.copy(this.low(this.shrU(bits, this.target.bits - 1))),
      exponent: f.variable(this.add(exponent, f.i32(format.EXTENDED_BIAS - this.target.bias))),
      significand: f.variable(this.or(this.shl(bits, 64 - precision), f.i64(TOP_BIT))),
    };
  }

  raise(exceptions: number): void {
    const { f } = this;
    f.store(32, this.flagsAt, 0, this.or(f.load('i32', 32, this.flagsAt), exceptions));
  }

  get #magnitudeMask(): bigint {
    return (1n << BigInt(this.target.bits - 1)) - 1n;
  }

  get infinityBits(): bigint {
    return BigInt(this.target.special) << BigInt(this.target.precision - 1);
  }

  magnitude({ bits }: Parts): Value {
    return this.and(bits, this.f.i64(this.#magnitudeMask));
  }

  isZeroNumber(number: Parts): Value {
    return this.isZero(this.magnitude(number));
  }

  isInfinite(number: Parts): Value {
    return this.f.binary('eq', this.magnitude(number), this.f.i64(this.infinityBits));
  }

  isNaN(number: Parts): Value {
    return this.gtU(this.magnitude(number), this.f.i64(this.infinityBits));
  }

  isSignaling(number: Parts): Value {
    return this.and(this.isNaN(number), this.isZero(this.bit(number.bits, this.target.precision - 2)));
  }

  quiet({ bits }: Parts): Value {
    return this.or(bits, this.f.i64(1n << BigInt(this.target.precision - 2)));
  }

  withSign(sign: Value, bits: bigint): Value {
    return this.or(this.shl(this.wideUnsigned(sign), this.target.bits - 1), this.f.i64(bits));
  }

  /** Ends the function with the number that stands for no number. */
  returnInvalid(): void {
    this.raise(format.INVALID);
    const quietBit = 1n << BigInt(this.target.precision - 2);
    this.f.return(this.withSign(this.f.i32(1), this.infinityBits | quietBit));
  }

  /** Ends the function where an operand is a NaN: with the first that is one. */
  handleNaNs(numbers: readonly Parts[]): void {
    for (const number of numbers) {
      this.if(this.isNaN(number), () => {
        const signaling = numbers.map((one) => this.isSignaling(one)).reduce((x, y) => this.or(x, y));
        this.if(signaling, () => this.raise(format.INVALID));
        this.f.return(this.quiet(number));
      });
    }
  }

  /** A denormal number counts as zero, if that is asked for. */
  dropDenormal(number: Parts): void {
    const { f } = this;
    const least = f.i64(1n << BigInt(this.target.precision - 1));
    const asked = this.ne(this.and(this.environment, format.ENVIRONMENT_DENORMALS_ARE_ZERO), 0);
    this.if(this.and(asked, this.ltU(this.magnitude(number), least)), () =>
      f.set(number.bits, this.withSign(number.sign, 0n)),
    );
  }

  /** Tells of a denormal number, and sets its top bit. */
  normalize(number: Parts): void {
    const { f } = this;
    const least = f.i64(1n << BigInt(this.target.precision - 1));
    const magnitude = f.copy(this.magnitude(number));
    this.if(this.and(this.ltU(magnitude, least), this.ne(magnitude, 0)), () => {
      this.raise(format.DENORMAL);
      const zeros = f.copy(f.unary('clz', magnitude));
      f.set(number.significand, this.shl(magnitude, zeros));
      const first = 64 - this.target.precision + 1 + format.EXTENDED_BIAS - this.target.bias;
      f.set(number.exponent, this.sub(f.i32(first), this.low(zeros)));
    });
  }

  returnRounded({ sign, exponent, high, low }: Unrounded): void {
    const round = { 16: roundHalf, 32: roundSingle, 64: roundDouble }[this.target.bits];
    this.f.return(this.f.callShared(round, this.flagsAt, sign, exponent, high, low, this.environment));
  }
}

/** (address of the exceptions' word, x, y, environment) → result. */
const BINARY = { parameters: ['i32', 'i64', 'i64', 'i32'], result: 'i64' } as const;
const UNARY = { parameters: ['i32', 'i64', 'i32'], result: 'i64' } as const;

type Step = (operation: NarrowOperation, x: Parts, y: Parts) => void;

/** A function of two numbers: what it does with zeros and infinities, and with all others. */
function binaryFunction(target: format.NarrowFormat, special: Step, exact: Step): SharedFunction {
  return {
    signature: BINARY,
    write: (f) => {
      const [flagsAt, first, second, environment] = f.parameters as readonly [Value, Value, Value, Value];
      const operation = new NarrowOperation(f, target, flagsAt, environment);
      const x = operation.take(first);
      const y = operation.take(second);
      operation.handleNaNs([x, y]);
      operation.dropDenormal(x);
      operation.dropDenormal(y);
      special(operation, x, y);
      exact(operation, x, y);
    },
  };
}

function sum(target: format.NarrowFormat, negate: boolean): SharedFunction {
  const signOf = (operation: NarrowOperation, y: Parts) =>
    negate ? operation.f.copy(operation.xor(y.sign, 1)) : y.sign;
  const special: Step = (operation, x, y) => {
    const { f } = operation;
    const ySign = signOf(operation, y);
    const infinite = { x: operation.isInfinite(x), y: operation.isInfinite(y) };
    const opposite = operation.and(operation.and(infinite.x, infinite.y), operation.ne(x.sign, ySign));
    operation.if(opposite, () => operation.returnInvalid());
    operation.normalize(x);
    operation.normalize(y);
    operation.if(infinite.x, () => f.return(operation.withSign(x.sign, operation.infinityBits)));
    operation.if(infinite.y, () => f.return(operation.withSign(ySign, operation.infinityBits)));
    const zero = { x: operation.isZeroNumber(x), y: operation.isZeroNumber(y) };
    operation.if(operation.and(zero.x, zero.y), () => {
      const isDown = operation.eq(operation.and(operation.environment, format.ENVIRONMENT_ROUNDING), 1);
      f.return(operation.withSign(operation.select(operation.eq(x.sign, ySign), x.sign, isDown), 0n));
    });
    operation.if(zero.x, () => operation.returnRounded(whole(operation, ySign, y)));
    operation.if(zero.y, () => operation.returnRounded(whole(operation, x.sign, x)));
  };
  return binaryFunction(target, special, (operation, x, y) => {
    const second = { ...y, sign: signOf(operation, y) };
    const { result, isZero } = exactSum(operation, x, second, operation.environment);
    operation.if(isZero, () => operation.f.return(operation.withSign(result.sign, 0n)));
    operation.returnRounded(result);
  });
}

/** The number alone: what is denormal is rounded, as it may have to be flushed. */
function whole(operation: NarrowOperation, sign: Value, { exponent, significand }: Parts): Unrounded {
  return { sign, exponent, high: significand, low: operation.f.i64(0n) };
}

function product(target: format.NarrowFormat): SharedFunction {
  const special: Step = (operation, x, y) => {
    const { f } = operation;
    const infinite = operation.or(operation.isInfinite(x), operation.isInfinite(y));
    const zero = operation.or(operation.isZeroNumber(x), operation.isZeroNumber(y));
    operation.if(operation.and(infinite, zero), () => operation.returnInvalid());
    operation.normalize(x);
    operation.normalize(y);
    const sign = f.copy(operation.xor(x.sign, y.sign));
    operation.if(infinite, () => f.return(operation.withSign(sign, operation.infinityBits)));
    operation.if(zero, () => f.return(operation.withSign(sign, 0n)));
  };
  return binaryFunction(target, special, (operation, x, y) => operation.returnRounded(exactProduct(operation, x, y)));
}

function quotient(target: format.NarrowFormat): SharedFunction {
  const special: Step = (operation, x, y) => {
    const { f } = operation;
    const infinite = { x: operation.isInfinite(x), y: operation.isInfinite(y) };
    const zero = { x: operation.isZeroNumber(x), y: operation.isZeroNumber(y) };
    const undefinedResult = operation.or(operation.and(infinite.x, infinite.y), operation.and(zero.x, zero.y));
    operation.if(undefinedResult, () => operation.returnInvalid());
    const sign = f.copy(operation.xor(x.sign, y.sign));
    operation.if(operation.and(zero.y, operation.isZero(infinite.x)), () => {
      operation.raise(format.ZERO_DIVIDE);
      f.return(operation.withSign(sign, operation.infinityBits));
    });
    operation.normalize(x);
    operation.normalize(y);
    operation.if(infinite.x, () => f.return(operation.withSign(sign, operation.infinityBits)));
    operation.if(operation.or(infinite.y, zero.x), () => f.return(operation.withSign(sign, 0n)));
  };
  return binaryFunction(target, special, (operation, x, y) => operation.returnRounded(exactQuotient(operation, x, y)));
}

function root(target: format.NarrowFormat): SharedFunction {
  return {
    signature: UNARY,
    write: (f) => {
      const [flagsAt, first, environment] = f.parameters as readonly [Value, Value, Value];
      const operation = new NarrowOperation(f, target, flagsAt, environment);
      const x = operation.take(first);
      operation.handleNaNs([x]);
      operation.dropDenormal(x);
      operation.if(operation.isZeroNumber(x), () => f.return(x.bits));
      operation.if(x.sign, () => operation.returnInvalid());
      operation.if(operation.isInfinite(x), () => f.return(x.bits));
      operation.normalize(x);
      operation.returnRounded(exactRoot(operation, x));
    },
  };
}

/** The operations of one format. */
export interface NarrowOperations {
  readonly sum: SharedFunction;
  readonly difference: SharedFunction;
  readonly product: SharedFunction;
  readonly quotient: SharedFunction;
  readonly root: SharedFunction;
}

function operationsOn(target: format.NarrowFormat): NarrowOperations {
  return {
    sum: sum(target, false),
    difference: sum(target, true),
    product: product(target),
    quotient: quotient(target),
    root: root(target),
  };
}

export const singleOperations: NarrowOperations = operationsOn(format.single);
export const doubleOperations: NarrowOperations = operationsOn(format.double);
