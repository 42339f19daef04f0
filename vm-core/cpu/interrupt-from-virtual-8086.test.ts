import { expect, it } from 'vitest';
import { slot } from '../state/layout.ts';
import { VM } from '../state/lazy-flags.ts';
import { GuestFault, VECTOR_GP, VECTOR_NP } from './cpu.ts';
import { GDT, IDT, protectedCpu, writeDescriptor, writeGate } from './fake-cpu.ts';
import { enterHandler } from './interrupt-entry.ts';

const HANDLER = 0xb0;

it.each([
  { name: 'level 1', attributes: 0x4bb, vector: VECTOR_GP },
  { name: 'level 1, absent', attributes: 0x43b, vector: VECTOR_NP },
  { name: 'conforming', attributes: 0x49f, vector: VECTOR_GP },
  { name: 'conforming, absent', attributes: 0x41f, vector: VECTOR_NP },
])('a handler of virtual-8086 mode in a segment of $name is refused', ({ attributes, vector }) => {
  const cpu = protectedCpu(0);
  cpu.state.write16(slot.GDTR_LIMIT, 0xff);
  writeDescriptor(cpu, GDT + HANDLER, 0, 0xffff, attributes);
  writeGate(cpu, IDT + 0x21 * 8, HANDLER, 0x1000, 0xee);
  cpu.state.eflags = VM | 2;
  cpu.state.write8(slot.CPL, 3);
  try {
    enterHandler(cpu, { vector: 0x21, errorCode: undefined, kind: 'software' });
    expect.unreachable();
  } catch (error) {
    expect(error).toBeInstanceOf(GuestFault);
    expect(error).toMatchObject({ vector, errorCode: HANDLER });
  }
});
