/** A search through memory that is done piece by piece, so that a search over 4 GiB neither stops the guest nor the session. */
import type { MemorySpace } from '../protocol/memory.ts';
import type { Guest } from './guest.ts';
import { PAGE_SIZE } from './memory-feed-pages.ts';
import { readPlace } from './places.ts';

/** An access that only what is not mapped stops. */
const ANY_READ = { kind: 'read', privilege: 'supervisor', ac: true } as const;

/** Bytes looked at in one go. */
const PIECE_SIZE = 64 * 1024;

/** What to look for: addresses where `bytes` equal the pattern under the mask, from `from` on, then from `start` on. */
export interface SearchOrder {
  readonly space: MemorySpace;
  readonly pattern: Uint8Array;
  readonly mask: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly from: number;
}

/** Candidates are addresses, both ends included. */
interface Stretch {
  readonly first: number;
  readonly last: number;
}

export class MemorySearch {
  /** Set once it went on at the start of the range. */
  wrapped = false;
  readonly #guest: Guest;
  readonly #order: SearchOrder;
  readonly #stretches: Stretch[];
  readonly #total: number;
  /** The byte of the pattern that is looked for first; -1 if none is exact. */
  readonly #anchor: number;
  #passed = 0;
  #at: number;

  constructor(guest: Guest, order: SearchOrder) {
    this.#guest = guest;
    this.#order = order;
    const last = order.end - order.pattern.length;
    const from = Math.min(Math.max(order.from, order.start), last + 1);
    this.#stretches = [
      { first: from, last },
      { first: order.start, last: from - 1 },
    ];
    this.#total = Math.max(1, last - order.start + 1);
    this.#at = from;
    this.#anchor = anchorOf(order);
  }

  /** How far it is, 0 to 1. */
  get done(): number {
    return Math.min(1, this.#passed / this.#total);
  }

  /** Looks on until something is found (its address), nothing is left, or `pause` says that it is enough for now. */
  advance(pause: () => boolean): number | 'nothing' | 'more' {
    for (;;) {
      const stretch = this.#stretches[0];
      if (stretch === undefined) return 'nothing';
      if (this.#at > stretch.last) this.#nextStretch();
      else {
        const found = this.#lookAt(stretch);
        if (found !== undefined) return found;
      }
      if (pause()) return 'more';
    }
  }

  #nextStretch(): void {
    this.#stretches.shift();
    const next = this.#stretches[0];
    if (next === undefined) return;
    this.#at = next.first;
    this.wrapped = next.last >= next.first;
  }

  /** One piece, or as much as the page tables say is not mapped. */
  #lookAt({ last }: Stretch): number | undefined {
    const { space, pattern } = this.#order;
    const at = this.#at;
    if (readPlace(this.#guest, { space, address: at }, 1).length === 0) {
      this.#goTo(at + this.#unmappedFrom(at));
      return undefined;
    }
    const length = Math.min(PIECE_SIZE, last - at + 1) + pattern.length - 1;
    const bytes = readPlace(this.#guest, { space, address: at }, length);
    const index = this.#indexIn(bytes);
    if (index >= 0) return at + index;
    // Where the copy ended early nothing can match across the end.
    this.#goTo(at + (bytes.length < length ? bytes.length : length - pattern.length + 1));
    return undefined;
  }

  /** Bytes from an address that is not mapped to what may be: the rest of its page, or of all that an entry stands for. */
  #unmappedFrom(at: number): number {
    const inPage = PAGE_SIZE - (((at % PAGE_SIZE) + PAGE_SIZE) % PAGE_SIZE);
    if (this.#order.space === 'physical') return inPage;
    const { steps, physical } = this.#guest.vcpu.paging.explain(at, ANY_READ);
    const size = physical === undefined ? steps.at(-1)?.entry.size : undefined;
    return size === undefined ? inPage : size - (((at % size) + size) % size);
  }

  #goTo(address: number): void {
    this.#passed += address - this.#at;
    this.#at = address;
  }

  /** Where bytes that match begin, or -1. */
  #indexIn(bytes: Uint8Array): number {
    const { pattern, mask } = this.#order;
    const end = bytes.length - pattern.length;
    for (let start = 0; start <= end; start++) {
      if (this.#anchor >= 0) {
        start = bytes.indexOf(pattern[this.#anchor] as number, start + this.#anchor) - this.#anchor;
        if (start < 0 || start > end) return -1;
      }
      if (matches(bytes, start, pattern, mask)) return start;
    }
    return -1;
  }
}

/** Memory is mostly zeros, and the engine passes fastest over what is not looked for: zeros are the last choice. */
function anchorOf({ pattern, mask }: SearchOrder): number {
  const rare = pattern.findIndex((byte, index) => mask[index] === 0xff && byte !== 0);
  return rare >= 0 ? rare : mask.indexOf(0xff);
}

function matches(bytes: Uint8Array, start: number, pattern: Uint8Array, mask: Uint8Array): boolean {
  for (let index = 0; index < pattern.length; index++) {
    const difference = (bytes[start + index] as number) ^ (pattern[index] as number);
    if ((difference & (mask[index] as number)) !== 0) return false;
  }
  return true;
}
