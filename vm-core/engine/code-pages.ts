/**
 * Which bytes of guest memory lie under decoded blocks (DESIGN §4): by granule for the engine, which has to find the
 * blocks under a write, and by bit for generated code, whose stores beside them need not leave it.
 */
import { CODE_MAP_GRANULE_SHIFT, CODE_MAP_SIZE, CODE_MAPS, CODE_MAPS_MAX, PAGE_SIZE } from '../memory/layout.ts';

const GRANULE_SIZE = 1 << CODE_MAP_GRANULE_SHIFT;
const GRANULES = PAGE_SIZE / GRANULE_SIZE;
const LOSSES_MAX = 0xff;

/** Bytes of guest-physical memory that something decoded lies on. */
export interface CodeRange {
  readonly physical: number;
  readonly bytes: number;
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
        if (range.physical < end && physical < range.physical + range.bytes && !met?.includes(range)) {
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

  /** How often code that began in the granule of an address was lost. */
  lossesAt(physical: number): number {
    return this.#pages.get(pageOf(physical))?.losses[granuleOf(physical)] ?? 0;
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
    const page = { map, granules: [], count: 0, losses: new Uint8Array(GRANULES) };
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

/** The bytes of a granule that a range covers, one bit each. */
function bitsOf({ physical, bytes }: CodeRange, granuleStart: number): number {
  const from = Math.max(physical - granuleStart, 0);
  const to = Math.min(physical + bytes - granuleStart, GRANULE_SIZE);
  if (to <= from) return 0;
  return (-1 << from) & (-1 >>> (GRANULE_SIZE - to));
}
