/**
 * How users and clients name places in memory: memory references (`0x7c00` linear, `p:0x7c00` physical; where processors
 * are several, `cpu1:` before a linear one says who sees it), and the names that function breakpoints take (label, label+offset, seg:off, linear).
 */
import { localized } from '../protocol/localized.ts';
import { type Address, plus } from '../../vm-core/index.ts';
import { addressOfBits } from '../expressions/address.ts';
import { compileAddress } from '../expressions/compile.ts';
import { formatHex } from '../expressions/format.ts';
import { ExpressionError } from '../expressions/tokens.ts';
import { memoryPrefix } from './cpu-ids.ts';
import type { Guest } from './guest.ts';
import { UserError } from './user-error.ts';

/** An address with the space it lies in. */
export interface Place {
  readonly space: 'linear' | 'physical';
  readonly address: number;
}

/**
 * Memory to be read or written, to the byte in all of 64 bits. `isUpper` tells which half of the address space it was named
 * in: what a client reaches by scrolling out of a half (below 0, behind 2^64) is nowhere, and not in the other half.
 */
export interface MemoryPlace {
  readonly space: 'linear' | 'physical';
  readonly address: Address;
  readonly isUpper?: boolean;
}

const REFERENCE = /^(p:)?(0x[0-9a-f]+|\d+)$/i;
const ADDRESS_END = 2n ** 64n;
/** Physical addresses have 52 bits at most (SDM vol. 3A §4.1.4). */
const PHYSICAL_END = 2 ** 52;

/** The memory reference that the session gives out for a linear address: with as many digits as addresses of the mode have. */
export function linearReference(guest: Guest, linearAddress: Address): string {
  return memoryPrefix(guest) + formatHex(linearAddress, guest.addressWidth);
}

/** The memory reference of a place, linear as the processor sees it. */
export function memoryReferenceOf(guest: Guest, place: MemoryPlace): string {
  const reference = formatReference(place, guest.addressWidth);
  return place.space === 'linear' ? memoryPrefix(guest) + reference : reference;
}

/** Memory that the debugger has written, for the `memory` event. */
export interface WrittenMemory {
  readonly memoryReference: string;
  readonly count: number;
}

/** What the debugger has written at a linear address, `width` in bits, for the `memory` event. */
export function writtenAt(guest: Guest, linearAddress: Address, width: number): WrittenMemory {
  return { memoryReference: linearReference(guest, linearAddress), count: Math.ceil(width / 8) };
}

/**
 * The place of a memory reference, or of anything else that names one: `0000:7C00`, a label, an expression. Throws a
 * UserError for text that names no place.
 */
export function placeOf(guest: Guest, reference: string, offset = 0): MemoryPlace {
  if (REFERENCE.test(reference.trim())) return parseReference(reference, offset);
  try {
    return moved('linear', compileAddress(reference, guest.expressions)(), offset);
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
 * The place of a memory reference moved by `offset`, which may lead out of its half of the space; that is unmapped then.
 * Throws a UserError for text that is no reference.
 */
export function parseReference(reference: string, offset = 0): MemoryPlace {
  const match = REFERENCE.exec(reference.trim());
  const bits = match && BigInt(match[2] as string);
  if (bits === null || bits >= ADDRESS_END) {
    throw new UserError(
      'bad-address',
      localized('{0} is no memory reference; write 0x7c00 (linear) or p:0x7c00 (physical)', reference),
    );
  }
  return moved(match?.[1] ? 'physical' : 'linear', addressOfBits(bits), offset);
}

function moved(space: Place['space'], address: Address, offset: number): MemoryPlace {
  return { space, address: plus(address, offset), isUpper: address < 0 };
}

/**
 * A place for what the machine knows to the byte only up to 2^53 on both sides of 0: stops, walks, views. Throws a UserError
 * for others.
 */
export function exactPlace({ space, address }: MemoryPlace): Place {
  return { space, address: exactAddress(address) };
}

function exactAddress(address: Address): number {
  if (typeof address === 'number') return address;
  throw new UserError(
    'bad-address',
    localized('{0} lies beyond 2^53, where only memory can be read and written', formatHex(address, 64)),
  );
}

/** Hexadecimal without a mark, as listings and monitors print addresses: `7C00`. Expressions know `0000:7C00`. */
const BARE_LINEAR = /^\s*([0-9a-f]{1,16})\s*$/i;

/**
 * The linear address of a function breakpoint's name. A label wins over a number; numbers may go without a mark, they
 * are hexadecimal then. Throws a UserError that says what is wrong.
 */
export function resolvePlaceName(guest: Guest, name: string): number {
  return exactAddress(resolveMemoryName(guest, name));
}

/** The same for memory that is read or written, in all of 64 bits. */
export function resolveMemoryName(guest: Guest, name: string): Address {
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

/** Copies memory at a place; short where nothing is mapped, empty outside the address space. */
export function readPlace(guest: Guest, place: MemoryPlace, length: number): Uint8Array {
  const { space, address } = place;
  if (!isInside(place)) return new Uint8Array(0);
  if (space === 'linear') return guest.readLinear(address, length);
  return guest.machine.memory.read(Number(address), length);
}

/** Writes memory at a place; returns how many bytes found memory. */
export function writePlace(guest: Guest, place: MemoryPlace, bytes: Uint8Array): number {
  const { space, address } = place;
  if (!isInside(place)) return 0;
  return space === 'physical' ? guest.machine.memory.write(Number(address), bytes) : guest.writeLinear(address, bytes);
}

function isInside({ space, address, isUpper = address < 0 }: MemoryPlace): boolean {
  if (space === 'physical') return address >= 0 && address < PHYSICAL_END;
  return address < 0 === isUpper;
}

/** Writes a place as a reference of at least so many bits; outside of the space it is the end that was left. */
export function formatReference({ space, address, isUpper = address < 0 }: MemoryPlace, width = 32): string {
  const end = isUpper ? -1 : 0;
  const shown = formatHex(address < 0 === isUpper ? address : end, width);
  return space === 'physical' ? `p:${shown}` : shown;
}
