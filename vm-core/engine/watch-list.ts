/**
 * Watchpoints of the embedder: any number, of any length, by linear or physical address. They cost nothing on pages
 * that have none: watched pages get no TLB entry, all others are untouched (DESIGN §4, §6).
 */
import { PAGE_SHIFT, PAGE_SIZE } from '../memory/layout.ts';
import type { MemoryAccess, Watchpoint, WatchHit } from '../machine/machine.ts';

/** Accesses kept for one instruction; a longer list would be a string instruction over watched memory. */
const HITS_MAX = 64;

export class WatchList {
  readonly #pages = {
    linear: new Map<number, Set<Watchpoint>>(),
    physical: new Map<number, Set<Watchpoint>>(),
  };
  #hits: WatchHit[] = [];

  get isEmpty(): boolean {
    return this.#pages.linear.size === 0 && this.#pages.physical.size === 0;
  }

  /** Throws an Error if the range is not one of the 32-bit address space. */
  add(watchpoint: Watchpoint): void {
    const { address, length, space } = watchpoint;
    if (!(length > 0 && address >= 0 && address + length <= 0x100000000)) {
      throw new Error(`a watchpoint of ${length} bytes at ${address.toString(16)}h is not possible`);
    }
    for (const page of pagesOf(watchpoint)) {
      const there = this.#pages[space].get(page);
      if (there) there.add(watchpoint);
      else this.#pages[space].set(page, new Set([watchpoint]));
    }
  }

  remove(watchpoint: Watchpoint): void {
    const pages = this.#pages[watchpoint.space];
    for (const page of pagesOf(watchpoint)) {
      const there = pages.get(page);
      there?.delete(watchpoint);
      if (there?.size === 0) pages.delete(page);
    }
  }

  /** True if any byte of the page is watched, in either space. */
  covers(linear: number, physical: number): boolean {
    return this.#pages.linear.has(linear >>> PAGE_SHIFT) || this.#pages.physical.has(physical >>> PAGE_SHIFT);
  }

  /** Notes an access; true if it met a watchpoint. An access does not cross a page. */
  note(access: MemoryAccess): boolean {
    const met = [
      ...meeting(this.#pages.linear.get(access.linearAddress >>> PAGE_SHIFT), access.linearAddress, access),
      ...meeting(this.#pages.physical.get(access.physicalAddress >>> PAGE_SHIFT), access.physicalAddress, access),
    ];
    for (const watchpoint of met) {
      const known = this.#hits.some((hit) => hit.watchpoint === watchpoint && hit.access.kind === access.kind);
      if (!known && this.#hits.length < HITS_MAX) this.#hits.push({ watchpoint, access });
    }
    return met.length > 0;
  }

  /** Notes a write by physical address, of any length. */
  noteBusWrite(physical: number, size: number, instruction: number): void {
    const end = physical + size;
    for (let at = physical; at < end; ) {
      const count = Math.min(end - at, PAGE_SIZE - (at & (PAGE_SIZE - 1)));
      this.note({ kind: 'write', linearAddress: at, physicalAddress: at, size: count, instruction });
      at += count;
    }
  }

  /** What was met since the last call, as far as the watchpoints want to stop. */
  takeHits(): readonly WatchHit[] {
    if (this.#hits.length === 0) return this.#hits;
    const hits = this.#hits;
    this.#hits = [];
    return hits.filter(({ watchpoint, access }) => watchpoint.reached(access));
  }
}

function* pagesOf({ address, length }: Watchpoint): Iterable<number> {
  for (let page = address >>> PAGE_SHIFT; page <= (address + length - 1) >>> PAGE_SHIFT; page++) yield page;
}

function meeting(there: ReadonlySet<Watchpoint> | undefined, at: number, { kind, size }: MemoryAccess): Watchpoint[] {
  if (!there) return [];
  return [...there].filter(
    ({ address, length, access }) =>
      (access === kind || access === 'read-write') && at < address + length && address < at + size,
  );
}
