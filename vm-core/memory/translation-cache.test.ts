/** The cache of translations: what finds what, what a flush leaves, and what makes room. */
import { describe, expect, it } from 'vitest';
import { TRANSLATION_SETS } from './layout.ts';
import { PageWalk } from './page-walk.ts';
import { TranslationCache } from './translation-cache.ts';

const PAGE = 0x1000;
/** Linear pages that fall into the same set. */
const SAME_SET = TRANSLATION_SETS * PAGE;

function walkTo(frame: number, shift = 12): PageWalk {
  const walk = new PageWalk();
  return Object.assign(walk, { end: 'mapped', frame, shift, user: true, writable: true, executable: true });
}

class Holder {
  readonly held = new Set<number>();
  readonly gone: string[] = [];
  holds(linear: number): boolean {
    return this.held.has(linear);
  }
  dropped(linear: number, shift: number): void {
    this.gone.push(`${linear.toString(16)} ${shift}`);
  }
}

function make() {
  const holder = new Holder();
  const cache = new TranslationCache(holder);
  const fill = (linear: number, pcid = 0, global = false) => cache.fill(linear, pcid, walkTo(linear), global, false);
  const has = (linear: number, pcid = 0) => cache.find(linear, pcid) >= 0;
  return { holder, cache, fill, has };
}

describe('translations', () => {
  it('are of one process context unless they are global', () => {
    const { fill, has } = make();
    fill(0x5000, 1);
    fill(0x6000, 1, true);
    expect([has(0x5123, 1), has(0x5123, 2), has(0x6fff, 1), has(0x6fff, 2)]).toEqual([true, false, true, true]);
  });

  it('are forgotten by context, and global ones with everything only', () => {
    const { cache, fill, has } = make();
    fill(0x5000, 1);
    fill(0x5000, 2);
    fill(0x6000, 1, true);
    cache.flushContext(1);
    expect([has(0x5000, 1), has(0x5000, 2), has(0x6000, 1)]).toEqual([false, true, true]);
    cache.flushContexts();
    expect([has(0x5000, 2), has(0x6000, 2)]).toEqual([false, true]);
    cache.flushAll();
    expect(has(0x6000, 2)).toBe(false);
    fill(0x6000, 2, true);
    expect(has(0x6000, 7)).toBe(true);
    expect(cache.counters.flushes).toBe(3);
  });

  it('have a place of their own in every set', () => {
    const { cache, fill, has } = make();
    const pages = Array.from({ length: 4096 }, (_, page) => page * PAGE);
    for (const linear of pages) fill(linear);
    expect(pages.filter((linear) => !has(linear))).toEqual([]);
    expect(cache.counters.evictions).toBe(0);
    for (const linear of pages) cache.drop(linear, 0);
    expect(cache.list()).toEqual([]);
  });

  it('of every size are found by any address in the page, and dropped so', () => {
    for (const shift of [12, 21, 22, 30]) {
      const { cache, holder } = make();
      const start = -(2 ** 46);
      cache.fill(start + 5, 3, walkTo(0x4000_0000, shift), false, true);
      const at = cache.find(start + 2 ** shift - 1, 3);
      expect([cache.frameAt(at), cache.shiftAt(at), cache.isDirtyAt(at)]).toEqual([0x4000_0000, shift, true]);
      expect([cache.find(start - 1, 3), cache.find(start + 2 ** shift, 3)]).toEqual([-1, -1]);
      expect(cache.list()).toMatchObject([{ linear: start, shift, pcid: 3, global: false }]);
      cache.drop(start + 2 ** shift - 1, 3);
      expect(cache.find(start, 3)).toBe(-1);
      expect(holder.gone).toHaveLength(1);
    }
  });

  it('that are global stay when a context drops a page without them', () => {
    const { cache, fill, has } = make();
    fill(0x6000, 1, true);
    cache.drop(0x6000, 1, false);
    expect(has(0x6000, 1)).toBe(true);
    cache.drop(0x6000, 1);
    expect(has(0x6000, 1)).toBe(false);
  });

  it('list each page once with its rights', () => {
    const { cache, fill } = make();
    fill(0x5000, 1);
    fill(0x5000, 1);
    fill(0x9000, 2, true);
    const list = [...cache.list()].sort((a, b) => a.linear - b.linear);
    expect(list.map(({ linear, frame, global }) => [linear, frame, global])).toEqual([
      [0x5000, 0x5000, false],
      [0x9000, 0x9000, true],
    ]);
    expect(list[0]).toMatchObject({ user: true, writable: true, executable: true, key: 0, dirty: false, shift: 12 });
  });
});

describe('making room', () => {
  it('takes the one least recently asked for, not the one entered first', () => {
    const { cache, holder, fill, has } = make();
    for (let n = 0; n < 4; n++) fill(n * SAME_SET);
    expect(has(0)).toBe(true);
    fill(4 * SAME_SET);
    expect(holder.gone).toEqual([`${SAME_SET.toString(16)} 12`]);
    expect([has(0), has(SAME_SET)]).toEqual([true, false]);
    expect(cache.counters).toMatchObject({ evictions: 1, spared: 0, fills: 5 });
  });

  it('spares pages that compiled code uses', () => {
    const { cache, holder, fill, has } = make();
    for (let n = 0; n < 4; n++) fill(n * SAME_SET);
    holder.held.add(0);
    fill(4 * SAME_SET);
    expect([has(0), has(SAME_SET)]).toEqual([true, false]);
    expect(cache.counters).toMatchObject({ evictions: 1, spared: 1 });
  });

  it('takes what a flush has left behind first, which is no eviction', () => {
    const { cache, holder, fill, has } = make();
    for (let n = 0; n < 3; n++) fill(n * SAME_SET, 1);
    fill(3 * SAME_SET, 2);
    cache.flushContext(1);
    for (let n = 4; n < 7; n++) fill(n * SAME_SET, 2);
    expect(has(3 * SAME_SET, 2)).toBe(true);
    expect([cache.counters.evictions, holder.gone]).toEqual([0, []]);
  });

  it('keeps a page that is used in a stream of pages that are not, as first-in first-out would not', () => {
    const { cache, fill, has } = make();
    fill(0);
    for (let n = 1; n < 100; n++) {
      fill(n * SAME_SET);
      expect(has(0)).toBe(true);
    }
    expect(cache.counters.evictions).toBe(96);
  });
});
