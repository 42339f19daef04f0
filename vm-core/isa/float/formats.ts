/**
 * The floating-point formats and how operations on them are told what to do and tell what happened (SDM vol. 1 §4.2, §4.8,
 * §8.5, §11.5).
 *
 * Values are unpacked to the range of the double extended format: a sign (i32, 0 or 1), an exponent (i32, biased by 16383;
 * below 1 for what is denormal), and a significand (i64) whose top bit is set.
 */

/** Exceptions by their bits in the x87 status word and in MXCSR. */
export const INVALID = 1;
export const DENORMAL = 2;
export const ZERO_DIVIDE = 4;
export const OVERFLOW = 8;
export const UNDERFLOW = 0x10;
export const INEXACT = 0x20;
/** The result was rounded up: C1 of the x87 status word. */
export const ROUNDED_UP = 0x200;

/**
 * The environment of an operation, an i32. Rounding: 0 nearest, 1 down, 2 up, 3 toward zero. Precision, for the double
 * extended format: 0 24 bits, 2 53 bits, 3 64 bits.
 */
export const ENVIRONMENT_ROUNDING = 3;
export const ENVIRONMENT_PRECISION_SHIFT = 2;
/** Overflow and underflow are not masked. */
export const ENVIRONMENT_OVERFLOW = 0x10;
export const ENVIRONMENT_UNDERFLOW = 0x20;
/** What underflows becomes zero; denormal operands count as zero. */
export const ENVIRONMENT_FLUSH = 0x40;
export const ENVIRONMENT_DENORMALS_ARE_ZERO = 0x80;

export const EXTENDED_BIAS = 16383;
/** The exponent of infinities and NaNs in the double extended format. */
export const EXTENDED_SPECIAL = 0x7fff;
/** What x87 adds to or takes from exponents that underflow or overflow without a mask (SDM vol. 1 §8.5.4). */
export const EXPONENT_WRAP = 24576;

/** A format of 16, 32 or 64 bits. */
export interface NarrowFormat {
  readonly bits: 16 | 32 | 64;
  /** Bits of the significand, the hidden one included. */
  readonly precision: number;
  readonly bias: number;
  /** The exponent of infinities and NaNs. */
  readonly special: number;
}

export const half: NarrowFormat = { bits: 16, precision: 11, bias: 15, special: 0x1f };
export const single: NarrowFormat = { bits: 32, precision: 24, bias: 127, special: 0xff };
export const double: NarrowFormat = { bits: 64, precision: 53, bias: 1023, special: 0x7ff };
