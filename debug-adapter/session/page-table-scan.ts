/** Collects what page tables map a few milliseconds at a time. */
import { type MappedRange, mappedRanges, rootTable, type ShownRules } from '../../vm-core/index.ts';

/** A view gets so many ranges; tables that point to themselves map more than anybody can look at. */
export const RANGES_MAX = 200_000;
/** So many tables are looked at: those of a hostile guest may hold nothing and never end. */
const TABLES_MAX = 300_000;

export class PageTableScan {
  readonly ranges: MappedRange[] = [];
  tables = 0;
  /** There is more than was collected. */
  isCut = false;
  readonly #steps: Iterator<MappedRange | undefined>;

  constructor(rules: ShownRules, read: (physicalAddress: number) => number) {
    const table = rootTable(rules);
    this.#steps = table ? mappedRanges(rules, read, table) : [][Symbol.iterator]();
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
