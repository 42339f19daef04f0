/**
 * Floating-point numbers as text and back: single, double and the 80 bits of the x87 (SDM vol. 1 §4.2.2). What is shown is
 * the shortest text, of 80 bits one of 21 digits, that reads as the same number again.
 */

export type FloatFormat = 'single' | 'double' | 'extended';

const NUMBER = /^([+-]?)(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:e([+-]?\d{1,5}))?$/i;
const SPECIAL = /^([+-]?)(inf|infinity|nan)$/i;
const SINGLE_DIGITS = 9;
const EXTENDED_DIGITS = 21;
const BIAS = 16383;
const TOP = 1n << 63n;
const view = new DataView(new ArrayBuffer(8));

/** The number that the bits are. */
export function floatText(bits: bigint, format: FloatFormat): string {
  if (format === 'extended') return extendedText(bits);
  view.setBigUint64(0, bits, true);
  if (format === 'double') return textOf(view.getFloat64(0, true));
  const value = view.getFloat32(0, true);
  if (value === 0) return textOf(value);
  for (let digits = 1; digits < SINGLE_DIGITS && Number.isFinite(value); digits++) {
    const text = Number(value.toPrecision(digits));
    if (Math.fround(text) === value) return textOf(text);
  }
  return textOf(value);
}

const textOf = (value: number): string => (Object.is(value, -0) ? '-0' : String(value));

/** The bits of a number in decimals, of Infinity or NaN; undefined for other text. */
export function parseFloatText(text: string, format: FloatFormat): bigint | undefined {
  const trimmed = text.trim();
  const special = SPECIAL.exec(trimmed);
  if (special) return specialBits(special[1] === '-', /nan/i.test(trimmed), format);
  const match = NUMBER.exec(trimmed);
  if (!match) return undefined;
  if (format === 'extended') return parseExtended(match);
  view.setBigUint64(0, 0n, true);
  if (format === 'double') view.setFloat64(0, Number(trimmed), true);
  else view.setFloat32(0, Number(trimmed), true);
  return view.getBigUint64(0, true);
}

function specialBits(negative: boolean, noNumber: boolean, format: FloatFormat): bigint {
  const widths = { single: [31n, 23n, 0xffn], double: [63n, 52n, 0x7ffn], extended: [79n, 64n, 0x7fffn] } as const;
  const [signAt, exponentAt, exponent] = widths[format];
  const integer = format === 'extended' ? TOP : 0n;
  const quiet = noNumber ? 1n << (exponentAt - (format === 'extended' ? 2n : 1n)) : 0n;
  return (negative ? 1n << signAt : 0n) | (exponent << exponentAt) | integer | quiet;
}

function extendedText(bits: bigint): string {
  const sign = bits >> 79n === 0n ? '' : '-';
  const exponent = Number((bits >> 64n) & 0x7fffn);
  const significand = bits & ((1n << 64n) - 1n);
  if (exponent === 0 && significand === 0n) return `${sign}0`;
  if (exponent !== 0 && significand < TOP) return 'NaN';
  if (exponent === 0x7fff) return significand === TOP ? `${sign}Infinity` : 'NaN';
  return sign + decimalText(significand, Math.max(exponent, 1) - BIAS - 63);
}

/** `value · 2^scale` with 21 digits. */
function decimalText(value: bigint, scale: number): string {
  const bits = value.toString(2).length + scale;
  let power = Math.floor((bits - 1) * Math.log10(2));
  let digits = digitsAt(value, scale, power);
  if (digits.length > EXTENDED_DIGITS) digits = digitsAt(value, scale, ++power);
  const shown = digits.replace(/0+$/, '');
  if (power < -7 || power >= EXTENDED_DIGITS) {
    return `${shown[0]}${shown.length > 1 ? `.${shown.slice(1)}` : ''}e${power < 0 ? '' : '+'}${power}`;
  }
  if (power < 0) return `0.${'0'.repeat(-power - 1)}${shown}`;
  const fraction = shown.slice(power + 1);
  return shown.slice(0, power + 1).padEnd(power + 1, '0') + (fraction === '' ? '' : `.${fraction}`);
}

/** The digits from the one that stands for 10^power on. */
function digitsAt(value: bigint, scale: number, power: number): string {
  const shift = EXTENDED_DIGITS - 1 - power;
  const above = (value << BigInt(Math.max(scale, 0))) * 10n ** BigInt(Math.max(shift, 0));
  const below = (1n << BigInt(Math.max(-scale, 0))) * 10n ** BigInt(Math.max(-shift, 0));
  return ((above + below / 2n) / below).toString();
}

function parseExtended([, sign, whole, behind, only, power]: RegExpExecArray): bigint {
  const fraction = behind ?? only ?? '';
  const digits = BigInt((whole ?? '') + fraction);
  const exponent = Number(power ?? 0) - fraction.length;
  const signBit = sign === '-' ? 1n << 79n : 0n;
  if (digits === 0n) return signBit;
  if (exponent > 5000) return signBit | (0x7fffn << 64n) | TOP;
  if (exponent < -5000 - fraction.length - (whole ?? '').length) return signBit;
  const above = digits * 10n ** BigInt(Math.max(exponent, 0));
  const below = 10n ** BigInt(Math.max(-exponent, 0));
  return signBit | roundExtended(above, below);
}

/** A quotient as exponent and significand, rounded to the nearest, of two the even one. */
function roundExtended(above: bigint, below: bigint): bigint {
  const lengthOf = (value: bigint) => value.toString(2).length;
  let scale = Math.max(lengthOf(above) - lengthOf(below) - 64, 1 - BIAS - 63);
  let rounded = roundedQuotient(above, below, scale);
  while (rounded >> 64n !== 0n) rounded = roundedQuotient(above, below, ++scale);
  const exponent = rounded < TOP ? 0 : scale + 63 + BIAS;
  return exponent >= 0x7fff ? (0x7fffn << 64n) | TOP : (BigInt(exponent) << 64n) | rounded;
}

function roundedQuotient(above: bigint, below: bigint, scale: number): bigint {
  const top = scale < 0 ? above << BigInt(-scale) : above;
  const bottom = scale > 0 ? below << BigInt(scale) : below;
  const quotient = top / bottom;
  const rest = 2n * (top - quotient * bottom);
  return rest > bottom || (rest === bottom && (quotient & 1n) === 1n) ? quotient + 1n : quotient;
}
