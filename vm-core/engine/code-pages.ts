/**
 * Which bytes of guest memory lie under decoded blocks (DESIGN §4): by granule for the engine, which has to find the
 * blocks under a write, and by bit for generated code, whose stores beside them need not leave it.
 */
import type { Piece } from './block-records.ts';
import { CODE_MAP_GRANULE_SHIFT, CODE_MAP_SIZE, CODE_MAPS, CODE_MAPS_MAX, PAGE_SIZE } from '../memory/layout.ts';

/** Immediates of a page that are known to be written over often. */
const FRESH_MAX = 256;

const GRANULE_SIZE = 1 << CODE_MAP_GRANULE_SHIFT;
const GRANULES = PAGE_SIZE / GRANULE_SIZE;
const LOSSES_MAX = 0xff;
const WASTE_MAX = 8;

/** Bytes of guest-physical memory that something decoded lies on, but for some immediates that may be written. */
export interface CodeRange extends Piece {
  readonly fresh: readonly Piece[];
}

interface CodePage<Range> {
  readonly number: number;
  /** Address of the page's map. */
  readonly map: number;
  /** The ranges that touch a granule. */
  readonly granules: (Range[] | undefined)[];
  /** Ranges by granule, in all. */
  count: number;
  /** Of pages where code was lost. */
  past: PastOfPage | undefined;
}

interface PastOfPage {
  /** How often code of a granule was lost to a write, up to a maximum. */
  readonly losses: Uint8Array;
  /** How often what was built on code of a granule was lost, up to a maximum. */
  readonly waste: Uint8Array;
  /** Immediates that are written over often: how many bytes, by where in the page they are. */
  readonly fresh: Map<number, number>;
}

export class CodePages<Range extends CodeRange> {
  /** Called when a page holds decoded code for the first time. */
  onNewPage: (physicalPage: number) => void = () => {};
  readonly #view: DataView;
  readonly #pages = new Map<number, CodePage<Range>>();
  /** The page that was asked for last. */
  #last: CodePage<Range> | undefined;
  /** Maps of pages that were forgotten. */
  #freeMaps: number[] = [];

  constructor(view: DataView) {
    this.#view = view;
  }

  /** True if there is no room for the pages of another block. */
  get isFull(): boolean {
    return this.#pages.size > CODE_MAPS_MAX - 2;
  }

  /** Address of the code map of a page, or 0. */
  mapOf(physical: number): number {
    return this.#pageOf(physical)?.map ?? 0;
  }

  /** The ranges that touch the granule of an address; not to be kept. */
  around(physical: number): readonly Range[] {
    return this.#pageOf(physical)?.granules[granuleOf(physical)] ?? NONE;
  }

  /** Enters a range, with pages made where there are none, and its bytes in their maps. */
  add(range: Range): void {
    const view = this.#view;
    const end = range.physical + range.bytes;
    for (let at = range.physical; at < end; at = behind(at, GRANULE_SIZE)) {
      const page = this.#pageOf(at) ?? this.#newPage(pageOf(at));
      const granule = granuleOf(at);
      const there = page.granules[granule];
      if (there) there.push(range);
      else page.granules[granule] = [range];
      page.count++;
      const bits = bitsOf(range, at - (at & (GRANULE_SIZE - 1)));
      const place = page.map + granule * 4;
      view.setInt32(place, view.getInt32(place, true) | bits, true);
    }
  }

  remove(range: Range): void {
    const end = range.physical + range.bytes;
    for (let at = range.physical; at < end; at = behind(at, GRANULE_SIZE)) {
      const page = this.#pageOf(at);
      const granule = granuleOf(at);
      const there = page?.granules[granule];
      const place = there?.indexOf(range) ?? -1;
      if (!page || !there || place < 0) continue;
      there.splice(place, 1);
      if (there.length === 0) page.granules[granule] = undefined;
      page.count--;
      let bits = 0;
      for (const other of there) bits |= bitsOf(other, at - (at & (GRANULE_SIZE - 1)));
      this.#view.setInt32(page.map + granule * 4, bits, true);
    }
  }

  /** The ranges that share a byte with a piece of memory. */
  under(physical: number, size: number): readonly Range[] {
    const end = physical + size;
    let met: Range[] | undefined;
    for (let at = physical; at < end; ) {
      const page = this.#pageOf(at);
      for (const range of page?.granules[granuleOf(at)] ?? []) {
        if (isChanged(range, physical, end) && !met?.includes(range)) {
          met ??= [];
          met.push(range);
        }
      }
      at = page ? behind(at, GRANULE_SIZE) : behind(at, PAGE_SIZE);
    }
    return met ?? NONE;
  }

  /** Counts a loss of the code that begins at an address. */
  countLoss(physical: number): void {
    const losses = this.#makePast(physical)?.losses;
    const granule = granuleOf(physical);
    if (losses && (losses[granule] as number) < LOSSES_MAX) losses[granule] = (losses[granule] as number) + 1;
  }

  /** Counts what was built on the code that begins at an address and is lost. */
  countWaste(physical: number): void {
    const waste = this.#makePast(physical)?.waste;
    const granule = granuleOf(physical);
    if (waste && (waste[granule] as number) < WASTE_MAX) waste[granule] = (waste[granule] as number) + 1;
  }

  wasteAt(physical: number): number {
    return this.#pageOf(physical)?.past?.waste[granuleOf(physical)] ?? 0;
  }

  /** How often code that began in the granule of an address was lost. */
  lossesAt(physical: number): number {
    return this.#pageOf(physical)?.past?.losses[granuleOf(physical)] ?? 0;
  }

  /** An immediate is written over often. */
  noteFresh({ physical, bytes }: Piece): void {
    const fresh = this.#makePast(physical)?.fresh;
    if (fresh && fresh.size < FRESH_MAX) fresh.set(physical & (PAGE_SIZE - 1), bytes);
  }

  /** Whether any of an address's page is. */
  hasFresh(physical: number): boolean {
    return (this.#pageOf(physical)?.past?.fresh.size ?? 0) > 0;
  }

  isFresh({ physical, bytes }: Piece): boolean {
    return this.#pageOf(physical)?.past?.fresh.get(physical & (PAGE_SIZE - 1)) === bytes;
  }

  clear(): void {
    this.#last = undefined;
    this.#pages.clear();
    this.#freeMaps = [];
  }

  /** Forgets the pages that hold nothing any more, and what was lost there. */
  dropEmpty(): void {
    this.#last = undefined;
    for (const [number, { map, count }] of this.#pages) {
      if (count > 0) continue;
      this.#pages.delete(number);
      this.#freeMaps.push(map);
    }
  }

  #pageOf(physical: number): CodePage<Range> | undefined {
    const number = pageOf(physical);
    if (this.#last?.number === number) return this.#last;
    const page = this.#pages.get(number);
    if (page) this.#last = page;
    return page;
  }

  #makePast(physical: number): PastOfPage | undefined {
    const page = this.#pageOf(physical);
    if (!page) return undefined;
    page.past ??= { losses: new Uint8Array(GRANULES), waste: new Uint8Array(GRANULES), fresh: new Map() };
    return page.past;
  }

  #newPage(number: number): CodePage<Range> {
    // Maps that were given back have no gaps between them: as many are in use as there are pages.
    const map = this.#freeMaps.pop() ?? CODE_MAPS + this.#pages.size * CODE_MAP_SIZE;
    const page = { number, map, granules: new Array<undefined>(GRANULES).fill(undefined), count: 0, past: undefined };
    this.#pages.set(number, page);
    new Uint8Array(this.#view.buffer, map, CODE_MAP_SIZE).fill(0);
    this.onNewPage(number);
    return page;
  }
}

/** The first address behind the granule or page that an address lies in. */
function behind(at: number, size: number): number {
  return at - (at & (size - 1)) + size;
}

const NONE: readonly never[] = [];

function pageOf(physical: number): number {
  return Math.floor(physical / PAGE_SIZE);
}

function granuleOf(physical: number): number {
  return (physical & (PAGE_SIZE - 1)) >>> CODE_MAP_GRANULE_SHIFT;
}

/** Whether a write from `physical` to before `end` changes what was decoded from a range. */
function isChanged(range: CodeRange, physical: number, end: number): boolean {
  const from = Math.max(physical, range.physical);
  const to = Math.min(end, range.physical + range.bytes);
  if (from >= to) return false;
  let changed = to - from;
  for (const piece of range.fresh) {
    changed -= Math.max(0, Math.min(to, piece.physical + piece.bytes) - Math.max(from, piece.physical));
  }
  return changed > 0;
}

/** The bytes of a granule whose change changes what was decoded from a range, one bit each. */
function bitsOf(range: CodeRange, granuleStart: number): number {
  let bits = bitsOfPiece(range, granuleStart);
  for (const piece of range.fresh) bits &= ~bitsOfPiece(piece, granuleStart);
  return bits;
}

function bitsOfPiece({ physical, bytes }: Piece, granuleStart: number): number {
  const from = Math.max(physical - granuleStart, 0);
  const to = Math.min(physical + bytes - granuleStart, GRANULE_SIZE);
  if (to <= from) return 0;
  return (-1 << from) & (-1 >>> (GRANULE_SIZE - to));
}
