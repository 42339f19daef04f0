/**
 * Watchpoints of the embedder: any number, of any length, by linear or physical address. They cost nothing on pages
 * that have none. Those that do have TLB entries at most that say which of their bytes are watched (DESIGN §4, §6).
 */
import { PAGE_SIZE } from '../memory/layout.ts';
import type { MemoryAccess, Watchpoint, WatchHit } from '../machine/machine.ts';

/** Accesses kept for one instruction; a longer list would be a string instruction over watched memory. */
const HITS_MAX = 64;

/** Of one watchpoint, in bytes. */
const LENGTH_MAX = 2 ** 32;
/** Addresses up to here are exact. */
const ADDRESS_MAX = 2 ** 53;

export class WatchList {
  readonly #pages = {
    linear: new Map<number, Set<Watchpoint>>(),
    physical: new Map<number, Set<Watchpoint>>(),
  };
  readonly #cpu: number;
  #hits: WatchHit[] = [];

  /** `cpu` is the index of the vCPU that accesses. */
  constructor(cpu: number) {
    this.#cpu = cpu;
  }

  get isEmpty(): boolean {
    return this.#pages.linear.size === 0 && this.#pages.physical.size === 0;
  }

  /** Throws an Error if the range is not one of an address space of 32 or 64 bits. */
  add(watchpoint: Watchpoint): void {
    const { address, length, space } = watchpoint;
    if (!isRange(address, length)) {
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
    return this.#pages.linear.has(pageOf(linear)) || this.#pages.physical.has(pageOf(physical));
  }

  /** The watched bytes of a page, as distances from its beginning; the pages are numbers of a linear and a physical one. */
  *rangesOn(linear: number, physical: number): Iterable<{ readonly start: number; readonly end: number }> {
    for (const [space, page] of [['linear', linear] as const, ['physical', physical] as const]) {
      for (const { address, length } of this.#pages[space].get(page) ?? []) {
        const start = address - page * PAGE_SIZE;
        yield { start: Math.max(0, start), end: Math.min(PAGE_SIZE, start + length) };
      }
    }
  }

  /** Notes an access; true if it met a watchpoint. An access does not cross a page. */
  note(made: Omit<MemoryAccess, 'cpu'>): boolean {
    const access = { ...made, cpu: this.#cpu };
    const met = [
      ...meeting(this.#pages.linear.get(pageOf(access.linearAddress)), access.linearAddress, access),
      ...meeting(this.#pages.physical.get(pageOf(access.physicalAddress)), access.physicalAddress, access),
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

/** A range does not leave the first 4 GiB, where addresses of 32 bits wrap. */
function isRange(address: number, length: number): boolean {
  const wraps = address >= 0 && address < LENGTH_MAX && address + length > LENGTH_MAX;
  return length > 0 && length <= LENGTH_MAX && Math.abs(address) <= ADDRESS_MAX && !wraps;
}

/** Addresses of 64-bit mode are signed. */
function pageOf(address: number): number {
  return Math.floor(address / PAGE_SIZE);
}

function* pagesOf({ address, length }: Watchpoint): Iterable<number> {
  for (let page = pageOf(address); page <= pageOf(address + length - 1); page++) yield page;
}

function meeting(there: ReadonlySet<Watchpoint> | undefined, at: number, { kind, size }: MemoryAccess): Watchpoint[] {
  if (!there) return [];
  return [...there].filter(
    ({ address, length, access }) =>
      (access === kind || access === 'read-write') && at < address + length && address < at + size,
  );
}
