/**
 * The six arithmetic flags, kept as two values until somebody asks (SDM vol. 1 §3.4.3.1).
 *
 *   result  i64, sign-extended from the operand size: ZF is `result == 0`, SF its sign, PF the parity of its low byte
 *   aux     i32: bit 31 carry out of the top bit (CF); bit 30 carry out of the bit below it (OF = bit 31 xor bit 30);
 *           bit 3 carry out of bit 3 (AF); bits 8–15 flip the parity byte; bit 0 flips the sign
 *
 * Every combination of the six flags has such a pair, so explicit writes (POPF, SAHF) need no second form.
 */

export const CF = 1 << 0;
export const PF = 1 << 2;
export const AF = 1 << 4;
export const ZF = 1 << 6;
export const SF = 1 << 7;
export const TF = 1 << 8;
export const IF = 1 << 9;
export const DF = 1 << 10;
export const OF = 1 << 11;
export const IOPL = 3 << 12;
export const NT = 1 << 14;
export const RF = 1 << 16;
export const VM = 1 << 17;
export const AC = 1 << 18;
export const VIF = 1 << 19;
export const VIP = 1 << 20;
export const ID = 1 << 21;
export const ARITHMETIC_FLAGS: number = CF | PF | AF | ZF | SF | OF;

export const AUX_CARRY = 1 << 31;
export const AUX_PARTIAL = 1 << 30;
export const AUX_ADJUST = 1 << 3;
export const AUX_SIGN_FLIP = 1;

/** True when the low byte has an even number of ones. */
export function parityEven(value: number): boolean {
  const folded = (value ^ (value >> 4)) & 0xf;
  return ((0x6996 >> folded) & 1) === 0;
}

/** The arithmetic bits of EFLAGS for a lazy pair; `resultLow` and `resultHigh` are the halves of the result. */
export function materializeFlags(resultLow: number, resultHigh: number, aux: number): number {
  const carry = (aux >>> 31) & 1;
  let flags = carry;
  if (parityEven((resultLow ^ (aux >>> 8)) & 0xff)) flags |= PF;
  if ((aux & AUX_ADJUST) !== 0) flags |= AF;
  if ((resultLow | resultHigh) === 0) flags |= ZF;
  if (((resultHigh >>> 31) ^ (aux & 1)) === 1) flags |= SF;
  if ((carry ^ ((aux >>> 30) & 1)) === 1) flags |= OF;
  return flags;
}

/** A lazy pair with the given flags. The result is 0 for ZF and 1 otherwise; sign and parity are set by the flips. */
export function lazyPairOf(flags: number): { readonly result: 0 | 1; readonly aux: number } {
  const result = (flags & ZF) !== 0 ? 0 : 1;
  const carry = flags & CF;
  let aux = carry << 31;
  if ((carry ^ ((flags >> 11) & 1)) === 1) aux |= AUX_PARTIAL;
  if ((flags & AF) !== 0) aux |= AUX_ADJUST;
  if ((flags & SF) !== 0) aux |= AUX_SIGN_FLIP;
  const evenNow = result === 0;
  if (((flags & PF) !== 0) !== evenNow) aux |= 0x100;
  return { result, aux };
}
