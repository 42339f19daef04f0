import { describe, expect, it } from 'vitest';
import { CS, DS, ES, FS, GS, SHADOW_MOV_SS, SS, slot } from '../../state/layout.ts';
import { EXIT, NEXT, VECTOR_GP, VECTOR_NP, VECTOR_SS, VECTOR_UD } from '../cpu.ts';
import { execute, type FakeCpu, faultOf, GDT, protectedCpu, realCpu, selectors } from '../fake-cpu.ts';

const WIDE = { operandSize: 32 } as const;

function moveTo(cpu: FakeCpu, index: number, selector: number) {
  cpu.state.write32(slot.EAX, selector);
  return execute(cpu, 'MOV_SREG_RM', { reg: index });
}

describe('MOV Sreg in real mode', () => {
  it('changes selector and base and keeps limit and attributes', () => {
    const cpu = realCpu();
    cpu.state.setSegment(DS, { selector: 0x10, base: 0, limit: 0xffffffff, attributes: 0xc93 });
    expect(moveTo(cpu, DS, 0xb800)).toBe(NEXT);
    expect(cpu.state.segment(DS)).toEqual({ selector: 0xb800, base: 0xb8000, limit: 0xffffffff, attributes: 0xc93 });
    expect(cpu.derivedChanges.length).toBe(2);
  });

  it('makes a segment usable again that protected mode had left null', () => {
    const cpu = realCpu();
    cpu.state.setSegment(GS, { selector: 0, base: 0, limit: 0, attributes: 0 });
    moveTo(cpu, GS, 1);
    expect(cpu.state.segment(GS)).toEqual({ selector: 1, base: 0x10, limit: 0xffff, attributes: 0x93 });
  });

  it('reads memory operands', () => {
    const cpu = realCpu();
    cpu.writeLinear(0x30010, 2, 0x1234);
    execute(cpu, 'MOV_SREG_RM', { reg: ES, at: 0x10 });
    expect(cpu.state.segment(ES).base).toBe(0x12340);
    expect(faultOf(() => execute(cpu, 'MOV_SREG_RM', { reg: ES, at: 0xffff }))).toEqual([VECTOR_GP, 0]);
  });

  it('to CS and to registers that do not exist is #UD', () => {
    for (const reg of [CS, 6, 7]) {
      expect(faultOf(() => execute(realCpu(), 'MOV_SREG_RM', { reg }))).toEqual([VECTOR_UD, undefined]);
    }
  });

  it('to SS holds interrupts off', () => {
    const cpu = realCpu();
    expect(moveTo(cpu, SS, 0x5000)).toBe(EXIT);
    expect(cpu.state.read8(slot.INTERRUPT_SHADOW)).toBe(SHADOW_MOV_SS);
  });
});

describe('MOV Sreg in protected mode', () => {
  it('loads the descriptor with its granularity and sets the accessed bit', () => {
    const cpu = protectedCpu();
    expect(moveTo(cpu, FS, selectors.data16)).toBe(EXIT);
    expect(cpu.state.segment(FS)).toEqual({ selector: 0x20, base: 0x20000, limit: 0xffff, attributes: 0x93 });
    expect(cpu.readLinear(GDT + selectors.data16 + 5, 1)).toBe(0x93);
    moveTo(cpu, GS, selectors.data);
    expect(cpu.state.segment(GS).limit).toBe(0xffff_ffff);
  });

  it('takes local descriptors from the LDT', () => {
    const cpu = protectedCpu();
    moveTo(cpu, FS, 4);
    expect(cpu.state.segment(FS)).toEqual({ selector: 4, base: 0, limit: 0xffff, attributes: 0x493 });
    cpu.state.write32(slot.EAX, 0);
    execute(cpu, 'LLDT');
    expect(faultOf(() => moveTo(cpu, FS, 4))).toEqual([VECTOR_GP, 4]);
  });

  it('takes null selectors, except for SS', () => {
    const cpu = protectedCpu();
    moveTo(cpu, DS, 2);
    expect(cpu.state.segment(DS)).toEqual({ selector: 2, base: 0, limit: 0, attributes: 0 });
    expect(faultOf(() => moveTo(cpu, SS, 2))).toEqual([VECTOR_GP, 0]);
  });

  const refused: readonly (readonly [string, 0 | 3, number, number, number, number])[] = [
    ['beyond the table', 0, DS, 0x200, VECTOR_GP, 0x200],
    ['execute-only code', 0, DS, selectors.executeOnly, VECTOR_GP, selectors.executeOnly],
    ['a system descriptor', 0, DS, selectors.ldt, VECTOR_GP, selectors.ldt],
    ['more privileged', 3, DS, selectors.data, VECTOR_GP, selectors.data],
    ['of too weak an RPL', 0, DS, selectors.data | 3, VECTOR_GP, selectors.data],
    ['absent', 0, DS, selectors.absentData, VECTOR_NP, selectors.absentData],
    ['read-only for SS', 0, SS, selectors.readOnly, VECTOR_GP, selectors.readOnly],
    ['code for SS', 0, SS, selectors.code, VECTOR_GP, selectors.code],
    ['of another RPL for SS', 0, SS, selectors.data | 1, VECTOR_GP, selectors.data],
    ['of another level for SS', 0, SS, selectors.userData & ~3, VECTOR_GP, selectors.userData & ~3],
    ['absent for SS', 0, SS, selectors.absentData, VECTOR_SS, selectors.absentData],
  ];
  it.each(refused)('refuses a selector %s', (_name, level, index, selector, vector, errorCode) => {
    const cpu = protectedCpu(level);
    const before = cpu.state.segment(index);
    expect(faultOf(() => moveTo(cpu, index, selector))).toEqual([vector, errorCode]);
    expect(cpu.state.segment(index)).toEqual(before);
    expect(cpu.state.read8(slot.INTERRUPT_SHADOW)).toBe(0);
  });

  it('lets any level read conforming code', () => {
    const cpu = protectedCpu(3);
    moveTo(cpu, DS, selectors.conforming | 3);
    expect(cpu.state.segment(DS).selector).toBe(selectors.conforming | 3);
  });
});

describe('PUSH and POP of segment registers', () => {
  it('move a word or a zero-extended double word', () => {
    const cpu = realCpu();
    execute(cpu, 'PUSH_SREG', { immediate: CS });
    expect([cpu.words(0x200fe, 1), cpu.state.read32(slot.ESP)]).toEqual([[0x1000], 0xfe]);
    cpu.writeLinear(0x200fa, 4, 0xffff_ffff);
    execute(cpu, 'PUSH_SREG', { immediate: DS, ...WIDE });
    expect([cpu.doubleWords(0x200fa, 1), cpu.state.read32(slot.ESP)]).toEqual([[0x3000], 0xfa]);
    expect(execute(cpu, 'POP_SREG', { immediate: FS, ...WIDE })).toBe(NEXT);
    expect(cpu.state.segment(FS).base).toBe(0x30000);
    execute(cpu, 'POP_SREG', { immediate: ES });
    expect([cpu.state.segment(ES).base, cpu.state.read32(slot.ESP)]).toEqual([0x10000, 0x100]);
  });

  it('POP SS counts on the old stack and holds interrupts off', () => {
    const cpu = realCpu();
    cpu.writeLinear(0x20100, 2, 0x6000);
    expect(execute(cpu, 'POP_SREG', { immediate: SS })).toBe(EXIT);
    expect([cpu.state.segment(SS).base, cpu.state.read32(slot.ESP)]).toEqual([0x60000, 0x102]);
    expect(cpu.state.read8(slot.INTERRUPT_SHADOW)).toBe(SHADOW_MOV_SS);
  });

  it('leave ESP when they fault', () => {
    const cpu = protectedCpu();
    cpu.writeLinear(0x8000, 4, selectors.absentData);
    expect(faultOf(() => execute(cpu, 'POP_SREG', { immediate: ES, ...WIDE }))).toEqual([
      VECTOR_NP,
      selectors.absentData,
    ]);
    expect(cpu.state.read32(slot.ESP)).toBe(0x8000);
    const real = realCpu();
    real.state.write32(slot.ESP, 1);
    expect(faultOf(() => execute(real, 'PUSH_SREG', { immediate: ES }))).toEqual([VECTOR_SS, 0]);
    real.state.write32(slot.ESP, 0xffff);
    expect(faultOf(() => execute(real, 'POP_SREG', { immediate: ES }))).toEqual([VECTOR_SS, 0]);
    expect(real.state.read32(slot.ESP)).toBe(0xffff);
  });

  it('use 32 bits of ESP on a 32-bit stack', () => {
    const cpu = protectedCpu();
    cpu.state.write32(slot.ESP, 0x10000);
    execute(cpu, 'PUSH_SREG', { immediate: CS, ...WIDE });
    expect(cpu.state.read32(slot.ESP)).toBe(0xfffc);
  });
});

describe('LDS and its like', () => {
  const loads = { LES: ES, LDS: DS, LSS: SS, LFS: FS, LGS: GS };
  it.each(Object.entries(loads))('%s loads its segment and a register', (name, index) => {
    const cpu = realCpu();
    cpu.writeLinear(0x30008, 4, 0x4321_8765);
    cpu.state.write32(slot.EBX, 0xaaaa_aaaa);
    expect(execute(cpu, name, { at: 8, regSlot: slot.EBX })).toBe(index === SS ? EXIT : NEXT);
    expect([cpu.state.segment(index).base, cpu.state.read32(slot.EBX)]).toEqual([0x43210, 0xaaaa_8765]);
    expect(cpu.state.read8(slot.INTERRUPT_SHADOW)).toBe(0);
  });

  it('take six bytes with 32-bit operands', () => {
    const cpu = realCpu();
    cpu.writeLinear(0x30000, 4, 0x8765_4321);
    cpu.writeLinear(0x30004, 2, 0x1111);
    execute(cpu, 'LES', { at: 0, regSlot: slot.EBX, ...WIDE });
    expect([cpu.state.segment(ES).base, cpu.state.read32(slot.EBX)]).toEqual([0x11110, 0x8765_4321]);
  });

  it('leave the register when the segment faults, and need memory', () => {
    const cpu = protectedCpu();
    cpu.writeLinear(0x104, 2, selectors.absentData);
    const load = () => execute(cpu, 'LES', { at: 0x100, ...WIDE });
    expect(faultOf(load)).toEqual([VECTOR_NP, selectors.absentData]);
    expect(cpu.state.read32(slot.EAX)).toBe(0);
    expect(faultOf(() => execute(realCpu(), 'LDS'))).toEqual([VECTOR_UD, undefined]);
  });
});
