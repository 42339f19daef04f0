/**
 * The addresses that a memory view can show. They are signed numbers: those of the upper half of 64-bit mode are negative.
 * A view stays in one half; between the halves lies the hole of what is not canonical (SDM vol. 1 §3.3.7.1).
 */
import { ADDRESS_MAX, type AddressWidths, type MemorySpace, WINDOW_SIZE } from '../../debug-adapter/protocol/memory.ts';

/** The addresses start ≤ address < end. */
export interface Limits {
  readonly start: number;
  readonly end: number;
}

/** The half of a space in which an address lies. */
export function limitsOf(space: MemorySpace, { linear, physical }: AddressWidths, address: number): Limits {
  if (space === 'physical') return { start: 0, end: Math.max(WINDOW_SIZE, 2 ** physical) };
  const isWide = linear > 32 || address < 0 || address >= WINDOW_SIZE;
  if (!isWide) return { start: 0, end: WINDOW_SIZE };
  const end = linear > 32 ? Math.min(2 ** (linear - 1), ADDRESS_MAX + 1) : ADDRESS_MAX + 1;
  return address < 0 ? { start: -end, end: 0 } : { start: 0, end };
}

/** The beginning of the part of the space through which the scroll bar leads while an address is shown. */
export function windowOf(address: number): number {
  return floorTo(address, WINDOW_SIZE);
}

/** The last multiple of a size that is not greater. */
export function floorTo(address: number, size: number): number {
  return Math.floor(address / size) * size;
}

/** Digits of an address as the mode has them; more where one needs them. */
export function addressDigits(space: MemorySpace, { shown }: AddressWidths): number {
  return space === 'linear' && shown === 64 ? 16 : 8;
}

/** Upper-case digits, at least so many. */
export function hexadecimal(value: number, digits: number): string {
  const bits = value < 0 ? BigInt.asUintN(64, BigInt(value)) : value;
  return bits.toString(16).toUpperCase().padStart(digits, '0');
}
