/**
 * What must cost the same however much there is to forget or to protect: flushes, and write protection of all of memory
 * (docs/decisions/0009). Counted are the elements and fields that are read and written, not the time.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CpuState } from '../state/cpu-state.ts';
import { DirtyLog } from './dirty-log.ts';
import { cpuBase, createMemory, RAM_BASE, TLB_ENTRIES } from './layout.ts';
import { PageWalk } from './page-walk.ts';
import { Tlb } from './tlb.ts';
import { TranslationCache } from './translation-cache.ts';

const PAGE = 0x1000;
const ARRAYS = ['Float64Array', 'Uint8Array', 'Uint16Array', 'Uint32Array'] as const;

let work = 0;
const real = Object.fromEntries(ARRAYS.map((name) => [name, globalThis[name]]));

/** A typed array that counts what is done with its elements. */
function counting(array: object): object {
  return new Proxy(array, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value === 'function') {
        return (...parameters: unknown[]) => {
          work += (target as Uint8Array).length;
          return Reflect.apply(value, target, parameters);
        };
      }
      if (typeof key === 'string' && /^\d+$/.test(key)) work++;
      return value;
    },
    set(target, key, value) {
      work++;
      return Reflect.set(target, key, value, target);
    },
  });
}

beforeEach(() => {
  for (const name of ARRAYS) {
    const construct = (target: object, parameters: unknown[]) =>
      counting(Reflect.construct(target as new () => object, parameters));
    Object.assign(globalThis, { [name]: new Proxy(globalThis[name], { construct }) });
  }
});

afterEach(() => {
  Object.assign(globalThis, real);
});

/** The elements that something reads and writes. */
function workOf(run: () => void): number {
  work = 0;
  run();
  return work;
}

/** Processor state whose fields count, too. */
function countingState(): CpuState {
  const state = new CpuState(createMemory(0x100000), cpuBase(0));
  const { view } = state;
  const field = (target: DataView, key: string | symbol): unknown => {
    const value: unknown = Reflect.get(target, key, target);
    if (typeof value !== 'function') return value;
    return (...parameters: unknown[]) => {
      work++;
      return Reflect.apply(value, target, parameters);
    };
  };
  Object.defineProperty(state, 'view', { value: new Proxy(view, { get: field }) });
  return state;
}

function filledCache(pages: number): TranslationCache {
  const cache = new TranslationCache({ holds: () => false, dropped: () => {} });
  for (let n = 0; n < pages; n++) {
    const walk = Object.assign(new PageWalk(), { end: 'mapped', frame: n * PAGE, shift: n % 5 === 0 ? 21 : 12 });
    cache.fill(n * PAGE * (n % 5 === 0 ? 512 : 1), n % 3, walk, n % 4 === 0, true);
  }
  return cache;
}

describe('the cache of translations', () => {
  it.each<readonly [string, (cache: TranslationCache) => void]>([
    ['everything', (cache) => cache.flushAll()],
    ['a process context', (cache) => cache.flushContext(1)],
    ['all process contexts', (cache) => cache.flushContexts()],
  ])('forgets %s without looking at what there is', (_, flush) => {
    const small = filledCache(1);
    const large = filledCache(4000);
    const before = large.list().length;
    expect(before).toBeGreaterThan(1500);
    expect(workOf(() => flush(small))).toBeLessThanOrEqual(8);
    expect(workOf(() => flush(large))).toBeLessThanOrEqual(8);
    expect(large.list().length).toBeLessThan(before);
  });
});

describe('the tables that compiled code looks into', () => {
  const fill = (tlb: Tlb): void => {
    for (let n = 0; n < TLB_ENTRIES; n++) {
      tlb.allowReads(n * PAGE, RAM_BASE + n * PAGE);
      tlb.allowWrites(n * PAGE, RAM_BASE + n * PAGE, 0);
    }
  };

  it.each<readonly [string, (tlb: Tlb, n: number) => void]>([
    ['forget everything', (tlb) => tlb.forgetAll()],
    ['forget an address space', (tlb, n) => tlb.forget(n % 3)],
    ['protect all pages against stores', (tlb) => tlb.protectWrites()],
    ['go to another address space and privilege', (tlb, n) => tlb.enter(n % 3, n % 2 === 0 ? 0 : 1)],
  ])('%s without visiting a page', (_, change) => {
    const tlb = new Tlb(countingState());
    fill(tlb);
    const costs = Array.from({ length: 400 }, (__, n) => workOf(() => change(tlb, n)));
    expect(Math.max(...costs)).toBeLessThanOrEqual(30);
  });

  it('are cleared once in hundreds of times, when the numbers of contexts are used up', () => {
    const tlb = new Tlb(countingState());
    const costs = Array.from({ length: 5000 }, () => workOf(() => tlb.forgetAll()));
    const clears = costs.filter((cost) => cost > 30).length;
    expect(clears).toBeGreaterThan(0);
    expect(clears).toBeLessThanOrEqual(20);
  });

  it('let loads go on while stores ask again, page by page', () => {
    const tlb = new Tlb(countingState());
    let dropped = 0;
    tlb.onRestart = () => dropped++;
    fill(tlb);
    tlb.protectWrites();
    expect(dropped).toBe(0);
    expect(tlb.holds(5 * PAGE)).toBe(true);
  });
});

describe('the dirty log', () => {
  it.each([1, 1024])('of %d MiB begins without visiting a page', (mebibytes) => {
    const log = new DirtyLog({ low: mebibytes * 0x100000, high: 0 });
    let protectedOnce = 0;
    log.onBegin.push(() => protectedOnce++);
    for (let page = 0; page < mebibytes * 256; page += 3) log.note(page * PAGE);
    expect(workOf(() => log.begin())).toBe(0);
    expect(protectedOnce).toBe(1);
    expect(log.dirtyPages(0, mebibytes * 0x100000, 10)).toEqual([]);
  });
});
