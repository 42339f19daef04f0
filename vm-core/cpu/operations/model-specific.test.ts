import { describe, expect, it } from 'vitest';
import { CR4_TSD } from '../../state/control-bits.ts';
import { slot } from '../../state/layout.ts';
import { ARITHMETIC_FLAGS, CF } from '../../state/lazy-flags.ts';
import { VECTOR_GP } from '../cpu.ts';
import { execute, faultOf, protectedCpu, realCpu } from '../fake-cpu.ts';

describe('RDTSC', () => {
  it('gives the virtual time in two halves', () => {
    const cpu = realCpu();
    cpu.time = 0x1234_5678_9abc;
    execute(cpu, 'RDTSC');
    expect([cpu.state.read32(slot.EAX), cpu.state.read32(slot.EDX)]).toEqual([0x5678_9abc, 0x1234]);
  });

  it.each(['RDTSC', 'RDTSCP'])('%s is for level 0 while CR4.TSD is set', (name) => {
    const cpu = protectedCpu(3);
    expect(faultOf(() => execute(cpu, name))).toBeUndefined();
    cpu.state.write32(slot.CR4, CR4_TSD);
    expect(faultOf(() => execute(cpu, name))).toEqual([VECTOR_GP, 0]);
    const kernel = protectedCpu(0);
    kernel.state.write32(slot.CR4, CR4_TSD);
    expect(faultOf(() => execute(kernel, name))).toBeUndefined();
  });
});

describe.each(['RDRAND', 'RDSEED'])('%s', (name) => {
  it('gives bits of the operand size and sets the carry alone', () => {
    const cpu = realCpu();
    cpu.randomValues = [0x8765_4321, 0x1234_5678];
    cpu.state.write32(slot.EBX, 0xffff_ffff);
    cpu.state.eflags = ARITHMETIC_FLAGS;
    execute(cpu, name, { rmSlot: slot.EBX });
    expect(cpu.state.read32(slot.EBX)).toBe(0xffff_4321);
    expect(cpu.state.eflags & ARITHMETIC_FLAGS).toBe(CF);
    execute(cpu, name, { rmSlot: slot.EBX, operandSize: 32 });
    expect(cpu.state.read32(slot.EBX)).toBe(0x1234_5678);
  });
});
