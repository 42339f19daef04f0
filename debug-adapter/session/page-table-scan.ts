/** Collects what page tables map a few milliseconds at a time, and finds out what is new since an earlier collection. */
import { mappedRanges, type MappedRange, PAGE_ACCESSED, PAGE_DIRTY, rootTable } from '../../vm-core/index.ts';
import type { PagingView } from '../../vm-core/index.ts';
import { RANGE_FIELDS } from '../protocol/page-tables.ts';

/** A view gets so many ranges; tables that point to themselves map more than anybody can look at. */
export const RANGES_MAX = 200_000;
/** So many tables are looked at: those of a hostile guest may hold nothing and never end. */
const TABLES_MAX = 300_000;

const STAYS = ~(PAGE_ACCESSED | PAGE_DIRTY);

export class PageTableScan {
  readonly ranges: MappedRange[] = [];
  tables = 0;
  /** There is more than was collected. */
  isCut = false;
  readonly #steps: Iterator<MappedRange | undefined>;

  constructor(paging: PagingView, root: number | undefined) {
    const table = rootTable(paging.rules, root);
    this.#steps = table ? mappedRanges(paging.rules, paging.read, table) : [][Symbol.iterator]();
  }

  /** Collects until `isTimeUp`; true when all is there. */
  advance(isTimeUp: () => boolean): boolean {
    for (;;) {
      const step = this.#steps.next();
      if (step.done === true) return true;
      if (step.value) this.ranges.push(step.value);
      else this.tables++;
      this.isCut = this.ranges.length >= RANGES_MAX || this.tables >= TABLES_MAX;
      if (this.isCut) return true;
      if (step.value === undefined && isTimeUp()) return false;
    }
  }
}

/** The ranges in the form in which they cross to the view; those that `before` did not have are marked. */
export function packRanges(
  ranges: readonly MappedRange[],
  before: readonly MappedRange[] | undefined,
): Float64Array<ArrayBuffer> {
  const known = new Map(before?.map((range) => [range.linear, range] as const));
  const packed = new Float64Array(ranges.length * RANGE_FIELDS);
  ranges.forEach((range, n) => {
    const old = known.get(range.linear);
    const changed = before !== undefined && !(old && isSame(old, range));
    const { linear, size, physical, pageSize, attributes } = range;
    packed.set([linear, size, physical, pageSize, attributes, changed ? 1 : 0], n * RANGE_FIELDS);
  });
  return packed;
}

function isSame(a: MappedRange, b: MappedRange): boolean {
  if (a.size !== b.size || a.physical !== b.physical || a.pageSize !== b.pageSize) return false;
  return ((a.attributes ^ b.attributes) & STAYS) === 0;
}
