/**
 * How users and clients name places in memory: memory references (`0x7c00` linear, `p:0x7c00` physical), and the names
 * that function breakpoints take (label, label+offset, seg:off, linear).
 */
import { localized } from '../protocol/localized.ts';
import { compileAddress } from '../expressions/compile.ts';
import { formatHex } from '../expressions/format.ts';
import { ExpressionError } from '../expressions/tokens.ts';
import type { Guest } from './guest.ts';
import { UserError } from './user-error.ts';

/** An address with the space it lies in. */
export interface Place {
  readonly space: 'linear' | 'physical';
  readonly address: number;
}

const REFERENCE = /^(p:)?(0x[0-9a-f]+|\d+)$/i;
const ADDRESS_END = 2 ** 32;
const UPPER_HALF = 2n ** 63n;
/** So far below 0 a view may scroll; what lies lower is an address of the upper half. */
const SCROLLED_MAX = 2 ** 20;

/** The memory reference that the session gives out for a linear address. */
export function linearReference(linearAddress: number): string {
  return formatHex(linearAddress, 32);
}

/** Memory that the debugger has written, for the `memory` event. */
export interface WrittenMemory {
  readonly memoryReference: string;
  readonly count: number;
}

/** What the debugger has written at a linear address, `width` in bits, for the `memory` event. */
export function writtenAt(linearAddress: number, width: number): WrittenMemory {
  return { memoryReference: linearReference(linearAddress), count: Math.ceil(width / 8) };
}

/**
 * The place of a memory reference, or of anything else that names one: `0000:7C00`, a label, an expression. Throws a
 * UserError for text that names no place.
 */
export function placeOf(guest: Guest, reference: string, offset = 0): Place {
  if (REFERENCE.test(reference.trim())) return parseReference(reference, offset);
  try {
    return { space: 'linear', address: compileAddress(reference, guest.expressions)() + offset };
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    const forms = '0x7c00 (linear), p:0x7c00 (physical), 0000:7C00, a label or an expression';
    throw new UserError(
      'bad-address',
      localized('{0} is no memory reference ({1}); write {2}', reference, error.message, forms),
    );
  }
}

/**
 * The place of a memory reference moved by `offset`. The address may lie outside the space (a client scrolls below 0);
 * callers treat that as unmapped. Throws a UserError for text that is no reference.
 */
export function parseReference(reference: string, offset = 0): Place {
  const match = REFERENCE.exec(reference.trim());
  if (!match) {
    throw new UserError(
      'bad-address',
      localized('{0} is no memory reference; write 0x7c00 (linear) or p:0x7c00 (physical)', reference),
    );
  }
  return { space: match[1] ? 'physical' : 'linear', address: signedAddress(BigInt(match[2] as string)) + offset };
}

/** Addresses in the upper half of 64 bits are negative numbers. */
function signedAddress(address: bigint): number {
  return Number(address >= UPPER_HALF ? BigInt.asIntN(64, address) : address);
}

/** Hexadecimal without a mark, as listings and monitors print addresses: `7C00`. Expressions know `0000:7C00`. */
const BARE_LINEAR = /^\s*([0-9a-f]{1,8})\s*$/i;

/**
 * The linear address of a function breakpoint's name. A label wins over a number; numbers may go without a mark, they
 * are hexadecimal then. Throws a UserError that says what is wrong.
 */
export function resolvePlaceName(guest: Guest, name: string): number {
  const label = guest.symbols.label(name.trim());
  if (label !== undefined) return label;
  const linear = BARE_LINEAR.exec(name);
  const text = linear ? `0x${linear[1]}` : name.replace(/^\s*\+/, '');
  try {
    return compileAddress(text, guest.expressions)();
  } catch (error) {
    if (error instanceof ExpressionError)
      throw new UserError('bad-address', localized('{0}: {1}', name, error.message));
    throw error;
  }
}

/** In 64-bit mode every linear address may be mapped. */
function isInSpace(guest: Guest, space: Place['space'], address: number): boolean {
  return (address >= 0 && address < ADDRESS_END) || (space === 'linear' && guest.is64Bit);
}

/** Copies memory at a place; short where nothing is mapped, empty outside the address space. */
export function readPlace(guest: Guest, { space, address }: Place, length: number): Uint8Array {
  if (!isInSpace(guest, space, address)) return new Uint8Array(0);
  return space === 'physical' ? guest.machine.memory.read(address, length) : guest.readLinear(address, length);
}

/** Writes memory at a place; returns how many bytes found memory. */
export function writePlace(guest: Guest, { space, address }: Place, bytes: Uint8Array): number {
  if (!isInSpace(guest, space, address)) return 0;
  return space === 'physical' ? guest.machine.memory.write(address, bytes) : guest.writeLinear(address, bytes);
}

/** Writes a place as a reference. */
export function formatReference({ space, address }: Place): string {
  return (
    (space === 'physical' ? 'p:' : '') +
    (address < 0 && address > -SCROLLED_MAX ? '0x00000000' : formatHex(address, 32))
  );
}
