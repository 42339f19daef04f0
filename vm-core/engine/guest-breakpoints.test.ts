/** Breakpoints of the debug registers on ports and at loads of SS (SDM vol. 3B §18.2, vol. 3A §6.8.3). */
import { describe, expect, it } from 'vitest';
import { CR4_DE } from '../state/control-bits.ts';
import { slot } from '../state/layout.ts';
import { PROGRAM_START, programMachine } from './guest-program.ts';

const HLT = 0xf4;
const HANDLER = 0x601;
/** L0; R/W0 is 2: ports; LEN0: one byte. */
const ON_PORTS = 0x20001;

function run(code: readonly number[], control4 = CR4_DE) {
  const machine = programMachine([...code, HLT], undefined, 'pentium');
  const { state } = machine.processor;
  state.write32(slot.CR4, control4);
  state.write32(slot.DR0, 0x60);
  state.write32(slot.DR7, ON_PORTS);
  state.write32(slot.ECX, 3);
  state.write32(slot.EDX, 0x60);
  state.write32(slot.EDI, 0x500);
  machine.processor.refresh();
  machine.loop.run({ instructionsMax: 20 });
  return { ...machine, returnAddress: machine.map.read(PROGRAM_START - 6, 2), state };
}

describe('breakpoints on ports', () => {
  it.each([
    { name: 'IN', code: [0x90, 0xe4, 0x60, 0x90], next: 3 },
    { name: 'OUT', code: [0x90, 0xee, 0x90], next: 2 },
    { name: 'OUT of a word that reaches the port', code: [0x4a, 0xef, 0x90], next: 2 },
  ])('trap behind $name', ({ code, next }) => {
    const { state, returnAddress } = run(code);
    expect([state.eip, returnAddress]).toEqual([HANDLER + 1, PROGRAM_START + next]);
    expect(state.read32(slot.DR6) & 0xf).toBe(1);
  });

  it('trap after each iteration of INS', () => {
    const { state, returnAddress } = run([0xf3, 0x6c]);
    expect([state.eip, returnAddress, state.read16(slot.ECX)]).toEqual([HANDLER + 1, PROGRAM_START, 2]);
  });

  it('are nothing for other ports and without CR4.DE', () => {
    expect(run([0xe4, 0x61]).state.eip).toBe(PROGRAM_START + 3);
    expect(run([0xe4, 0x60], 0).state.eip).toBe(PROGRAM_START + 3);
  });
});

it('a data breakpoint that a load of SS meets waits for the next instruction', () => {
  // mov ss,[500h]; mov sp,7000h; nop
  const code = [0x8e, 0x16, 0x00, 0x05, 0xbc, 0x00, 0x70, 0x90];
  const machine = programMachine([...code, HLT], undefined, 'pentium');
  const { state } = machine.processor;
  state.write32(slot.DR0, 0x500);
  state.write32(slot.DR7, 0x7_0001);
  machine.processor.refresh();
  machine.loop.run({ instructionsMax: 20 });
  expect([state.eip, state.read16(slot.ESP)]).toEqual([HANDLER + 1, 0x7000 - 6]);
  expect(machine.map.read(0x7000 - 6, 2)).toBe(PROGRAM_START + 7);
});
