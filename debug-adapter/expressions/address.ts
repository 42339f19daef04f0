/**
 * Linear addresses of 64 bits in TypeScript: signed numbers, as the machine takes them, and `bigint` only where a number
 * would not be exact: beyond 2^53 on both sides of the hole between canonical addresses (SDM vol. 1 §3.3.7.1), where
 * 5-level paging reaches.
 */

/** A linear address: unsigned in modes of 32-bit addresses, signed in 64-bit mode; `bigint` only beyond 2^53. */
export type LinearAddress = number | bigint;

/** The address that 64 bits are. */
export function addressOfBits(bits: bigint): LinearAddress {
  const signed = BigInt.asIntN(64, bits);
  const number = Number(signed);
  return Number.isSafeInteger(number) ? number : signed;
}

/** The address so many bytes behind another; wraps at 2^64. */
export function addressBehind(address: LinearAddress, count: number): LinearAddress {
  if (typeof address === 'number' && Number.isSafeInteger(address + count)) return address + count;
  return addressOfBits(BigInt(address) + BigInt(count));
}

/** Where the block of a size, which is a power of two of at least 8, begins that an address lies in; always a number. */
export function blockBegin(address: LinearAddress, size: number): number {
  if (typeof address === 'number') return address - offsetInBlock(address, size);
  return Number(address - BigInt(offsetInBlock(address, size)));
}

/** Distance of an address from the beginning of such a block. */
export function offsetInBlock(address: LinearAddress, size: number): number {
  // The lower bits of a number's 32 are those of the whole, negative ones included.
  return typeof address === 'number' ? address & (size - 1) : Number(BigInt.asUintN(64, address) & BigInt(size - 1));
}

/** The bits of an address of 64 bits, unsigned. */
export function bitsOf(address: LinearAddress): bigint {
  return BigInt.asUintN(64, BigInt(address));
}
