import { describe, expect, it } from 'vitest';
import { CR4_UMIP } from '../../state/control-bits.ts';
import { ZF } from '../../state/lazy-flags.ts';
import { slot } from '../../state/layout.ts';
import { EXIT, NEXT, VECTOR_GP, VECTOR_NP, VECTOR_UD } from '../cpu.ts';
import {
  execute,
  faultOf,
  GDT,
  LDT,
  protectedCpu,
  realCpu,
  selectors,
  TSS,
  withModel,
  writeGate,
} from '../fake-cpu.ts';

const WIDE = { operandSize: 32 } as const;

describe('LGDT, LIDT, SGDT, SIDT', () => {
  it('load 24 bits of base with 16-bit operands and 32 with 32-bit ones', () => {
    const cpu = realCpu();
    cpu.writeLinear(0x30000, 2, 0x27);
    cpu.writeLinear(0x30002, 4, 0x8912_3456);
    expect(execute(cpu, 'LGDT', { at: 0 })).toBe(EXIT);
    expect([cpu.state.read32(slot.GDTR_BASE), cpu.state.read16(slot.GDTR_LIMIT)]).toEqual([0x12_3456, 0x27]);
    execute(cpu, 'LIDT', { at: 0, ...WIDE });
    expect([cpu.state.read32(slot.IDTR_BASE), cpu.state.read16(slot.IDTR_LIMIT)]).toEqual([0x8912_3456, 0x27]);
  });

  it('store what was loaded', () => {
    const cpu = protectedCpu(3);
    cpu.state.write32(slot.IDTR_BASE, 0x8912_3456);
    expect(execute(cpu, 'SIDT', { at: 0x100, ...WIDE })).toBe(NEXT);
    expect(cpu.words(0x100, 3)).toEqual([0x7ff, 0x3456, 0x8912]);
    execute(cpu, 'SIDT', { at: 0x100 });
    expect(cpu.words(0x100, 3)).toEqual([0x7ff, 0x3456, 0x0012]);
    execute(cpu, 'SGDT', { at: 0x100, ...WIDE });
    expect(cpu.words(0x100, 3)).toEqual([0xaf, GDT, 0]);
  });

  it('write nothing when the end of the operand faults', () => {
    const cpu = realCpu();
    expect(faultOf(() => execute(cpu, 'SGDT', { at: 0xfffc }))).toEqual([VECTOR_GP, 0]);
    expect(cpu.words(0x3fffc, 2)).toEqual([0, 0]);
    expect(faultOf(() => execute(cpu, 'LGDT', { at: 0xfffc }))).toEqual([VECTOR_GP, 0]);
    expect(cpu.state.read16(slot.GDTR_LIMIT)).toBe(0xffff);
  });

  it('need memory, and loading needs level 0', () => {
    for (const name of ['LGDT', 'LIDT', 'SGDT', 'SIDT']) {
      expect(faultOf(() => execute(realCpu(), name))).toEqual([VECTOR_UD, undefined]);
    }
    for (const name of ['LGDT', 'LIDT']) {
      expect(faultOf(() => execute(protectedCpu(3), name, { at: 0 }))).toEqual([VECTOR_GP, 0]);
    }
  });
});

describe('LLDT, LTR, SLDT, STR', () => {
  it('load descriptors; LTR marks the task busy', () => {
    const cpu = protectedCpu();
    expect(cpu.state.segmentAt(slot.LDTR)).toEqual({ selector: 0x58, base: LDT, limit: 0xf, attributes: 0x82 });
    expect(cpu.state.segmentAt(slot.TR)).toEqual({ selector: 0x38, base: TSS, limit: 0x8f, attributes: 0x8b });
    expect(cpu.readLinear(GDT + selectors.tss + 5, 1)).toBe(0x8b);
  });

  it('store selectors, zero-extended to a 32-bit register', () => {
    const cpu = protectedCpu(3);
    cpu.state.write32(slot.EAX, 0xffff_ffff);
    execute(cpu, 'STR', WIDE);
    expect(cpu.state.read32(slot.EAX)).toBe(selectors.tss);
    cpu.state.write32(slot.EAX, 0xffff_ffff);
    execute(cpu, 'SLDT');
    expect(cpu.state.read32(slot.EAX)).toBe(0xffff_0000 + selectors.ldt);
    execute(cpu, 'SLDT', { at: 0x100, ...WIDE });
    expect(cpu.words(0x100, 2)).toEqual([selectors.ldt, 0]);
  });

  const refused: readonly (readonly [string, string, number, number, number])[] = [
    ['LTR', 'null', 0, VECTOR_GP, 0],
    ['LTR', 'busy', selectors.tss, VECTOR_GP, selectors.tss],
    ['LTR', 'local', 4, VECTOR_GP, 4],
    ['LTR', 'data', selectors.data, VECTOR_GP, selectors.data],
    ['LLDT', 'local', 0xc, VECTOR_GP, 0xc],
    ['LLDT', 'beyond the table', 0x300, VECTOR_GP, 0x300],
    ['LLDT', 'a task', selectors.tss, VECTOR_GP, selectors.tss],
  ];
  it.each(refused)('%s refuses a selector that is %s', (name, _what, selector, vector, errorCode) => {
    const cpu = protectedCpu();
    cpu.state.write32(slot.EAX, selector);
    expect(faultOf(() => execute(cpu, name))).toEqual([vector, errorCode]);
  });

  it('refuse absent descriptors with #NP', () => {
    const cpu = protectedCpu();
    cpu.writeLinear(GDT + selectors.tss + 5, 1, 0x09);
    cpu.state.write32(slot.EAX, selectors.tss);
    expect(faultOf(() => execute(cpu, 'LTR'))).toEqual([VECTOR_NP, selectors.tss]);
  });

  it('need protected mode, and loading needs level 0', () => {
    for (const name of ['LLDT', 'LTR', 'SLDT', 'STR', 'LAR', 'LSL', 'VERR', 'VERW', 'ARPL']) {
      expect(faultOf(() => execute(realCpu(), name))).toEqual([VECTOR_UD, undefined]);
    }
    for (const name of ['LLDT', 'LTR']) {
      expect(faultOf(() => execute(protectedCpu(3), name))).toEqual([VECTOR_GP, 0]);
    }
  });
});

describe('LAR, LSL, VERR, VERW', () => {
  const ask = (name: string, selector: number, level: 0 | 3 = 0, wide = true) => {
    const cpu = protectedCpu(level);
    cpu.state.write32(slot.EAX, selector);
    cpu.state.write32(slot.EBX, 0x7777_7777);
    execute(cpu, name, { regSlot: slot.EBX, ...(wide ? WIDE : {}) });
    return (cpu.state.eflags & ZF) === 0 ? undefined : cpu.state.read32(slot.EBX);
  };

  it('LAR gives the access rights in place', () => {
    expect(ask('LAR', selectors.data)).toBe(0x00c0_9300);
    expect(ask('LAR', selectors.data, 0, false)).toBe(0x7777_9300);
    expect(ask('LAR', selectors.gate)).toBe(0x0000_ec00);
  });

  it('LSL gives the limit in bytes', () => {
    expect(ask('LSL', selectors.data)).toBe(0xffff_ffff);
    expect(ask('LSL', selectors.tss)).toBe(0x8f);
    expect(ask('LSL', selectors.data16, 0, false)).toBe(0x7777_ffff);
  });

  it('clear ZF and leave the register where the selector cannot be used', () => {
    for (const name of ['LAR', 'LSL']) {
      expect(ask(name, 0)).toBeUndefined();
      expect(ask(name, 0x300)).toBeUndefined();
      expect(ask(name, selectors.data, 3)).toBeUndefined();
      expect(ask(name, selectors.data | 3)).toBeUndefined();
      expect(ask(name, selectors.conforming | 3, 3)).not.toBeUndefined();
    }
    expect(ask('LSL', selectors.gate)).toBeUndefined();
  });

  it('VERR and VERW say what may be read and written', () => {
    const answers = (selector: number, level: 0 | 3 = 0) =>
      ['VERR', 'VERW'].map((name) => ask(name, selector, level) !== undefined);
    expect(answers(selectors.data)).toEqual([true, true]);
    expect(answers(selectors.readOnly)).toEqual([true, false]);
    expect(answers(selectors.code)).toEqual([true, false]);
    expect(answers(selectors.executeOnly)).toEqual([false, false]);
    expect(answers(selectors.data, 3)).toEqual([false, false]);
    expect(answers(selectors.ldt)).toEqual([false, false]);
  });
});

describe('ARPL', () => {
  it('raises RPL and says so in ZF', () => {
    const cpu = protectedCpu();
    cpu.state.write32(slot.EAX, 0x10);
    cpu.state.write32(slot.EBX, 0x23);
    execute(cpu, 'ARPL', { regSlot: slot.EBX });
    expect([cpu.state.read32(slot.EAX), cpu.state.eflags & ZF]).toEqual([0x13, ZF]);
    execute(cpu, 'ARPL', { regSlot: slot.EBX });
    expect([cpu.state.read32(slot.EAX), cpu.state.eflags & ZF]).toEqual([0x13, 0]);
    cpu.writeLinear(0x100, 2, 0x40);
    execute(cpu, 'ARPL', { regSlot: slot.EBX, at: 0x100 });
    expect(cpu.words(0x100, 1)).toEqual([0x43]);
  });
});

describe('CR4.UMIP', () => {
  it.each(['SGDT', 'SIDT', 'SLDT', 'STR', 'SMSW'])('keeps %s for level 0', (name) => {
    const instruction = name.endsWith('DT') && name !== 'SLDT' ? { at: 0x100 } : {};
    const user = protectedCpu(3);
    expect(faultOf(() => execute(user, name, instruction))).toBeUndefined();
    user.state.write32(slot.CR4, CR4_UMIP);
    expect(faultOf(() => execute(user, name, instruction))).toEqual([VECTOR_GP, 0]);
    const kernel = protectedCpu(0);
    kernel.state.write32(slot.CR4, CR4_UMIP);
    expect(faultOf(() => execute(kernel, name, instruction))).toBeUndefined();
  });
});

describe('LAR of an interrupt gate', () => {
  it.each([
    { model: '386', found: ZF },
    { model: 'pentium', found: 0 },
  ] as const)('on a $model', ({ model, found }) => {
    const cpu = withModel(protectedCpu(), model);
    writeGate(cpu, GDT + selectors.gate, selectors.code, 0, 0x8e);
    cpu.state.write16(slot.EAX, selectors.gate);
    execute(cpu, 'LAR', { regSlot: slot.EBX });
    expect(cpu.state.eflags & ZF).toBe(found);
  });
});
