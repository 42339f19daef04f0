/**
 * The pages that memory views have looked at, as they were at the last two stops: that tells which bytes changed without
 * copying all of RAM at every step.
 */
import type { MemorySpace } from '../protocol/memory.ts';
import type { Guest } from './guest.ts';
import { type Place, readPlace } from './places.ts';

/** Both spaces are mapped in pages of this size (SDM vol. 3A §4.3). */
export const PAGE_SIZE = 0x1000;
/** Pages remembered at most; the one that was looked at longest ago goes first. */
const PAGES_MAX = 64;

interface WatchedPage {
  /** As its processor sees it, if it is of linear memory. */
  readonly guest: Guest;
  readonly space: MemorySpace;
  readonly address: number;
  /** At the stop before the last; undefined when nobody looked then. */
  before: Uint8Array | undefined;
  /** At the last stop, or when it was first looked at since. */
  now: Uint8Array;
}

export class MemoryPages {
  readonly #pages = new Map<string, WatchedPage>();

  /** Another guest, or nobody looks any more. */
  clear(): void {
    this.#pages.clear();
  }

  /** A view looks at a page: from now on it is remembered. */
  watch(guest: Guest, space: MemorySpace, address: number): void {
    const key = keyOf(guest, space, address);
    const known = this.#pages.get(key);
    this.#pages.delete(key);
    this.#pages.set(key, known ?? { guest, space, address, before: undefined, now: readPage(guest, space, address) });
    const [oldest] = this.#pages.keys();
    if (this.#pages.size > PAGES_MAX && oldest !== undefined) this.#pages.delete(oldest);
  }

  /** The guest stopped. */
  stopped(): void {
    for (const page of this.#pages.values()) {
      page.before = page.now;
      page.now = readPage(page.guest, page.space, page.address);
    }
  }

  /** What a page is compared with: while the guest runs the last stop, else the one before; undefined if not known. */
  earlier(guest: Guest, { space, address }: Place, running: boolean): Uint8Array | undefined {
    const page = this.#pages.get(keyOf(guest, space, address));
    return running ? page?.now : page?.before;
  }

  /** What the debugger writes does not count as changed by the guest. */
  written(guest: Guest, { space, address }: Place, bytes: Uint8Array): void {
    for (const page of this.#pages.values()) {
      if (page.space !== space || (space === 'linear' && page.guest !== guest)) continue;
      for (const copy of [page.before, page.now]) patch(copy, page.address, address, bytes);
    }
  }
}

/** A page's bytes; fewer than a page where the rest is not mapped. */
function readPage(guest: Guest, space: MemorySpace, address: number): Uint8Array {
  return readPlace(guest, { space, address }, PAGE_SIZE);
}

function keyOf({ vcpu }: Guest, space: MemorySpace, address: number): string {
  return space === 'linear' ? `${space} ${vcpu.index} ${address}` : `${space} ${address}`;
}

function patch(copy: Uint8Array | undefined, pageAddress: number, address: number, bytes: Uint8Array): void {
  if (copy === undefined) return;
  const first = Math.max(0, pageAddress - address);
  const end = Math.min(bytes.length, pageAddress + copy.length - address);
  for (let index = first; index < end; index++) copy[address + index - pageAddress] = bytes[index] as number;
}
