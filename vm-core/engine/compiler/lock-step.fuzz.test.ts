/** The interpreter and the compiler side by side, on random programs: nobody can tell which of them executes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CpuModel } from '../../isa/cpu-model.ts';
import { CALL_SHADOW, CALL_SHADOW_SIZE, RAM_BASE } from '../../memory/layout.ts';
import { CR0_WP, CR4_OSFXSR, CR4_OSXMMEXCPT } from '../../state/control-bits.ts';
import { internal, slot } from '../../state/layout.ts';
import { readState } from '../../state/state-access.ts';
import type { BareMachine } from '../bare-machine.ts';
import { programMachine } from '../guest-program.ts';
import { LongGuest } from '../long-guest.ts';
import { PagedGuest } from '../paged-guest.ts';
import { RandomBreakpoints } from './random-breakpoints.ts';
import {
  blockAddress,
  DATA_AT,
  type Draw,
  drawFrom,
  PROGRAM_AT,
  type ProgramMode,
  randomProgram,
  STACK_AT,
  STACK_END,
} from './random-program.ts';
import { FIRST_VECTOR, VECTORS } from './real-mode-pieces.ts';
import { OTHER_PROGRAM_AT, remappingCode, remappingPlaces } from './remapping-program.ts';
import { rewritingProgram } from './rewriting-program.ts';
import { defaultEngine, type Engine } from './tiers.ts';
import { UNIT_AREA } from './unit-pieces.ts';

const ROUNDS = Number(process.env['FUZZ_ROUNDS'] ?? 6);
const RUNS = 12;
const MEMORY_SIZE = 0x200000;

/** How a program is made, and the processor that has its instructions. */
interface Kind {
  readonly write: (draw: Draw, mode: ProgramMode) => Iterable<number>;
  readonly usesUnits?: boolean;
  readonly model: CpuModel;
  readonly instructionsMax: number;
  /** Of 32-bit code: paging is on, and pages come and go. */
  readonly remaps?: boolean;
}

const ordinary: Kind = { write: (draw, mode) => randomProgram(draw, mode), model: 'pentium3', instructionsMax: 4000 };
const ofUnits: Kind = {
  write: (draw, mode) => randomProgram(draw, mode, { usesUnits: true }),
  model: 'pentium3',
  instructionsMax: 4000,
  usesUnits: true,
};
/** Long enough for the code to be compiled by samples, several times. */
const rewriting: Kind = { write: rewritingProgram, model: 'max', instructionsMax: 60_000 };
const remapping: Kind = {
  write: (draw, mode) => randomProgram(draw, mode, { elsewhere: remappingPlaces }),
  model: 'pentium3',
  instructionsMax: 4000,
  remaps: true,
};

function machineOf(mode: ProgramMode, { model, remaps }: Kind): BareMachine {
  if (mode === 16) return programMachine([], MEMORY_SIZE, model);
  if (mode === 64) return new LongGuest(new Uint8Array(0)).machine;
  const guest = new PagedGuest('', model);
  if (remaps) guest.enablePaging(CR0_WP);
  return guest.machine;
}

function put({ map }: BareMachine, at: number, bytes: Iterable<number>): void {
  for (const [n, byte] of [...bytes].entries()) map.write(at + n, 1, byte);
}

function prepare(mode: ProgramMode, engine: Engine, seed: number, kind: Kind): BareMachine {
  const before = defaultEngine.name;
  defaultEngine.name = engine;
  try {
    const machine = machineOf(mode, kind);
    const draw = drawFrom(seed);
    const { state } = machine.processor;
    put(machine, PROGRAM_AT, kind.write(draw, mode));
    if (kind.remaps) {
      put(machine, OTHER_PROGRAM_AT, kind.write(draw, mode));
      for (const [at, code] of remappingCode(draw)) put(machine, at, code);
    }
    for (let vector = FIRST_VECTOR; mode === 16 && vector < FIRST_VECTOR + VECTORS; vector++)
      machine.map.write(4 * vector, 4, blockAddress(draw));
    const wordSize = mode / 8;
    for (let at = STACK_AT; at < STACK_END; at += wordSize)
      machine.map.write(at, Math.min(wordSize, 4) as 2 | 4, mode === 16 && draw(3) === 0 ? 0 : blockAddress(draw));
    for (const name of ['EAX', 'ECX', 'EDX', 'EBP'] as const) state.write32(slot[name], draw(0x1000000));
    for (const name of ['EBX', 'ESI', 'EDI'] as const) state.write32(slot[name], DATA_AT + draw(0x800));
    state.write32(slot.ESP, STACK_AT + 0x800);
    // As FNINIT has it: no x87 error ends the program.
    state.write16(slot.FCW, 0x37f);
    state.write8(slot.FTW, 0);
    if (kind.usesUnits) prepareUnits(machine);
    state.eip = PROGRAM_AT;
    machine.processor.callShadow.isOn = draw(2) === 0;
    return machine;
  } finally {
    defaultEngine.name = before;
  }
}

/** Exceptions of either unit do not end the program, nor do those that it loads. */
function prepareUnits({ processor, map }: BareMachine): void {
  const { state } = processor;
  state.write32(slot.CR4, state.read32(slot.CR4) | CR4_OSFXSR | CR4_OSXMMEXCPT);
  state.onDerivedChange(slot.CR4);
  state.write32(slot.MXCSR, 0x1f80);
  for (const [at, value] of [
    [UNIT_AREA, 0x37f],
    [UNIT_AREA + 24, 0x1f80],
    [UNIT_AREA + 0x200, 0x37f],
  ] as const)
    map.write(at, 4, value);
}

function stateOf({ processor, loop }: BareMachine): object {
  const { state } = processor;
  const registers = readState(state).map(({ tag, value }) => `${tag} ${value.toString(16)}`);
  const calls = Buffer.from(state.view.buffer, state.base + CALL_SHADOW, CALL_SHADOW_SIZE).toString('latin1');
  return {
    calls,
    top: state.read32(internal.CALLS_TOP),
    eflags: state.eflags,
    retired: loop.retired,
    time: loop.time,
    registers,
  };
}

function ramOf({ map }: BareMachine): Buffer {
  return Buffer.from(map.view.buffer, RAM_BASE, MEMORY_SIZE);
}

/** Runs both in pieces of the same length until the program has halted, and compares them after each. */
function runBoth(mode: ProgramMode, engine: Engine, seed: number, kind: Kind): number {
  const [interpreted, compiled] = [prepare(mode, 'interpreter', seed, kind), prepare(mode, engine, seed, kind)];
  const draw = drawFrom(~seed);
  const loops = [interpreted.loop, compiled.loop];
  const breakpoints = new RandomBreakpoints(loops, draw, () => blockAddress(draw));
  let resume = false;
  for (let run = 0; run < RUNS; run++) {
    const instructionsMax = draw(3) === 0 ? 1 + draw(20) : 1 + draw(kind.instructionsMax);
    breakpoints.change();
    const result = interpreted.loop.run({ instructionsMax, resume });
    expect(compiled.loop.run({ instructionsMax, resume })).toEqual(result);
    expect(stateOf(compiled)).toEqual(stateOf(interpreted));
    expect(Buffer.compare(ramOf(compiled), ramOf(interpreted))).toBe(0);
    resume = result.reason === 'breakpoint';
    if (result.reason !== 'limit' && !resume) break;
  }
  return compiled.processor.compiler?.counters.compiled ?? 0;
}

/** Tests so many random programs of a kind, of which some are compiled. */
function fuzz(mode: ProgramMode, engine: Engine, kind: Kind, rounds: number): void {
  let compiled = 0;
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      compiled += runBoth(mode, engine, seed, kind);
    }),
    { numRuns: rounds },
  );
  expect(compiled).toBeGreaterThan(engine === 'compiler' ? 0 : rounds);
}

it.each([16, 32, 64] as const)('runs %d-bit code as the interpreter does', { timeout: 120_000 }, (mode) => {
  fuzz(mode, 'compiler-at-once', ordinary, ROUNDS);
});

describe('code that is compiled and thrown away at random borders of blocks', () => {
  const seed = Number(process.env['FUZZ_SEED'] ?? 1);

  it.each([16, 32, 64] as const)('runs in %d-bit mode as interpreted', { timeout: 120_000 }, (mode) => {
    fuzz(mode, `compiler-random:${seed}`, ordinary, ROUNDS);
    fuzz(mode, `compiler-random:${seed}`, { ...rewriting, instructionsMax: 4000 }, ROUNDS);
  });
});

it.each([16, 32, 64] as const)(
  'runs the x87, MMX and SSE in %d-bit code as interpreted',
  { timeout: 120_000 },
  (mode) => {
    fuzz(mode, 'compiler-at-once', ofUnits, 2 * ROUNDS);
    fuzz(mode, 'compiler-random:5', ofUnits, ROUNDS);
  },
);

it.each(['compiler-at-once', 'compiler-random:3'] as const)(
  'runs code whose pages change as the interpreter does, with %s',
  { timeout: 120_000 },
  (engine) => {
    fuzz(32, engine, remapping, ROUNDS);
  },
);

describe('code that writes over itself', () => {
  it.each([16, 32, 64] as const)('runs in %d-bit mode as interpreted', { timeout: 120_000 }, (mode) => {
    fuzz(mode, 'compiler-at-once', rewriting, ROUNDS);
  });

  // About half of the programs are compiled by then.
  it.each([16, 32, 64] as const)('does so when it is found by samples (%d bits)', { timeout: 120_000 }, (mode) => {
    fuzz(mode, 'compiler', rewriting, 3 * ROUNDS);
  });
});
