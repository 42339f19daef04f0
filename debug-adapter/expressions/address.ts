/** Addresses of 64 bits on their way between expressions, whose values are unsigned, and the machine, whose are signed. */
import { type Address, addressOf } from '../../vm-core/index.ts';

/** The address that 64 bits are. */
export function addressOfBits(bits: bigint): Address {
  return addressOf(BigInt.asIntN(64, bits));
}

/** The bits of an address of 64 bits, unsigned. */
export function bitsOf(address: Address): bigint {
  return BigInt.asUintN(64, BigInt(address));
}
