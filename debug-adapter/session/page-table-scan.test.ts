/** Large and hostile page tables: a scan ends, keeps within bounds, and can be left at any time. */
import { describe, expect, it } from 'vitest';
import type { ShownRules } from '../../vm-core/index.ts';
import { PageTableScan, RANGES_MAX } from './page-table-scan.ts';

const RULES: ShownRules = {
  ...{ levels: 4, root: 0, pointers: new Uint32Array(8), physicalBits: 40, pse36: true, gigabytePages: true },
  ...{ largePages: true, writeProtect: true, noExecute: true, globalPages: true, smep: false, smap: false },
  ...{ userKeys: 0, supervisorKeys: 0, pcid: 0 },
};
const PRESENT = 3;
const LEAF_TABLES = 1024;

function scanOf(read: (address: number) => number, rules: Partial<ShownRules> = {}): PageTableScan {
  const scan = new PageTableScan({ ...RULES, ...rules }, read);
  while (!scan.advance(() => true));
  return scan;
}

/** 2 GiB of pages of 4 KiB, in 1,024 tables behind one for each of the upper levels; `frameOf` places them. */
function twoGigabytes(frameOf: (page: number) => number): (address: number) => number {
  return (address) => {
    const [table, entry] = [address >>> 12, (address & 0xfff) >>> 3];
    if ((address & 4) !== 0) return 0;
    if (table === 0) return entry === 0 ? 0x1000 | PRESENT : 0;
    if (table === 1) return entry < 2 ? ((2 + entry) << 12) | PRESENT : 0;
    if (table < 4) return ((4 + (table - 2) * 512 + entry) << 12) | PRESENT;
    return ((frameOf((table - 4) * 512 + entry) << 12) | PRESENT) >>> 0;
  };
}

describe('a scan of page tables', () => {
  it('puts 2 GiB of small pages into one range', () => {
    const scan = scanOf(twoGigabytes((page) => page));
    expect(scan.ranges).toMatchObject([{ linear: 0, size: 2 ** 31, physical: 0, pageSize: 4096 }]);
    expect([scan.tables, scan.isCut]).toEqual([LEAF_TABLES + 4, false]);
  });

  it('gives up where no two of half a million pages belong together', () => {
    const scan = scanOf(twoGigabytes((page) => (page * 7919) & 0x7ffff));
    expect([scan.ranges.length, scan.isCut]).toEqual([RANGES_MAX, true]);
  });

  it('ends in a table that is its own on all levels', () => {
    const scan = scanOf((address) => ((address & 7) === 0 ? PRESENT | ((address & 8) >> 1) : 0), { levels: 5 });
    expect([scan.ranges.length, scan.isCut]).toEqual([RANGES_MAX, true]);
  });

  it('ends where tables lead to tables and none to a page', { timeout: 60_000 }, () => {
    const chain = (address: number): number => {
      const table = address >>> 12;
      return (address & 7) === 0 && table < 4 ? ((table + 1) << 12) | PRESENT : 0;
    };
    const scan = scanOf(chain, { levels: 5 });
    expect([scan.ranges.length, scan.isCut]).toEqual([0, true]);
  });

  it('finds nothing where there is no memory', () => {
    expect(scanOf(() => 0xffff_ffff, { root: 2 ** 39 })).toMatchObject({ ranges: [], tables: 1, isCut: false });
  });

  it('takes one table at a time if there is no time', () => {
    const scan = new PageTableScan(
      RULES,
      twoGigabytes((page) => page),
    );
    expect(scan.advance(() => true)).toBe(false);
    expect(scan.tables).toBe(1);
  });
});
