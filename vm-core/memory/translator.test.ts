/** Translations against a plain walk written for the test: random tables, all modes, accesses and rules. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { explainWalk } from '../inspect/explain-walk.ts';
import { CpuState } from '../state/cpu-state.ts';
import { slot } from '../state/layout.ts';
import { SLOT_SIZE } from '../state/register-table.ts';
import { cpuBase, createMemory, RAM_BASE } from './layout.ts';
import { type OracleAccess, type OracleMode, type OracleResult, type OracleRules, oracleWalk } from './oracle-walk.ts';
import { ACCESS_FETCH, ACCESS_IMPLICIT, ACCESS_UNCHECKED, ACCESS_USER, ACCESS_WRITE } from './page-access.ts';
import { PhysicalMap } from './physical-map.ts';
import { Tlb } from './tlb.ts';
import { Translator } from './translator.ts';

const RAM_SIZE = 0x100000;
/** Tables lie in these pages, and all entries that name RAM name one of them. */
const TABLE_PAGES = 6;

class PageFault {
  readonly linear: number;
  readonly errorCode: number;
  constructor(linear: number, errorCode: number) {
    this.linear = linear;
    this.errorCode = errorCode;
  }
}

const memory = createMemory(RAM_SIZE);
const ram = new DataView(memory.buffer, RAM_BASE, RAM_SIZE);
/** The tables, which are all that a translation may change. */
const tables = new Uint8Array(memory.buffer, RAM_BASE, (TABLE_PAGES + 1) * 0x1000);

function translatorFor(rules: OracleRules): Translator {
  const state = new CpuState(memory, cpuBase(0));
  const set = (offset: number, value: bigint) => state.view.setBigUint64(state.base + offset, value, true);
  const bits = (...pairs: readonly (readonly [boolean, number])[]) =>
    pairs.reduce((sum, [on, n]) => sum | (on ? 1n << BigInt(n) : 0n), 0n);
  const long = rules.mode === '4-level' || rules.mode === '5-level';
  set(slot.CR0, bits([true, 31], [rules.wp, 16], [true, 0]));
  set(slot.CR3, rules.cr3);
  set(
    slot.CR4,
    bits(
      ...([
        [rules.pse, 4],
        [rules.mode !== '32-bit', 5],
        [true, 7],
        [rules.mode === '5-level', 12],
      ] as const),
      ...([
        [rules.smep, 20],
        [rules.smap, 21],
        [rules.pkru !== undefined, 22],
      ] as const),
      [rules.pkrs !== undefined, 24],
    ),
  );
  set(slot.EFER, bits([long, 10], [rules.nxe, 11]));
  set(slot.PKRU, BigInt(rules.pkru ?? 0));
  set(slot.PKRS, BigInt(rules.pkrs ?? 0));
  for (let n = 0; n < 4; n++) set(slot.PDPTE0 + n * SLOT_SIZE, rules.pointers[n] ?? 0n);
  return new Translator(new PhysicalMap(memory, RAM_SIZE, { plain: true }), state, new Tlb(state), rules, {
    tableWritten: () => {},
    pageDropped: () => {},
    pageFault: (linear, errorCode) => {
      throw new PageFault(Number(linear), errorCode);
    },
  });
}

function accessBits({ kind, mode, ac }: OracleAccess): number {
  return (
    { read: 0, write: ACCESS_WRITE, fetch: ACCESS_FETCH }[kind] |
    { user: ACCESS_USER, supervisor: 0, 'implicit supervisor': ACCESS_IMPLICIT }[mode] |
    (ac ? ACCESS_UNCHECKED : 0)
  );
}

/** As the oracle reads: RAM, and all ones elsewhere. */
function readPhysical(address: bigint, bytes: number): bigint {
  if (address >= BigInt(RAM_SIZE)) return (1n << BigInt(bytes * 8)) - 1n;
  return bytes === 4 ? BigInt(ram.getUint32(Number(address), true)) : ram.getBigUint64(Number(address), true);
}

const mostly = fc.integer({ min: 0, max: 15 }).map((n) => n !== 0);
const seldom = mostly.map((yes) => !yes);

/** An entry that is likely to lead on. */
const entry = fc
  .record({
    page: fc.integer({ min: 1, max: TABLE_PAGES }),
    present: mostly,
    writable: mostly,
    user: mostly,
    low: fc.integer({ min: 0, max: 0x7f }),
    large: fc.boolean(),
    noExecute: seldom,
    key: fc.integer({ min: 0, max: 15 }),
    hasKey: fc.boolean(),
    /** A bit that is often reserved. */
    odd: fc.option(fc.integer({ min: 12, max: 62 }), { freq: 12 }),
  })
  .map(({ page, present, writable, user, low, large, noExecute, key, hasKey, odd }) => {
    const flags = (present ? 1 : 0) | (writable ? 2 : 0) | (user ? 4 : 0) | (((low & 0x1f) << 3) & 0x178);
    const size = large && low < 0x20 ? 0x80 : 0;
    const frame = size !== 0 ? 0n : BigInt(page) << 12n;
    const high = (hasKey ? BigInt(key) << 59n : 0n) | (noExecute ? 1n << 63n : 0n);
    return BigInt(flags | size) | frame | high | (odd === null ? 0n : 1n << BigInt(odd));
  });

const rulesOf = fc
  .record({
    mode: fc.constantFrom<OracleMode>('32-bit', 'PAE', '4-level', '5-level'),
    physicalBits: fc.constantFrom(32, 36, 40, 46, 52),
    pse: mostly,
    pse36: fc.boolean(),
    gigabytePages: fc.boolean(),
    wp: fc.boolean(),
    nxe: mostly,
    smep: fc.boolean(),
    smap: fc.boolean(),
    pkru: fc.option(fc.integer({ min: 0, max: 0xffffffff }), { nil: undefined }),
    pkrs: fc.option(fc.integer({ min: 0, max: 0xffffffff }), { nil: undefined }),
  })
  .map((rules): OracleRules => ({ ...rules, cr3: 0x1018n, pointers: [0x2001n, 0x3001n, 0x4000n, 0x1019n] }));

const accessOf = fc.record({
  kind: fc.constantFrom<OracleAccess['kind']>('read', 'write', 'fetch'),
  mode: fc.constantFrom<OracleAccess['mode']>('user', 'supervisor', 'implicit supervisor'),
  ac: fc.boolean(),
});

/** Few indices in each table, so that accesses meet entries that others have met. */
const linearOf = fc
  .record({
    indices: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 5, maxLength: 5 }),
    offset: fc.integer({ min: 0, max: 0xfff }),
  })
  .map(({ indices, offset }) => ({ indices: indices.map((n) => [0, 1, 300, 511][n] as number), offset }));

/** Linear addresses as the mode has them. */
function linearIn(
  mode: OracleMode,
  { indices, offset }: { readonly indices: readonly number[]; readonly offset: number },
): bigint {
  const whole = indices.reduce((sum, index) => (sum << 9n) | BigInt(index), 0n) * 4096n + BigInt(offset);
  // As numbers, addresses beyond 2^53 are exact to 8 bytes (docs/decisions/0008).
  if (mode === '5-level') return BigInt.asIntN(57, whole - (whole & 7n));
  return mode === '4-level' ? BigInt.asIntN(48, whole) : BigInt.asUintN(32, whole);
}

function ours(translator: Translator, linear: bigint, access: OracleAccess): OracleResult {
  const before = tables.slice();
  try {
    const physical = BigInt(translator.translate(Number(linear), accessBits(access)));
    const sets: (readonly [bigint, bigint])[] = [];
    const wide = translator.rules.levels > 2;
    for (let at = 0; at < tables.length; at += wide ? 8 : 4) {
      const changed = wide
        ? ram.getUint32(at, true) !== word(before, at) || ram.getUint32(at + 4, true) !== word(before, at + 4)
        : ram.getUint32(at, true) !== word(before, at);
      if (changed) sets.push([BigInt(at), readPhysical(BigInt(at), wide ? 8 : 4)]);
    }
    return { physical, sets };
  } catch (error) {
    if (!(error instanceof PageFault)) throw error;
    expect(BigInt(error.linear)).toBe(linear);
    expect(Buffer.compare(before, tables)).toBe(0);
    return { fault: error.errorCode };
  }
}

const word = (bytes: Uint8Array, at: number): number => new DataView(bytes.buffer).getUint32(at, true);
const byAddress = (a: readonly [bigint, bigint], b: readonly [bigint, bigint]) => (a[0] < b[0] ? -1 : 1);

/** The oracle's flags as memory shows them afterwards: an entry that is used twice is set once. */
function seen(result: OracleResult): OracleResult {
  if ('fault' in result) return result;
  const merged = new Map<bigint, bigint>();
  for (const [address, value] of result.sets) {
    if (address < BigInt(RAM_SIZE)) merged.set(address, (merged.get(address) ?? 0n) | value);
  }
  return { physical: result.physical, sets: [...merged].sort(byAddress) };
}

function fillTables(entries: readonly bigint[], mode: OracleMode): void {
  tables.fill(0);
  const size = mode === '32-bit' ? 4 : 8;
  let at = 0;
  for (let page = 1; page <= TABLE_PAGES; page++) {
    for (let index = 0; index < 0x1000 / size; index++) {
      const value = entries[at++ % entries.length] as bigint;
      if (size === 4) ram.setUint32(page * 0x1000 + index * 4, Number(value & 0xffffffffn), true);
      else ram.setBigUint64(page * 0x1000 + index * 8, value, true);
    }
  }
}

/** What a debugger is told is the same, and changes nothing. */
function expectTold(translator: Translator, linear: number, access: OracleAccess, expected: OracleResult): void {
  const before = tables.slice();
  if (access.mode !== 'implicit supervisor') {
    const { rules } = translator;
    const read = (address: number) => translator.peekPhysical(address);
    const question = { kind: access.kind, privilege: access.mode, ac: access.ac };
    const walk = explainWalk(rules, read, linear, question);
    expect(walk.errorCode).toBe('fault' in expected ? expected.fault : undefined);
    expect(walk.physical).toBe('fault' in expected ? undefined : Number(expected.physical));
    expect(walk.steps.filter(({ problem }) => problem !== '')).toHaveLength('fault' in expected ? 1 : 0);
  }
  if ('physical' in expected) expect(BigInt(translator.peek(linear) ?? -1)).toBe(expected.physical);
  expect(Buffer.compare(before, tables)).toBe(0);
}

const RUNS = Number(process.env['FUZZ_ROUNDS'] ?? 400);

describe('the translator', () => {
  it('does what the plain walk does: address, error code, accessed and dirty flags', { timeout: 60_000 }, () => {
    const outcomes = new Map<string, number>();
    fc.assert(
      fc.property(
        fc.array(entry, { minLength: 29, maxLength: 29 }),
        rulesOf,
        fc.array(fc.tuple(linearOf, accessOf), { minLength: 4, maxLength: 12 }),
        (entries, rules, accesses) => {
          fillTables(entries, rules.mode);
          const translator = translatorFor(rules);
          for (const [place, access] of accesses) {
            const linear = linearIn(rules.mode, place);
            translator.flushAll();
            const expected = oracleWalk(rules, access, linear, readPhysical);
            const outcome = 'fault' in expected ? `fault ${expected.fault & 0x29}` : 'mapped';
            outcomes.set(`${rules.mode} ${outcome}`, (outcomes.get(`${rules.mode} ${outcome}`) ?? 0) + 1);
            expectTold(translator, Number(linear), access, expected);
            expect(ours(translator, linear, access)).toEqual(seen(expected));
          }
        },
      ),
      { numRuns: RUNS },
    );
    // Every kind of outcome was met in every mode.
    for (const mode of ['32-bit', 'PAE', '4-level', '5-level']) {
      for (const outcome of ['mapped', 'fault 0', 'fault 1', 'fault 9']) {
        expect(outcomes.get(`${mode} ${outcome}`) ?? 0, `${mode} ${outcome}`).toBeGreaterThan(0);
      }
    }
  });
});
