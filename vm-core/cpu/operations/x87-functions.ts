/** x87: the transcendental functions, remainders, and the parts of a number (SDM vol. 1 §8.3.7–§8.3.10; vol. 2A). */
import { NEXT, type SystemOperation } from '../cpu.ts';
import {
  arcTangent,
  binaryLogarithm,
  binaryLogarithmOf1Plus,
  cosineOf,
  pi,
  piMinus,
  powerOfTwoMinus1,
  quotientOf,
  type Real,
  reduceAngle,
  sineOf,
} from '../x87-functions.ts';
import { X87Instruction } from '../x87-instruction.ts';
import {
  BIAS,
  chosenNaN,
  type ExtendedNumber,
  exactValue,
  indefinite,
  infinity,
  isDenormal,
  isInfinite,
  isZero,
  moveTop,
  one,
  popStack,
  TOP_BIT,
  zero,
  ZERO_DIVIDE,
} from '../x87-number.ts';

const C0 = 0x100;
const C1 = 0x200;
const C2 = 0x400;
const C3 = 0x4000;

/** Angles from here on are not reduced: C2 tells of it. */
const ANGLE_EXPONENT_END = BIAS + 63;
/** Below this a sine is its angle to the last bit, a cosine 1. */
const TINY_EXPONENT = BIAS - 34;

const signed = (x: ExtendedNumber, value: bigint): bigint => (x.sign === 1 ? -value : value);

function roundedReal(x87: X87Instruction, { negative, value, scale }: Real, flip = false): ExtendedNumber {
  return x87.rounded(negative !== flip, value, scale, true);
}

/** sine and cosine of a finite number that is not zero. */
function sineAndCosine(x: ExtendedNumber): { readonly sine: Real; readonly cosine: Real } {
  const { value, scale } = exactValue(x);
  const { quadrant, rest, restScale } = reduceAngle(value, scale);
  const [s, c] = [sineOf(rest, restScale), cosineOf(rest, restScale)];
  const flipped = (number: Real): Real => ({ ...number, negative: !number.negative });
  const sine = [s, c, flipped(s), flipped(c)][quadrant] as Real;
  const cosine = [c, flipped(s), flipped(c), s][quadrant] as Real;
  return { sine: x.sign === 1 ? flipped(sine) : sine, cosine };
}

/**
 * What all functions of an angle begin with: the operand, if it is an angle. Infinity is invalid, what is too large stays.
 */
function angle(
  x87: X87Instruction,
): { readonly x: ExtendedNumber; readonly result: ExtendedNumber | undefined } | undefined {
  const x = x87.top();
  const result = x87.special([x], chosenNaN) ?? (isInfinite(x) ? x87.invalid() : undefined);
  if (result) return { x, result };
  if (x.exponent >= ANGLE_EXPONENT_END) {
    x87.setIncomplete();
    return undefined;
  }
  x87.noteDenormals([x]);
  return { x, result };
}

function sine(x87: X87Instruction, x: ExtendedNumber): ExtendedNumber {
  if (isZero(x)) return x;
  const { value, scale } = exactValue(x);
  // x - x³/6: just below x.
  if (x.exponent < TINY_EXPONENT) return x87.rounded(x.sign === 1, (value << 70n) - 1n, scale - 70, true);
  return roundedReal(x87, sineAndCosine(x).sine);
}

function cosine(x87: X87Instruction, x: ExtendedNumber): ExtendedNumber {
  if (isZero(x)) return one;
  if (x.exponent < TINY_EXPONENT) return x87.rounded(false, (TOP_BIT << 70n) - 1n, -63 - 70, true);
  return roundedReal(x87, sineAndCosine(x).cosine);
}

const ofAngle =
  (compute: (x87: X87Instruction, x: ExtendedNumber) => ExtendedNumber): SystemOperation =>
  (cpu, instruction) => {
    const x87 = new X87Instruction(cpu, instruction);
    x87.setComplete();
    if (!x87.isFull([0], () => x87.write(0, indefinite))) return NEXT;
    const found = angle(x87);
    if (!found) return x87.finish(() => {});
    const result = found.result ?? compute(x87, found.x);
    return x87.finish(() => x87.write(0, result));
  };

export const FSIN: SystemOperation = ofAngle(sine);
export const FCOS: SystemOperation = ofAngle(cosine);

/** The first result takes the operand's place, the second is pushed. */
const pushingAngle =
  (compute: (x87: X87Instruction, x: ExtendedNumber) => readonly [ExtendedNumber, ExtendedNumber]): SystemOperation =>
  (cpu, instruction) => {
    const x87 = new X87Instruction(cpu, instruction);
    x87.setComplete();
    const deliver = (first: ExtendedNumber, second: ExtendedNumber) => {
      x87.write(0, first);
      moveTop(cpu.state, -1);
      x87.write(0, second);
    };
    const invalid = () => deliver(indefinite, indefinite);
    if (!x87.isFull([0], invalid) || !x87.hasRoom(invalid)) return NEXT;
    const found = angle(x87);
    if (!found) return x87.finish(() => {});
    const [first, second] = found.result ? [found.result, found.result] : compute(x87, found.x);
    return x87.finish(() => deliver(first, second));
  };

export const FSINCOS: SystemOperation = pushingAngle((x87, x) => [sine(x87, x), cosine(x87, x)]);

export const FPTAN: SystemOperation = pushingAngle((x87, x) => {
  if (isZero(x)) return [x, one];
  const { value, scale } = exactValue(x);
  // x + x³/3: just above x.
  if (x.exponent < TINY_EXPONENT) return [x87.rounded(x.sign === 1, (value << 70n) + 1n, scale - 70, true), one];
  const both = sineAndCosine(x);
  return [roundedReal(x87, quotientOf(both.sine, both.cosine)), one];
});

/** A function of ST(1) and ST(0), whose result takes the place of both. */
const ofTwo =
  (compute: (x87: X87Instruction, y: ExtendedNumber, x: ExtendedNumber) => ExtendedNumber): SystemOperation =>
  (cpu, instruction) => {
    const x87 = new X87Instruction(cpu, instruction);
    const deliver = (number: ExtendedNumber) => {
      x87.write(1, number);
      popStack(cpu.state);
    };
    if (!x87.isFull([0, 1], () => deliver(indefinite))) return NEXT;
    const [x, y] = [x87.top(0), x87.top(1)];
    const result = x87.special([y, x], chosenNaN) ?? compute(x87, y, x);
    return x87.finish(() => deliver(result));
  };

/** A multiple of π, positive, with the sign of y. */
function fractionOfPi(x87: X87Instruction, sign: 0 | 1, numerator: bigint, denominator: bigint): ExtendedNumber {
  return x87.rounded(sign === 1, (pi.value * numerator) / denominator, pi.scale, true);
}

/** arctan(y/x) in the quadrant of the point (x, y) (SDM vol. 2A table 3-30). */
export const FPATAN: SystemOperation = ofTwo((x87, y, x) => {
  x87.noteDenormals([x, y]);
  if (isInfinite(y)) return fractionOfPi(x87, y.sign, isInfinite(x) ? (x.sign === 1 ? 3n : 1n) : 2n, 4n);
  if (isZero(y) || isInfinite(x)) return x.sign === 1 ? fractionOfPi(x87, y.sign, 1n, 1n) : zero(y.sign);
  if (isZero(x)) return fractionOfPi(x87, y.sign, 1n, 2n);
  const magnitude = arcTangent(exactValue(y), exactValue(x));
  return roundedReal(x87, x.sign === 1 ? piMinus(magnitude) : magnitude, y.sign === 1);
});

/** The product of y and a logarithm that is no special case. */
function timesLogarithm(x87: X87Instruction, y: ExtendedNumber, { negative, value, scale }: Real): ExtendedNumber {
  const sign = negative !== (y.sign === 1);
  if (isZero(y)) return zero(sign ? 1 : 0);
  if (isInfinite(y)) return infinity(sign ? 1 : 0);
  const factor = exactValue(y);
  return x87.rounded(sign, factor.value * value, factor.scale + scale, true);
}

export const FYL2X: SystemOperation = ofTwo((x87, y, x) => {
  if (isZero(x)) {
    if (isZero(y)) return x87.invalid();
    if (isInfinite(y)) return infinity(y.sign === 1 ? 0 : 1);
    x87.raised |= ZERO_DIVIDE;
    return infinity(y.sign === 1 ? 0 : 1);
  }
  if (x.sign === 1) return x87.invalid();
  const isOne = x.exponent === BIAS && x.significand === TOP_BIT;
  if (isInfinite(x)) {
    if (isZero(y)) return x87.invalid();
    x87.noteDenormals([y]);
    return infinity(y.sign);
  }
  if (isInfinite(y) && isOne) return x87.invalid();
  x87.noteDenormals([x, y]);
  if (isOne) return zero(y.sign);
  const { value, scale } = exactValue(x);
  // A power of two has an exact logarithm.
  if ((value & (value - 1n)) === 0n && !isZero(y) && !isInfinite(y)) {
    const power = value.toString(2).length - 1 + scale;
    const factor = exactValue(y);
    const product = factor.value * BigInt(Math.abs(power));
    return x87.rounded(power < 0 !== (y.sign === 1), product, factor.scale, false);
  }
  return timesLogarithm(x87, y, binaryLogarithm(value, scale));
});

export const FYL2XP1: SystemOperation = ofTwo((x87, y, x) => {
  if (isZero(x)) {
    if (isInfinite(y)) return x87.invalid();
    x87.noteDenormals([y]);
    return zero(x.sign === y.sign ? 0 : 1);
  }
  if (isInfinite(x)) {
    if (x.sign === 1 || isZero(y)) return x87.invalid();
    x87.noteDenormals([y]);
    return infinity(y.sign);
  }
  const { value, scale } = exactValue(x);
  if (x.sign === 1 && x.exponent >= BIAS) return x87.invalid();
  x87.noteDenormals([x, y]);
  const isSmall = x.exponent < BIAS - 2;
  const real = isSmall ? binaryLogarithmOf1Plus(signed(x, value), scale) : binaryLogarithm(...sumWithOne(x));
  return timesLogarithm(x87, y, real);
});

/** 1 + x as a positive number times a power of two. */
function sumWithOne(x: ExtendedNumber): readonly [bigint, number] {
  const { value, scale } = exactValue(x);
  if (scale >= 0) return [(value << BigInt(scale)) + 1n, 0];
  return [(1n << BigInt(-scale)) + signed(x, value), scale];
}

export const F2XM1: SystemOperation = (cpu, instruction) => {
  const x87 = new X87Instruction(cpu, instruction);
  if (!x87.isFull([0], () => x87.write(0, indefinite))) return NEXT;
  const x = x87.top();
  const result = x87.special([x], chosenNaN) ?? powerMinus1(x87, x);
  return x87.finish(() => x87.write(0, result));
};

/** Operands beyond 1 are undefined: they come back, as on processors of Intel. */
function powerMinus1(x87: X87Instruction, x: ExtendedNumber): ExtendedNumber {
  if (isZero(x)) return x;
  if (isInfinite(x)) return x.sign === 0 ? x : { ...one, sign: 1 };
  x87.noteDenormals([x]);
  if (x.exponent > BIAS || (x.exponent === BIAS && x.significand !== TOP_BIT)) return x;
  if (x.exponent === BIAS) return x.sign === 0 ? one : { ...one, sign: 1, exponent: BIAS - 1 };
  const { value, scale } = exactValue(x);
  return roundedReal(x87, powerOfTwoMinus1(signed(x, value), scale));
}

/** ST(0) becomes its significand, which is pushed, on top of its exponent. */
export const FXTRACT: SystemOperation = (cpu, instruction) => {
  const x87 = new X87Instruction(cpu, instruction);
  const deliver = (exponent: ExtendedNumber, significand: ExtendedNumber) => {
    x87.write(0, exponent);
    moveTop(cpu.state, -1);
    x87.write(0, significand);
  };
  const invalid = () => deliver(indefinite, indefinite);
  if (!x87.isFull([0], invalid) || !x87.hasRoom(invalid)) return NEXT;
  const x = x87.top();
  const special = x87.special([x], chosenNaN);
  if (special) return x87.finish(() => deliver(special, special));
  if (isInfinite(x)) return x87.finish(() => deliver(infinity(0), x));
  if (isZero(x)) {
    x87.raised |= ZERO_DIVIDE;
    return x87.finish(() => deliver(infinity(1), x));
  }
  x87.noteDenormals([x]);
  const zeros = isDenormal(x) ? 64 - x.significand.toString(2).length : 0;
  const power = (isDenormal(x) ? 1 : x.exponent) - BIAS - zeros;
  const exponent = x87.rounded(power < 0, BigInt(Math.abs(power)), 0, false);
  const significand = { sign: x.sign, exponent: BIAS, significand: x.significand << BigInt(zeros) };
  return x87.finish(() => deliver(exponent, significand));
};

/** ST(0) times two to the power of ST(1), whose fraction does not count (SDM vol. 2A table 3-35). */
export const FSCALE: SystemOperation = (cpu, instruction) => {
  const x87 = new X87Instruction(cpu, instruction);
  if (!x87.isFull([0, 1], () => x87.write(0, indefinite))) return NEXT;
  const [x, y] = [x87.top(0), x87.top(1)];
  const result = x87.special([x, y], chosenNaN) ?? scaled(x87, x, y);
  return x87.finish(() => x87.write(0, result));
};

function scaled(x87: X87Instruction, x: ExtendedNumber, y: ExtendedNumber): ExtendedNumber {
  if (isInfinite(y)) {
    if (y.sign === 0) {
      if (isZero(x)) return x87.invalid();
      x87.noteDenormals([x]);
      return infinity(x.sign);
    }
    if (isInfinite(x)) return x87.invalid();
    x87.noteDenormals([x]);
    return zero(x.sign);
  }
  x87.noteDenormals([x, y]);
  if (isZero(x) || isInfinite(x)) return x;
  const distance = Math.min(y.exponent - BIAS, 17);
  const magnitude = distance < 0 ? 0 : Number(y.significand >> BigInt(63 - distance));
  const { value, scale } = exactValue(x);
  return x87.rounded(x.sign === 1, value, scale + (y.sign === 1 ? -magnitude : magnitude), false);
}

/** The remainder of ST(0) by ST(1), at most 63 bits of it at a time: C2 tells that there is more. */
const remainder =
  (nearest: boolean): SystemOperation =>
  (cpu, instruction) => {
    const x87 = new X87Instruction(cpu, instruction);
    x87.setComplete();
    if (!x87.isFull([0, 1], () => x87.write(0, indefinite))) return NEXT;
    const [x, y] = [x87.top(0), x87.top(1)];
    const special = x87.special([x, y], chosenNaN) ?? (isInfinite(x) || isZero(y) ? x87.invalid() : undefined);
    if (special) return x87.finish(() => x87.write(0, special));
    x87.noteDenormals([x, y]);
    if (isZero(x) || isInfinite(y)) {
      return x87.finish(() => {
        x87.setConditions(0);
        // What has its top bit set with an exponent of zero is told with one of one.
        x87.write(0, x.exponent === 0 && x.significand >= TOP_BIT ? { ...x, exponent: 1 } : x);
      });
    }
    const { number, conditions } = divided(x87, x, y, nearest);
    return x87.finish(() => {
      x87.keepsC1 = true;
      x87.setConditions(conditions);
      x87.write(0, number);
    });
  };

function divided(
  x87: X87Instruction,
  x: ExtendedNumber,
  y: ExtendedNumber,
  nearest: boolean,
): { readonly number: ExtendedNumber; readonly conditions: number } {
  const [a, b] = [exactValue(x), exactValue(y)];
  const length = (number: { readonly value: bigint; readonly scale: number }) =>
    number.value.toString(2).length + number.scale;
  const distance = length(a) - length(b);
  const isPartial = distance >= 64;
  // Of a distance of 64 or more, between 32 and 63 bits go at a time.
  const left = isPartial ? distance - (32 + (distance % 32)) : 0;
  const unit = Math.min(a.scale, b.scale + left);
  const dividend = a.value << BigInt(a.scale - unit);
  const divisor = b.value << BigInt(b.scale + left - unit);
  let quotient = dividend / divisor;
  let rest = dividend - quotient * divisor;
  let flip = false;
  if (nearest && !isPartial) {
    const twice = 2n * rest;
    if (twice > divisor || (twice === divisor && (quotient & 1n) === 1n)) {
      quotient++;
      rest = divisor - rest;
      flip = true;
    }
  }
  const negative = (x.sign === 1) !== flip;
  const number = rest === 0n ? zero(x.sign) : x87.rounded(negative, rest, unit, false);
  if (isPartial) return { number, conditions: C2 };
  const bit = (n: bigint, condition: number) => (((quotient >> n) & 1n) === 1n ? condition : 0);
  return { number, conditions: bit(2n, C0) | bit(1n, C3) | bit(0n, C1) };
}

export const FPREM: SystemOperation = remainder(false);
export const FPREM1: SystemOperation = remainder(true);
