/** The page tables as a debugger sees them, against a walk that shares nothing with them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type OracleAccess, oracleWalk, type OracleRules } from '../memory/oracle-walk.ts';
import type { PagingLevels, PagingRules } from '../memory/paging-rules.ts';
import { entryName, explainWalk } from './explain-walk.ts';
import {
  type MappedRange,
  mappedRanges,
  PAGE_NO_EXECUTE,
  PAGE_USER,
  PAGE_WRITABLE,
  readTable,
  rootTable,
} from './page-tables.ts';

const MODES: Readonly<Record<OracleRules['mode'], PagingLevels>> = { '32-bit': 2, PAE: 3, '4-level': 4, '5-level': 5 };
/** Tables lie in so many pages from 0 on; entries point into the same pages, so that walks find tables. */
const TABLE_PAGES = 6;

interface Scene {
  readonly mode: OracleRules['mode'];
  readonly words: Uint32Array;
  readonly flags: { readonly [name in 'wp' | 'nxe' | 'smep' | 'smap' | 'pse' | 'gigabytePages']: boolean };
  readonly pkru: number | undefined;
}

/** Mostly empty tables with a few entries, whose frames are near each other. */
const scenes: fc.Arbitrary<Scene> = fc
  .record({
    mode: fc.constantFrom<OracleRules['mode']>('32-bit', 'PAE', '4-level', '5-level'),
    entries: fc.array(
      fc.record({
        at: fc.nat(TABLE_PAGES * 512 - 1),
        frame: fc.nat(TABLE_PAGES + 2),
        low: fc.nat(0xfff),
        high: fc.constantFrom(0, 0, 0, 0x8000_0000, 0x3800_0000, 0x0008_0000),
      }),
      { minLength: 10, maxLength: 120 },
    ),
    near: fc.boolean(),
    flags: fc.record({
      wp: fc.boolean(),
      nxe: fc.boolean(),
      smep: fc.boolean(),
      smap: fc.boolean(),
      pse: fc.boolean(),
      gigabytePages: fc.boolean(),
    }),
    pkru: fc.option(fc.nat(0xffff_ffff), { nil: undefined }),
  })
  .map(({ mode, entries, near, flags, pkru }) => {
    const words = new Uint32Array(TABLE_PAGES * 1024);
    for (const { at, frame, low, high } of entries) {
      // Half of the scenes keep to the first entries of each table: these are found from the root.
      const slot = near ? (at & ~511) | (at & 3) : at;
      if (mode === '32-bit') words[slot * 2] = (frame << 12) | low | 1;
      else {
        words[slot * 2] = (frame << 12) | low | 1;
        words[slot * 2 + 1] = high;
      }
    }
    const told = JSON.stringify({ mode, entries, near, flags, pkru });
    return { mode, words, flags, pkru, [fc.toStringMethod]: () => told };
  });

function rulesOf({ mode, words, flags, pkru }: Scene): { rules: PagingRules; oracle: OracleRules } {
  const pointers = words.slice(0, 8);
  const wide = mode === '4-level' || mode === '5-level';
  const rules: PagingRules = {
    levels: MODES[mode],
    root: 0,
    pointers,
    physicalBits: 36,
    pse36: true,
    gigabytePages: flags.gigabytePages,
    largePages: mode === '32-bit' ? flags.pse : true,
    writeProtect: flags.wp,
    noExecute: mode !== '32-bit' && flags.nxe,
    globalPages: true,
    smep: flags.smep,
    smap: flags.smap,
    userKeys: wide ? (pkru ?? 0) : 0,
    supervisorKeys: 0,
    pcid: 0,
  };
  const oracle: OracleRules = {
    mode,
    cr3: 0n,
    pointers: Array.from(
      { length: 4 },
      (_, n) => BigInt(pointers[n * 2] as number) | (BigInt(pointers[n * 2 + 1] as number) << 32n),
    ),
    physicalBits: 36,
    pse: flags.pse,
    pse36: true,
    gigabytePages: flags.gigabytePages,
    wp: flags.wp,
    nxe: flags.nxe,
    smep: flags.smep,
    smap: flags.smap,
    pkru: wide ? pkru : undefined,
    pkrs: undefined,
  };
  return { rules, oracle };
}

const readers = (words: Uint32Array) => ({
  read: (address: number): number => words[address / 4] ?? 0xffff_ffff,
  oracleRead: (address: bigint, bytes: number): bigint => {
    const at = Number(address) / 4;
    const low = BigInt(words[at] ?? 0xffff_ffff);
    return bytes === 4 ? low : low | (BigInt(words[at + 1] ?? 0xffff_ffff) << 32n);
  },
});

/** As many ranges as a test looks at. */
function firstRanges(rules: PagingRules, read: (address: number) => number, count: number): MappedRange[] {
  const ranges: MappedRange[] = [];
  let tables = 0;
  for (const range of mappedRanges(rules, read, rootTable(rules) as NonNullable<ReturnType<typeof rootTable>>)) {
    if (range) ranges.push(range);
    else if (++tables > 2000) break;
    if (ranges.length >= count) break;
  }
  return ranges;
}

describe('mapped ranges', () => {
  it('are where an independent walk finds pages, with their rights, and nowhere in between', () => {
    fc.assert(
      fc.property(scenes, (scene) => {
        const { rules, oracle } = rulesOf(scene);
        const { read, oracleRead } = readers(scene.words);
        const mask = rules.levels < 4 ? 0xffff_ffffn : 0xffff_ffff_ffff_ffffn;
        // Each right by itself: only the one that the access asks for can be missing.
        const plain = { ...oracle, wp: true, smep: false, smap: false, pkru: undefined };
        const walk = (
          linear: bigint,
          kind: OracleAccess['kind'] = 'read',
          mode: OracleAccess['mode'] = 'supervisor',
        ) => {
          const result = oracleWalk(plain, { kind, mode, ac: true }, linear & mask, oracleRead);
          return 'physical' in result ? Number(result.physical) : undefined;
        };
        const ranges = firstRanges(rules, read, 40);
        ranges.forEach(({ linear, size, physical, attributes }, n) => {
          const [start, last] = [BigInt(linear), BigInt(linear) + BigInt(size) - 1n];
          expect(walk(start)).toBe(physical);
          expect(walk(last)).toBe(physical + size - 1);
          for (const place of [start, last]) {
            expect(walk(place, 'read', 'user') !== undefined).toBe((attributes & PAGE_USER) !== 0);
            expect(walk(place, 'write') !== undefined).toBe((attributes & PAGE_WRITABLE) !== 0);
            expect(walk(place, 'fetch') !== undefined).toBe((attributes & PAGE_NO_EXECUTE) === 0);
          }
          const next = ranges[n + 1];
          if (!next || next.linear === linear + size || next.linear < 0 !== linear < 0) return;
          for (const outside of [last + 1n, BigInt(next.linear) - 1n]) expect(walk(outside)).toBe(undefined);
        });
      }),
      { numRuns: 300 },
    );
  });

  it('are what walks of every page find, merged', () => {
    const words = new Uint32Array(4 * 1024);
    words[0] = 0x1007;
    words[1] = 0x2003;
    for (let n = 0; n < 8; n++) words[1024 + n] = ((0x10 + n) << 12) | 0x67;
    words[1024 + 4] = (0x14 << 12) | 0x65;
    words[2048 + 3] = (0x18 << 12) | 0x07;
    const rules = rulesOf({ mode: '32-bit', words, flags: NO_FLAGS, pkru: undefined }).rules;
    const shown = firstRanges(rules, readers(words).read, 10).map(({ linear, size, physical, attributes }) => [
      linear,
      size,
      physical,
      attributes & (PAGE_WRITABLE | PAGE_USER),
    ]);
    expect(shown).toEqual([
      [0, 0x4000, 0x10000, PAGE_WRITABLE | PAGE_USER],
      [0x4000, 0x1000, 0x14000, PAGE_USER],
      [0x5000, 0x3000, 0x15000, PAGE_WRITABLE | PAGE_USER],
      [0x403000, 0x1000, 0x18000, PAGE_WRITABLE],
    ]);
  });

  it('of the upper half of long mode are negative addresses', () => {
    const words = new Uint32Array(4 * 1024);
    words[511 * 2] = 0x1003;
    words[1024 + 511 * 2] = 0x83;
    const { rules } = rulesOf({ mode: '4-level', words, flags: { ...NO_FLAGS, gigabytePages: true }, pkru: undefined });
    expect(firstRanges(rules, readers(words).read, 10)).toMatchObject([{ linear: -0x4000_0000, size: 0x4000_0000 }]);
  });

  it('can be left in the middle where tables point to themselves', () => {
    const words = new Uint32Array(1024).fill(0);
    for (let n = 0; n < 512; n++) words[n * 2] = 7;
    const { rules } = rulesOf({ mode: '5-level', words, flags: NO_FLAGS, pkru: undefined });
    expect(firstRanges(rules, readers(words).read, 1000).length).toBeGreaterThan(100);
  });
});

const NO_FLAGS = { wp: false, nxe: false, smep: false, smap: false, pse: false, gigabytePages: false };

describe('a table', () => {
  it('shows every entry with its place, its target and what it is', () => {
    const words = new Uint32Array(3 * 1024);
    words[0] = 0x1003;
    words[4] = 0x40_0000 | 0x83;
    words[6] = 0x2003;
    words[7] = 0x0008_0000;
    const { rules } = rulesOf({ mode: '4-level', words, flags: NO_FLAGS, pkru: undefined });
    const entries = readTable(rules, readers(words).read, { level: 2, address: 0, linear: 0x8000_0000 });
    expect(entries.length).toBe(512);
    expect(entries[0]).toMatchObject({
      kind: 'table',
      address: 0,
      linear: 0x8000_0000,
      size: 0x20_0000,
      target: 0x1000,
    });
    expect(entries[1]).toMatchObject({ kind: 'not present', address: 8 });
    expect(entries[2]).toMatchObject({ kind: 'page', target: 0x40_0000, linear: 0x8040_0000 });
    expect(entries[3]).toMatchObject({ kind: 'reserved bit' });
  });
});

describe('the explained walk', () => {
  const accesses = fc.record({
    kind: fc.constantFrom('read' as const, 'write' as const, 'fetch' as const),
    privilege: fc.constantFrom('supervisor' as const, 'user' as const),
    ac: fc.boolean(),
  });

  it('comes to what an independent walk comes to', () => {
    fc.assert(
      fc.property(scenes, accesses, fc.array(fc.nat(3), { minLength: 5, maxLength: 5 }), (scene, access, indices) => {
        const { rules, oracle } = rulesOf(scene);
        const { read, oracleRead } = readers(scene.words);
        const bits = rules.levels === 2 ? 10 : 9;
        const linear = indices.slice(0, rules.levels).reduce((sum, index) => sum * 2 ** bits + index, 0) * 4096 + 0x123;
        const walk = explainWalk(rules, read, linear, access);
        const result = oracleWalk(
          oracle,
          { kind: access.kind, mode: access.privilege, ac: access.ac },
          BigInt(linear),
          oracleRead,
        );
        if ('physical' in result)
          expect(walk).toMatchObject({ physical: Number(result.physical), errorCode: undefined });
        else {
          expect(walk).toMatchObject({ physical: undefined, errorCode: result.fault });
          expect(walk.steps.filter(({ problem }) => problem !== '').length).toBe(1);
          expect(walk.result).toContain(walk.steps.find(({ problem }) => problem !== '')?.problem);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('names the entry that takes a right away', () => {
    const words = new Uint32Array(3 * 1024);
    words[0] = 0x1005;
    words[1024] = 0x2007;
    const { rules } = rulesOf({ mode: '32-bit', words, flags: NO_FLAGS, pkru: undefined });
    const walk = explainWalk(rules, readers(words).read, 0x10, { kind: 'write', privilege: 'user', ac: false });
    expect(walk.steps.map(({ level, problem }) => [entryName(level), problem])).toEqual([
      ['PDE', 'the page is read-only'],
      ['PTE', ''],
    ]);
    expect(walk.result).toBe('Page fault, error code 07h (P, W/R, U/S): the page is read-only.');
  });

  it('knows addresses that no table can translate', () => {
    const { rules } = rulesOf({ mode: '4-level', words: new Uint32Array(1024), flags: NO_FLAGS, pkru: undefined });
    const access = { kind: 'read', privilege: 'user', ac: false } as const;
    expect(explainWalk(rules, () => 0, 2 ** 47, access).result).toContain('not canonical');
    expect(explainWalk({ ...rules, levels: 0 }, () => 0, 5, access)).toMatchObject({ physical: 5, steps: [] });
  });
});
