/**
 * Linear addresses and offsets of 64-bit mode: signed, with up to 57 significant bits (SDM vol. 3A §4.5), of which a number
 * holds 53. The others are rare, so that they may cost more.
 */

/** A number as far as those are exact; a bigint beyond, and only there, so that equal addresses are `===`. */
export type Address = number | bigint;

const EXACT = 2 ** 53;
const HALF = 2 ** 32;
const PAGE_MASK = 0xfff;
const WIDE_PAGE_MASK = 0xfffn;

/** The address that a signed integer is. */
export function addressOf(value: bigint): Address {
  const rounded = Number(value);
  return isExact(rounded) ? rounded : value;
}

/** From the upper half, signed, and the lower one, unsigned. */
export function addressFrom(high: number, low: number): Address {
  const rounded = high * HALF + low;
  return isExact(rounded) ? rounded : (BigInt(high) << 32n) | BigInt(low);
}

/** True if a number that an address was made into is the address itself. */
export function isExact(rounded: number): boolean {
  return rounded < EXACT && rounded > -EXACT;
}

/** Some bytes further, in 64 bits. */
export function plus(address: Address, distance: number): Address {
  if (typeof address === 'number') {
    const sum = address + distance;
    if (isExact(sum)) return sum;
  }
  return addressOf(BigInt.asIntN(64, BigInt(address) + BigInt(distance)));
}

/** The sum of a base and an offset, in 64 bits. */
export function sumOf(base: Address, offset: Address): Address {
  if (typeof offset === 'number') return plus(base, offset);
  return addressOf(BigInt.asIntN(64, BigInt(base) + offset));
}

/** Bits 0–31, as a signed number. */
export function lowHalf(address: Address): number {
  return typeof address === 'number' ? address | 0 : Number(BigInt.asIntN(32, address));
}

/** Bits 32–63, as a signed number. */
export function highHalf(address: Address): number {
  return typeof address === 'number' ? Math.floor(address / HALF) : Number(address >> 32n);
}

/** The beginning of the page, which a number holds whatever the address. */
export function pageStart(address: Address): number {
  return typeof address === 'number' ? address - (address & PAGE_MASK) : Number(address & ~WIDE_PAGE_MASK);
}

/** Distance from the beginning of the page. */
export function offsetInPage(address: Address): number {
  return typeof address === 'number' ? address & PAGE_MASK : Number(address & WIDE_PAGE_MASK);
}
