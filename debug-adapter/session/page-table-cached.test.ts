/** Cached translations against tables that have changed since. */
import { describe, expect, it } from 'vitest';
import { type CachedPage, explainWalk, type PagingRules, type PagingView } from '../../vm-core/index.ts';
import { ATTRIBUTE } from '../protocol/page-tables.ts';
import { cachedEntries } from './page-table-cached.ts';

const RULES: PagingRules = {
  levels: 4,
  root: 0,
  pointers: new Uint32Array(8),
  physicalBits: 40,
  pse36: true,
  gigabytePages: true,
  largePages: true,
  writeProtect: true,
  noExecute: true,
  globalPages: true,
  smep: false,
  smap: false,
  userKeys: 0,
  supervisorKeys: 0,
  pcid: 3,
};

/** The page at 2 MiB as the processor keeps it. */
const CACHED: CachedPage = {
  ...{ linear: 0x20_0000, frame: 0x5000, shift: 12, pcid: 3, key: 2 },
  ...{ user: true, writable: true, executable: true, global: false, dirty: true },
};

const ENTRY = 0x5067;
const KEY_2 = 2 << 27;

/** Tables from 0 on, one page each, that map one page at 2 MiB by an entry. */
function viewOf(low: number, high: number, cached: readonly CachedPage[], rules: PagingRules = RULES): PagingView {
  const words = new Map([
    [0, 0x1027],
    [0x1000, 0x2027],
    [0x2008, 0x3027],
    [0x3000, low],
    [0x3004, high >>> 0],
  ]);
  const read = (address: number): number => words.get(address) ?? 0;
  return {
    rules,
    read,
    cached: () => cached,
    explain: (linear, access) => explainWalk(rules, read, linear, access),
    counters: { hits: 0, fills: 0, evictions: 0, spared: 0, flushes: 0 },
  };
}

const staleness = (low: number, high: number, cached: Partial<CachedPage> = {}): string | undefined =>
  cachedEntries(viewOf(low, high, [{ ...CACHED, ...cached }]))[0]?.stale;

describe('a cached translation', () => {
  it.each([
    ['is right', ENTRY, KEY_2, ''],
    ['has another frame', 0x6067, KEY_2, 'now at 0x000000006000'],
    ['was writable', 0x5065, KEY_2, 'now read-only'],
    ['was for users', 0x5063, KEY_2, 'now for the supervisor only'],
    ['was executable', ENTRY, KEY_2 | 0x8000_0000, 'now not executable'],
    ['was not global', ENTRY | 0x100, KEY_2, 'now global'],
    ['had another key', ENTRY, 5 << 27, 'now protection key 5'],
    ['was accessed', 0x5047, KEY_2, 'accessed flag cleared'],
    ['was written to', 0x5027, KEY_2, 'dirty flag cleared'],
    ['had several rights', 0x6061, KEY_2, 'now at 0x000000006000, now read-only, now for the supervisor only'],
    ['is not mapped any more', 0, 0, 'now the PTE is not present'],
    ['is below a reserved bit', ENTRY, 0x0000_0100, 'now a reserved bit of the PTE is set'],
  ])('that %s', (_, low, high, stale) => {
    expect(staleness(low, high)).toBe(stale);
  });

  it('had fewer rights, or was of another size', () => {
    expect(staleness(ENTRY, KEY_2, { writable: false, user: false, executable: false })).toBe(
      'now writable, now for users, now executable',
    );
    expect(staleness(ENTRY, KEY_2, { shift: 21 })).toBe('now a page of another size');
    expect(staleness(ENTRY | 0x40, KEY_2, { dirty: false })).toBe('');
  });

  it('of another process context is not compared, a global one is', () => {
    const view = viewOf(0, 0, [
      { ...CACHED, pcid: 7 },
      { ...CACHED, pcid: 7, global: true },
    ]);
    expect(cachedEntries(view)).toMatchObject([
      { context: 7, isCompared: false, stale: '' },
      { context: undefined, isCompared: true, stale: 'now the PTE is not present' },
    ]);
  });

  it('is listed with its rights, in the order of addresses', () => {
    const [first, second] = cachedEntries(
      viewOf(ENTRY, KEY_2, [CACHED, { ...CACHED, linear: -4096, writable: false }]),
    );
    expect(first?.linear).toBe(-4096);
    expect(second?.attributes).toBe(ATTRIBUTE.USER | ATTRIBUTE.WRITABLE | ATTRIBUTE.DIRTY | (2 << 9));
  });
});
