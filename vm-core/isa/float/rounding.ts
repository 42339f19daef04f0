/**
 * From an exact result to a number of a format: rounding, overflow, underflow, and the exceptions of each (SDM vol. 1
 * §4.9.1.4–§4.9.1.6). Tininess is found after rounding.
 */
import type { FunctionBuilder, Value, Variable } from '../../wasm/function-builder.ts';
import type { SharedFunction } from '../../wasm/module-builder.ts';
import { Arithmetic } from '../arithmetic.ts';
import * as format from './formats.ts';

/** A result before it is rounded: 128 bits of significand, the top one set; below them nothing but a sticky lowest bit. */
export interface Unrounded {
  readonly sign: Value;
  readonly exponent: Value;
  readonly high: Value;
  readonly low: Value;
}

const TOP_BIT = 1n << 63n;

/** (address of the exceptions' word, sign, exponent, high, low, environment). */
const PARAMETERS = ['i32', 'i32', 'i32', 'i64', 'i64', 'i32'] as const;

/** Rounds to the double extended format: lane 0 the significand, lane 1 sign and exponent. */
export const roundExtended: SharedFunction = {
  signature: { parameters: PARAMETERS, result: 'v128' },
  write: (f) => new Rounding(f, undefined).write(),
};

/** Rounds to 16, 32 or 64 bits; the result is an i64. */
export const roundHalf: SharedFunction = narrow(format.half);
export const roundSingle: SharedFunction = narrow(format.single);
export const roundDouble: SharedFunction = narrow(format.double);

function narrow(target: format.NarrowFormat): SharedFunction {
  return {
    signature: { parameters: PARAMETERS, result: 'i64' },
    write: (f) => new Rounding(f, target).write(),
  };
}

class Rounding extends Arithmetic {
  readonly #target: format.NarrowFormat | undefined;
  readonly #flagsAt: Value;
  readonly #sign: Value;
  readonly #environment: Value;
  readonly #exponent: Variable;
  readonly #high: Variable;
  readonly #low: Variable;
  readonly #flags: Variable;

  /** Without a target: the double extended format. */
  constructor(f: FunctionBuilder, target: format.NarrowFormat | undefined) {
    super(f);
    const [flagsAt, sign, exponent, high, low, environment] = f.parameters as unknown as readonly [
      Value,
      Value,
      Value,
      Value,
      Value,
      Value,
    ];
    this.#target = target;
    this.#flagsAt = flagsAt;
    this.#sign = sign;
    this.#environment = environment;
    const rebased = target ? this.sub(exponent, f.i32(format.EXTENDED_BIAS - target.bias)) : exponent;
    this.#exponent = f.variable(rebased);
    this.#high = f.variable(high);
    this.#low = f.variable(low);
    this.#flags = f.variable(f.i32(0));
  }

  write(): void {
    const { f } = this;
    const unit = f.copy(this.shl(f.i64(1n), this.#droppedBits()));
    const isTiny = f.variable(f.i32(0));
    this.if(this.f.binary('leS', this.#exponent, f.i32(0)), () => {
      f.set(isTiny, this.#isTiny(unit));
      if (this.#target) this.#flushIfTiny(isTiny);
      this.if(
        this.and(isTiny, this.#environmentBit(format.ENVIRONMENT_UNDERFLOW)),
        () => {
          f.set(this.#flags, this.or(this.#flags, format.UNDERFLOW));
          // A narrow result is not delivered: what it would have been does not matter.
          const wrapped = this.add(this.#exponent, f.i32(format.EXPONENT_WRAP));
          f.set(this.#exponent, this.#target ? f.i32(1) : wrapped);
          f.set(isTiny, f.i32(0));
        },
        () => this.#denormalize(),
      );
    });
    this.#round(unit);
    this.if(this.and(isTiny, this.ne(this.and(this.#flags, format.INEXACT), 0)), () =>
      f.set(this.#flags, this.or(this.#flags, format.UNDERFLOW)),
    );
    const special = this.#target?.special ?? format.EXTENDED_SPECIAL;
    this.if(f.binary('geS', this.#exponent, f.i32(special)), () => this.#overflow(unit, special));
    this.#storeFlags();
    f.return(this.#packed());
  }

  /** How many low bits of the significand the format does not have (i64). */
  #droppedBits(): Value {
    const { f } = this;
    if (this.#target) return f.i64(BigInt(64 - this.#target.precision));
    const precision = this.and(this.shrU(this.#environment, format.ENVIRONMENT_PRECISION_SHIFT), 3);
    const notWhole = this.select(this.eq(precision, 2), f.i64(11n), f.i64(40n));
    return this.select(this.eq(precision, 3), f.i64(0n), notWhole);
  }

  #environmentBit(mask: number): Value {
    return this.ne(this.and(this.#environment, mask), 0);
  }

  /** Whether the result, rounded as if exponents had no end, is smaller than the smallest normal number. */
  #isTiny(unit: Value): Value {
    const { f } = this;
    const { kept, rest } = this.#split(unit);
    const becomesNormal = this.and(this.isZero(this.add(kept, unit)), this.#roundsUp(kept, rest, unit));
    return this.isZero(this.and(this.isZero(f.copy(this.#exponent)), becomesNormal));
  }

  #flushIfTiny(isTiny: Value): void {
    const masked = this.isZero(this.and(this.#environment, format.ENVIRONMENT_UNDERFLOW));
    const flush = this.#environmentBit(format.ENVIRONMENT_FLUSH);
    this.if(this.and(isTiny, this.and(flush, masked)), () => {
      this.f.set(this.#flags, this.f.i32(format.UNDERFLOW | format.INEXACT));
      this.#storeFlags();
      this.f.set(this.#high, this.f.i64(0n));
      this.f.set(this.#exponent, this.f.i32(0));
      this.f.return(this.#packed());
    });
  }

  /** Shifts right until the exponent is 1, which a number without its top bit has as 0. */
  #denormalize(): void {
    const { f } = this;
    const count = f.copy(this.wideUnsigned(this.sub(f.i32(1), this.#exponent)));
    const isSmall = f.binary('ltU', count, f.i64(64n));
    this.if(
      isSmall,
      () => {
        const lost = this.ne(this.shl(this.#low, this.sub(f.i64(64n), count)), 0);
        const moved = this.or(this.shrU(this.#low, count), this.shl(this.#high, this.sub(f.i64(64n), count)));
        f.set(this.#low, this.or(moved, this.wideUnsigned(lost)));
        f.set(this.#high, this.shrU(this.#high, count));
      },
      () => {
        const within = f.binary('ltU', count, f.i64(128n));
        const rest = this.sub(count, f.i64(64n));
        const lostHigh = this.and(this.#high, this.sub(this.shl(f.i64(1n), rest), f.i64(1n)));
        const sticky = this.wideUnsigned(this.ne(this.or(lostHigh, this.#low), 0));
        const moved = this.or(this.shrU(this.#high, rest), sticky);
        f.set(this.#low, this.select(within, moved, f.i64(1n)));
        f.set(this.#high, f.i64(0n));
      },
    );
    f.set(this.#exponent, f.i32(0));
  }

  /** The significand cut to the format, and the rest with its highest bit on top. */
  #split(unit: Value): { readonly kept: Value; readonly rest: Value } {
    const { f } = this;
    const below = this.sub(unit, f.i64(1n));
    const kept = f.copy(this.and(this.#high, this.not(below)));
    const sticky = this.wideUnsigned(this.ne(this.#low, 0));
    const isWhole = this.eq(unit, 1);
    const shift = this.sub(f.i64(64n), this.#droppedBits());
    const rest = this.select(isWhole, this.#low, this.or(this.shl(this.#high, shift), sticky));
    return { kept, rest: f.copy(rest) };
  }

  #roundsUp(kept: Value, rest: Value, unit: Value): Value {
    const { f } = this;
    const mode = this.and(this.#environment, format.ENVIRONMENT_ROUNDING);
    const half = f.i64(TOP_BIT);
    const isOdd = this.ne(this.and(kept, unit), 0);
    const nearest = this.or(f.binary('gtU', rest, half), this.and(f.binary('eq', rest, half), isOdd));
    const away = this.select(this.eq(mode, 1), this.#sign, this.and(this.eq(mode, 2), this.isZero(this.#sign)));
    return this.select(this.isZero(mode), nearest, this.and(away, this.ne(rest, 0)));
  }

  #round(unit: Value): void {
    const { f } = this;
    const { kept, rest } = this.#split(unit);
    f.set(this.#high, kept);
    this.if(this.ne(rest, 0), () => {
      f.set(this.#flags, this.or(this.#flags, format.INEXACT));
      this.if(this.#roundsUp(kept, rest, unit), () => {
        f.set(this.#flags, this.or(this.#flags, format.ROUNDED_UP));
        f.set(this.#high, this.add(this.#high, unit));
        this.if(this.isZero(this.#high), () => {
          f.set(this.#high, f.i64(TOP_BIT));
          f.set(this.#exponent, this.add(this.#exponent, f.i32(1)));
        });
      });
    });
    // A denormal number that has got its top bit is the smallest normal one.
    const grown = this.and(this.isZero(this.#exponent), this.ltS(this.#high, 0));
    f.set(this.#exponent, this.add(this.#exponent, grown));
  }

  #overflow(unit: Value, special: number): void {
    const { f } = this;
    f.set(this.#flags, this.or(this.#flags, format.OVERFLOW));
    this.if(
      this.#environmentBit(format.ENVIRONMENT_OVERFLOW),
      () => f.set(this.#exponent, this.sub(this.#exponent, f.i32(format.EXPONENT_WRAP))),
      () => {
        const mode = this.and(this.#environment, format.ENVIRONMENT_ROUNDING);
        const directed = this.eq(mode, this.select(this.#sign, f.i32(1), f.i32(2)));
        const isInfinite = f.copy(this.or(this.isZero(mode), directed));
        const without = this.and(this.#flags, ~format.ROUNDED_UP);
        const up = this.select(isInfinite, f.i32(format.ROUNDED_UP | format.INEXACT), f.i32(format.INEXACT));
        f.set(this.#flags, this.or(without, up));
        f.set(this.#exponent, this.select(isInfinite, f.i32(special), f.i32(special - 1)));
        f.set(this.#high, this.select(isInfinite, f.i64(TOP_BIT), this.sub(f.i64(0n), unit)));
      },
    );
  }

  #storeFlags(): void {
    this.f.store(32, this.#flagsAt, 0, this.or(this.f.load('i32', 32, this.#flagsAt), this.#flags));
  }

  #packed(): Value {
    const { f } = this;
    if (!this.#target) return packExtended(this, this.#sign, this.#exponent, this.#high);
    const { bits, precision } = this.#target;
    const fraction = this.shrU(this.shl(this.#high, 1), 65 - precision);
    const exponent = this.shl(this.wideUnsigned(this.#exponent), precision - 1);
    return f.copy(this.or(this.or(fraction, exponent), this.shl(this.wideUnsigned(this.#sign), bits - 1)));
  }
}

/** A number of the double extended format: lane 0 the significand, the low bits of lane 1 sign and exponent. */
export function packExtended(a: Arithmetic, sign: Value, exponent: Value, significand: Value): Value {
  const upper = a.wideUnsigned(a.and(a.or(a.shl(sign, 15), exponent), 0xffff));
  return a.f.operateOnLane('i64x2.replace_lane', 1, a.f.operate('i64x2.splat', significand), upper);
}
