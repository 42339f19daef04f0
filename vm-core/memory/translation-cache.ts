/**
 * Translations of linear pages, as a processor's look-aside buffer holds them (SDM vol. 3A §4.10.2): pages of every size,
 * tagged by process context, global ones apart. A flush is a new generation, O(1). What must make room is about the
 * least recently used of its set: a page that compiled code reaches without asking here counts as used.
 */
import type { PageRights } from './page-access.ts';
import { PAGE_SHIFT } from './layout.ts';
import type { PageWalk } from './page-walk.ts';

const SETS = 1024;
const WAYS = 4;
const ENTRIES = SETS * WAYS;
const PCIDS = 4096;

/** Sizes of pages, as shifts and in bytes. */
const SHIFTS = [PAGE_SHIFT, 21, 22, 30] as const;
const SIZES = SHIFTS.map((shift) => 2 ** shift);

const USER = 1;
const WRITABLE = 2;
const EXECUTABLE = 4;
const DIRTY = 8;
const GLOBAL = 16;

/** An owner that no generation equals. */
const NOBODY = -1;

/** A cached translation; `frame` and `linear` are the beginnings of the page. */
export interface CachedPage extends PageRights {
  readonly linear: number;
  readonly frame: number;
  readonly shift: number;
  readonly global: boolean;
  readonly dirty: boolean;
  /** Of no meaning for a global page. */
  readonly pcid: number;
}

/** What has happened since power-on. */
export interface TranslationCounters {
  hits: number;
  /** Walks of the tables that ended in a page. */
  fills: number;
  /** Translations that were still good when they made room. */
  evictions: number;
  /** Times that the least recently asked for was spared because compiled code still uses its page. */
  spared: number;
  flushes: number;
}

/** Who holds pieces of translations besides. */
export interface PieceHolder {
  /** True if the page of 4 KiB is in use there. */
  holds(linear: number): boolean;
  /** A translation is gone. */
  dropped(linear: number, shift: number): void;
}

export class TranslationCache {
  readonly counters: TranslationCounters = { hits: 0, fills: 0, evictions: 0, spared: 0, flushes: 0 };
  readonly #holder: PieceHolder;
  /** Number of the page at its size. */
  readonly #pages = new Float64Array(ENTRIES);
  readonly #shifts = new Uint8Array(ENTRIES);
  /** Generation of the process context, or of the global pages, at the time of the fill. */
  readonly #owners = new Float64Array(ENTRIES).fill(NOBODY);
  readonly #pcids = new Uint16Array(ENTRIES);
  readonly #frames = new Float64Array(ENTRIES);
  readonly #rights = new Uint8Array(ENTRIES);
  readonly #keys = new Uint8Array(ENTRIES);
  readonly #used = new Float64Array(ENTRIES);
  readonly #generations = new Float64Array(PCIDS);
  #time = 0;
  /** Everything older is gone, and what is older and not global. */
  #epoch = 0;
  #contextsEpoch = 0;
  #generation = 0;
  /** Bit n: a page of size `SHIFTS[n]` has been entered since everything was flushed. */
  #sizes = 0;

  constructor(holder: PieceHolder) {
    this.#holder = holder;
  }

  /** Forgets everything. */
  flushAll(): void {
    this.#epoch = ++this.#generation;
    this.#sizes = 0;
    this.counters.flushes++;
  }

  /** Forgets the pages of one process context that are not global. */
  flushContext(pcid: number): void {
    this.#generations[pcid] = ++this.#generation;
    this.counters.flushes++;
  }

  /** Forgets all pages that are not global. */
  flushContexts(): void {
    this.#contextsEpoch = ++this.#generation;
    this.counters.flushes++;
  }

  /** Place of the translation of a linear address; -1 if there is none. */
  find(linear: number, pcid: number): number {
    for (let n = 0; n < SHIFTS.length; n++) {
      if ((this.#sizes & (1 << n)) === 0) continue;
      const at = this.#locate(Math.floor(linear / (SIZES[n] as number)), SHIFTS[n] as number, pcid);
      if (at < 0) continue;
      this.#used[at] = ++this.#time;
      this.counters.hits++;
      return at;
    }
    return -1;
  }

  frameAt(at: number): number {
    return this.#frames[at] as number;
  }

  shiftAt(at: number): number {
    return this.#shifts[at] as number;
  }

  isDirtyAt(at: number): boolean {
    return ((this.#rights[at] as number) & DIRTY) !== 0;
  }

  /** Copies what a translation allows. */
  readRights(at: number, into: { -readonly [name in keyof PageRights]: PageRights[name] }): void {
    const rights = this.#rights[at] as number;
    into.user = (rights & USER) !== 0;
    into.writable = (rights & WRITABLE) !== 0;
    into.executable = (rights & EXECUTABLE) !== 0;
    into.key = this.#keys[at] as number;
  }

  /** Enters what a walk has found; `dirty` as the entry is now. */
  fill(linear: number, pcid: number, walk: PageWalk, isGlobal: boolean, dirty: boolean): void {
    const size = SHIFTS.indexOf(walk.shift as (typeof SHIFTS)[number]);
    const page = Math.floor(linear / (SIZES[size] as number));
    const known = this.#locate(page, walk.shift, pcid);
    if (known >= 0 && this.#frames[known] !== walk.frame) this.#holder.dropped(linear, walk.shift);
    const at = known >= 0 ? known : this.#makeRoom((page & (SETS - 1)) * WAYS);
    this.#pages[at] = page;
    this.#shifts[at] = walk.shift;
    this.#pcids[at] = pcid;
    this.#owners[at] = isGlobal ? this.#epoch : this.#generationOf(pcid);
    this.#frames[at] = walk.frame;
    this.#keys[at] = walk.key;
    this.#rights[at] =
      (walk.user ? USER : 0) |
      (walk.writable ? WRITABLE : 0) |
      (walk.executable ? EXECUTABLE : 0) |
      (dirty ? DIRTY : 0) |
      (isGlobal ? GLOBAL : 0);
    this.#used[at] = ++this.#time;
    this.#sizes |= 1 << size;
    this.counters.fills++;
  }

  /** Forgets the translations of a linear address in a process context; with `global`, global ones too. */
  drop(linear: number, pcid: number, global = true): void {
    for (let n = 0; n < SHIFTS.length; n++) {
      if ((this.#sizes & (1 << n)) === 0) continue;
      const shift = SHIFTS[n] as number;
      const at = this.#locate(Math.floor(linear / (SIZES[n] as number)), shift, pcid);
      if (at < 0 || (!global && this.#isGlobal(at))) continue;
      this.#owners[at] = NOBODY;
      this.#holder.dropped(linear, shift);
    }
  }

  /** What is cached now, in no order. */
  list(): readonly CachedPage[] {
    const list: CachedPage[] = [];
    for (let at = 0; at < ENTRIES; at++) {
      const pcid = this.#pcids[at] as number;
      if (!this.#serves(at, pcid)) continue;
      const rights = { user: false, writable: false, executable: false, key: 0 };
      this.readRights(at, rights);
      const shift = this.shiftAt(at);
      const linear = (this.#pages[at] as number) * 2 ** shift;
      const global = this.#isGlobal(at);
      list.push({ ...rights, linear, frame: this.frameAt(at), shift, global, dirty: this.isDirtyAt(at), pcid });
    }
    return list;
  }

  #locate(page: number, shift: number, pcid: number): number {
    const first = (page & (SETS - 1)) * WAYS;
    const end = first + WAYS;
    for (let at = first; at < end; at++) {
      if (this.#pages[at] === page && this.#shifts[at] === shift && this.#serves(at, pcid)) return at;
    }
    return -1;
  }

  #isGlobal(at: number): boolean {
    return ((this.#rights[at] as number) & GLOBAL) !== 0;
  }

  /** True if the translation is good for a process context. */
  #serves(at: number, pcid: number): boolean {
    if (this.#isGlobal(at)) return this.#owners[at] === this.#epoch;
    return this.#pcids[at] === pcid && this.#owners[at] === this.#generationOf(pcid);
  }

  #generationOf(pcid: number): number {
    return Math.max(this.#generations[pcid] as number, this.#contextsEpoch, this.#epoch);
  }

  #makeRoom(first: number): number {
    let oldest = -1;
    let spared = -1;
    for (let at = first; at < first + WAYS; at++) {
      if (!this.#serves(at, this.#pcids[at] as number)) return at;
      if (this.#shifts[at] === PAGE_SHIFT && this.#holder.holds((this.#pages[at] as number) * 2 ** PAGE_SHIFT)) {
        if (spared < 0 || this.#isOlder(at, spared)) spared = at;
      } else if (oldest < 0 || this.#isOlder(at, oldest)) oldest = at;
    }
    const victim = oldest < 0 ? spared : oldest;
    if (oldest >= 0 && spared >= 0 && this.#isOlder(spared, oldest)) this.counters.spared++;
    this.counters.evictions++;
    const shift = this.shiftAt(victim);
    this.#owners[victim] = NOBODY;
    this.#holder.dropped((this.#pages[victim] as number) * 2 ** shift, shift);
    return victim;
  }

  #isOlder(at: number, than: number): boolean {
    return (this.#used[at] as number) < (this.#used[than] as number);
  }
}
