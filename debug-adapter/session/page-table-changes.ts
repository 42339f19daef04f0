/**
 * What is mapped now beside what was mapped at the stop before. Ranges are cut where a change begins or ends, so that what
 * is marked is what has changed and no more. Accessed and dirty flags change by themselves and do not count.
 */
import { type MappedRange, PAGE_ACCESSED, PAGE_DIRTY } from '../../vm-core/index.ts';
import { RANGE_CHANGE, RANGE_FIELDS } from '../protocol/page-tables.ts';

type Change = (typeof RANGE_CHANGE)[keyof typeof RANGE_CHANGE];

/** Ranges in the order of tables; `isCut` if the tables map more than these. */
export interface Mapping {
  readonly ranges: readonly MappedRange[];
  readonly isCut: boolean;
}

export interface ComparedRange extends MappedRange {
  readonly change: Change;
}

const STAYS = ~(PAGE_ACCESSED | PAGE_DIRTY);
/** Addresses in the order of tables: those of the upper half, which are negative, come last. */
const placeOf = (linear: number): number => (linear < 0 ? linear + 2 ** 64 : linear);

/** The ranges of `now`, with what `before` had besides. */
export function compareRanges(now: Mapping, before: Mapping | undefined): readonly ComparedRange[] {
  if (!before) return now.ranges.map((range) => ({ ...range, change: RANGE_CHANGE.SAME }));
  const comparison = new Comparison(before.ranges, Math.min(endOf(now), endOf(before)));
  for (const range of now.ranges) comparison.add(range);
  return comparison.finish();
}

/** Beyond it nothing is known of what is mapped. */
function endOf({ ranges, isCut }: Mapping): number {
  const last = ranges.at(-1);
  return isCut && last ? placeOf(last.linear) + last.size : Number.POSITIVE_INFINITY;
}

class Comparison {
  readonly #result: ComparedRange[] = [];
  readonly #before: readonly MappedRange[];
  /** What is beyond is not compared. */
  readonly #end: number;
  /** The next of the old ranges, and how far new ones have been compared. */
  #next = 0;
  #place = 0;

  constructor(before: readonly MappedRange[], end: number) {
    this.#before = before;
    this.#end = end;
  }

  /** Compares the next of the new ranges. */
  add(range: MappedRange): void {
    const start = placeOf(range.linear);
    const end = start + range.size;
    this.#skipTo(start);
    for (let at = start; at < end; ) {
      const old = this.#before[this.#next];
      const oldStart = old ? placeOf(old.linear) : Number.POSITIVE_INFINITY;
      const oldEnd = old ? oldStart + old.size : Number.POSITIVE_INFINITY;
      const isInOld = oldStart <= at;
      const to = Math.min(end, isInOld ? oldEnd : oldStart);
      const isSame = (isInOld && old && mapsTheSame(old, range)) || at >= this.#end;
      this.#push(
        at === start && to === end ? range : part(range, at, to),
        isSame ? RANGE_CHANGE.SAME : RANGE_CHANGE.CHANGED,
      );
      if (isInOld && to === oldEnd) this.#next++;
      at = to;
    }
    this.#place = end;
  }

  finish(): readonly ComparedRange[] {
    this.#skipTo(this.#end);
    return this.#result;
  }

  /** What the old ranges had up to a place, nothing maps any more. */
  #skipTo(place: number): void {
    for (let old = this.#before[this.#next]; old; old = this.#before[this.#next]) {
      const start = Math.max(placeOf(old.linear), this.#place);
      const oldEnd = placeOf(old.linear) + old.size;
      const end = Math.min(oldEnd, place, this.#end);
      if (start < end) this.#push(part(old, start, end), RANGE_CHANGE.GONE);
      if (oldEnd > place) break;
      this.#next++;
    }
  }

  /** Without spreading: there may be hundreds of thousands. */
  #push(range: MappedRange, change: Change): void {
    const { linear, size, physical, attributes, pageSize } = range;
    const last = this.#result.at(-1);
    const continues = last?.change === change && last.linear + last.size === linear && mapsTheSame(last, range);
    if (continues) this.#result[this.#result.length - 1] = { ...last, size: last.size + size };
    else this.#result.push({ linear, size, physical, attributes, pageSize, change });
  }
}

/** What of a range lies between two places. */
function part(range: MappedRange, start: number, end: number): MappedRange {
  const offset = start - placeOf(range.linear);
  return { ...range, linear: range.linear + offset, physical: range.physical + offset, size: end - start };
}

/** Whether two ranges say the same where they overlap or meet. */
function mapsTheSame(a: MappedRange, b: MappedRange): boolean {
  if (a.physical - a.linear !== b.physical - b.linear || a.pageSize !== b.pageSize) return false;
  return ((a.attributes ^ b.attributes) & STAYS) === 0;
}

/** The form in which ranges cross to the view. */
export function packRanges(ranges: readonly ComparedRange[]): Float64Array<ArrayBuffer> {
  const packed = new Float64Array(ranges.length * RANGE_FIELDS);
  let at = 0;
  for (const { linear, size, physical, pageSize, attributes, change } of ranges) {
    packed[at++] = linear;
    packed[at++] = size;
    packed[at++] = physical;
    packed[at++] = pageSize;
    packed[at++] = attributes;
    packed[at++] = change;
  }
  return packed;
}
