/** Changes of what is mapped, by page, whatever the ranges are merged to. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type MappedRange, PAGE_ACCESSED, PAGE_USER, PAGE_WRITABLE } from '../../vm-core/index.ts';
import { RANGE_CHANGE } from '../protocol/page-tables.ts';
import { type ComparedRange, compareRanges, type Mapping } from './page-table-changes.ts';

const PAGE = 0x1000;

/** A page of a small address space, half of it in the upper half: its frame and attributes, or nothing. */
type Page = { readonly frame: number; readonly attributes: number } | undefined;

const linearOf = (n: number, count: number): number => (n < count / 2 ? n * PAGE : (n - count) * PAGE);

/** Pages put together as the session does. */
function rangesOf(pages: readonly Page[]): MappedRange[] {
  const ranges: MappedRange[] = [];
  pages.forEach((page, n) => {
    if (!page) return;
    const range = { linear: linearOf(n, pages.length), size: PAGE, physical: page.frame * PAGE, pageSize: PAGE };
    const last = ranges.at(-1);
    const follows = last && last.linear + last.size === range.linear && last.physical + last.size === range.physical;
    if (follows && last.attributes === page.attributes) ranges[ranges.length - 1] = { ...last, size: last.size + PAGE };
    else ranges.push({ ...range, attributes: page.attributes });
  });
  return ranges;
}

const whole = (pages: readonly Page[]): Mapping => ({ ranges: rangesOf(pages), isCut: false });

const pages = fc.array(
  fc.option(fc.record({ frame: fc.nat(3), attributes: fc.constantFrom(PAGE_WRITABLE, PAGE_USER) }), {
    nil: undefined,
    freq: 3,
  }),
  { minLength: 12, maxLength: 12 },
);

/** What is said of each page: its change by address. */
const byPage = (ranges: readonly ComparedRange[]): readonly (readonly [number, number])[] =>
  ranges.flatMap(({ linear, size, change }) =>
    Array.from({ length: size / PAGE }, (_, n) => [linear + n * PAGE, change] as const),
  );

describe('changes of what is mapped', () => {
  it('are those of every page, and the ranges together are what is mapped now and what was', () => {
    fc.assert(
      fc.property(pages, pages, (before, now) => {
        // Frames follow the addresses, so that there are ranges of several pages.
        const placed = (list: readonly Page[]) => list.map((page, n) => page && { ...page, frame: page.frame + n });
        const [old, current] = [placed(before), placed(now)];
        const expected = current.flatMap((page, n): readonly (readonly [number, number])[] => {
          const linear = linearOf(n, current.length);
          const was = old[n];
          if (!page) return was ? [[linear, RANGE_CHANGE.GONE]] : [];
          const isSame = was?.frame === page.frame && was.attributes === page.attributes;
          return [[linear, isSame ? RANGE_CHANGE.SAME : RANGE_CHANGE.CHANGED]];
        });
        const compared = compareRanges(whole(current), whole(old));
        expect(byPage(compared)).toEqual(expected);
        const mapped = compared.filter(({ change }) => change !== RANGE_CHANGE.GONE);
        for (const { linear, physical, attributes } of mapped) {
          const n = linear < 0 ? linear / PAGE + current.length : linear / PAGE;
          expect({ frame: physical / PAGE, attributes }).toEqual(current[n]);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('do not count accessed flags, and there are none without an earlier stop', () => {
    const now = whole([{ frame: 0, attributes: PAGE_USER | PAGE_ACCESSED }, undefined]);
    expect(byPage(compareRanges(now, whole([{ frame: 0, attributes: PAGE_USER }, undefined])))).toEqual([[0, 0]]);
    expect(byPage(compareRanges(now, undefined))).toEqual([[0, 0]]);
  });

  it('are not told beyond what both have looked at', () => {
    const all = Array.from({ length: 12 }, (_, n) => ({ frame: n * 2, attributes: PAGE_USER }));
    const cut = { ranges: rangesOf(all.slice(0, 3).concat(Array(9))), isCut: true };
    expect(compareRanges(cut, whole(all)).every(({ change }) => change === RANGE_CHANGE.SAME)).toBe(true);
    expect(compareRanges(whole(all), cut).every(({ change }) => change === RANGE_CHANGE.SAME)).toBe(true);
  });
});
