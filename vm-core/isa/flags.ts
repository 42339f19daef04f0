/** How results set the arithmetic flags, in the lazy form of state/lazy-flags.ts (SDM vol. 1 appendix A). */
import { auxOf, auxOfCarries, carriesOfStep, CARRY_PAIR, carryAndOverflowBits, overflowOfAux } from './flag-source.ts';
import type { Value } from '../wasm/function-builder.ts';
import type { OperandBits } from './operand.ts';
import type { Arithmetic } from './arithmetic.ts';
import type { Semantics } from './semantics.ts';

/** Arithmetic where there are flags. */
export type FlagKeeper = Arithmetic &
  Pick<Semantics, 'readFlagsResult' | 'readFlagsAux' | 'writeFlags' | 'writeFlagsAux' | 'knownCondition'>;

/** Conditions that are one flag. */
const CONDITION_O = 0;
const CONDITION_B = 2;
const CONDITION_Z = 4;
const CONDITION_S = 8;

function wideResult(s: Semantics, result: Value, bits: OperandBits): Value {
  return s.wideSigned(s.signed(result, bits));
}

/** Flags of x + y: the sum need not be cut to the operand's size. */
export function flagsOfSum(s: Semantics, x: Value, y: Value, result: Value, bits: OperandBits): void {
  if (!s.keepsFlags({ kind: 'sum', x, y, result, bits })) flagsOfCarriedSum(s, x, y, result, bits);
}

/** Flags of x - y. */
export function flagsOfDifference(s: Semantics, x: Value, y: Value, result: Value, bits: OperandBits): void {
  if (!s.keepsFlags({ kind: 'difference', x, y, result, bits })) flagsOfBorrowedDifference(s, x, y, result, bits);
}

/** Flags of x + y + carry. */
export function flagsOfCarriedSum(s: Semantics, x: Value, y: Value, result: Value, bits: OperandBits): void {
  s.writeFlags(wideResult(s, result, bits), auxOf(s, { kind: 'sum', x, y, result, bits }));
}

/** Flags of x - y - borrow. */
export function flagsOfBorrowedDifference(s: Semantics, x: Value, y: Value, result: Value, bits: OperandBits): void {
  s.writeFlags(wideResult(s, result, bits), auxOf(s, { kind: 'difference', x, y, result, bits }));
}

/** Flags of AND, OR, XOR, TEST: carry and overflow clear. */
export function flagsOfLogic(s: Semantics, result: Value, bits: OperandBits): void {
  if (!s.keepsFlags({ kind: 'logic', result, bits })) s.writeFlags(wideResult(s, result, bits), s.constant(0));
}

/** Flags of INC and DEC: as of the sum or difference, but the carry stays. */
export function flagsKeepingCarry(s: Semantics, x: Value, result: Value, bits: OperandBits, up: boolean): void {
  const carry = carryFlag(s);
  // The order of what follows counts: V8's code for the loop was a quarter slower with another one.
  const source = { kind: up ? 'increment' : 'decrement', x, result, carry, bits } as const;
  if (s.keepsFlags(source)) return;
  const aux = auxOfCarries(s, carriesOfStep(s, source), bits);
  const overflow = overflowOfAux(s, aux);
  s.writeFlags(wideResult(s, result, bits), s.or(s.and(aux, ~CARRY_PAIR), carryAndOverflowBits(s, carry, overflow)));
}

/** Flags of a shift: sign, zero and parity of the result, given carry and overflow (0 or 1). */
export function flagsOfShift(s: Semantics, result: Value, carry: Value, overflow: Value, bits: OperandBits): void {
  s.writeFlags(wideResult(s, result, bits), carryAndOverflowBits(s, carry, overflow));
}

/** Replaces carry and overflow (0 or 1 each), keeps the other four. */
export function setCarryAndOverflow(s: Semantics, carry: Value, overflow: Value): void {
  s.writeFlagsAux(s.or(s.and(s.readFlagsAux(), ~CARRY_PAIR), carryAndOverflowBits(s, carry, overflow)));
}

/** Replaces the carry (0 or 1), keeps the other five. */
export function setCarry(s: Semantics, carry: Value): void {
  setCarryAndOverflow(s, carry, overflowFlag(s));
}

/** Sets SF, ZF, AF, PF, CF from the places of the low byte of EFLAGS, and the overflow flag from 0 or 1. */
export function setFlagsFromByte(s: FlagKeeper, flags: Value, overflow: Value): void {
  const zero = s.and(s.shrU(flags, 6), 1);
  const result = s.xor(zero, 1);
  const sign = s.and(s.shrU(flags, 7), 1);
  const parity = s.and(s.shrU(flags, 2), 1);
  const adjust = s.shl(s.and(s.shrU(flags, 4), 1), 3);
  const parityFlip = s.shl(s.xor(parity, zero), 8);
  const aux = s.or(s.or(adjust, parityFlip), s.or(sign, carryAndOverflowBits(s, s.and(flags, 1), overflow)));
  s.writeFlags(s.wideUnsigned(result), aux);
}

export function carryFlag(s: FlagKeeper): Value {
  return s.knownCondition(CONDITION_B) ?? s.shrU(s.readFlagsAux(), 31);
}

export function overflowFlag(s: FlagKeeper): Value {
  return s.knownCondition(CONDITION_O) ?? overflowOfAux(s, s.readFlagsAux());
}

export function zeroFlag(s: FlagKeeper): Value {
  return s.knownCondition(CONDITION_Z) ?? s.isZero(s.readFlagsResult());
}

export function signFlag(s: FlagKeeper): Value {
  const known = s.knownCondition(CONDITION_S);
  if (known) return known;
  const sign = s.low(s.shrU(s.readFlagsResult(), 63));
  return s.xor(sign, s.and(s.readFlagsAux(), 1));
}

export function parityFlag(s: FlagKeeper): Value {
  const byte = s.and(s.xor(s.low(s.readFlagsResult()), s.shrU(s.readFlagsAux(), 8)), 0xff);
  return s.xor(s.and(s.f.unary('popcnt', byte), 1), 1);
}

export function adjustFlag(s: FlagKeeper): Value {
  return s.and(s.shrU(s.readFlagsAux(), 3), 1);
}

/** SF, ZF, AF, PF, CF in the places of the low byte of EFLAGS, with bit 1 set. */
export function flagsByte(s: FlagKeeper): Value {
  let byte = s.or(carryFlag(s), 2);
  byte = s.or(byte, s.shl(parityFlag(s), 2));
  byte = s.or(byte, s.shl(adjustFlag(s), 4));
  byte = s.or(byte, s.shl(zeroFlag(s), 6));
  return s.or(byte, s.shl(signFlag(s), 7));
}

/** The condition that the low four bits of Jcc, SETcc name, as 0 or 1 (SDM vol. 2 appendix B.1.4.7). */
export function condition(s: Semantics, code: number): Value {
  const value = s.knownCondition(code & ~1) ?? positiveCondition(s, code >> 1);
  return (code & 1) === 1 ? s.xor(value, 1) : value;
}

function positiveCondition(s: Semantics, pair: number): Value {
  switch (pair) {
    case 0:
      return overflowFlag(s);
    case 1:
      return carryFlag(s);
    case 2:
      return zeroFlag(s);
    case 3:
      return s.or(carryFlag(s), zeroFlag(s));
    case 4:
      return signFlag(s);
    case 5:
      return parityFlag(s);
    case 6:
      return s.xor(signFlag(s), overflowFlag(s));
    default:
      return s.or(zeroFlag(s), s.xor(signFlag(s), overflowFlag(s)));
  }
}
