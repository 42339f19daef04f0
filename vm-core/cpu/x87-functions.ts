/**
 * The transcendental functions of the x87 (SDM vol. 1 §8.3.7–§8.3.10) in fixed-point numbers of 192 bits below the point: far more than
 * the 64 bits of a result, which is cut off and then rounded once.
 */

/** Bits below the point. */
export const POINT = 192n;
const ONE = 1n << POINT;

/** π as the x87 has it for reducing angles: 66 bits. */
const PI_66 = 0x3_243f_6a88_85a3_08d3n;
const PI_66_POINT = 64n;

const multiply = (x: bigint, y: bigint): bigint => (x * y) >> POINT;
const divide = (x: bigint, y: bigint): bigint => (x << POINT) / y;

/** ln 2, as the sum of 1/(n·2^n). */
const LN2: bigint = naturalLogarithm2();

function naturalLogarithm2(): bigint {
  let sum = 0n;
  for (let n = 1n; n <= POINT + 8n; n++) sum += (ONE << 16n) / (n << n);
  return sum >> 16n;
}

/** A real number as `value · 2^scale`, cut off. */
export interface Real {
  readonly negative: boolean;
  readonly value: bigint;
  readonly scale: number;
}

function real(value: bigint): Real {
  return { negative: value < 0n, value: value < 0n ? -value : value, scale: -Number(POINT) };
}

/** An angle below 2^63, taken to the octant: `quadrant` quarter turns and a rest between -π/4 and π/4. */
export function reduceAngle(
  value: bigint,
  scale: number,
): { readonly quadrant: number; readonly rest: bigint; readonly restScale: number } {
  // Both numbers in units of 2^unit, so that nothing is lost.
  const unit = Math.min(scale, -Number(PI_66_POINT) - 1);
  const angle = value << BigInt(scale - unit);
  const quarter = PI_66 << BigInt(-Number(PI_66_POINT) - 1 - unit);
  const turns = (2n * angle + quarter) / (2n * quarter);
  return { quadrant: Number(turns & 3n), rest: angle - turns * quarter, restScale: unit };
}

/** sine or cosine of a small angle `rest · 2^scale`; of a tiny one the sine keeps its relative precision. */
export function sineOf(rest: bigint, scale: number): Real {
  const { x, exponent } = normalized(rest, scale);
  const square = scaledSquare(x, exponent);
  // x · (1 - x²/6 + x⁴/120 …)
  let term = ONE;
  let sum = ONE;
  for (let n = 2n; term !== 0n; n += 2n) {
    term = -multiply(term, square) / (n * (n + 1n));
    sum += term;
  }
  const product = multiply(x, sum);
  return { ...real(product), scale: exponent - Number(POINT) };
}

export function cosineOf(rest: bigint, scale: number): Real {
  const { x, exponent } = normalized(rest, scale);
  const square = scaledSquare(x, exponent);
  let term = ONE;
  let sum = ONE;
  for (let n = 1n; term !== 0n; n += 2n) {
    term = -multiply(term, square) / (n * (n + 1n));
    sum += term;
  }
  return real(sum);
}

/** `value · 2^scale` as a fixed-point number between 1/2 and 1 (or 0) times a power of two. */
function normalized(value: bigint, scale: number): { readonly x: bigint; readonly exponent: number } {
  if (value === 0n) return { x: 0n, exponent: 0 };
  const magnitude = value < 0n ? -value : value;
  const length = magnitude.toString(2).length;
  const shift = Number(POINT) - length;
  const x = shift >= 0 ? magnitude << BigInt(shift) : magnitude >> BigInt(-shift);
  return { x: value < 0n ? -x : x, exponent: scale + length };
}

/** The square of x · 2^exponent with `exponent` at most 1, as a fixed-point number. */
function scaledSquare(x: bigint, exponent: number): bigint {
  const square = multiply(x, x);
  const shift = 2 * exponent;
  return shift >= 0 ? square << BigInt(shift) : square >> BigInt(-shift);
}

/** The quotient of two reals. */
export function quotientOf(x: Real, y: Real): Real {
  return {
    negative: x.negative !== y.negative,
    value: (x.value << (2n * POINT)) / y.value,
    scale: x.scale - y.scale - 2 * Number(POINT),
  };
}

/** 2^x - 1 for `x = value · 2^scale` between -1 and 1, with its relative precision. */
export function powerOfTwoMinus1(value: bigint, scale: number): Real {
  const { x, exponent } = normalized(value, scale);
  // t = x ln 2 · 2^exponent; (e^t - 1) / t = 1 + t/2 + t²/6 …
  const scaled = multiply(x, LN2);
  const t = exponent >= 0 ? scaled << BigInt(exponent) : scaled >> BigInt(-exponent);
  let term = ONE;
  let sum = ONE;
  for (let n = 2n; term !== 0n && term !== -1n; n++) {
    term = multiply(term, t) / n;
    sum += term;
  }
  const product = multiply(scaled, sum);
  return { ...real(product), scale: exponent - Number(POINT) };
}

/** log2 of `value · 2^scale`, which is positive and not 1. */
export function binaryLogarithm(value: bigint, scale: number): Real {
  const length = value.toString(2).length;
  let exponent = scale + length - 1;
  let mantissa = value << (POINT + 1n - BigInt(length));
  if (BigInt(length) > POINT + 1n) mantissa = value >> (BigInt(length) - POINT - 1n);
  // The fraction between √½ and √2, so that near 1 nothing cancels.
  if (mantissa > ONE + (ONE >> 1n) - (ONE >> 4n)) {
    exponent++;
    const half = logarithmOfRatio(mantissa - 2n * ONE, mantissa + 2n * ONE);
    return addWhole(half, exponent);
  }
  return addWhole(logarithmOfRatio(mantissa - ONE, mantissa + ONE), exponent);
}

/** log2(1 + x) for `x = value · 2^scale` between -0.3 and 0.42, with its relative precision. */
export function binaryLogarithmOf1Plus(value: bigint, scale: number): Real {
  const { x, exponent } = normalized(value, scale);
  // z = x / (2 + x), with x = m · 2^exponent: m / (2 + x) · 2^exponent.
  const whole = exponent >= 0 ? x << BigInt(exponent) : x >> BigInt(-exponent);
  const m = divide(x, 2n * ONE + whole);
  const z = exponent >= 0 ? m << BigInt(exponent) : m >> BigInt(-exponent);
  const series = artanhOverZ(multiply(z, z));
  const product = divide(2n * multiply(m, series), LN2);
  return { ...real(product), scale: exponent - Number(POINT) };
}

/** 2 · artanh(p/q) / ln 2 of a small ratio, which keeps its relative precision. */
function logarithmOfRatio(p: bigint, q: bigint): Real {
  if (p === 0n) return real(0n);
  const { x, exponent } = normalized(p, -Number(POINT));
  const m = divide(x, q);
  const z = exponent >= 0 ? m << BigInt(exponent) : m >> BigInt(-exponent);
  const product = divide(2n * multiply(m, artanhOverZ(multiply(z, z))), LN2);
  return { ...real(product), scale: exponent - Number(POINT) };
}

/** artanh(z)/z as 1 + z²/3 + z⁴/5 … */
function artanhOverZ(square: bigint): bigint {
  let power = ONE;
  let sum = ONE;
  for (let n = 3n; power !== 0n; n += 2n) {
    power = multiply(power, square);
    sum += power / n;
  }
  return sum;
}

function addWhole(fraction: Real, whole: number): Real {
  if (whole === 0) return fraction;
  const shift = fraction.scale + Number(POINT);
  const magnitude = shift >= 0 ? fraction.value << BigInt(shift) : fraction.value >> BigInt(-shift);
  return real(BigInt(whole) * ONE + (fraction.negative ? -magnitude : magnitude));
}

/** arctan(y/x) for positive numbers `value · 2^scale`, between 0 and π/2, with its relative precision. */
export function arcTangent(
  y: { readonly value: bigint; readonly scale: number },
  x: { readonly value: bigint; readonly scale: number },
): Real {
  // Ratio as m · 2^exponent with m between 1/2 and 2.
  const ny = normalized(y.value, y.scale);
  const nx = normalized(x.value, x.scale);
  const exponent = ny.exponent - nx.exponent;
  if (exponent > Number(POINT)) return real(halfPi);
  if (exponent > 0 || (exponent === 0 && ny.x > nx.x)) {
    const rest = arcTangentBelow1(divide(nx.x, ny.x), -exponent);
    const shift = rest.scale + Number(POINT);
    return real(halfPi - (shift >= 0 ? rest.value << BigInt(shift) : rest.value >> BigInt(-shift)));
  }
  return arcTangentBelow1(divide(ny.x, nx.x), exponent);
}

/** arctan of m · 2^exponent, at most 1. */
function arcTangentBelow1(m: bigint, exponent: number): Real {
  const z = exponent >= 0 ? m << BigInt(exponent) : m >> BigInt(-exponent);
  if (exponent < -8) return { ...real(multiply(m, arcTangentSeries(multiply(z, z)))), scale: exponent - Number(POINT) };
  // Halved three times: tan(a/2) = tan a / (1 + √(1 + tan² a)).
  let t = z;
  for (let n = 0; n < 3; n++) t = divide(t, ONE + squareRoot(ONE + multiply(t, t)));
  return real(8n * multiply(t, arcTangentSeries(multiply(t, t))));
}

/** arctan(z)/z as 1 - z²/3 + z⁴/5 … */
function arcTangentSeries(square: bigint): bigint {
  let power = ONE;
  let sum = ONE;
  let sign = 1n;
  for (let n = 3n; power !== 0n; n += 2n) {
    power = multiply(power, square);
    sign = -sign;
    sum += (sign * power) / n;
  }
  return sum;
}

function squareRoot(x: bigint): bigint {
  const radicand = x << POINT;
  let root = 1n << BigInt((radicand.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (root + radicand / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** π/2 by Machin's formula: π/4 = 4 arctan(1/5) - arctan(1/239). */
const halfPi: bigint = 2n * (4n * arcTangentOfInverse(5n) - arcTangentOfInverse(239n));
export const pi: Real = real(2n * halfPi);

function arcTangentOfInverse(n: bigint): bigint {
  let power = (ONE << 16n) / n;
  let sum = power;
  for (let k = 3n; power !== 0n; k += 2n) {
    power = -power / (n * n);
    sum += power / k;
  }
  return sum >> 16n;
}

/** π minus a real number between 0 and π/2. */
export function piMinus({ value, scale }: Real): Real {
  const shift = scale + Number(POINT);
  return real(2n * halfPi - (shift >= 0 ? value << BigInt(shift) : value >> BigInt(-shift)));
}
