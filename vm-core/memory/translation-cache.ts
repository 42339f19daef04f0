/**
 * Translations of linear pages, as a processor's look-aside buffer holds them (SDM vol. 3A §4.10.2): pages of every size,
 * tagged by process context, global ones apart. A flush is a new generation, O(1). What must make room is about the
 * least recently used of its set: a page that compiled code reaches without asking here counts as used.
 */
import type { PageRights } from './page-access.ts';
import {
  PAGE_SHIFT,
  PROCESS_CONTEXTS,
  TRANSLATION_ENTRIES as ENTRIES,
  TRANSLATION_SETS as SETS,
  TRANSLATION_WAYS as WAYS,
  translations,
} from './layout.ts';
import type { PageWalk } from './page-walk.ts';

/** Sizes of pages, as shifts and in bytes. */
const SHIFTS = [PAGE_SHIFT, 21, 22, 30] as const;
const SIZES = SHIFTS.map((shift) => 2 ** shift);

const USER = 1;
const WRITABLE = 2;
const EXECUTABLE = 4;
const DIRTY = 8;
const GLOBAL = 16;

/**
 * Where the numbers of the cache lie: the last generation, the oldest one that is good, that of the current context, …, the
 * oldest one that is good for what is not global.
 */
const [GENERATION, EPOCH, OWNER, TIME, HITS, FILLS, FLUSHES, CONTEXTS_EPOCH, NUMBERS] = [
  0, 1, 2, 3, 4, 5, 6, 7, 8,
] as const;

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
  readonly #holder: PieceHolder;
  /** What generated code works with as well lies in the vCPU's area (engine/events/translation-code.ts). */
  readonly #numbers: Float64Array;
  /** The sizes of pages that there may be, and the current process context. */
  readonly #fields: Int32Array;
  /** Number of the page at its size. */
  readonly #pages: Float64Array;
  readonly #shifts: Uint8Array;
  /** Generation of the process context, or of the global pages, at the time of the fill. */
  readonly #owners: Float64Array;
  readonly #pcids: Uint16Array;
  readonly #frames: Float64Array;
  readonly #rights: Uint8Array;
  readonly #keys: Uint8Array;
  readonly #used: Float64Array;
  readonly #generations: Float64Array;
  #evictions = 0;
  #spared = 0;

  /** The arrays lie in a buffer, as far from `base` as layout.ts says. */
  constructor(holder: PieceHolder, buffer: ArrayBuffer = new ArrayBuffer(translations.END), base = 0) {
    this.#holder = holder;
    const doubles = (offset: number) => new Float64Array(buffer, base + offset, ENTRIES);
    const bytes = (offset: number) => new Uint8Array(buffer, base + offset, ENTRIES);
    this.#numbers = new Float64Array(buffer, base + translations.GENERATION, NUMBERS);
    this.#fields = new Int32Array(buffer, base + translations.SIZES, 2);
    this.#generations = new Float64Array(buffer, base + translations.GENERATIONS, PROCESS_CONTEXTS);
    this.#pages = doubles(translations.PAGES);
    this.#owners = doubles(translations.OWNERS).fill(NOBODY);
    this.#frames = doubles(translations.FRAMES);
    this.#used = doubles(translations.USED);
    this.#pcids = new Uint16Array(buffer, base + translations.PCIDS, ENTRIES);
    this.#shifts = bytes(translations.SHIFTS);
    this.#rights = bytes(translations.RIGHTS);
    this.#keys = bytes(translations.KEYS);
  }

  get counters(): TranslationCounters {
    const { [HITS]: hits = 0, [FILLS]: fills = 0, [FLUSHES]: flushes = 0 } = this.#numbers;
    return { hits, fills, evictions: this.#evictions, spared: this.#spared, flushes };
  }

  /** Everything older is gone. */
  get #epoch(): number {
    return this.#numbers[EPOCH] as number;
  }

  /** Bit n: a page of size `SHIFTS[n]` has been entered since everything was flushed. */
  get #sizes(): number {
    return this.#fields[0] as number;
  }

  set #sizes(sizes: number) {
    this.#fields[0] = sizes;
  }

  /** Makes a process context the current one. */
  enter(pcid: number): void {
    this.#fields[1] = pcid;
    this.#numbers[OWNER] = this.#generationOf(pcid);
  }

  #next(number: number): number {
    const next = (this.#numbers[number] as number) + 1;
    this.#numbers[number] = next;
    return next;
  }

  /** Forgets everything. */
  flushAll(): void {
    const generation = this.#next(GENERATION);
    this.#numbers[EPOCH] = generation;
    this.#numbers[OWNER] = generation;
    this.#sizes = 0;
    this.#next(FLUSHES);
  }

  /** Forgets the pages of one process context that are not global. */
  flushContext(pcid: number): void {
    const generation = this.#next(GENERATION);
    this.#generations[pcid] = generation;
    if (pcid === this.#fields[1]) this.#numbers[OWNER] = generation;
    this.#next(FLUSHES);
  }

  /** Forgets all pages that are not global. */
  flushContexts(): void {
    const generation = this.#next(GENERATION);
    this.#numbers[CONTEXTS_EPOCH] = generation;
    this.#numbers[OWNER] = generation;
    this.#next(FLUSHES);
  }

  /** Place of the translation of a linear address; -1 if there is none. */
  find(linear: number, pcid: number): number {
    for (let n = 0; n < SHIFTS.length; n++) {
      if ((this.#sizes & (1 << n)) === 0) continue;
      const at = this.#locate(Math.floor(linear / (SIZES[n] as number)), SHIFTS[n] as number, pcid);
      if (at < 0) continue;
      this.#used[at] = this.#next(TIME);
      this.#next(HITS);
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
    this.#used[at] = this.#next(TIME);
    this.#sizes |= 1 << size;
    this.#next(FILLS);
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
    return Math.max(this.#generations[pcid] as number, this.#numbers[CONTEXTS_EPOCH] as number, this.#epoch);
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
    if (oldest >= 0 && spared >= 0 && this.#isOlder(spared, oldest)) this.#spared++;
    this.#evictions++;
    const shift = this.shiftAt(victim);
    this.#owners[victim] = NOBODY;
    this.#holder.dropped((this.#pages[victim] as number) * 2 ** shift, shift);
    return victim;
  }

  #isOlder(at: number, than: number): boolean {
    return (this.#used[at] as number) < (this.#used[than] as number);
  }
}
