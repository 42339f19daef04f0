import { describe, expect, it } from 'vitest';
import { CR4_DE } from '../../state/control-bits.ts';
import { CS, slot } from '../../state/layout.ts';
import { SLOT_SIZE } from '../../state/register-table.ts';
import { BRANCH, EXIT, NEXT, VECTOR_DB, VECTOR_GP, VECTOR_UD } from '../cpu.ts';
import { DR6_BD } from '../debug-registers.ts';
import { execute, type FakeCpu, faultOf, protectedCpu, realCpu } from '../fake-cpu.ts';

function write(cpu: FakeCpu, name: string, reg: number, value: number) {
  cpu.state.write32(slot.EAX, value);
  return execute(cpu, name, { reg });
}

function read(cpu: FakeCpu, name: string, reg: number): number {
  execute(cpu, name, { reg, rmSlot: slot.EBX });
  return cpu.state.read32(slot.EBX);
}

describe('MOV CRn', () => {
  it('enters and leaves protected mode with the segment caches as they were', () => {
    const cpu = realCpu();
    const code = cpu.state.segment(CS);
    expect(write(cpu, 'MOV_TO_CR', 0, 0x7fff_ffff)).toBe(EXIT);
    expect(read(cpu, 'MOV_FROM_CR', 0)).toBe(0x1f);
    expect(cpu.derivedChanges).toEqual([slot.CR0]);
    write(cpu, 'MOV_TO_CR', 0, 0);
    expect(cpu.state.read32(slot.CR0)).toBe(0);
    expect(cpu.state.segment(CS)).toEqual(code);
  });

  it('sets CR0.PG in protected mode only', () => {
    const cpu = realCpu();
    expect(faultOf(() => write(cpu, 'MOV_TO_CR', 0, 0x8000_0000))).toEqual([VECTOR_GP, 0]);
    expect(cpu.state.read32(slot.CR0)).toBe(0);
    expect(write(cpu, 'MOV_TO_CR', 0, 0x8000_0001)).toBe(EXIT);
    expect(cpu.state.read32(slot.CR0)).toBe(0x8000_0001);
  });

  it('keeps CR2 and the page number of CR3, and flushes translations that are not global', () => {
    const cpu = protectedCpu();
    write(cpu, 'MOV_TO_CR', 2, 0x1234_5678);
    expect(write(cpu, 'MOV_TO_CR', 3, 0x1234_5678)).toBe(BRANCH);
    expect([read(cpu, 'MOV_FROM_CR', 2), read(cpu, 'MOV_FROM_CR', 3)]).toEqual([0x1234_5678, 0x1234_5000]);
    expect(cpu.translationCalls).toEqual(['rules', 'context -1']);
  });

  it('of registers that an 80386 has not is #UD', () => {
    for (const reg of [1, 4, 5, 6, 7]) {
      expect(faultOf(() => execute(realCpu(), 'MOV_TO_CR', { reg }))).toEqual([VECTOR_UD, undefined]);
      expect(faultOf(() => execute(realCpu(), 'MOV_FROM_CR', { reg }))).toEqual([VECTOR_UD, undefined]);
    }
  });
});

describe('LMSW, SMSW, CLTS', () => {
  it('LMSW sets PE, MP, EM and TS but clears PE never', () => {
    const cpu = realCpu();
    cpu.state.write32(slot.EAX, 0xffff);
    execute(cpu, 'LMSW');
    expect(cpu.state.read32(slot.CR0)).toBe(0xf);
    cpu.writeLinear(0x30000, 2, 0);
    expect(execute(cpu, 'LMSW', { at: 0 })).toBe(EXIT);
    expect(cpu.state.read32(slot.CR0)).toBe(1);
  });

  it('SMSW stores a word in memory and all of CR0 in a 32-bit register', () => {
    const cpu = protectedCpu(3);
    cpu.state.write32(slot.CR0, 0x11);
    cpu.state.write32(slot.EAX, 0xffff_ffff);
    execute(cpu, 'SMSW');
    expect(cpu.state.read32(slot.EAX)).toBe(0xffff_0011);
    execute(cpu, 'SMSW', { operandSize: 32 });
    expect(cpu.state.read32(slot.EAX)).toBe(0x11);
    execute(cpu, 'SMSW', { at: 0x100, operandSize: 32 });
    expect(cpu.words(0x100, 2)).toEqual([0x11, 0]);
  });

  it('CLTS clears TS', () => {
    const cpu = realCpu();
    cpu.state.write32(slot.CR0, 8);
    execute(cpu, 'CLTS');
    expect(cpu.state.read32(slot.CR0)).toBe(0);
  });
});

describe('MOV DRn', () => {
  it('keeps addresses and masks DR6 and DR7', () => {
    const cpu = realCpu();
    for (const reg of [0, 1, 2, 3]) {
      expect(write(cpu, 'MOV_TO_DR', reg, 0xf000_0000 + reg)).toBe(EXIT);
      expect(cpu.state.read32(slot.DR0 + reg * SLOT_SIZE)).toBe(0xf000_0000 + reg);
      expect(read(cpu, 'MOV_FROM_DR', reg)).toBe(0xf000_0000 + reg);
    }
    write(cpu, 'MOV_TO_DR', 6, 0);
    expect(read(cpu, 'MOV_FROM_DR', 6)).toBe(0xffff_0ff0);
    write(cpu, 'MOV_TO_DR', 6, 0xffff_ffff);
    expect(read(cpu, 'MOV_FROM_DR', 4)).toBe(0xffff_efff);
    write(cpu, 'MOV_TO_DR', 5, 0xffff_dfff);
    expect(read(cpu, 'MOV_FROM_DR', 7)).toBe(0xffff_07ff);
    expect(cpu.derivedChanges).toContain(slot.DR7);
  });

  it('is refused under DR7.GD with #DB and BD in DR6', () => {
    const cpu = realCpu();
    write(cpu, 'MOV_TO_DR', 7, 0x2000);
    expect(faultOf(() => execute(cpu, 'MOV_FROM_DR', { reg: 0 }))).toEqual([VECTOR_DB, undefined]);
    expect(cpu.state.read32(slot.DR6)).toBe((0xffff_0ff0 | DR6_BD) >>> 0);
  });
});

describe('privilege', () => {
  const privileged = ['MOV_TO_CR', 'MOV_FROM_CR', 'MOV_TO_DR', 'MOV_FROM_DR', 'LMSW', 'CLTS', 'HLT'];
  it.each(privileged)('%s is #GP(0) outside level 0', (name) => {
    expect(faultOf(() => execute(protectedCpu(3), name))).toEqual([VECTOR_GP, 0]);
    expect(faultOf(() => execute(protectedCpu(0), name))).toBeUndefined();
  });

  it('MOV from CR leaves flags and continues', () => {
    expect(execute(protectedCpu(), 'MOV_FROM_CR')).toBe(NEXT);
  });
});

describe('CR4.DE', () => {
  it('makes DR4 and DR5 invalid', () => {
    const cpu = protectedCpu();
    for (const reg of [4, 5]) {
      cpu.state.write32(slot.CR4, 0);
      expect(faultOf(() => execute(cpu, 'MOV_FROM_DR', { reg }))).toBeUndefined();
      cpu.state.write32(slot.CR4, CR4_DE);
      expect(faultOf(() => execute(cpu, 'MOV_FROM_DR', { reg }))).toEqual([VECTOR_UD, undefined]);
      expect(faultOf(() => execute(cpu, 'MOV_TO_DR', { reg }))).toEqual([VECTOR_UD, undefined]);
    }
  });
});
