/**
 * Computed jumps between regions, as interpreted: routines on pages of their own go on in each other, and what is known of
 * them changes all the time, by stores, by other pages at their addresses, by breakpoints, and as regions are given up.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { slot } from '../../state/layout.ts';
import { readState } from '../../state/state-access.ts';
import type { Breakpoint } from '../../machine/machine.ts';
import type { BareMachine } from '../bare-machine.ts';
import { LongGuest } from '../long-guest.ts';
import { PagedGuest } from '../paged-guest.ts';
import { type Draw, drawFrom } from './random-program.ts';
import { defaultEngine, type Engine } from './tiers.ts';

const ROUNDS = Number(process.env['FUZZ_ROUNDS'] ?? 6);
const STEPS = 24;
const RUN_MAX = 30_000;
/** A power of two of them, the addresses of which lie in a table. */
const ROUTINES = 8;
const TABLE = 0x9000;
const ROUTINE_AT = 0x10000;
/** A second set, for pages that are mapped in place of others. */
const OTHERS_AT = 0x20000;
const PAGE = 0x1000;
/** Of the immediate of a routine's first instruction. */
const IMMEDIATE = 1;

interface Guest {
  readonly machine: BareMachine;
  map(linear: number, physical: number): void;
}

function guestOf(bits: 32 | 64, engine: Engine): Guest {
  const before = defaultEngine.name;
  defaultEngine.name = engine;
  try {
    if (bits === 64) {
      const guest = new LongGuest(new Uint8Array(0));
      const map = (linear: number, physical: number) => {
        guest.map(BigInt(linear), physical);
        guest.set('CR3', guest.get('CR3'));
      };
      return { machine: guest.machine, map };
    }
    const guest = new PagedGuest('');
    guest.enablePaging();
    const map = (linear: number, physical: number) => {
      guest.map(linear, physical | 3);
      guest.set('CR3', guest.register('CR3'));
    };
    return { machine: guest.machine, map };
  } finally {
    defaultEngine.name = before;
  }
}

function littleEndian(value: number): readonly number[] {
  return [value, value >> 8, value >> 16, value >> 24].map((part) => part & 0xff);
}

/** add eax,n; something; rol eax,5; mov edx,eax; and edx,7; then a jump, or a call and a jump, by the table. */
function routine(draw: Draw, bits: 32 | 64): readonly number[] {
  const target = ROUTINE_AT + draw(ROUTINES) * PAGE + IMMEDIATE;
  const absolute = (reg: number) => (bits === 64 ? [0x04 | (reg << 3), 0x25] : [0x05 | (reg << 3)]);
  // test ax,0fffh; jnz over it.
  const seldom = (code: readonly number[]) => [0x66, 0xa9, 0xff, 0x0f, 0x75, code.length, ...code];
  const something = [
    () => [],
    () => [0x01, 0xc3],
    // Over the immediate of a routine: mov [it],cl; inc byte [it].
    () => seldom([0x88, ...absolute(1), ...littleEndian(target)]),
    () => seldom([0xfe, ...absolute(0), ...littleEndian(target)]),
    // xor ebx,eax; jz over inc ecx
    () => [0x31, 0xc3, 0x74, 0x02, 0xff, 0xc1],
  ][draw(5)] as () => readonly number[];
  const byTable = (reg: number) => [0xff, 0x04 | (reg << 3), bits === 64 ? 0xd5 : 0x95, ...littleEndian(TABLE)];
  // push through the table; ret: a return of which nobody has called.
  const end = draw(4) === 0 ? [...byTable(6), 0xc3] : byTable(4);
  return [0x05, ...littleEndian(draw(0x1000000)), ...something(), 0xc1, 0xc0, 5, 0x89, 0xc2, 0x83, 0xe2, 7, ...end];
}

function prepare(bits: 32 | 64, engine: Engine, seed: number): Guest {
  const guest = guestOf(bits, engine);
  const { map, processor } = guest.machine;
  const draw = drawFrom(seed);
  const put = (at: number, bytes: readonly number[]): void => {
    for (const [n, byte] of bytes.entries()) map.write(at + n, 1, byte);
  };
  for (let n = 0; n < ROUTINES; n++) {
    put(ROUTINE_AT + n * PAGE, routine(draw, bits));
    put(OTHERS_AT + n * PAGE, routine(draw, bits));
    put(TABLE + n * (bits / 8), [...littleEndian(ROUTINE_AT + n * PAGE), 0, 0, 0, 0].slice(0, bits / 8));
  }
  processor.callShadow.isOn = draw(3) === 0;
  processor.state.eip = ROUTINE_AT;
  return guest;
}

/** The same change in a guest that is at rest. What is only the compiler's leaves no trace in the other one. */
function changer(draw: Draw): (guest: Guest, breakpoints: Map<number, Breakpoint>) => void {
  const address = ROUTINE_AT + draw(ROUTINES) * PAGE;
  const other = (draw(2) === 0 ? ROUTINE_AT : OTHERS_AT) + draw(ROUTINES) * PAGE;
  const byte = draw(256);
  return [
    ({ machine }: Guest) => {
      const { regions } = machine.processor.compiler ?? {};
      const region = regions?.list()[byte % 4];
      const root =
        region && machine.processor.code.keptAt(region.linearAddress, region.physicalAddress, region.codeSize);
      const compiled = root && regions?.at(root);
      if (compiled) regions?.drop(compiled);
    },
    ({ machine }: Guest) => {
      machine.map.write(address + IMMEDIATE, 1, byte);
      machine.processor.busWritten(address + IMMEDIATE, 1);
    },
    (guest: Guest) => guest.map(address, other),
    ({ machine }: Guest) => machine.processor.code.flush(),
    ({ machine }: Guest, breakpoints: Map<number, Breakpoint>) => {
      const known = breakpoints.get(address);
      const breakpoint = known ?? { address, space: 'linear' as const, reached: () => true };
      if (known) machine.loop.removeBreakpoint(known);
      else machine.loop.addBreakpoint(breakpoint);
      if (known) breakpoints.delete(address);
      else breakpoints.set(address, breakpoint);
    },
  ][draw(5)] as (guest: Guest, breakpoints: Map<number, Breakpoint>) => void;
}

function stateOf({ machine: { processor, loop } }: Guest): object {
  const { state } = processor;
  const registers = readState(state).map(({ tag, value }) => `${tag} ${value.toString(16)}`);
  return {
    registers,
    eflags: state.eflags,
    retired: loop.retired,
    time: loop.time,
    eip: state.eip,
    calls: processor.callShadow.calls(),
  };
}

/** Gives the instructions that compiled code has executed in regions that were kept for a step. */
function runBoth(bits: 32 | 64, seed: number): number {
  // Regions that are made at a random border know where computed jumps have led until then.
  const engines = ['interpreter', 'compiler-at-once', `compiler-random:${seed}`] as const;
  const guests = engines.map((engine) => prepare(bits, engine, seed));
  const [interpreted, atOnce, atRandom] = guests as [Guest, Guest, Guest];
  const breakpoints = guests.map(() => new Map<number, Breakpoint>());
  const draw = drawFrom(~seed);
  let executed = 0;
  for (let step = 0; step < STEPS; step++) {
    const instructionsMax = draw(3) === 0 ? 1 + draw(20) : 1 + draw(RUN_MAX);
    const reasons = guests.map(({ machine: { loop } }) => loop.run({ instructionsMax, resume: true }).reason);
    expect(new Set(reasons).size).toBe(1);
    for (const guest of [atOnce, atRandom]) expect(stateOf(guest)).toEqual(stateOf(interpreted));
    const list = atOnce.machine.processor.compiler?.list() ?? [];
    executed = Math.max(
      executed,
      list.reduce((sum, { instructions }) => sum + instructions, 0),
    );
    const change = changer(draw);
    for (const [n, guest] of guests.entries()) change(guest, breakpoints[n] as Map<number, Breakpoint>);
  }
  return executed;
}

describe('regions that go on in each other', () => {
  it.each([32, 64] as const)('do what is interpreted (%d bits)', { timeout: 240_000 }, (bits) => {
    let executed = 0;
    const both = fc.property(fc.integer(), (seed) => {
      executed += runBoth(bits, seed);
    });
    fc.assert(both, { numRuns: ROUNDS });
    expect(executed).toBeGreaterThan(1000 * ROUNDS);
  });

  it('leave no frames behind, however often they do', () => {
    const guest = prepare(32, 'compiler-at-once', 1);
    const { machine } = guest;
    // Two routines that only jump to each other: jmp [TABLE + 4]; jmp [TABLE].
    for (const [n, other] of [4, 0].entries()) {
      const jump = [0xff, 0x25, ...littleEndian(TABLE + other)];
      for (const [at, byte] of jump.entries()) machine.map.write(ROUTINE_AT + n * PAGE + at, 1, byte);
    }
    machine.loop.run({ instructionsMax: 1000 });
    expect(machine.loop.run({ instructionsMax: 3_000_000 })).toEqual({ reason: 'limit' });
    const regions = machine.processor.compiler?.list() ?? [];
    expect(regions.map(({ exits }) => exits.get('indirect') ?? 0).reduce((a, b) => a + b)).toBeGreaterThan(2_900_000);
    expect(machine.processor.state.read32(slot.EIP)).toBe(ROUTINE_AT);
  });
});
