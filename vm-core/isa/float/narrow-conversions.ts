/** Numbers of 32 and 64 bits out of one another and out of integers, the exact way (SDM vol. 1 §4.9, §11.5.2). */
import type { Value } from '../../wasm/function-builder.ts';
import type { SharedFunction } from '../../wasm/module-builder.ts';
import * as format from './formats.ts';
import { NarrowOperation } from './narrow.ts';
import { roundDouble, roundSingle } from './rounding.ts';

/** (address of the exceptions' word, number or integer, environment) → number. */
const SIGNATURE = { parameters: ['i32', 'i64', 'i32'], result: 'i64' } as const;

/** A number of one format in the other one; of a NaN the upper bits stay. */
function resized(from: format.NarrowFormat, to: format.NarrowFormat): SharedFunction {
  return {
    signature: SIGNATURE,
    write: (f) => {
      const [flagsAt, bits, environment] = f.parameters as readonly [Value, Value, Value];
      const source = new NarrowOperation(f, from, flagsAt, environment);
      const target = new NarrowOperation(f, to, flagsAt, environment);
      const x = source.take(bits);
      source.if(source.isNaN(x), () => {
        source.if(source.isSignaling(x), () => source.raise(format.INVALID));
        const fraction = source.shrU(source.shl(bits, 65 - from.precision), 65 - to.precision);
        const quiet = target.infinityBits | (1n << BigInt(to.precision - 2));
        f.return(source.or(fraction, target.withSign(x.sign, quiet)));
      });
      source.if(source.isInfinite(x), () => f.return(target.withSign(x.sign, target.infinityBits)));
      source.dropDenormal(x);
      source.if(source.isZeroNumber(x), () => f.return(target.withSign(x.sign, 0n)));
      source.normalize(x);
      target.returnRounded({ sign: x.sign, exponent: x.exponent, high: x.significand, low: f.i64(0n) });
    },
  };
}

export const singleFromDouble: SharedFunction = resized(format.double, format.single);
export const halfFromSingle: SharedFunction = resized(format.single, format.half);
export const doubleFromSingle: SharedFunction = resized(format.single, format.double);

/** An integer with a sign as a number. */
function fromInteger(to: format.NarrowFormat): SharedFunction {
  return {
    signature: SIGNATURE,
    write: (f) => {
      const [flagsAt, integer, environment] = f.parameters as readonly [Value, Value, Value];
      const target = new NarrowOperation(f, to, flagsAt, environment);
      target.if(target.isZero(integer), () => f.return(f.i64(0n)));
      const sign = f.copy(target.low(target.shrU(integer, 63)));
      const magnitude = f.copy(target.select(sign, target.sub(f.i64(0n), integer), integer));
      const zeros = f.copy(f.unary('clz', magnitude));
      const exponent = target.sub(f.i32(format.EXTENDED_BIAS + 63), target.low(zeros));
      const round = to.bits === 32 ? roundSingle : roundDouble;
      f.return(f.callShared(round, flagsAt, sign, exponent, target.shl(magnitude, zeros), f.i64(0n), environment));
    },
  };
}

export const singleFromInteger: SharedFunction = fromInteger(format.single);
export const doubleFromInteger: SharedFunction = fromInteger(format.double);
