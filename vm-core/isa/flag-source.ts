/**
 * The operation that has set the arithmetic flags, and what the lazy form of state/lazy-flags.ts is after it (SDM vol. 1
 * appendix A). A staging may keep the operation and make the pair of it only where somebody asks.
 */
import { AUX_ADJUST, AUX_CARRY, AUX_PARTIAL } from '../state/lazy-flags.ts';
import type { Value } from '../wasm/function-builder.ts';
import type { Arithmetic } from './arithmetic.ts';
import type { OperandBits } from './operand.ts';

/**
 * Operands of 8 and 16 bits are zero-extended; results need not be cut. INC and DEC have the carry of before, as 0 or 1.
 */
export type FlagSource = { readonly bits: OperandBits; readonly result: Value } & (
  | { readonly kind: 'sum' | 'difference'; readonly x: Value; readonly y: Value }
  | { readonly kind: 'increment' | 'decrement'; readonly x: Value; readonly carry: Value }
  | { readonly kind: 'logic' }
);

export const CARRY_PAIR: number = AUX_CARRY | AUX_PARTIAL;

/** Carries and corrections after an operation, as the lazy form has them. */
export function auxOf(s: Arithmetic, source: FlagSource): Value {
  const { bits, result } = source;
  switch (source.kind) {
    case 'sum':
      return auxOfCarries(s, carriesOfSum(s, source.x, source.y, result), bits);
    case 'difference':
      return auxOfCarries(s, borrowsOfDifference(s, source.x, source.y, result), bits);
    case 'logic':
      return s.constant(0);
    default:
      return auxKeepingCarry(s, source);
  }
}

/** INC's or DEC's. */
type Step = Extract<FlagSource, { readonly carry: Value }>;

function auxKeepingCarry(s: Arithmetic, step: Step): Value {
  const aux = auxOfCarries(s, carriesOfStep(s, step), step.bits);
  return s.or(s.and(aux, ~CARRY_PAIR), carryAndOverflowBits(s, step.carry, overflowOfAux(s, aux)));
}

/** Carries of INC and borrows of DEC. */
export function carriesOfStep(s: Arithmetic, { kind, x, result }: Step): Value {
  const one = s.constant(1);
  return kind === 'increment' ? carriesOfSum(s, x, one, result) : borrowsOfDifference(s, x, one, result);
}

/** Carries out of each bit, moved to where the lazy form keeps them. */
export function auxOfCarries(s: Arithmetic, carries: Value, bits: OperandBits): Value {
  const upper = bits === 64 ? s.low(s.shrU(carries, 32)) : s.shl(carries, 32 - bits);
  return s.or(s.and(upper, CARRY_PAIR), s.and(s.low(carries), AUX_ADJUST));
}

function carriesOfSum(s: Arithmetic, x: Value, y: Value, sum: Value): Value {
  return s.or(s.and(x, y), s.and(s.or(x, y), s.not(sum)));
}

function borrowsOfDifference(s: Arithmetic, x: Value, y: Value, difference: Value): Value {
  return s.or(s.and(s.not(x), y), s.and(s.not(s.xor(x, y)), difference));
}

/** Carry and overflow, 0 or 1 each, where the lazy form has them. */
export function carryAndOverflowBits(s: Arithmetic, carry: Value, overflow: Value): Value {
  return s.or(s.shl(carry, 31), s.shl(s.and(s.xor(carry, overflow), 1), 30));
}

export function overflowOfAux(s: Arithmetic, aux: Value): Value {
  return s.xor(s.shrU(aux, 31), s.and(s.shrU(aux, 30), 1));
}
