import { describe, expect, it } from 'vitest';
import { SS, slot } from '../../state/layout.ts';
import { NEXT, VECTOR_SS } from '../cpu.ts';
import { execute, faultOf, protectedCpu, realCpu } from '../fake-cpu.ts';

describe('ENTER', () => {
  it('at level 0 saves BP and makes room', () => {
    const cpu = realCpu();
    cpu.state.write32(slot.EBP, 0xaaaa_1234);
    cpu.state.write32(slot.ESP, 0xbbbb_0100);
    expect(execute(cpu, 'ENTER', { immediate: 0x20 })).toBe(NEXT);
    expect(cpu.words(0x200fe, 1)).toEqual([0x1234]);
    expect([cpu.state.read32(slot.EBP), cpu.state.read32(slot.ESP)]).toEqual([0xaaaa_00fe, 0xbbbb_00de]);
  });

  it('copies the frame pointers of the enclosing procedures', () => {
    const cpu = realCpu();
    cpu.state.write32(slot.EBP, 0x200);
    cpu.writeLinear(0x201fc, 4, 0xbbbb_aaaa);
    execute(cpu, 'ENTER', { immediate: 4, immediate2: 3 + 32 });
    expect(cpu.words(0x200f8, 4)).toEqual([0xfe, 0xaaaa, 0xbbbb, 0x200]);
    expect([cpu.state.read32(slot.EBP), cpu.state.read32(slot.ESP)]).toEqual([0xfe, 0xf4]);
  });

  it('uses 32 bits with 32-bit operands and stack', () => {
    const cpu = protectedCpu();
    cpu.state.write32(slot.EBP, 0x1_0000);
    cpu.state.write32(slot.ESP, 0x1_0000);
    execute(cpu, 'ENTER', { immediate: 0xffff, immediate2: 1, operandSize: 32 });
    expect(cpu.doubleWords(0xfff8, 2)).toEqual([0xfffc, 0x1_0000]);
    expect([cpu.state.read32(slot.EBP), cpu.state.read32(slot.ESP)]).toEqual([0xfffc, 0xfff8 - 0xffff + 2 ** 32]);
  });

  it('pushes double words on a 16-bit stack with the upper half of ESP', () => {
    const cpu = realCpu();
    cpu.state.write32(slot.ESP, 0xbbbb_0002);
    cpu.state.write32(slot.EBP, 0xcccc_dddd);
    cpu.state.setSegment(SS, { ...cpu.state.segment(SS), limit: 0x1_ffff });
    execute(cpu, 'ENTER', { immediate2: 1, operandSize: 32 });
    expect(cpu.doubleWords(0x2fffe, 1)).toEqual([0xcccc_dddd]);
    expect(cpu.doubleWords(0x2fffa, 1)).toEqual([0xbbbb_fffe]);
    expect([cpu.state.read32(slot.EBP), cpu.state.read32(slot.ESP)]).toEqual([0xbbbb_fffe, 0xbbbb_fffa]);
  });

  it('leaves the registers when it faults', () => {
    const cpu = realCpu();
    cpu.state.write32(slot.ESP, 3);
    cpu.state.write32(slot.EBP, 0x200);
    expect(faultOf(() => execute(cpu, 'ENTER', { immediate2: 2 }))).toEqual([VECTOR_SS, 0]);
    expect([cpu.state.read32(slot.EBP), cpu.state.read32(slot.ESP)]).toEqual([0x200, 3]);
    cpu.state.setSegment(SS, { ...cpu.state.segment(SS), limit: 0x1ff });
    cpu.state.write32(slot.ESP, 0x100);
    expect(faultOf(() => execute(cpu, 'ENTER', { immediate: 0x100 }))).toEqual([VECTOR_SS, 0]);
    expect(cpu.state.read32(slot.ESP)).toBe(0x100);
    cpu.state.setSegment(SS, { ...cpu.state.segment(SS), limit: 0xffff });
    cpu.state.write32(slot.ESP, 6);
    expect(faultOf(() => execute(cpu, 'ENTER', { immediate: 5 }))).toEqual([VECTOR_SS, 0]);
    expect(faultOf(() => execute(cpu, 'ENTER', { immediate: 6 }))).toBeUndefined();
    expect(cpu.state.read32(slot.ESP)).toBe(0xfffe);
  });
});
