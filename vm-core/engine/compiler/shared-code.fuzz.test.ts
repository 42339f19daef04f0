/** Several vCPUs in random code that is compiled for all of them, writes over itself and is thrown away: as interpreted. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createMachine } from '../../machine/create-machine.ts';
import type { Machine } from '../../machine/machine.ts';
import { segmentNames } from '../../state/register-table.ts';
import { slot } from '../../state/layout.ts';
import { memoryOutcome, processorOutcome } from './machine-outcome.ts';
import { blockAddress, DATA_AT, type Draw, drawFrom, PROGRAM_AT, randomProgram, STACK_AT } from './random-program.ts';
import type { Engine } from './tiers.ts';

const ROUNDS = Number(process.env['FUZZ_ROUNDS'] ?? 3);
const RUNS = 6;
const CPUS = 3;
const VECTORS = 256;
/** More than a turn. */
const INSTRUCTIONS_MAX = 12_000;

function machineOf(engine: Engine, seed: number): Machine {
  const machine = createMachine({
    ...{ machineType: 'isa-1', cpuModel: 'max', memorySize: 1 << 20, firmware: 'builtin', exitDevice: false, engine },
    ...{ topology: { packages: CPUS, coresPerPackage: 1, threadsPerCore: 1 }, startTimeMs: 0 },
  });
  const draw = drawFrom(seed);
  machine.memory.write(PROGRAM_AT, randomProgram(draw, 16));
  const vectors = new DataView(new ArrayBuffer(VECTORS * 4));
  for (let vector = 0; vector < VECTORS; vector++) vectors.setUint16(vector * 4, blockAddress(draw), true);
  machine.memory.write(0, new Uint8Array(vectors.buffer));
  machine.cpus.forEach((_, index) => {
    begin(machine, index, draw);
  });
  return machine;
}

/** Real mode, each vCPU at a block and with a stack of its own. */
function begin({ cpus }: Machine, index: number, draw: Draw): void {
  const { state } = cpus[index] as Machine['cpus'][0];
  state.write8(slot.WAITS_FOR_STARTUP, 0);
  segmentNames.forEach((name, segment) => {
    state.setSegment(segment, { selector: 0, base: 0, limit: 0xffff, attributes: name === 'CS' ? 0x9b : 0x93 });
  });
  for (const name of ['EBX', 'ESI', 'EDI'] as const) state.write32(slot[name], DATA_AT + draw(0x800));
  state.write32(slot.ESP, STACK_AT + 0x400 * (index + 1));
  state.eip = blockAddress(draw);
}

it.each(['compiler-at-once', 'compiler-random:2'] as const)(
  'runs with %s as the interpreter does',
  { timeout: 120_000 },
  (engine) => {
    const retired = Array.from({ length: CPUS }, () => 0);
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const [interpreted, compiled] = [machineOf('interpreter', seed), machineOf(engine, seed)];
        const draw = drawFrom(~seed);
        for (let run = 0; run < RUNS; run++) {
          const instructionsMax = 1 + draw(draw(3) === 0 ? 20 : INSTRUCTIONS_MAX);
          const result = interpreted.run({ instructionsMax });
          expect(compiled.run({ instructionsMax })).toEqual(result);
          expect(processorOutcome(compiled)).toEqual(processorOutcome(interpreted));
          expect(memoryOutcome(compiled)).toBe(memoryOutcome(interpreted));
          if (result.reason !== 'limit') break;
        }
        for (const { index, retired: count } of compiled.cpus) retired[index] = (retired[index] as number) + count;
      }),
      { numRuns: ROUNDS },
    );
    expect(Math.min(...retired)).toBeGreaterThan(0);
  },
);
