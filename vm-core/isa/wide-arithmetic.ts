/** Products and quotients of 128 bits out of operations on 64 (SDM vol. 2A DIV, IDIV, IMUL; vol. 2B MUL). */
import type { Value } from '../wasm/function-builder.ts';
import type { Arithmetic } from './arithmetic.ts';
import type { Semantics } from './semantics.ts';
import { VECTOR_DE } from './vectors.ts';

const LOW_HALF = 0xffff_ffffn;

/** The product of two i64 as its halves. */
export function product128(s: Arithmetic, x: Value, y: Value, signed: boolean): { low: Value; high: Value } {
  const half = s.f.i64(LOW_HALF);
  const [x0, x1] = [s.and(x, half), s.shrU(x, 32)];
  const [y0, y1] = [s.and(y, half), s.shrU(y, 32)];
  const cross = s.add(s.mul(x1, y0), s.shrU(s.mul(x0, y0), 32));
  const middle = s.add(s.mul(x0, y1), s.and(cross, half));
  const unsigned = s.add(s.mul(x1, y1), s.add(s.shrU(cross, 32), s.shrU(middle, 32)));
  const low = s.mul(x, y);
  if (!signed) return { low, high: unsigned };
  const correction = s.add(s.and(s.shrS(x, 63), y), s.and(s.shrS(y, 63), x));
  return { low, high: s.sub(unsigned, correction) };
}

interface Quotient {
  readonly quotient: Value;
  readonly remainder: Value;
}

/** What is left of a dividend, by a product: a host's second division takes several times as long. */
export function remainderOf(s: Arithmetic, dividend: Value, quotient: Value, divisor: Value): Value {
  return s.sub(dividend, s.mul(quotient, divisor));
}

/** high:low by a divisor that is not zero; #DE where the quotient has more than 64 bits. */
export function unsignedQuotient128(s: Semantics, high: Value, low: Value, divisor: Value): Quotient {
  s.if(s.f.binary('geU', high, divisor), () => s.raise(VECTOR_DE));
  const remainder = s.variable(high);
  const quotient = s.variable(low);
  s.if(
    s.isZero(high),
    () => {
      s.set(quotient, s.f.binary('divU', low, divisor));
      s.set(remainder, remainderOf(s, low, quotient, divisor));
    },
    () => divideBitwise(s, remainder, quotient, divisor),
  );
  return { quotient, remainder };
}

type Mutable = ReturnType<Semantics['variable']>;

/** Shifts remainder:quotient left 64 times; a bit of the quotient is set where the divisor fits into the remainder. */
function divideBitwise(s: Semantics, remainder: Mutable, quotient: Mutable, divisor: Value): void {
  const left = s.variable(s.constant(64));
  s.loop((again) => {
    const out = s.bit(remainder, 63);
    s.set(remainder, s.or(s.shl(remainder, 1), s.shrU(quotient, 63)));
    s.set(quotient, s.shl(quotient, 1));
    s.if(s.or(out, s.f.binary('geU', remainder, divisor)), () => {
      s.set(remainder, s.sub(remainder, divisor));
      s.set(quotient, s.or(quotient, 1));
    });
    s.set(left, s.sub(left, s.constant(1)));
    s.branchIf(left, again);
  });
}

/** The same with signs: the quotient is rounded to zero, the remainder has the dividend's sign. */
export function signedQuotient128(s: Semantics, high: Value, low: Value, divisor: Value): Quotient {
  const dividendSign = s.shrS(high, 63);
  const divisorSign = s.shrS(divisor, 63);
  const negate = (x: Value, sign: Value) => s.sub(s.xor(x, sign), sign);
  const absoluteLow = negate(low, dividendSign);
  const borrow = s.and(dividendSign, s.wideUnsigned(s.eq(low, 0)));
  const absoluteHigh = s.add(s.xor(high, dividendSign), borrow);
  const { quotient, remainder } = unsignedQuotient128(s, absoluteHigh, absoluteLow, negate(divisor, divisorSign));
  const sign = s.xor(dividendSign, divisorSign);
  const result = negate(quotient, sign);
  const fits = s.or(s.isZero(quotient), s.eq(s.shrS(result, 63), sign));
  s.if(s.isZero(fits), () => s.raise(VECTOR_DE));
  return { quotient: result, remainder: negate(remainder, dividendSign) };
}
