/** Numbers for tests of floating-point operations: of every kind, and near the places where rounding matters. */

import { oneOf, type RandomWords } from './random.ts';

/** Fields of a format: how many bits of fraction (the top bit of a significand that has it not counted), and exponents. */
interface Shape {
  readonly fraction: number;
  readonly special: number;
  /** Exponents at which numbers of narrower formats begin and end, or have no place left. */
  readonly limits: readonly number[];
}

export const shapes = {
  single: { fraction: 23, special: 0xff, limits: [-25, -14, 15] },
  double: { fraction: 52, special: 0x7ff, limits: [-150, -126, 127] },
  extended: { fraction: 63, special: 0x7fff, limits: [-1075, -1022, -150, -126, 127, 1023] },
} as const satisfies Readonly<Record<string, Shape>>;

export interface FloatNumber {
  readonly sign: 0 | 1;
  readonly exponent: number;
  readonly fraction: bigint;
}

/** Zero, infinity, a NaN of each kind, a denormal number, one at an end of the range, or one near `neighbour`. */
export function anyNumber(
  next: RandomWords,
  { fraction: width, special, limits }: Shape,
  neighbour?: number,
): FloatNumber {
  const below = (end: number) => next() % end;
  const sign = below(2) as 0 | 1;
  const all = (1n << BigInt(width)) - 1n;
  const random = wideWord(next) & all;
  const shapesOfFraction = [0n, all, 1n << BigInt(below(width)), random & ~((1n << BigInt(below(width))) - 1n)];
  const fraction = shapesOfFraction[below(7)] ?? random;
  const quiet = 1n << BigInt(width - 1);
  const inside = (exponent: number) => Math.min(special - 1, Math.max(1, exponent));
  switch (below(22)) {
    case 0:
      return { sign, exponent: 0, fraction: 0n };
    case 1:
      return { sign, exponent: special, fraction: 0n };
    case 2:
      return { sign, exponent: special, fraction: quiet | fraction };
    case 3:
      return { sign, exponent: special, fraction: 1n | (random >> 2n) };
    case 4:
      return { sign, exponent: 0, fraction: fraction >> BigInt(below(width)) };
    case 5:
      return { sign, exponent: inside(1 + below(30)), fraction };
    case 6:
      return { sign, exponent: inside(special - 1 - below(30)), fraction };
    case 7:
      return { sign, exponent: inside(below(special)), fraction };
    case 8:
    case 9:
      return { sign, exponent: inside((special >> 1) + oneOf(next, limits) + below(5) - 2), fraction };
    default:
      return { sign, exponent: inside((neighbour ?? special >> 1) + below(140) - 70), fraction };
  }
}

/** Any 64 bits. */
function wideWord(next: RandomWords): bigint {
  return (BigInt(next()) << 32n) | BigInt(next());
}
