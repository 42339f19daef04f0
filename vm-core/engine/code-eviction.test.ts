/** Decoded code that does not fit: what makes room, what stays, and that nobody can tell (docs/decisions/0012). */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CS, DS, ES, SS, slot } from '../state/layout.ts';
import { RAM_BASE } from '../memory/layout.ts';
import { type BareMachine, createBareMachine } from './bare-machine.ts';

const ROUNDS = Number(process.env['FUZZ_ROUNDS'] ?? 4);
const BASE = 0x100000;
const PAGE = 0x1000;
/** Longest blocks, of 64 instructions. */
const BLOCKS_PER_PAGE = PAGE / 64;
const BLOCK_SIZE = 65 * 32;
/** The cache of these guests. */
const CACHE_PAGES = 20;
const CACHE_SIZE = CACHE_PAGES * BLOCKS_PER_PAGE * BLOCK_SIZE;
const ALL = 2 ** 25;

/** Flat 32-bit protected mode at `BASE`. */
function flatMachine(codeCacheSize?: number): BareMachine & { readonly bytes: Uint8Array; readonly view: DataView } {
  const machine = createBareMachine(ALL, undefined, '486', codeCacheSize);
  const { state } = machine.processor;
  state.write32(slot.CR0, 1);
  state.onDerivedChange(slot.CR0);
  state.setSegment(CS, { selector: 8, base: 0, limit: 0xffff_ffff, attributes: 0xc9b });
  for (const index of [DS, ES, SS])
    state.setSegment(index, { selector: 16, base: 0, limit: 0xffff_ffff, attributes: 0xc93 });
  state.eip = BASE;
  state.write32(slot.ESP, 0x80000);
  machine.processor.refresh();
  const { buffer } = machine.map.view;
  return { ...machine, bytes: new Uint8Array(buffer, RAM_BASE), view: new DataView(buffer, RAM_BASE) };
}

type Guest = ReturnType<typeof flatMachine>;

/** JMP or CALL. */
function branch({ bytes, view }: Guest, opcode: 0xe8 | 0xe9, at: number, to: number): number {
  bytes[at] = opcode;
  view.setInt32(at + 1, to - (at + 5), true);
  return at + 5;
}

/** Pages of INC EAX, the last one followed by a jump to the first; each page begins a little later than the one before. */
function fillPages(guest: Guest, pages: number, subroutine?: number): number {
  const startOf = (page: number): number => BASE + page * PAGE + ((page >> 2) & 63);
  let instructions = 0;
  for (let page = 0; page < pages; page++) {
    let at = BASE + page * PAGE + 0xfc0;
    guest.bytes.fill(0x40, startOf(page), at);
    instructions += at - startOf(page) + 1;
    if (subroutine !== undefined) at = branch(guest, 0xe8, at, subroutine);
    branch(guest, 0xe9, at, startOf((page + 1) % pages));
  }
  return instructions;
}

function run({ loop }: Guest, instructions: number): void {
  const end = loop.retired + instructions;
  while (loop.retired < end) expect(loop.run({ instructionsMax: end - loop.retired }).reason).toBe('limit');
}

/** Where everything is compiled when it is first executed, thousands of blocks are, one at a time. */
const TIMEOUT = 120_000;

describe('a cache of decoded code that is full', { timeout: TIMEOUT }, () => {
  it('keeps most of a loop that is a little larger', () => {
    const guest = flatMachine(CACHE_SIZE);
    const { counters } = guest.processor.code;
    const perPass = fillPages(guest, CACHE_PAGES + 2);
    run(guest, perPass * 2);
    const before = counters.decoded;
    run(guest, perPass * 10);
    // A cache that is emptied when it is full, or that gives up what is oldest, decodes all of it in every pass.
    const decodedPerPass = (counters.decoded - before) / 10;
    expect(decodedPerPass).toBeLessThan(0.6 * CACHE_PAGES * BLOCKS_PER_PAGE);
    expect(counters).toMatchObject({ flushes: 0, dropped: 0 });
    expect(counters.evicted).toBe(counters.decoded - counters.kept);
    expect(counters.evictions).toBeGreaterThan(10);
  });

  it('keeps what is used all the time while much else comes by', () => {
    const guest = flatMachine(CACHE_SIZE);
    const { counters } = guest.processor.code;
    // A quarter of the cache is called from each page of a loop that is three times as large as the cache.
    const hotPages = CACHE_PAGES / 4;
    const hot = BASE + 0x800000;
    guest.bytes.fill(0x43, hot, hot + hotPages * PAGE);
    guest.bytes[hot + hotPages * PAGE] = 0xc3;
    const pages = CACHE_PAGES * 3;
    const perPass = fillPages(guest, pages, hot) + pages * (hotPages * PAGE + 2);
    run(guest, perPass);
    let lost = 0;
    guest.processor.code.isHooked = (linear) => {
      if (Number(linear) >= hot && Number(linear) % 64 === 0) lost++;
      return false;
    };
    const before = counters.evicted;
    run(guest, perPass);
    const evicted = counters.evicted - before;
    expect(evicted).toBeGreaterThan(pages * (BLOCKS_PER_PAGE - 3));
    // By chance alone it would be a quarter.
    expect(lost / evicted).toBeLessThan(0.15);
    expect(counters.flushes).toBe(0);
  });

  it('gives up code for the pages that it is found by, and still sees writes to what it keeps', () => {
    const guest = flatMachine();
    const { counters } = guest.processor.code;
    // 7,000 pages of a jump each: more than can be known to hold code.
    const pages = 7000;
    const startOf = (page: number): number => BASE + page * PAGE + ((page * 5) & 0xff);
    for (let page = 0; page < pages; page++) branch(guest, 0xe9, startOf(page), startOf((page + 1) % pages));
    guest.processor.state.eip = startOf(0);
    run(guest, pages * 2);
    expect(counters).toMatchObject({ flushes: 0 });
    expect(counters.evictions).toBeGreaterThan(0);
    // Each page's jump becomes INC EAX; HLT by a write of the guest in front of it.
    const writer = 0x7000;
    guest.bytes.set([0xc6, 0x00, 0x40, 0xc6, 0x40, 0x01, 0xf4, 0xff, 0xe0], writer);
    for (const page of [0, 1, 100, 3000, 6000, pages - 1]) {
      const { state } = guest.processor;
      state.eip = writer;
      state.write32(slot.EAX, startOf(page));
      expect(guest.loop.run({ instructionsMax: 100 }).reason).toBe('halted');
      expect(state.read32(slot.EAX)).toBe(startOf(page) + 1);
      state.write8(slot.HALTED, 0);
    }
  });

  it('runs any program as a cache without end does, breakpoints and code that changes itself included', () => {
    const pages = 150;
    const bodies = fc.array(fc.tuple(fc.constantFrom('inc', 'call', 'write', 'patch'), fc.nat(pages - 1), fc.nat(60)), {
      minLength: 8,
      maxLength: 30,
    });
    fc.assert(
      fc.property(bodies, fc.array(fc.nat(pages - 1), { maxLength: 4 }), (steps, stops) => {
        const outcomes = [undefined, 64 * 70 * 32].map((size) => {
          const guest = flatMachine(size);
          writeProgram(guest, pages, steps);
          return outcomeOf(guest, stops, pages, size !== undefined);
        });
        expect(outcomes[1]).toEqual(outcomes[0]);
      }),
      { numRuns: ROUNDS },
    );
  });
});

/** Pages of code that call each other and write over each other, in a ring. */
function writeProgram(guest: Guest, pages: number, steps: readonly (readonly [string, number, number])[]): void {
  const { bytes, view } = guest;
  for (let page = 0; page < pages; page++) {
    const start = BASE + page * PAGE;
    // What is called: INC EBX … RET.
    bytes.fill(0x43, start + 0x800, start + 0x840);
    bytes[start + 0x840] = 0xc3;
    let at = start;
    for (let n = 0; n < 60; n++) bytes[at++] = 0x40 + ((page + n) & 3);
    const [kind, distance, place] = steps[page % steps.length] as readonly [string, number, number];
    const other = BASE + ((page + distance) % pages) * PAGE;
    if (kind === 'call') at = branch(guest, 0xe8, at, other + 0x800);
    else if (kind !== 'inc') {
      // mov byte [other],41h, or an INC and a DEC of what it is.
      const target = other + (kind === 'write' ? 0x800 : 0) + place;
      bytes.set(kind === 'write' ? [0x80, 0x35] : [0xc6, 0x05], at);
      view.setUint32(at + 2, target, true);
      bytes[at + 6] = kind === 'write' ? 0x03 : 0x41;
      at += 7;
    }
    branch(guest, 0xe9, at, BASE + ((page + 1) % pages) * PAGE);
  }
}

function outcomeOf(guest: Guest, stops: readonly number[], pages: number, isSmall: boolean): unknown {
  let met = 0;
  for (const page of stops) {
    const reached = (): boolean => {
      met++;
      return false;
    };
    guest.loop.addBreakpoint({ address: BASE + page * PAGE + 3, space: 'linear', reached });
  }
  run(guest, pages * 70 * 3);
  const { state } = guest.processor;
  const registers = [slot.EAX, slot.ECX, slot.EDX, slot.EBX, slot.ESP].map((at) => state.read32(at));
  const code = Buffer.from(guest.map.copyOut(BASE, pages * PAGE)).toString('base64');
  expect(guest.processor.code.counters.evictions > 0).toBe(isSmall);
  return { registers, eip: state.eip, flags: state.eflags, retired: guest.loop.retired, met, code };
}
