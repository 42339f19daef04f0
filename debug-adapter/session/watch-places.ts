/** How clients name memory that is to be watched: from what the user pointed at to an id that a restart understands. */
import { localized } from '../protocol/localized.ts';
import { compileAddress } from '../expressions/compile.ts';
import { formatHex } from '../expressions/format.ts';
import { ExpressionError } from '../expressions/tokens.ts';
import { namedPlace } from './evaluate-text.ts';
import type { Guest } from './guest.ts';
import type { Watched } from './machine-stops.ts';
import { exactPlace, parseReference, type Place } from './places.ts';
import { UserError } from './user-error.ts';

/** The spaces that clients offer as modes of a breakpoint. */
export type Space = Place['space'];

const WATCHED_MAX = 16 * 1024 * 1024;
/** A label's statement is taken to be its variable up to this size. */
const STATEMENT_MAX = 0x1000;
/** Where addresses of 32 bits end, the lower half of those of 64, and physical ones. */
const WRAP = 2 ** 32;
const LINEAR_END = 2 ** 53;
const PHYSICAL_END = 2 ** 52;

/** Memory as the user named it. `name` is a label or an address, and is looked up again in every new guest. */
export interface WatchPlace {
  readonly space: Space;
  readonly name: string;
  /** In bytes. */
  readonly length: number;
}

/** The space of a mode; a mode that is not offered is the client's mistake. */
export function spaceOfMode(mode: string | undefined): Space {
  if (mode === undefined || mode === 'linear') return 'linear';
  if (mode === 'physical') return mode;
  throw new UserError(
    'bad-argument',
    localized('there is no breakpoint mode {0}; there are linear and physical', mode),
  );
}

/** The memory at an address: a memory reference, or anything that gives an address. */
export function placeAtAddress(guest: Guest, text: string, bytes: number | undefined, mode: Space): WatchPlace {
  const isReference = /^\s*(p:)?(0x[0-9a-f]+|\d+)\s*$/i.test(text);
  if (!isReference) return { space: mode, name: formatHex(addressOf(guest, text), 32), length: lengthOf(bytes, 1) };
  const { space, address } = exactPlace(parseReference(text));
  return { space: space === 'physical' ? space : mode, name: formatHex(address, 32), length: lengthOf(bytes, 1) };
}

/** The memory that an expression names; undefined where it is a register or a computed value. */
export function placeOfExpression(
  guest: Guest,
  text: string,
  bytes: number | undefined,
  space: Space,
): WatchPlace | undefined {
  const { address: named, compiled } = namedPlace(guest, text);
  if (named === undefined) return undefined;
  const { address } = exactPlace({ space, address: named });
  const name = text.trim();
  const isLabel = guest.symbols.label(name) === address;
  const memorySize = compiled.assign ? compiled.width / 8 : statementSize(guest, address);
  return { space, name: isLabel ? name : formatHex(address, 32), length: lengthOf(bytes, memorySize) };
}

/** How much the assembler put at a label, as far as the listing tells; one byte otherwise. */
function statementSize(guest: Guest, address: number): number {
  const [next] = guest.symbols.lineBoundaries(address + 1, address + STATEMENT_MAX + 1);
  return next === undefined ? 1 : next - address;
}

function lengthOf(bytes: number | undefined, otherwise: number): number {
  const length = bytes ?? otherwise;
  if (Number.isInteger(length) && length > 0 && length <= WATCHED_MAX) return length;
  throw new UserError('bad-argument', localized('{0} bytes cannot be watched; watch 1 to {1}', length, WATCHED_MAX));
}

/** The id that a client keeps: `linear:counter,2`. */
export function formatDataId({ space, name, length }: WatchPlace): string {
  return `${space}:${name},${length}`;
}

/** What an id means in a guest. Throws a UserError where it means nothing. */
export function watchedOf(guest: Guest, dataId: string, access: Watched['access']): Watched {
  const match = /^(linear|physical):(.+),(\d+)$/.exec(dataId);
  if (!match) throw new UserError('bad-argument', localized('{0} names no memory', dataId));
  const [, space, name, bytes] = match as unknown as [string, Space, string, string];
  const length = lengthOf(Number(bytes), 1);
  const label = guest.symbols.label(name);
  const address = label ?? addressOf(guest, name);
  const place = { space, address: label !== undefined && space === 'physical' ? physicalOf(guest, label) : address };
  if (!isRange(place, length)) {
    throw new UserError(
      'bad-address',
      localized('{0}: {1} bytes from there do not fit into the address space', name, length),
    );
  }
  return { name: describeWatched({ space, name, length }), place, length, access };
}

/**
 * What begins in one half of the address space ends there. Nothing lies across 4 GiB, where addresses of 32 bits end; an
 * address of 64-bit mode is watched in every mode, but met only where it is reached.
 */
function isRange({ space, address }: Place, length: number): boolean {
  if (address < 0) return space === 'linear' && address + length <= 0;
  const wraps = address < WRAP && address + length > WRAP;
  return !wraps && address + length <= (space === 'physical' ? PHYSICAL_END : LINEAR_END);
}

/** Where a linear address lies in physical memory right now. */
export function physicalOf(guest: Guest, linearAddress: number): number {
  const physical = guest.translate(linearAddress);
  if (physical !== undefined) return physical;
  throw new UserError(
    'bad-address',
    localized('nothing is mapped at linear address {0}', formatHex(linearAddress, 32)),
  );
}

function addressOf(guest: Guest, text: string): number {
  try {
    return exactPlace({ space: 'linear', address: compileAddress(text, guest.expressions)() }).address;
  } catch (error) {
    if (error instanceof ExpressionError)
      throw new UserError('bad-address', localized('{0}: {1}', text, error.message));
    throw error;
  }
}

/** `counter (2 bytes)`, `physical 0x00007c00 (512 bytes)`. */
export function describeWatched({ space, name, length }: WatchPlace): string {
  return `${space === 'physical' ? 'physical ' : ''}${name} (${length === 1 ? '1 byte' : `${length} bytes`})`;
}
