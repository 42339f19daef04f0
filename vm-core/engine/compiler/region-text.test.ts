/** The code of regions as readers see it, of whatever random programs bring into regions. */
import { expect, it } from 'vitest';
import { internal, slot } from '../../state/layout.ts';
import type { BareMachine } from '../bare-machine.ts';
import { programMachine } from '../guest-program.ts';
import { LongGuest } from '../long-guest.ts';
import { PagedGuest } from '../paged-guest.ts';
import { DATA_AT, drawFrom, PROGRAM_AT, type ProgramMode, STACK_AT } from './random-program.ts';
import { rewritingProgram } from './rewriting-program.ts';
import { defaultEngine } from './tiers.ts';

const SEEDS = 4;

function machineOf(mode: ProgramMode): BareMachine {
  const before = defaultEngine.name;
  defaultEngine.name = 'compiler-at-once';
  try {
    if (mode === 16) return programMachine([], 0x200000, 'max');
    return mode === 32 ? new PagedGuest('', 'max').machine : new LongGuest(new Uint8Array(0)).machine;
  } finally {
    defaultEngine.name = before;
  }
}

it.each([16, 32, 64] as const)('is read to its end, and tells what it was made of (%d bits)', (mode) => {
  let regions = 0;
  for (let seed = 0; seed < SEEDS; seed++) {
    const machine = machineOf(mode);
    const { state } = machine.processor;
    for (const [n, byte] of [...rewritingProgram(drawFrom(seed), mode)].entries())
      machine.map.write(PROGRAM_AT + n, 1, byte);
    state.write32(slot.ESP, STACK_AT + 0x800);
    for (const name of ['EBX', 'ESI', 'EDI'] as const) state.write32(slot[name], DATA_AT);
    state.eip = PROGRAM_AT;
    machine.loop.run({ instructionsMax: 2000 });
    for (const region of machine.processor.compiler?.list() ?? []) {
      regions++;
      const lines = region.code();
      expect(lines.at(-1)?.text).toBe('end');
      const addresses = new Set(lines.map(({ linearAddress }) => linearAddress));
      expect(addresses).toContain(region.linearAddress);
      expect(lines.some(({ text }) => text.endsWith(';; SEGMENT_FACTS'))).toBe(true);
    }
    expect(Number(state.read64(internal.COMPILED))).toBeGreaterThan(0);
  }
  expect(regions).toBeGreaterThan(SEEDS);
});
