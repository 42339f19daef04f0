import { describe, expect, it } from 'vitest';
import { CS, DS, FS, GS, SS, slot } from '../../state/layout.ts';
import { BRANCH, EXIT, VECTOR_GP, VECTOR_NP, VECTOR_SS, VECTOR_TS, VECTOR_UD } from '../cpu.ts';
import { execute, faultOf, GDT, protectedCpu, realCpu, selectors, TSS } from '../fake-cpu.ts';

const WIDE = { operandSize: 32 } as const;
const jump = (selector: number, offset = 0x100) => ({ ...WIDE, immediate: offset, immediate2: selector });

describe('far transfers in real mode', () => {
  it('JMP sets selector, base and IP and keeps limit and attributes', () => {
    const cpu = realCpu();
    cpu.state.setSegment(CS, { ...cpu.state.segment(CS), limit: 0xffffffff, attributes: 0xc9b });
    expect(execute(cpu, 'JMP_FAR_IMMEDIATE', { immediate: -1, immediate2: 0xf000 })).toBe(BRANCH);
    expect(cpu.state.segment(CS)).toEqual({ selector: 0xf000, base: 0xf0000, limit: 0xffffffff, attributes: 0xc9b });
    expect(cpu.state.eip).toBe(0xffff);
  });

  it('JMP through memory reads offset and selector', () => {
    const cpu = realCpu();
    cpu.writeLinear(0x30040, 4, 0x1234_5678);
    execute(cpu, 'JMP_FAR_MEMORY', { at: 0x40 });
    expect([cpu.state.segment(CS).selector, cpu.state.eip]).toEqual([0x1234, 0x5678]);
    cpu.writeLinear(0x30050, 4, 0x0000_4321);
    cpu.writeLinear(0x30054, 2, 0x1111);
    execute(cpu, 'JMP_FAR_MEMORY', { at: 0x50, ...WIDE });
    expect([cpu.state.segment(CS).selector, cpu.state.eip]).toEqual([0x1111, 0x4321]);
  });

  it('an indirect one in register form is #UD, one beyond the segment #GP', () => {
    const cpu = realCpu();
    expect(faultOf(() => execute(cpu, 'JMP_FAR_MEMORY'))).toEqual([VECTOR_UD, undefined]);
    expect(faultOf(() => execute(cpu, 'CALL_FAR_MEMORY'))).toEqual([VECTOR_UD, undefined]);
    expect(faultOf(() => execute(cpu, 'JMP_FAR_MEMORY', { at: 0xfffd }))).toEqual([VECTOR_GP, 0]);
    expect(faultOf(() => execute(cpu, 'JMP_FAR_IMMEDIATE', jump(0x1000, 0x10000)))).toEqual([VECTOR_GP, 0]);
    expect(cpu.state.eip).toBe(0x200);
  });

  it('CALL pushes CS and IP in the operand size', () => {
    const cpu = realCpu();
    execute(cpu, 'CALL_FAR_IMMEDIATE', { immediate: 0x10, immediate2: 0x5000 });
    expect(cpu.words(0x200fc, 2)).toEqual([0x200, 0x1000]);
    expect([cpu.state.read32(slot.ESP), cpu.state.eip]).toEqual([0xfc, 0x10]);
    cpu.writeLinear(0x30000, 4, 0x20);
    cpu.writeLinear(0x30004, 2, 0x6000);
    execute(cpu, 'CALL_FAR_MEMORY', { at: 0, ...WIDE });
    expect(cpu.doubleWords(0x200f4, 2)).toEqual([0x10, 0x5000]);
  });

  it('CALL without room on the stack leaves the registers', () => {
    const cpu = realCpu();
    cpu.state.write32(slot.ESP, 3);
    expect(faultOf(() => execute(cpu, 'CALL_FAR_IMMEDIATE', { immediate2: 0x5000 }))).toEqual([VECTOR_SS, 0]);
    expect([cpu.state.read32(slot.ESP), cpu.state.eip, cpu.state.segment(CS).selector]).toEqual([3, 0x200, 0x1000]);
  });

  it('RETF pops, and drops its parameter bytes', () => {
    const cpu = realCpu();
    cpu.writeLinear(0x20100, 4, 0x7000_0033);
    expect(execute(cpu, 'RET_FAR_POP', { immediate: 6 })).toBe(BRANCH);
    expect([cpu.state.segment(CS).base, cpu.state.eip, cpu.state.read32(slot.ESP)]).toEqual([0x70000, 0x33, 0x10a]);
    cpu.writeLinear(0x2010a, 4, 0x44);
    cpu.writeLinear(0x2010e, 4, 0xffff_0071);
    execute(cpu, 'RET_FAR', WIDE);
    expect([cpu.state.segment(CS).base, cpu.state.eip, cpu.state.read32(slot.ESP)]).toEqual([0x710, 0x44, 0x112]);
  });
});

describe('direct far transfers in protected mode', () => {
  it('JMP loads the descriptor and marks it accessed', () => {
    const cpu = protectedCpu();
    expect(execute(cpu, 'JMP_FAR_IMMEDIATE', jump(selectors.code16, 0xfff0))).toBe(EXIT);
    expect(cpu.state.segment(CS)).toEqual({ selector: selectors.code16, base: 0, limit: 0xffff, attributes: 0x9b });
    expect(cpu.readLinear(GDT + selectors.code16 + 5, 1)).toBe(0x9b);
  });

  it('keeps CPL as RPL of CS in a conforming segment', () => {
    const cpu = protectedCpu(3);
    execute(cpu, 'JMP_FAR_IMMEDIATE', jump(selectors.conforming));
    expect(cpu.state.segment(CS).selector).toBe(selectors.conforming | 3);
    expect(cpu.state.read8(slot.CPL)).toBe(3);
  });

  it('finds selectors with TI in the LDT', () => {
    const cpu = protectedCpu();
    expect(faultOf(() => execute(cpu, 'JMP_FAR_IMMEDIATE', jump(4)))).toEqual([VECTOR_GP, 4]);
    expect(faultOf(() => execute(cpu, 'JMP_FAR_IMMEDIATE', jump(0x14)))).toEqual([VECTOR_GP, 0x14]);
  });

  const refused: readonly (readonly [string, 0 | 3, number, number, number])[] = [
    ['null', 0, 3, VECTOR_GP, 0],
    ['beyond the table', 0, 0x1000, VECTOR_GP, 0x1000],
    ['data', 0, selectors.data, VECTOR_GP, selectors.data],
    ['an LDT', 0, selectors.ldt, VECTOR_GP, selectors.ldt],
    ['a busy task', 0, selectors.tss, VECTOR_GP, selectors.tss],
    ['absent', 0, selectors.absentCode, VECTOR_NP, selectors.absentCode],
    ['outer code', 0, selectors.userCode, VECTOR_GP, selectors.userCode & ~3],
    ['inner code', 3, selectors.code, VECTOR_GP, selectors.code],
    ['outer conforming code', 0, selectors.userConforming, VECTOR_GP, selectors.userConforming & ~3],
    ['code with a weaker RPL', 0, selectors.code | 3, VECTOR_GP, selectors.code],
  ];
  it.each(refused)('refuse a selector that is %s', (_name, level, selector, vector, errorCode) => {
    for (const name of ['JMP_FAR_IMMEDIATE', 'CALL_FAR_IMMEDIATE']) {
      const cpu = protectedCpu(level);
      expect(faultOf(() => execute(cpu, name, jump(selector)))).toEqual([vector, errorCode]);
      expect([cpu.state.eip, cpu.state.read32(slot.ESP)]).toEqual([0x5000, 0x8000]);
    }
  });

  it('refuse an offset beyond the limit with #GP(0)', () => {
    const cpu = protectedCpu();
    expect(faultOf(() => execute(cpu, 'JMP_FAR_IMMEDIATE', jump(selectors.smallCode, 0x1000)))).toEqual([VECTOR_GP, 0]);
  });

  it('refuse the task that is busy', () => {
    const cpu = protectedCpu(3);
    expect(faultOf(() => execute(cpu, 'JMP_FAR_IMMEDIATE', jump(selectors.taskGate)))).toEqual([
      VECTOR_GP,
      selectors.tss,
    ]);
  });

  it('CALL and RETF come back', () => {
    const cpu = protectedCpu();
    execute(cpu, 'CALL_FAR_IMMEDIATE', jump(selectors.code16, 0x40));
    expect(cpu.doubleWords(0x7ff8, 2)).toEqual([0x5000, selectors.code]);
    expect(execute(cpu, 'RET_FAR', WIDE)).toBe(EXIT);
    expect([cpu.state.eip, cpu.state.segment(CS).selector, cpu.state.read32(slot.ESP)]).toEqual([0x5000, 8, 0x8000]);
  });
});

describe('call gates', () => {
  it('lead to an inner level with a copy of the parameters', () => {
    const cpu = protectedCpu(3);
    cpu.writeLinear(0x8000, 4, 0x1111);
    cpu.writeLinear(0x8004, 4, 0x2222);
    expect(execute(cpu, 'CALL_FAR_IMMEDIATE', jump(selectors.gate | 3))).toBe(EXIT);
    const pushed = [0x5000, selectors.userCode, 0x1111, 0x2222, 0x8000, selectors.userData];
    expect(cpu.doubleWords(0x9000 - 24, 6)).toEqual(pushed);
    expect(cpu.state.eip).toBe(0x12345);
    expect([cpu.state.segment(CS).selector, cpu.state.segment(SS).selector]).toEqual([selectors.code, selectors.data]);
    expect(cpu.state.read8(slot.CPL)).toBe(0);

    execute(cpu, 'RET_FAR_POP', { ...WIDE, immediate: 8 });
    expect(cpu.state.read32(slot.ESP)).toBe(0x8008);
    expect([cpu.state.segment(CS).selector, cpu.state.segment(SS).selector]).toEqual([0x2b, 0x33]);
    expect(cpu.state.read8(slot.CPL)).toBe(3);
  });

  it('push words when they are 16-bit, at the same level too', () => {
    const cpu = protectedCpu();
    execute(cpu, 'CALL_FAR_IMMEDIATE', jump(selectors.gate16));
    expect(cpu.words(0x7ffc, 2)).toEqual([0x5000, selectors.code]);
    expect(cpu.state.eip).toBe(0x2345);
  });

  it('let a JMP pass only to the same level', () => {
    const inner = protectedCpu(3);
    expect(faultOf(() => execute(inner, 'JMP_FAR_IMMEDIATE', jump(selectors.gate)))).toEqual([VECTOR_GP, 8]);
    const same = protectedCpu();
    execute(same, 'JMP_FAR_IMMEDIATE', jump(selectors.gate));
    expect(same.state.eip).toBe(0x12345);
  });

  it('do not lead outward', () => {
    const cpu = protectedCpu();
    const call = () => execute(cpu, 'CALL_FAR_IMMEDIATE', jump(selectors.gateToUser));
    expect(faultOf(call)).toEqual([VECTOR_GP, selectors.userCode & ~3]);
  });

  it('are checked for privilege and presence', () => {
    const cpu = protectedCpu(3);
    cpu.writeLinear(GDT + selectors.gate + 5, 1, 0x8c);
    expect(faultOf(() => execute(cpu, 'CALL_FAR_IMMEDIATE', jump(selectors.gate)))).toEqual([VECTOR_GP, 0x40]);
    cpu.writeLinear(GDT + selectors.gate + 5, 1, 0x6c);
    expect(faultOf(() => execute(cpu, 'CALL_FAR_IMMEDIATE', jump(selectors.gate)))).toEqual([VECTOR_NP, 0x40]);
  });

  it('need a valid inner stack', () => {
    const cpu = protectedCpu(3);
    cpu.writeLinear(TSS + 8, 2, 0);
    expect(faultOf(() => execute(cpu, 'CALL_FAR_IMMEDIATE', jump(selectors.gate)))).toEqual([VECTOR_TS, 0]);
    expect([cpu.state.read8(slot.CPL), cpu.state.read32(slot.ESP)]).toEqual([3, 0x8000]);
  });
});

describe('RETF in protected mode', () => {
  it('to an outer level makes unusable data segments null', () => {
    const cpu = protectedCpu();
    [0x6000, selectors.userCode, 0xa000, selectors.userData].forEach((value, index) => {
      cpu.writeLinear(0x8000 + index * 4, 4, value);
    });
    execute(cpu, 'RET_FAR', WIDE);
    expect(cpu.state.segment(DS)).toEqual({ selector: 0, base: 0, limit: 0, attributes: 0 });
    expect([cpu.state.eip, cpu.state.read32(slot.ESP), cpu.state.read8(slot.CPL)]).toEqual([0x6000, 0xa000, 3]);
  });

  it('to an outer level keeps the bases of FS and GS, and makes null selectors zero', () => {
    const cpu = protectedCpu();
    [0x6000, selectors.userCode, 0xa000, selectors.userData].forEach((value, index) => {
      cpu.writeLinear(0x8000 + index * 4, 4, value);
    });
    cpu.state.setSegment(FS, { selector: 3, base: -0x7fff_0000_0000, limit: 0, attributes: 0 });
    cpu.state.setSegment(GS, { selector: selectors.data, base: 0x1000, limit: 0xffff, attributes: 0x93 });
    execute(cpu, 'RET_FAR', WIDE);
    expect(cpu.state.segment(FS)).toEqual({ selector: 0, base: -0x7fff_0000_0000, limit: 0, attributes: 0 });
    expect(cpu.state.segment(GS)).toEqual({ selector: 0, base: 0x1000, limit: 0, attributes: 0 });
  });

  it('refuses an inner level and a stack of the wrong level', () => {
    const inner = protectedCpu(3);
    inner.writeLinear(0x8004, 4, selectors.code);
    expect(faultOf(() => execute(inner, 'RET_FAR', WIDE))).toEqual([VECTOR_GP, selectors.code]);
    const outer = protectedCpu();
    outer.writeLinear(0x8004, 4, selectors.userCode);
    outer.writeLinear(0x800c, 4, selectors.data);
    expect(faultOf(() => execute(outer, 'RET_FAR', WIDE))).toEqual([VECTOR_GP, selectors.data]);
    expect([outer.state.read32(slot.ESP), outer.state.read8(slot.CPL)]).toEqual([0x8000, 0]);
  });
});
