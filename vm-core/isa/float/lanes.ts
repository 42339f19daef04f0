/**
 * The lanes of a vector as numbers of 32 or 64 bits, and what is asked of all of them at once: whether the host's own
 * arithmetic is exact for them, and which exceptions they are (SDM vol. 1 §4.8.3, §11.5, WebAssembly core §4.3.3).
 */
import type { FunctionBuilder, Value, Variable } from '../../wasm/function-builder.ts';
import type { SharedFunction } from '../../wasm/module-builder.ts';
import { Arithmetic } from '../arithmetic.ts';
import * as format from './formats.ts';

/** A format as lanes. */
export interface LaneFormat {
  readonly shape: 'f32x4' | 'f64x2';
  readonly integers: 'i32x4' | 'i64x2';
  readonly lanes: 2 | 4;
  readonly narrow: format.NarrowFormat;
}

export const singles: LaneFormat = { shape: 'f32x4', integers: 'i32x4', lanes: 4, narrow: format.single };
export const doubles: LaneFormat = { shape: 'f64x2', integers: 'i64x2', lanes: 2, narrow: format.double };

/** Bits of MXCSR. */
const DENORMALS_ARE_ZERO = 0x40;
const ALL_MASKED = 0x1f80;
const ROUNDING = 0x6000;
const ROUNDING_SHIFT = 13;

/**
 * (address of the exceptions' word, x, y, MXCSR) → result. Of an operation with one operand that is y; where only some
 * lanes are computed, the others are those of x.
 */
export const LANE_SIGNATURE = { parameters: ['i32', 'v128', 'v128', 'i32'], result: 'v128' } as const;
/** The same with an immediate byte. */
export const IMMEDIATE_SIGNATURE = { parameters: ['i32', 'v128', 'v128', 'i32', 'i32'], result: 'v128' } as const;

/** A function over lanes, with what it is about. */
export function laneFunction(
  of: LaneFormat,
  count: number,
  write: (lanes: Lanes, x: Value, y: Value) => Value,
): SharedFunction {
  return {
    signature: LANE_SIGNATURE,
    write: (f) => {
      const [flagsAt, x, y, mxcsr] = f.parameters as readonly [Value, Value, Value, Value];
      f.return(write(new Lanes(f, of, count, { flagsAt, mxcsr }), x, y));
    },
  };
}

export class Lanes extends Arithmetic {
  readonly of: LaneFormat;
  /** How many lanes are computed, from the lowest. */
  readonly count: number;
  readonly flagsAt: Value;
  readonly mxcsr: Value;

  constructor(
    f: FunctionBuilder,
    of: LaneFormat,
    count: number,
    at: { readonly flagsAt: Value; readonly mxcsr: Value },
  ) {
    super(f);
    this.of = of;
    this.count = count;
    this.flagsAt = at.flagsAt;
    this.mxcsr = at.mxcsr;
  }

  /** A vector with the same bits in each lane. */
  all(bits: bigint): Value {
    const half = this.of.lanes === 2 ? bits : bits | (bits << 32n);
    return this.f.v128(half, half);
  }

  /** A vector with a power of two in each lane. */
  power(exponent: number): Value {
    return this.all(BigInt(exponent + this.of.narrow.bias) << BigInt(this.of.narrow.precision - 1));
  }

  /** All bits of a lane. */
  get ones(): bigint {
    return (1n << BigInt(this.of.narrow.bits)) - 1n;
  }

  get infinity(): Value {
    return this.power(this.of.narrow.bias + 1);
  }

  get leastNormal(): Value {
    return this.power(1 - this.of.narrow.bias);
  }

  get signs(): Value {
    return this.all(1n << BigInt(this.of.narrow.bits - 1));
  }

  get quietBits(): Value {
    return this.all(1n << BigInt(this.of.narrow.precision - 2));
  }

  /** The lanes that are computed; the number one in the others, which raises nothing. */
  only(x: Value): Value {
    return this.merged(this.power(0), x);
  }

  /** The computed lanes of a result above those of x. */
  merged(x: Value, result: Value): Value {
    const bytes = (this.count * this.of.narrow.bits) / 8;
    if (bytes === 16) return result;
    return this.f.shuffle(
      result,
      x,
      Array.from({ length: 16 }, (_, n) => (n < bytes ? n : n + 16)),
    );
  }

  abs(x: Value): Value {
    return this.f.operate(`${this.of.shape}.abs`, x);
  }

  lt(x: Value, y: Value): Value {
    return this.f.operate(`${this.of.shape}.lt`, x, y);
  }

  ge(x: Value, y: Value): Value {
    return this.f.operate(`${this.of.shape}.ge`, x, y);
  }

  equal(x: Value, y: Value): Value {
    return this.f.operate(`${this.of.shape}.eq`, x, y);
  }

  isNaN(x: Value): Value {
    return this.f.operate(`${this.of.shape}.ne`, x, x);
  }

  isZeroNumber(x: Value): Value {
    return this.equal(x, this.all(0n));
  }

  both(x: Value, y: Value): Value {
    return this.f.operate('v128.and', x, y);
  }

  either(x: Value, y: Value): Value {
    return this.f.operate('v128.or', x, y);
  }

  without(x: Value, y: Value): Value {
    return this.f.operate('v128.andnot', x, y);
  }

  choose(mask: Value, whenTrue: Value, whenFalse: Value): Value {
    return this.f.operate('v128.bitselect', whenTrue, whenFalse, mask);
  }

  any(mask: Value): Value {
    return this.f.operate('v128.any_true', mask);
  }

  every(mask: Value): Value {
    return this.f.operate(`${this.of.integers}.all_true`, mask);
  }

  /** Zero, normal or infinite. */
  isPlain(x: Value): Value {
    return this.either(this.ge(this.abs(x), this.leastNormal), this.isZeroNumber(x));
  }

  isDenormal(x: Value): Value {
    return this.without(this.lt(this.abs(x), this.leastNormal), this.isZeroNumber(x));
  }

  isSignaling(x: Value): Value {
    const quiet = this.f.operate(`${this.of.integers}.eq`, this.both(x, this.quietBits), this.quietBits);
    return this.without(this.isNaN(x), quiet);
  }

  /** True if nothing new can be told of a result that is rounded: to nearest, all masked, precision lost before. */
  isQuick(): Value {
    const asked = this.and(this.mxcsr, ALL_MASKED | ROUNDING | format.INEXACT);
    return this.eq(asked, ALL_MASKED | format.INEXACT);
  }

  /** The environment of the operations on single numbers. */
  environment(): Value {
    const unmasked = this.and(this.shrU(this.not(this.mxcsr), 6), 0x30);
    const flush = this.and(this.shrU(this.mxcsr, 9), format.ENVIRONMENT_FLUSH);
    const zero = this.and(this.shl(this.mxcsr, 1), format.ENVIRONMENT_DENORMALS_ARE_ZERO);
    return this.f.copy(this.or(this.or(this.rounding(), unmasked), this.or(flush, zero)));
  }

  rounding(): Value {
    return this.and(this.shrU(this.mxcsr, ROUNDING_SHIFT), format.ENVIRONMENT_ROUNDING);
  }

  /** Denormal numbers become zeros, with their signs. */
  flushed(x: Value): Value {
    return this.without(x, this.without(this.lt(this.abs(x), this.leastNormal), this.signs));
  }

  /** The same where MXCSR asks for it. */
  dropDenormals(x: Value): Value {
    const result = this.f.variable(x);
    this.if(this.and(this.mxcsr, DENORMALS_ARE_ZERO), () => this.f.set(result, this.flushed(x)));
    return result;
  }

  /** Raises an exception if a mask has any lane. */
  raiseIfAny(mask: Value, exception: number): void {
    const found = this.select(this.any(mask), this.constant(exception), this.constant(0));
    this.f.store(32, this.flagsAt, 0, this.or(this.f.load('i32', 32, this.flagsAt), found));
  }

  /** One lane, as the operations on single numbers have it. */
  lane(x: Value, n: number): Value {
    if (this.of.lanes === 2) return this.f.operateOnLane('i64x2.extract_lane', n, x);
    return this.wideUnsigned(this.f.operateOnLane('i32x4.extract_lane', n, x));
  }

  setLane(x: Variable, n: number, bits: Value): void {
    const lane =
      this.of.lanes === 2
        ? this.f.operateOnLane('i64x2.replace_lane', n, x, bits)
        : this.f.operateOnLane('i32x4.replace_lane', n, x, this.low(bits));
    this.f.set(x, lane);
  }

  /** Rounded to integers: 0 to nearest, 1 down, 2 up, 3 toward zero. */
  rounded(x: Value, mode: Value): Value {
    const { f } = this;
    const { shape } = this.of;
    const result = f.variable(f.operate(`${shape}.nearest`, x));
    this.if(mode, () => {
      f.set(result, f.operate(`${shape}.trunc`, x));
      this.if(this.eq(mode, 1), () => f.set(result, f.operate(`${shape}.floor`, x)));
      this.if(this.eq(mode, 2), () => f.set(result, f.operate(`${shape}.ceil`, x)));
    });
    return result;
  }
}
