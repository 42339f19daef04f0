/**
 * Random accesses on two pages, of which bytes are watched that come and go: interpreted and compiled, each access that meets
 * a watchpoint stops behind its instruction, and no other does. Nothing else changes.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Watchpoint } from '../machine/machine.ts';
import { readState } from '../state/state-access.ts';
import { type Draw, drawFrom } from './compiler/random-program.ts';
import { defaultEngine, type Engine } from './compiler/tiers.ts';
import { PagedGuest, PROGRAM } from './paged-guest.ts';

const ROUNDS = Number(process.env['FUZZ_ROUNDS'] ?? 12);
const ENGINES: readonly Engine[] = ['interpreter', 'compiler-at-once', 'compiler-random:7'];
/** Before the border of two pages. */
const DATA = 0x9f80;
const DATA_SIZE = 0x100;
const ACCESSES = 20;
const STEPS = 12;
const ROUNDS_OF_LOOP = 40;

interface Access {
  readonly code: readonly number[];
  readonly address: number;
  readonly size: number;
  readonly kinds: readonly ('read' | 'write')[];
}

function access(draw: Draw): Access {
  const address = DATA + draw(DATA_SIZE);
  const place = [address, address >>> 8, address >>> 16, 0].map((byte) => byte & 0xff);
  const size = [1, 2, 4][draw(3)] as number;
  const prefix = size === 2 ? [0x66] : [];
  // mov [it],ecx; mov eax,[it]; inc [it]
  const [opcode, modRm, kinds] = (
    [
      [0x88, 0x0d, ['write']],
      [0x8a, 0x05, ['read']],
      [0xfe, 0x05, ['read', 'write']],
    ] as const
  )[draw(3)] as readonly [number, number, readonly ('read' | 'write')[]];
  return { code: [...prefix, opcode | (size === 1 ? 0 : 1), modRm, ...place], address, size, kinds };
}

function meets({ address, length, access: wanted }: Watchpoint, made: Access): boolean {
  const isKind = made.kinds.some((kind) => wanted === 'read-write' || wanted === kind);
  return isKind && made.address < address + length && address < made.address + made.size;
}

function guestOf(engine: Engine, accesses: readonly Access[]): PagedGuest {
  const before = defaultEngine.name;
  defaultEngine.name = engine;
  const code = accesses.flatMap(({ code: bytes }) => bytes);
  const back = -(code.length + 5);
  const loop = [...code, 0xe9, ...[back, back >> 8, back >> 16, back >> 24].map((byte) => byte & 0xff)];
  const guest = new PagedGuest(loop.map((byte) => byte.toString(16).padStart(2, '0')).join(' '));
  guest.enablePaging();
  defaultEngine.name = before;
  return guest;
}

/** Runs some instructions; gives where it stopped, and how many instructions had been executed by then. */
function stopsOf(guest: PagedGuest, instructions: number): readonly string[] {
  const { loop, processor } = guest.machine;
  const end = loop.retired + instructions;
  const stops: string[] = [];
  while (loop.retired < end) {
    const { reason } = loop.run({ instructionsMax: end - loop.retired });
    if (reason === 'watchpoint') stops.push(`${loop.retired} ${processor.state.eip - PROGRAM}`);
    else expect(reason).toBe('limit');
  }
  return stops;
}

function expectedStops(accesses: readonly Access[], from: number, count: number, watches: readonly Watchpoint[]) {
  const stops: string[] = [];
  for (let n = from; n < from + count; n++) {
    const made = accesses[n % (accesses.length + 1)];
    if (!made || !watches.some((watch) => meets(watch, made))) continue;
    const place = accesses.slice(0, (n % (accesses.length + 1)) + 1).reduce((sum, { code }) => sum + code.length, 0);
    stops.push(`${n + 1} ${place}`);
  }
  return stops;
}

function runAll(seed: number): number {
  const draw = drawFrom(seed);
  const accesses = Array.from({ length: ACCESSES }, () => access(draw));
  const guests = ENGINES.map((engine) => guestOf(engine, accesses));
  const watches: Watchpoint[] = [];
  let met = 0;
  for (let step = 0; step < STEPS; step++) {
    const address = DATA - 8 + draw(DATA_SIZE + 16);
    const kind = (['read', 'write', 'read-write'] as const)[draw(3)] ?? 'read';
    const space = draw(2) === 0 ? 'linear' : 'physical';
    const added: Watchpoint = { address, length: 1 + draw(6), space, access: kind, reached: () => true };
    const removed = draw(2) === 0 ? watches.shift() : undefined;
    for (const { machine } of guests) {
      machine.processor.watches.add(added);
      if (removed) machine.processor.watches.remove(removed);
      machine.processor.forgetShortcuts();
    }
    watches.push(added);
    const count = ROUNDS_OF_LOOP * (1 + draw(ACCESSES));
    const from = guests[0]?.machine.loop.retired ?? 0;
    const expected = expectedStops(accesses, from, count, watches);
    met += expected.length;
    for (const guest of guests) expect(stopsOf(guest, count)).toEqual(expected);
    const states = guests.map(({ state }) => readState(state).map(({ tag, value }) => `${tag} ${value.toString(16)}`));
    for (const state of states) expect(state).toEqual(states[0]);
    const data = guests.map(({ view }) => new Uint8Array(view.buffer, view.byteOffset + DATA, DATA_SIZE + 4).join());
    expect(new Set(data).size).toBe(1);
  }
  return met;
}

describe('watched bytes among others', () => {
  it('stop what meets them, and nothing else', { timeout: 120_000 }, () => {
    let met = 0;
    const all = fc.property(fc.integer(), (seed) => {
      met += runAll(seed);
    });
    fc.assert(all, { numRuns: ROUNDS });
    expect(met).toBeGreaterThan(100 * ROUNDS);
  });
});
