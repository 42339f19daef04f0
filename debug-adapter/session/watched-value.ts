/** The memory under a data breakpoint as it was before and after an access, so that a stop can tell what changed. */
import type { MemoryAccess } from '../../vm-core/index.ts';
import { formatHex } from '../expressions/format.ts';
import type { Guest } from './guest.ts';
import { type Place, readPlace } from './places.ts';

/** Up to this many bytes are shown as one number; of a longer range only what was accessed. */
const NUMBER_SIZE_MAX = 8;
/** Of an access that is longer (devices and the BIOS move blocks) only the first bytes are shown: the widest register. */
const SHOWN_MAX = 32;
/** Bytes of a range whose old contents are kept. */
const KEPT_MAX = 0x10000;

/** Unsigned; `undefined` bytes (unmapped, beyond what is kept) make the whole value undefined. */
export interface ValueChange {
  readonly before: bigint | undefined;
  readonly after: bigint | undefined;
  /** In bytes. */
  readonly size: number;
  /** The access went on behind these bytes. */
  readonly isCut: boolean;
}

export class WatchedValue {
  readonly #guest: Guest;
  readonly #place: Place;
  readonly #length: number;
  #kept: Uint8Array;

  constructor(guest: Guest, place: Place, length: number) {
    this.#guest = guest;
    this.#place = place;
    this.#length = length;
    this.#kept = this.#read();
  }

  /** Takes the contents as they are for what was there before: the debugger may have written. */
  refresh(): void {
    this.#kept = this.#read();
  }

  /** What an access that has just happened changed. */
  take(access: MemoryAccess): ValueChange {
    const { start, size } = this.#part(access);
    const shown = Math.min(size, SHOWN_MAX);
    const before = integerOf(this.#kept, start, shown);
    const { space, address } = this.#place;
    const now = readPlace(this.#guest.cpus[access.cpu] ?? this.#guest, { space, address: address + start }, size);
    if (start < this.#kept.length) this.#kept.set(now.subarray(0, this.#kept.length - start), start);
    return { before, after: integerOf(now, 0, shown), size: shown, isCut: shown < size };
  }

  #read(): Uint8Array {
    return readPlace(this.#guest, this.#place, Math.min(this.#length, KEPT_MAX)).slice();
  }

  /** The part that is compared: all of a short range, else the bytes accessed. */
  #part(access: MemoryAccess): { readonly start: number; readonly size: number } {
    if (this.#length <= NUMBER_SIZE_MAX) return { start: 0, size: this.#length };
    const accessed = this.#place.space === 'linear' ? access.linearAddress : access.physicalAddress;
    const start = Math.max(0, accessed - this.#place.address);
    return { start, size: Math.min(this.#length - start, access.size) };
  }
}

function integerOf(bytes: Uint8Array, start: number, size: number): bigint | undefined {
  if (start + size > bytes.length) return undefined;
  return bytes.subarray(start, start + size).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/** `0x0000 → 0x0001`, or the value alone where nothing changed. */
export function describeChange({ before, after, size, isCut }: ValueChange): string {
  const now = formatBytes(after, size, isCut);
  return before === undefined || before === after ? now : `${formatBytes(before, size, isCut)} → ${now}`;
}

/** Little-endian: what is left out stands before the digits. */
function formatBytes(value: bigint | undefined, size: number, isCut: boolean): string {
  if (value === undefined) return 'nothing mapped';
  if (size <= 4) return formatHex(Number(value), size * 8);
  return `0x${isCut ? '…' : ''}${value.toString(16).padStart(size * 2, '0')}`;
}
