import { describe, expect, it } from 'vitest';
import { IF, IOPL, NT, OF, RF, TF, VM } from '../../state/lazy-flags.ts';
import { CS, DS, ES, FS, GS, SS, slot } from '../../state/layout.ts';
import { BRANCH, EXIT, NEXT, VECTOR_BR, VECTOR_DF, VECTOR_GP, VECTOR_SS, VECTOR_TS, VECTOR_UD } from '../cpu.ts';
import { execute, type FakeCpu, faultOf, IDT, protectedCpu, realCpu, selectors, TSS, writeGate } from '../fake-cpu.ts';
import { setPrivilegeLevel } from '../mode.ts';
import { setVirtual8086Segment } from '../segments.ts';

const WIDE = { operandSize: 32 } as const;
const VIRTUAL_8086_SEGMENTS = [ES, CS, SS, DS, FS, GS] as const;

/** Virtual-8086 mode with the given IOPL; every segment is 1000h. */
function virtual8086Cpu(ioPrivilege: number): FakeCpu {
  const cpu = protectedCpu();
  cpu.state.eflags = VM | (ioPrivilege << 12);
  setPrivilegeLevel(cpu.state, 3);
  for (const index of VIRTUAL_8086_SEGMENTS) setVirtual8086Segment(cpu.state, index, 0x1000);
  return cpu;
}

describe('INT', () => {
  it('goes through the interrupt table of real mode', () => {
    const cpu = realCpu();
    cpu.writeLinear(0x13 * 4, 4, 0xf000_e3fe);
    cpu.state.eflags = IF;
    expect(execute(cpu, 'INT', { immediate: 0x13, ...WIDE })).toBe(BRANCH);
    expect(cpu.words(0x200fa, 3)).toEqual([0x200, 0x1000, IF | 2]);
    expect([cpu.state.segment(CS).base, cpu.state.eip, cpu.state.eflags]).toEqual([0xf0000, 0xe3fe, 2]);
  });

  it('beyond the table is exception 8 of the instruction', () => {
    const cpu = realCpu();
    cpu.state.write16(slot.IDTR_LIMIT, 0x4b);
    expect(faultOf(() => execute(cpu, 'INT', { immediate: 0x13 }))).toEqual([VECTOR_DF, 0]);
  });

  it('without room on the stack is #SS', () => {
    const cpu = realCpu();
    cpu.state.write32(slot.ESP, 5);
    expect(faultOf(() => execute(cpu, 'INT', { immediate: 0x13 }))).toEqual([VECTOR_SS, 0]);
    expect(cpu.state.read32(slot.ESP)).toBe(5);
  });

  it('is checked against the privilege of its gate, without EXT in the error code', () => {
    const cpu = protectedCpu(3);
    writeGate(cpu, IDT + 0x80 * 8, selectors.code, 0x6000, 0x8e);
    expect(faultOf(() => execute(cpu, 'INT', { immediate: 0x80 }))).toEqual([VECTOR_GP, 0x80 * 8 + 2]);
    writeGate(cpu, IDT + 0x80 * 8, selectors.code, 0x6000, 0xee);
    expect(execute(cpu, 'INT', { immediate: 0x80 })).toBe(EXIT);
    expect(cpu.doubleWords(0x9000 - 20, 5)).toEqual([0x5000, selectors.userCode, 2, 0x8000, selectors.userData]);
  });

  it('in virtual-8086 mode needs IOPL 3 and a handler at level 0', () => {
    expect(faultOf(() => execute(virtual8086Cpu(2), 'INT', { immediate: 0x80 }))).toEqual([VECTOR_GP, 0]);
    const cpu = virtual8086Cpu(3);
    writeGate(cpu, IDT + 0x80 * 8, selectors.userCode, 0x6000, 0xee);
    expect(faultOf(() => execute(cpu, 'INT', { immediate: 0x80 }))).toEqual([VECTOR_GP, selectors.userCode & ~3]);
    writeGate(cpu, IDT + 0x80 * 8, selectors.code, 0x6000, 0xee);
    expect(execute(cpu, 'INT', { immediate: 0x80 })).toBe(EXIT);
    expect(cpu.state.read8(slot.CPL)).toBe(0);
  });

  it('INT3 is vector 3; INT1 is vector 1 whatever the gate’s privilege', () => {
    const cpu = protectedCpu(3);
    writeGate(cpu, IDT + 3 * 8, selectors.code, 0x6003, 0x8e);
    writeGate(cpu, IDT + 1 * 8, selectors.code, 0x6001, 0x8e);
    expect(faultOf(() => execute(cpu, 'INT3'))).toEqual([VECTOR_GP, 3 * 8 + 2]);
    expect(execute(cpu, 'INT1')).toBe(EXIT);
    expect(cpu.state.eip).toBe(0x6001);
    expect(faultOf(() => execute(protectedCpu(3), 'INT1'))).toEqual([VECTOR_GP, 1 * 8 + 3]);
  });

  it('through a task gate to the busy task is #GP, without EXT', () => {
    const cpu = protectedCpu();
    writeGate(cpu, IDT + 0x30 * 8, selectors.tss, 0, 0x85);
    expect(faultOf(() => execute(cpu, 'INT', { immediate: 0x30 }))).toEqual([VECTOR_GP, selectors.tss]);
  });
});

describe('INTO', () => {
  it('raises vector 4 only if OF is set', () => {
    const cpu = realCpu();
    cpu.writeLinear(4 * 4, 4, 0x0100_0200);
    expect(execute(cpu, 'INTO')).toBe(NEXT);
    cpu.state.eflags = OF;
    expect(execute(cpu, 'INTO')).toBe(BRANCH);
    expect(cpu.state.eip).toBe(0x200);
  });
});

describe('BOUND', () => {
  const inRange = (index: number, lower: number, upper: number, size: 16 | 32) => {
    const cpu = realCpu();
    const bytes = size === 16 ? 2 : 4;
    cpu.writeLinear(0x30000, bytes, lower);
    cpu.writeLinear(0x30000 + bytes, bytes, upper);
    cpu.state.write32(slot.EAX, index);
    return faultOf(() => execute(cpu, 'BOUND', { at: 0, operandSize: size }));
  };

  it('compares signed, bounds included', () => {
    expect(inRange(-3, -3, 5, 16)).toBeUndefined();
    expect(inRange(5, -3, 5, 16)).toBeUndefined();
    expect(inRange(6, -3, 5, 16)).toEqual([VECTOR_BR, undefined]);
    expect(inRange(-4, -3, 5, 16)).toEqual([VECTOR_BR, undefined]);
    expect(inRange(0x7fff_ffff, 0, 0x7fff_fffe, 32)).toEqual([VECTOR_BR, undefined]);
    expect(inRange(-1, -1, 0, 32)).toBeUndefined();
  });

  it('with a register is #UD', () => {
    expect(faultOf(() => execute(realCpu(), 'BOUND'))).toEqual([VECTOR_UD, undefined]);
  });
});

describe('IRET', () => {
  it('in real mode pops IP, CS and FLAGS, IOPL and NT too, and ends the blocking of NMIs', () => {
    const cpu = realCpu();
    [0x300, 0x1234, 0xffff].forEach((value, index) => {
      cpu.writeLinear(0x20100 + index * 2, 2, value);
    });
    cpu.state.write8(slot.NMI_BLOCKED, 1);
    expect(execute(cpu, 'IRET')).toBe(EXIT);
    expect([cpu.state.eip, cpu.state.segment(CS).base, cpu.state.read32(slot.ESP)]).toEqual([0x300, 0x12340, 0x106]);
    expect(cpu.state.eflags).toBe(0x7fd7);
    expect(cpu.state.read8(slot.NMI_BLOCKED)).toBe(0);
  });

  it('IRETD in real mode sets RF but not VM', () => {
    const cpu = realCpu();
    cpu.writeLinear(0x20100, 4, 0x300);
    cpu.writeLinear(0x20104, 4, 0x1234);
    cpu.writeLinear(0x20108, 4, RF | VM);
    execute(cpu, 'IRET', WIDE);
    expect(cpu.state.eflags).toBe(RF | 2);
  });

  const returnFrame = (cpu: FakeCpu, values: readonly number[]) => {
    values.forEach((value, index) => {
      cpu.writeLinear(0x8000 + index * 4, 4, value);
    });
    return execute(cpu, 'IRET', WIDE);
  };

  it('returns to the same level', () => {
    const cpu = protectedCpu();
    expect(returnFrame(cpu, [0x6000, selectors.code16, IF | TF | IOPL | RF])).toBe(EXIT);
    expect([cpu.state.eip, cpu.state.segment(CS).selector, cpu.state.read32(slot.ESP)]).toEqual([0x6000, 0x18, 0x800c]);
    expect(cpu.state.eflags).toBe(IF | TF | IOPL | RF | 2);
  });

  it('returns to an outer level with its stack', () => {
    const cpu = protectedCpu();
    returnFrame(cpu, [0x6000, selectors.userCode, IF, 0xa000, selectors.userData]);
    expect([cpu.state.read8(slot.CPL), cpu.state.read32(slot.ESP), cpu.state.segment(SS).selector]).toEqual([
      3, 0xa000, 0x33,
    ]);
    expect(cpu.state.segment(DS).attributes).toBe(0);
    expect(cpu.state.eflags).toBe(IF | 2);
  });

  it('does not let an outer level change IF and IOPL', () => {
    const cpu = protectedCpu(3);
    returnFrame(cpu, [0x6000, selectors.userCode, IF | IOPL]);
    expect(cpu.state.eflags).toBe(2);
  });

  it('refuses an inner level', () => {
    expect(faultOf(() => returnFrame(protectedCpu(3), [0, selectors.code, 2]))).toEqual([VECTOR_GP, selectors.code]);
  });

  it('enters virtual-8086 mode from level 0 and leaves VM alone elsewhere', () => {
    const cpu = protectedCpu();
    returnFrame(cpu, [0x300, 0x1111, VM | IOPL | IF, 0x12340, 0x2222, 0x3333, 0x4444, 0x5555, 0x6666]);
    expect(cpu.state.eflags).toBe(VM | IOPL | IF | 2);
    expect(cpu.state.read8(slot.CPL)).toBe(3);
    expect(cpu.state.read32(slot.ESP)).toBe(0x12340);
    expect(VIRTUAL_8086_SEGMENTS.map((index) => cpu.state.segment(index).selector)).toEqual([
      0x3333, 0x1111, 0x2222, 0x4444, 0x5555, 0x6666,
    ]);
    expect(cpu.state.segment(CS)).toEqual({ selector: 0x1111, base: 0x11110, limit: 0xffff, attributes: 0xf3 });

    const user = protectedCpu(3);
    returnFrame(user, [0x6000, selectors.userCode, VM]);
    expect(user.state.eflags).toBe(2);
  });

  it('in virtual-8086 mode needs IOPL 3 and does not change it', () => {
    expect(faultOf(() => execute(virtual8086Cpu(0), 'IRET'))).toEqual([VECTOR_GP, 0]);
    const cpu = virtual8086Cpu(3);
    cpu.state.write32(slot.ESP, 0x100);
    cpu.writeLinear(0x10104, 2, IF);
    execute(cpu, 'IRET');
    expect(cpu.state.eflags).toBe(VM | IOPL | IF | 2);
  });

  it('with NT set needs a busy task as link', () => {
    const cpu = protectedCpu();
    cpu.state.eflags = NT;
    cpu.writeLinear(TSS, 2, selectors.data);
    expect(faultOf(() => execute(cpu, 'IRET'))).toEqual([VECTOR_TS, selectors.data]);
  });
});
