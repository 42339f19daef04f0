/**
 * Repeated string instructions that do many elements at once, beside the same with a pause after each element: registers,
 * flags and memory are the same, across the ends of pages and segments, where source and destination overlap, are the same
 * page, or are not there.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { RAM_BASE } from '../memory/layout.ts';
import { DS, ES, FS, internal, slot } from '../state/layout.ts';
import { readState } from '../state/state-access.ts';
import type { BareMachine } from './bare-machine.ts';
import { type Draw, drawFrom } from './compiler/random-program.ts';
import { defaultEngine, type Engine } from './compiler/tiers.ts';
import { PROGRAM_START, programMachine } from './guest-program.ts';
import { LongGuest } from './long-guest.ts';
import { PagedGuest, P, W } from './paged-guest.ts';

const ROUNDS = Number(process.env['FUZZ_ROUNDS'] ?? 20);
const MEMORY_SIZE = 0x200000;
const DATA = 0x40000;
const PAGES = 5;
const HALT = 0xf4;

type Mode = 16 | 32 | 64;

/** A machine before its instruction; `again` puts registers back. */
interface Guest {
  readonly machine: BareMachine;
  again(): void;
}

function machineOf(mode: Mode, draw: Draw): BareMachine {
  if (mode === 16) {
    const machine = programMachine([], MEMORY_SIZE);
    const { state } = machine.processor;
    for (const index of [DS, ES, FS]) {
      const base = DATA + 0x1000 + 16 * draw(8);
      state.setSegment(index, { selector: base >> 4, base, limit: draw(4) === 0 ? 0x2fff : 0xffff, attributes: 0x93 });
    }
    return machine;
  }
  const target = DATA + 0x1000 * draw(PAGES);
  const [at, isThere] = [DATA + 0x1000 * draw(PAGES), draw(3) > 0];
  if (mode === 32) {
    const guest = new PagedGuest('');
    guest.map(at, target | (isThere ? P | W : draw(2)));
    guest.enablePaging(0x10000);
    return guest.machine;
  }
  const guest = new LongGuest(new Uint8Array(0));
  guest.map(BigInt(at), target, isThere ? P | W : draw(2));
  return guest.machine;
}

/** Bytes that are nearly all the same, so that comparisons go on for long. */
function fill({ map }: BareMachine, draw: Draw): void {
  const common = draw(256);
  const rare = 1 + draw(4000);
  for (let at = DATA - 0x2000; at < DATA + 0x1000 * (PAGES + 2); at++) {
    map.write(at, 1, draw(rare) === 0 ? draw(256) : common);
  }
}

function instruction(mode: Mode, draw: Draw): readonly number[] {
  const opcode = [0xa4, 0xa6, 0xaa, 0xac, 0xae][draw(5)] as number;
  const prefixes = [
    ...(draw(4) === 0 ? [0x66] : []),
    ...(draw(6) === 0 ? [0x67] : []),
    ...(draw(6) === 0 ? [0x64] : []),
    ...[0xf2 + draw(2)],
    ...(mode === 64 && draw(2) === 0 ? [0x48] : []),
  ];
  return [0xfc + draw(2), ...prefixes, opcode + draw(2), HALT];
}

function prepare(mode: Mode, engine: Engine, seed: number): Guest {
  const before = defaultEngine.name;
  defaultEngine.name = engine;
  try {
    const draw = drawFrom(seed);
    const machine = machineOf(mode, draw);
    const { state } = machine.processor;
    fill(machine, draw);
    const at = mode === 16 ? PROGRAM_START : 0x7000;
    instruction(mode, draw).forEach((byte, n) => {
      machine.map.write(at + n, 1, byte);
    });
    const start = mode === 16 ? 0 : DATA;
    const source = start + draw(0x1000 * PAGES);
    const distance = [draw(0x1000 * PAGES) - 0x2000, draw(64) - 32][draw(2)] as number;
    const values = { ECX: draw(4) === 0 ? draw(20) : draw(6000), ESI: source, EDI: source + distance, EAX: 0 };
    values.EAX = draw(4) === 0 ? draw(0x1000000) : machine.map.read(DATA + draw(0x1000), 4);
    const again = () => {
      for (const [name, value] of Object.entries(values))
        state.write32(slot[name as 'EAX'], value & (mode === 16 ? 0xffff : -1));
      state.write32(slot.ESP, 0x6000);
      for (const name of ['ECX', 'ESI', 'EDI'] as const) state.write32(slot[name] + 4, 0);
      state.write8(slot.HALTED, 0);
      state.eip = at;
    };
    return { machine, again };
  } finally {
    defaultEngine.name = before;
  }
}

function stateOf({ processor: { state } }: BareMachine): object {
  const registers = readState(state).map(({ tag, value }) => `${tag} ${value.toString(16)}`);
  return { registers: registers.filter((text) => !/TSC|time/i.test(text)), eflags: state.eflags };
}

function ramOf({ map }: BareMachine): Buffer {
  return Buffer.from(map.view.buffer, RAM_BASE, MEMORY_SIZE);
}

it.each([
  [16, 'interpreter'],
  [32, 'interpreter'],
  [64, 'interpreter'],
  [16, 'compiler-at-once'],
  [32, 'compiler-at-once'],
  [64, 'compiler-at-once'],
] as const)('in %d-bit code, %s', { timeout: 120_000 }, (mode, engine) => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const [whole, single] = [prepare(mode, engine, seed), prepare(mode, 'interpreter', seed)];
      single.machine.processor.state.write32(internal.REPEAT_MAX, 1);
      for (let run = 0; run < 3; run++) {
        const results = [whole, single].map(({ machine, again }) => {
          again();
          return machine.loop.run({ instructionsMax: 20_000 });
        });
        expect(results[0]).toEqual(results[1]);
        // Behind a fault without a handler the guest runs on, and has got less far where pauses have taken time.
        if (results[0]?.reason === 'limit') break;
        expect(stateOf(whole.machine)).toEqual(stateOf(single.machine));
        expect(Buffer.compare(ramOf(whole.machine), ramOf(single.machine))).toBe(0);
        if (results[0]?.reason !== 'halted') break;
      }
    }),
    { numRuns: ROUNDS },
  );
});
