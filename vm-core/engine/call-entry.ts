/**
 * An entry of the call shadow as it lies in memory: a call, an interrupt or an exception that has not returned. The ring
 * of entries is walked towards smaller addresses, which are the callers. Offsets are in bytes; addresses are linear.
 */
import { CALL_SHADOW_SIZE } from '../memory/layout.ts';

export const CALL_ENTRY_SIZE = 64;
export const CALL_ENTRIES = CALL_SHADOW_SIZE / CALL_ENTRY_SIZE;

/** i64: where the return address lies. All ones in an unused entry, and in one whose caller is on another stack. */
export const CALL_SLOT = 0;
/** i64: the return address. */
export const CALL_RETURN = 8;
/** i64: where the call led. */
export const CALL_TARGET = 16;
/** u16: CS of the caller. */
export const CALL_SELECTOR = 24;
/** u8: 0 for a near call, or one of the kinds below. */
export const CALL_KIND = 26;
/** u8: the vector of an interrupt. */
export const CALL_VECTOR = 27;
/** u8: size of the return address in bytes. */
export const CALL_ADDRESS_SIZE = 28;
/** u8: 1 if the caller is on another stack: what follows is of that one. */
export const CALL_CHANGES_STACK = 29;
/** u16 selector, i64 base, i64 pointer: SS:ESP of the caller, on another stack. */
export const CALL_OUTER_SELECTOR = 30;
export const CALL_OUTER_BASE = 32;
export const CALL_OUTER_POINTER = 40;
/** f64: where the other stack begins, infinite if that is not known. */
export const CALL_OUTER_BEGIN = 48;
/** i64: what CALL_SLOT would be. */
export const CALL_INNER_SLOT = 56;

export const KIND_FAR = 1;
export const KIND_SOFTWARE = 2;
export const KIND_EXCEPTION = 3;
export const KIND_EXTERNAL = 4;

/** The entry of the caller's call, and of the next call. */
export function outerEntry(at: number): number {
  return neighbour(at, -CALL_ENTRY_SIZE);
}

export function innerEntry(at: number): number {
  return neighbour(at, CALL_ENTRY_SIZE);
}

function neighbour(at: number, distance: number): number {
  const inRing = CALL_SHADOW_SIZE - 1;
  return (at & ~inRing) | ((at + distance) & inRing);
}
