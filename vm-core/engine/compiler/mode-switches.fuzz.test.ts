/**
 * Code that goes from mode to mode while it is compiled, as the interpreter does: real, protected, paged and long mode, code of
 * all sizes, A20, on one vCPU and on several that share it, with breakpoints that come and go.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createMachine } from '../../machine/create-machine.ts';
import type { Machine } from '../../machine/machine.ts';
import { CR0_PG, CR4_PAE } from '../../state/control-bits.ts';
import { segmentNames } from '../../state/register-table.ts';
import { CS, slot } from '../../state/layout.ts';
import { memoryOutcome, processorOutcome } from './machine-outcome.ts';
import { beginning, modeSwitchingProgram, piecesAt, someBlock } from './mode-switching-program.ts';
import { RandomBreakpoints } from './random-breakpoints.ts';
import { DATA_AT, type Draw, drawFrom, STACK_AT } from './random-program.ts';
import type { Engine } from './tiers.ts';

const ROUNDS = Number(process.env['FUZZ_ROUNDS'] ?? 5);
const RUNS = 30;
const TIMEOUT = 120_000 + ROUNDS * 5000;
const INSTRUCTIONS_MAX = 1500;

function machineOf(engine: Engine, cpus: number, seed: number): Machine {
  const machine = createMachine({
    ...{
      machineType: 'isa-1',
      cpuModel: 'x86-64-v2',
      memorySize: 4 << 20,
      firmware: 'builtin',
      exitDevice: false,
      engine,
    },
    ...{ topology: { packages: cpus, coresPerPackage: 1, threadsPerCore: 1 }, startTimeMs: 0 },
  });
  const draw = drawFrom(seed);
  for (const [at, bytes] of modeSwitchingProgram(draw)) machine.memory.write(at, Uint8Array.from(bytes));
  for (const { state } of machine.cpus) {
    state.write8(slot.WAITS_FOR_STARTUP, 0);
    segmentNames.forEach((name, segment) => {
      state.setSegment(segment, { selector: 0, base: 0, limit: 0xffff, attributes: name === 'CS' ? 0x9b : 0x93 });
    });
    for (const name of ['EBX', 'ESI', 'EDI'] as const) state.write32(slot[name], DATA_AT + draw(0x800));
    state.write32(slot.ESP, STACK_AT + 0x800);
    state.eip = beginning(draw);
  }
  return machine;
}

/** Programs that go round and round go on at a piece that changes the mode. */
function moveOn(machines: readonly Machine[], draw: Draw): void {
  for (const [n, { state, codeSize }] of (machines[0] as Machine).cpus.entries()) {
    const pieces = piecesAt(codeSize);
    const piece = pieces[draw(pieces.length)] as number;
    if (state.segment(CS).base !== 0 || state.read8(slot.HALTED) !== 0) continue;
    for (const { cpus } of machines) (cpus[n] as Machine['cpus'][0]).state.eip = piece;
  }
}

/** Where a machine's processors are, as far as it concerns code. */
const modesOf = ({ cpus }: Machine): readonly string[] =>
  cpus.map(({ state, mode, codeSize }) => {
    const isPaged = (state.read32(slot.CR0) & CR0_PG) !== 0;
    const paging = !isPaged ? 'unpaged' : (state.read32(slot.CR4) & CR4_PAE) === 0 ? 'paged' : 'PAE';
    return `${mode} ${codeSize} ${paging}`;
  });

/** What is seen of a machine in all the rounds. */
interface Seen {
  readonly modes: Set<string>;
  compiled: number;
}

function runBoth(engine: Engine, cpus: number, seed: number, seen: Seen): void {
  const machines = [machineOf('interpreter', cpus, seed), machineOf(engine, cpus, seed)] as const;
  const [interpreted, compiled] = machines;
  const draw: Draw = drawFrom(~seed);
  const breakpoints = new RandomBreakpoints(machines, draw, () => someBlock(draw));
  let resume = false;
  for (let run = 0; run < RUNS; run++) {
    const instructionsMax = 1 + draw(draw(3) === 0 ? 20 : INSTRUCTIONS_MAX);
    breakpoints.change();
    if (draw(2) === 0) moveOn(machines, draw);
    const result = interpreted.run({ instructionsMax, resume });
    expect(compiled.run({ instructionsMax, resume })).toEqual(result);
    expect(processorOutcome(compiled)).toEqual(processorOutcome(interpreted));
    for (const mode of modesOf(compiled)) seen.modes.add(mode);
    resume = result.reason === 'breakpoint';
    if (result.reason !== 'limit' && !resume) break;
  }
  expect(memoryOutcome(compiled)).toBe(memoryOutcome(interpreted));
  seen.compiled += compiled.compiledCode?.counters.compiled ?? 0;
}

it.each([
  ['compiler-at-once', 1],
  ['compiler-at-once', 3],
  ['compiler-random:4', 1],
  ['compiler-random:5', 2],
] as const)('runs with %s on %d as the interpreter does', { timeout: TIMEOUT }, (engine, cpus) => {
  const seen: Seen = { modes: new Set(), compiled: 0 };
  const both = fc.property(fc.integer(), (seed) => {
    runBoth(engine, cpus, seed, seen);
  });
  fc.assert(both, { numRuns: ROUNDS });
  expect(seen.compiled).toBeGreaterThan(ROUNDS);
  expect(seen.modes.size).toBeGreaterThan(4);
});
