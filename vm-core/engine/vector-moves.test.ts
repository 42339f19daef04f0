/** Vectors between registers and memory of all kinds, and the faults that come before. */
import { describe, expect, it } from 'vitest';
import { CR0_EM, CR0_TS, CR4_OSFXSR } from '../state/control-bits.ts';
import { slot, vectorSlots } from '../state/layout.ts';
import { findRegister, type Register } from '../state/register-table.ts';
import { programMachine } from './guest-program.ts';

const HLT = 0xf4;
const VALUE = 0x0f0e_0d0c_0b0a_0908_0706_0504_0302_0100n;
const XMM2 = findRegister('XMM2') as Register;

/** Runs 16-bit code in real mode with SSE on; the vector at which it stopped, if it did. */
function run(code: readonly number[], prepare: (machine: ReturnType<typeof programMachine>) => void) {
  const machine = programMachine([...code, HLT], undefined, 'max');
  machine.processor.state.write32(slot.CR4, CR4_OSFXSR);
  prepare(machine);
  machine.processor.refresh();
  machine.loop.stopOnExceptions = new Set([6, 7, 12, 13, 14]);
  const result = machine.loop.run({ instructionsMax: 10 });
  return { ...machine, vector: result.reason === 'exception' ? result.event.vector : undefined };
}

const write = (machine: ReturnType<typeof programMachine>, at: number) => {
  for (let n = 0; n < 16; n++) machine.map.write(at + n, 1, n);
};

describe('vectors', () => {
  it('come from memory, go through a register and back', () => {
    // movups xmm2,[601h]; movaps xmm3,xmm2; movups [703h],xmm3
    const code = [0x0f, 0x10, 0x16, 0x01, 0x06, 0x0f, 0x28, 0xda, 0x0f, 0x11, 0x1e, 0x03, 0x07];
    const { processor, map, vector } = run(code, (machine) => write(machine, 0x601));
    expect(vector).toBeUndefined();
    expect(processor.state.readRegister(XMM2)).toBe(VALUE);
    for (let n = 0; n < 16; n++) expect(map.read(0x703 + n, 1)).toBe(n);
  });

  it('cross pages, and lie beside code', () => {
    const code = [0x0f, 0x10, 0x16, 0xf9, 0x7c, 0x0f, 0x11, 0x16, 0xf9, 0x7f, 0x0f, 0x11, 0x16, 0x20, 0x7d];
    const { map, vector } = run(code, (machine) => write(machine, 0x7cf9));
    expect(vector).toBeUndefined();
    for (const at of [0x7ff9, 0x7d20]) for (let n = 0; n < 16; n++) expect(map.read(at + n, 1)).toBe(n);
  });

  it.each([
    { name: 'CR0.EM', control0: CR0_EM, control4: CR4_OSFXSR, address: 0x600, vector: 6 },
    { name: 'no OSFXSR', control0: 0, control4: 0, address: 0x600, vector: 6 },
    { name: 'CR0.TS', control0: CR0_TS, control4: CR4_OSFXSR, address: 0x601, vector: 7 },
    { name: 'not aligned', control0: 0, control4: CR4_OSFXSR, address: 0x601, vector: 13 },
    { name: 'aligned', control0: 0, control4: CR4_OSFXSR, address: 0x610, vector: undefined },
    { name: 'beyond the segment', control0: 0, control4: CR4_OSFXSR, address: 0xfff8, vector: 13 },
  ])('MOVAPS faults as it should: $name', ({ control0, control4, address, vector }) => {
    const code = [0x0f, 0x28, 0x16, address & 0xff, address >> 8];
    const result = run(code, ({ processor: { state } }) => {
      state.write32(slot.CR0, state.read32(slot.CR0) | control0);
      state.write32(slot.CR4, control4);
      state.writeRegister(XMM2, 5n);
    });
    expect(result.vector).toBe(vector);
    expect(result.processor.state.readRegister(XMM2) === 5n).toBe(vector !== undefined);
  });

  it('have slots of 32 bytes', () => {
    expect((vectorSlots[1] as number) - (vectorSlots[0] as number)).toBe(32);
  });
});
