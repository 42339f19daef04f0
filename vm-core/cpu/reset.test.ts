import { describe, expect, it } from 'vitest';
import { modelFacts } from '../isa/cpu-model.ts';
import { instructionRows } from '../isa/instruction-table.ts';
import { CS, DS, segmentSlots, slot } from '../state/layout.ts';
import { registers } from '../state/register-table.ts';
import { FakeCpu } from './fake-cpu.ts';
import { resetCpu } from './reset.ts';
import { systemOperations } from './system-operations.ts';

describe('reset', () => {
  it('leaves every register as the manual says, whatever it held', () => {
    const cpu = new FakeCpu();
    for (const register of registers) cpu.state.writeRegister(register, ~0n);
    cpu.derivedChanges.length = 0;
    resetCpu(cpu.state, modelFacts('386'));
    expect(cpu.state.segment(CS)).toEqual({ selector: 0xf000, base: 0xffff_0000, limit: 0xffff, attributes: 0x9b });
    expect(cpu.state.segment(DS)).toEqual({ selector: 0, base: 0, limit: 0xffff, attributes: 0x93 });
    expect(cpu.state.segmentAt(slot.TR).attributes).toBe(0x8b);
    expect(cpu.state.segmentAt(slot.LDTR).attributes).toBe(0x82);
    expect([cpu.state.eip, cpu.state.eflags, cpu.state.read32(slot.EDX)]).toEqual([0xfff0, 2, 0x308]);
    expect([cpu.state.read32(slot.CR0), cpu.state.read8(slot.CPL), cpu.state.read8(slot.HALTED)]).toEqual([0, 0, 0]);
    expect([cpu.state.read32(slot.DR6), cpu.state.read32(slot.DR7)]).toEqual([0xffff_0ff0, 0x400]);
    expect([cpu.state.read32(slot.IDTR_BASE), cpu.state.read16(slot.IDTR_LIMIT)]).toEqual([0, 0x3ff]);
    for (const offset of [...segmentSlots, slot.CR0, slot.DR7]) expect(cpu.derivedChanges).toContain(offset);
  });
});

describe('the table of system operations', () => {
  const names = new Set(instructionRows.filter(({ semantics }) => !semantics).map(({ name }) => name));

  it('has exactly the operations that instruction rows may name', () => {
    expect(Object.keys(systemOperations).sort()).toEqual([...names].sort());
    for (const operation of Object.values(systemOperations)) expect(operation).toBeTypeOf('function');
  });
});
