/**
 * Whatever a guest does to its tables, as long as it invalidates what it changes: what compiled code finds in the look-aside
 * tables, and what the slow path does, is what a walk of the tables says.
 */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CpuState } from '../state/cpu-state.ts';
import { internal, slot } from '../state/layout.ts';
import {
  cpuBase,
  createMemory,
  ENTRY_ADDEND,
  RAM_BASE,
  TLB_ENTRIES,
  TLB_ENTRY_SIZE,
  TLB_READ,
  TLB_WRITE,
} from './layout.ts';
import { LinearMemory } from './linear-memory.ts';
import { type OracleAccess, type OracleRules, oracleWalk } from './oracle-walk.ts';
import { PhysicalMap } from './physical-map.ts';
import { Tlb } from './tlb.ts';
import { Translator } from './translator.ts';

const RAM_SIZE = 0x800000;
const CONTEXTS = 2;
/** A process context has a table of each level, and two page tables; the third entry of its directory is a page of 2 MiB. */
const rootOf = (context: number) => 0x10000 + context * 0x8000;
const directoryOf = (context: number) => rootOf(context) + 0x2000;
const pageTableOf = (context: number, index: number) => rootOf(context) + 0x3000 + index * 0x1000;
/** Linear pages that are accessed: eight of each page table, eight of the large page. */
const PAGES = 24;
/** The pages of the second page table are never global. */
const NEVER_GLOBAL = 8;
const linearOf = (page: number) => (page >> 3) * 0x200000 + (page & 7) * 0x40000;
/** Frames of small pages, with contents that tell them apart. */
const frameOf = (n: number) => 0x100000 + n * 0x1000;
const FRAMES = 16;
const FRAME_WORD = 0x5a000000;

class PageFault {
  readonly errorCode: number;
  constructor(errorCode: number) {
    this.errorCode = errorCode;
  }
}

const memory = createMemory(RAM_SIZE);
const ram = new DataView(memory.buffer, RAM_BASE, RAM_SIZE);

/** A machine's memory side with tables that map everything somewhere. */
class Bench {
  readonly state = new CpuState(memory, cpuBase(0));
  readonly linear: LinearMemory;
  readonly translator: Translator;
  context = 0;
  user = false;

  constructor() {
    new Uint8Array(memory.buffer).fill(0);
    const { state } = this;
    state.write32(slot.CR0, 0x8001_0001);
    state.write32(slot.CR4, (1 << 5) | (1 << 7) | (1 << 17));
    state.write32(slot.EFER, 0xd00);
    state.write32(slot.CR3, rootOf(0));
    for (let n = 0; n < FRAMES; n++) ram.setUint32(frameOf(n), FRAME_WORD + n, true);
    for (let context = 0; context < CONTEXTS; context++) this.#makeTables(context);
    const map = new PhysicalMap(memory, RAM_SIZE, { plain: true });
    const tlb = new Tlb(state);
    this.translator = new Translator(
      map,
      state,
      tlb,
      { physicalBits: 40, pse36: true, gigabytePages: true },
      {
        tableWritten: () => {},
        pageDropped: () => {},
        pageFault: (_, errorCode) => {
          throw new PageFault(errorCode);
        },
      },
    );
    this.linear = new LinearMemory(map, tlb, this.translator, {
      codeMapOf: () => 0,
      codeWritten: () => {},
      overwrites: () => {},
      isWatched: () => false,
      watchMapOf: () => 0,
      accessed: () => {},
      checkAlignment: () => {},
      is64BitMode: () => false,
      checksAlignment: () => false,
    });
  }

  #makeTables(context: number): void {
    const set = (table: number, index: number, entry: number) =>
      ram.setBigUint64(table + index * 8, BigInt(entry), true);
    set(rootOf(context), 0, (rootOf(context) + 0x1000) | 7);
    set(rootOf(context) + 0x1000, 0, directoryOf(context) | 7);
    for (const index of [0, 1]) set(directoryOf(context), index, pageTableOf(context, index) | 7);
    set(directoryOf(context), 2, 0x400000 | 0x87);
    for (let page = 0; page < 16; page++) this.setPage(context, page, frameOf((page + context * 5) % FRAMES) | 7);
  }

  setPage(context: number, page: number, entry: number): void {
    ram.setBigUint64(pageTableOf(context, page >> 3) + (page & 7) * 64 * 8, BigInt(entry), true);
  }

  /** A MOV to CR3; with `keeps`, what is cached of the context stays. */
  switchTo(context: number, keeps: boolean): void {
    this.context = context;
    this.state.write32(slot.CR3, rootOf(context) | context);
    this.translator.rulesChanged();
    if (!keeps) this.translator.flushContext();
  }

  /** The physical address of an access as the tables have it now, or the error code. */
  expected(access: OracleAccess, linear: number): bigint | number {
    const rules: OracleRules = {
      ...{ mode: '4-level', cr3: BigInt(rootOf(this.context)), pointers: [], physicalBits: 40, pse: true, pse36: true },
      ...{ gigabytePages: true, wp: true, nxe: true, smep: false, smap: false, pkru: undefined, pkrs: undefined },
    };
    const result = oracleWalk(rules, access, BigInt(linear), (at) => ram.getBigUint64(Number(at), true));
    return 'fault' in result ? result.fault : result.physical;
  }

  /** Where compiled code would go by itself; undefined if it would ask. */
  shortcut(linear: number, isWrite: boolean): number | undefined {
    const { view, base } = this.state;
    const entry = base + (isWrite ? TLB_WRITE : TLB_READ) + ((linear >>> 12) & (TLB_ENTRIES - 1)) * TLB_ENTRY_SIZE;
    const current = this.state.read32(isWrite ? internal.TLB_WRITE_GENERATION : internal.TLB_GENERATION);
    if (view.getBigInt64(entry, true) !== BigInt((linear - (linear & 0xfff)) | current)) return undefined;
    return ((linear + view.getInt32(entry + ENTRY_ADDEND, true)) >>> 0) - RAM_BASE;
  }

  access(page: number, kind: 'read' | 'write'): void {
    const linear = linearOf(page) + 4;
    const isWrite = kind === 'write';
    const wanted = this.expected({ kind, mode: this.user ? 'user' : 'supervisor', ac: false }, linear);
    const shortcut = this.shortcut(linear, isWrite);
    if (shortcut !== undefined) expect([page, BigInt(shortcut)]).toEqual([page, wanted]);
    if (typeof wanted === 'bigint') this.#go(linear, isWrite, Number(wanted));
    else expect(() => this.#go(linear, isWrite, 0)).toThrow(expect.objectContaining({ errorCode: wanted }));
  }

  #go(linear: number, isWrite: boolean, physical: number): void {
    const value = (Math.imul(linear, 31) + physical) >>> 0;
    if (isWrite) {
      this.linear.write(linear, 4, value);
      expect(ram.getUint32(physical, true)).toBe(value);
    } else {
      if (physical !== 0) ram.setUint32(physical, value, true);
      expect(this.linear.read(linear, 4)).toBe(value);
    }
  }
}

type Step = (bench: Bench) => void;

const pageOf = fc.integer({ min: 0, max: PAGES - 1 });
const accessStep = fc.tuple(pageOf, fc.constantFrom<'read' | 'write'>('read', 'write')).map(
  ([page, kind]): Step =>
    (bench) =>
      bench.access(page, kind),
);

/** A small page goes elsewhere or changes its rights in all contexts, and is invalidated in each that may have it. */
const remapStep = fc
  .tuple(
    fc.integer({ min: 0, max: 15 }),
    fc.integer({ min: 0, max: FRAMES - 1 }),
    fc.integer({ min: 0, max: 7 }),
    fc.boolean(),
  )
  .map(
    ([page, frame, rights, isGlobal]): Step =>
      (bench) => {
        for (let context = 0; context < CONTEXTS; context++) {
          bench.setPage(context, page, frameOf(frame) | rights | (isGlobal && page < NEVER_GLOBAL ? 0x100 : 0));
          bench.translator.invalidatePage(linearOf(page), context);
        }
      },
  );

/** A page that is never global goes elsewhere in the current context, which is loaded again. */
const reloadStep = fc
  .tuple(
    fc.integer({ min: NEVER_GLOBAL, max: 15 }),
    fc.integer({ min: 0, max: FRAMES - 1 }),
    fc.integer({ min: 0, max: 7 }),
  )
  .map(
    ([page, frame, rights]): Step =>
      (bench) => {
        bench.setPage(bench.context, page, frameOf(frame) | rights);
        bench.switchTo(bench.context, false);
      },
  );

/** The large page moves by 2 MiB; one INVLPG of any address in it is enough. */
const largeStep = fc.tuple(fc.integer({ min: 0, max: 7 }), fc.boolean()).map(
  ([page, high]): Step =>
    (bench) => {
      for (let context = 0; context < CONTEXTS; context++) {
        const at = directoryOf(context) + 16;
        ram.setBigUint64(at, BigInt((high ? 0x600000 : 0x400000) | 0x87), true);
        bench.translator.invalidatePage(linearOf(16 + page), context);
      }
    },
);

const switchStep = fc.tuple(fc.integer({ min: 0, max: CONTEXTS - 1 }), fc.boolean()).map(
  ([context, keeps]): Step =>
    (bench) =>
      bench.switchTo(context, keeps),
);

const privilegeStep = fc.boolean().map(
  (user): Step =>
    (bench) => {
      bench.user = user;
      bench.translator.privilegeChanged(user ? 1 : 0);
    },
);

const protectStep = fc.constant<Step>((bench) => bench.translator.flushAll());

const steps = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: accessStep },
    { weight: 3, arbitrary: remapStep },
    { weight: 3, arbitrary: reloadStep },
    { weight: 1, arbitrary: largeStep },
    { weight: 2, arbitrary: switchStep },
    { weight: 2, arbitrary: privilegeStep },
    { weight: 1, arbitrary: protectStep },
  ),
  { minLength: 50, maxLength: 250 },
);

describe('look-aside tables and cache', () => {
  it('never say anything but what the tables say', { timeout: 60_000 }, () => {
    let shortcuts = 0;
    fc.assert(
      fc.property(steps, (list) => {
        const bench = new Bench();
        for (const step of list) step(bench);
        for (let page = 0; page < PAGES; page++) if (bench.shortcut(linearOf(page), false) !== undefined) shortcuts++;
      }),
      { numRuns: Number(process.env['FUZZ_ROUNDS'] ?? 150) },
    );
    expect(shortcuts).toBeGreaterThan(0);
  });
});
