import { describe, expect, it } from 'vitest';
import { CF, DF, IF, IOPL, NT, RF, TF, VM } from '../../state/lazy-flags.ts';
import { slot } from '../../state/layout.ts';
import { EXIT, NEXT, VECTOR_GP, VECTOR_SS } from '../cpu.ts';
import { execute, type FakeCpu, faultOf, protectedCpu, realCpu } from '../fake-cpu.ts';

const WIDE = { operandSize: 32 } as const;

describe('HLT, CLI, STI', () => {
  it('HLT halts', () => {
    const cpu = realCpu();
    expect(execute(cpu, 'HLT')).toBe(EXIT);
    expect(cpu.state.read8(slot.HALTED)).toBe(1);
  });

  it('STI holds interrupts off for one instruction, but only when it turns them on', () => {
    const cpu = realCpu();
    expect(execute(cpu, 'STI')).toBe(EXIT);
    expect([cpu.state.eflags, cpu.state.read8(slot.INTERRUPT_SHADOW)]).toEqual([IF | 2, 1]);
    cpu.state.write8(slot.INTERRUPT_SHADOW, 0);
    expect(execute(cpu, 'STI')).toBe(NEXT);
    expect(cpu.state.read8(slot.INTERRUPT_SHADOW)).toBe(0);
    expect(execute(cpu, 'CLI')).toBe(NEXT);
    expect(cpu.state.eflags).toBe(2);
    expect(execute(cpu, 'CLI')).toBe(NEXT);
  });

  it('are for levels up to IOPL, in virtual-8086 mode too', () => {
    for (const name of ['CLI', 'STI']) {
      const cpu = protectedCpu(3);
      cpu.state.eflags = 2 << 12;
      expect(faultOf(() => execute(cpu, name))).toEqual([VECTOR_GP, 0]);
      cpu.state.eflags = VM | (2 << 12);
      expect(faultOf(() => execute(cpu, name))).toEqual([VECTOR_GP, 0]);
      cpu.state.eflags = IOPL;
      expect(faultOf(() => execute(cpu, name))).toBeUndefined();
    }
  });
});

describe('PUSHF', () => {
  it('pushes 16 bits, or 32 without RF and VM', () => {
    const cpu = realCpu();
    cpu.state.eflags = 0xffff | RF;
    execute(cpu, 'PUSHF');
    expect(cpu.words(0x200fe, 1)).toEqual([0xffff]);
    execute(cpu, 'PUSHF', WIDE);
    expect(cpu.doubleWords(0x200fa, 1)).toEqual([0xffff]);
    expect(cpu.state.read32(slot.ESP)).toBe(0xfa);
  });

  it('faults with ESP as it was', () => {
    const cpu = realCpu();
    cpu.state.write32(slot.ESP, 1);
    expect(faultOf(() => execute(cpu, 'PUSHF'))).toEqual([VECTOR_SS, 0]);
    expect(cpu.state.read32(slot.ESP)).toBe(1);
  });
});

describe('POPF', () => {
  const popped = (cpu: FakeCpu, value: number, wide = true) => {
    const { base } = cpu.state.segment(2);
    cpu.writeLinear(base + (cpu.state.read32(slot.ESP) & 0xffff), 4, value);
    const outcome = execute(cpu, 'POPF', wide ? WIDE : {});
    return [cpu.state.eflags, outcome];
  };

  it('changes every flag of an 80386 at level 0 except VM and RF', () => {
    expect(popped(realCpu(), 0xffff_ffff)).toEqual([0x7fd7, EXIT]);
    expect(popped(realCpu(), 0xffff, false)).toEqual([0x7fd7, EXIT]);
  });

  it('ends the block only when the engine must know', () => {
    expect(popped(realCpu(), CF | DF | NT)).toEqual([CF | DF | NT | 2, NEXT]);
    expect(popped(realCpu(), TF)).toEqual([TF | 2, EXIT]);
  });

  it('clears RF', () => {
    const cpu = realCpu();
    cpu.state.eflags = RF;
    expect(popped(cpu, RF)).toEqual([2, EXIT]);
  });

  it('keeps IF and IOPL for a level beyond IOPL, IOPL for all but level 0', () => {
    const cpu = protectedCpu(3);
    expect(popped(cpu, IF | IOPL | CF)).toEqual([CF | 2, NEXT]);
    cpu.state.eflags = IOPL;
    expect(popped(cpu, IF)).toEqual([IOPL | IF | 2, EXIT]);
  });

  it('in virtual-8086 mode is for IOPL 3, as is PUSHF', () => {
    for (const name of ['PUSHF', 'POPF']) {
      const cpu = protectedCpu(3);
      cpu.state.eflags = VM;
      expect(faultOf(() => execute(cpu, name))).toEqual([VECTOR_GP, 0]);
    }
    const cpu = protectedCpu(3);
    cpu.state.eflags = VM | IOPL;
    expect(popped(cpu, IF)).toEqual([VM | IOPL | IF | 2, EXIT]);
  });
});
