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
  /** Address of the page's map. */
  readonly map: number;
  /** The ranges that touch a granule. The lists are never changed, only replaced. */
  readonly granules: (readonly Range[] | undefined)[];
  /** Ranges by granule, in all. */
  count: number;
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
    return this.#pages.get(pageOf(physical))?.map ?? 0;
  }

  add(range: Range): void {
    this.#changeGranules(range, (there) => [...there, range]);
  }

  remove(range: Range): void {
    this.#changeGranules(range, (there) => there.filter((other) => other !== range));
  }

  /** The ranges that share a byte with a piece of memory. */
  under(physical: number, size: number): readonly Range[] {
    const end = physical + size;
    let met: Range[] | undefined;
    for (let at = physical; at < end; ) {
      const page = this.#pages.get(pageOf(at));
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
    const losses = this.#pages.get(pageOf(physical))?.losses;
    const granule = granuleOf(physical);
    if (losses && (losses[granule] as number) < LOSSES_MAX) losses[granule] = (losses[granule] as number) + 1;
  }

  /** Counts what was built on the code that begins at an address and is lost. */
  countWaste(physical: number): void {
    const waste = this.#pages.get(pageOf(physical))?.waste;
    const granule = granuleOf(physical);
    if (waste && (waste[granule] as number) < WASTE_MAX) waste[granule] = (waste[granule] as number) + 1;
  }

  wasteAt(physical: number): number {
    return this.#pages.get(pageOf(physical))?.waste[granuleOf(physical)] ?? 0;
  }

  /** How often code that began in the granule of an address was lost. */
  lossesAt(physical: number): number {
    return this.#pages.get(pageOf(physical))?.losses[granuleOf(physical)] ?? 0;
  }

  /** An immediate is written over often. */
  noteFresh({ physical, bytes }: Piece): void {
    const fresh = this.#pages.get(pageOf(physical))?.fresh;
    if (fresh && fresh.size < FRESH_MAX) fresh.set(physical & (PAGE_SIZE - 1), bytes);
  }

  /** Whether any of an address's page is. */
  hasFresh(physical: number): boolean {
    return (this.#pages.get(pageOf(physical))?.fresh.size ?? 0) > 0;
  }

  isFresh({ physical, bytes }: Piece): boolean {
    return this.#pages.get(pageOf(physical))?.fresh.get(physical & (PAGE_SIZE - 1)) === bytes;
  }

  clear(): void {
    this.#pages.clear();
    this.#freeMaps = [];
  }

  /** Forgets the pages that hold nothing any more, and what was lost there. */
  dropEmpty(): void {
    for (const [number, { map, count }] of this.#pages) {
      if (count > 0) continue;
      this.#pages.delete(number);
      this.#freeMaps.push(map);
    }
  }

  #newPage(number: number): CodePage<Range> {
    // Maps that were given back have no gaps between them: as many are in use as there are pages.
    const map = this.#freeMaps.pop() ?? CODE_MAPS + this.#pages.size * CODE_MAP_SIZE;
    const page = {
      map,
      granules: [],
      count: 0,
      losses: new Uint8Array(GRANULES),
      waste: new Uint8Array(GRANULES),
      fresh: new Map(),
    };
    this.#pages.set(number, page);
    new Uint8Array(this.#view.buffer, map, CODE_MAP_SIZE).fill(0);
    this.onNewPage(number);
    return page;
  }

  /** Replaces the lists of the granules of a range, with pages made where there are none, and their maps. */
  #changeGranules(range: CodeRange, change: (there: readonly Range[]) => readonly Range[]): void {
    const end = range.physical + range.bytes;
    for (let at = range.physical; at < end; at = behind(at, GRANULE_SIZE)) {
      const number = pageOf(at);
      const granule = granuleOf(at);
      const page = this.#pages.get(number) ?? this.#newPage(number);
      const before = page.granules[granule] ?? [];
      const ranges = change(before);
      page.granules[granule] = ranges;
      page.count += ranges.length - before.length;
      let bits = 0;
      for (const other of ranges) bits |= bitsOf(other, behind(at, GRANULE_SIZE) - GRANULE_SIZE);
      this.#view.setInt32(page.map + granule * 4, bits, true);
    }
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
