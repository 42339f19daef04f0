import { describe, expect, it } from 'vitest';
import { CR4_PVI, CR4_VME } from '../state/control-bits.ts';
import { CS, DS, ES, FS, GS, SS, slot } from '../state/layout.ts';
import { CF, IF, IOPL, TF, VIF, VIP, VM } from '../state/lazy-flags.ts';
import { EXIT, NEXT, VECTOR_GP } from './cpu.ts';
import { execute, type FakeCpu, faultOf, IDT, protectedCpu, selectors, TSS, withModel, writeGate } from './fake-cpu.ts';
import { setPrivilegeLevel } from './mode.ts';
import { setVirtual8086Segment } from './segments.ts';

const STACK = 0x1_0000;
const IO_MAP = 0x88;
const REDIRECTION_MAP = IO_MAP - 32;
const refused = [VECTOR_GP, 0];

/** A program in virtual-8086 mode on a Pentium: every segment is 1000h, SP is 100h; its task has bitmaps of zeros. */
function program(flags: number, control4 = CR4_VME): FakeCpu {
  const cpu = withModel(protectedCpu(0), 'pentium');
  const { state } = cpu;
  cpu.writeLinear(TSS + 0x66, 2, IO_MAP);
  state.write32(slot.CR4, control4);
  state.eflags = VM | flags;
  setPrivilegeLevel(state, 3);
  for (const index of [ES, CS, SS, DS, FS, GS] as const) setVirtual8086Segment(state, index, 0x1000);
  state.write32(slot.ESP, 0x100);
  state.eip = 0x20;
  return cpu;
}

const flagsOf = (cpu: FakeCpu, mask: number) => cpu.state.eflags & mask;

describe('CLI and STI', () => {
  it('change VIF where IOPL does not let them change IF', () => {
    const cpu = program(IF);
    expect([execute(cpu, 'STI'), flagsOf(cpu, IF | VIF)]).toEqual([NEXT, IF | VIF]);
    expect([execute(cpu, 'CLI'), flagsOf(cpu, IF | VIF)]).toEqual([NEXT, IF]);
  });

  it('change IF with IOPL 3', () => {
    const cpu = program(IOPL);
    execute(cpu, 'STI');
    expect(flagsOf(cpu, IF | VIF)).toBe(IF);
  });

  it('are the monitor’s without CR4.VME, and STI while an interrupt is pending', () => {
    expect(faultOf(() => execute(program(0, 0), 'CLI'))).toEqual(refused);
    expect(faultOf(() => execute(program(0, CR4_PVI), 'CLI'))).toEqual(refused);
    expect(faultOf(() => execute(program(VIP), 'STI'))).toEqual(refused);
    expect(faultOf(() => execute(program(VIP), 'CLI'))).toBeUndefined();
  });

  it('do the same at level 3 of protected mode with CR4.PVI', () => {
    const cpu = withModel(protectedCpu(3), 'pentium');
    expect(faultOf(() => execute(cpu, 'CLI'))).toEqual(refused);
    cpu.state.write32(slot.CR4, CR4_VME);
    expect(faultOf(() => execute(cpu, 'CLI'))).toEqual(refused);
    cpu.state.write32(slot.CR4, CR4_PVI);
    execute(cpu, 'STI');
    expect(flagsOf(cpu, IF | VIF)).toBe(VIF);
    execute(cpu, 'CLI');
    expect(flagsOf(cpu, IF | VIF)).toBe(0);
    cpu.state.eflags = VIP;
    expect(faultOf(() => execute(cpu, 'STI'))).toEqual(refused);
  });
});

describe('PUSHF, POPF and IRET', () => {
  it('show VIF as IF, and IOPL 3', () => {
    const cpu = program(VIF | CF);
    execute(cpu, 'PUSHF');
    expect(cpu.words(STACK + 0xfe, 1)).toEqual([IOPL | IF | CF | 2]);
    const off = program(IF);
    execute(off, 'PUSHF');
    expect(off.words(STACK + 0xfe, 1)).toEqual([IOPL | 2]);
  });

  it('load IF into VIF and leave IF and IOPL', () => {
    const cpu = program(0);
    cpu.writeLinear(STACK + 0x100, 2, IF | IOPL | CF);
    execute(cpu, 'POPF');
    expect(flagsOf(cpu, IF | VIF | IOPL | CF)).toBe(VIF | CF);
    cpu.writeLinear(STACK + 0x102, 2, 0x30);
    cpu.writeLinear(STACK + 0x104, 2, 0x2000);
    cpu.writeLinear(STACK + 0x106, 2, 0);
    execute(cpu, 'IRET');
    expect([flagsOf(cpu, IF | VIF | VM), cpu.state.eip, cpu.state.segment(CS).base]).toEqual([VM, 0x30, 0x20000]);
  });

  it.each([
    { name: 'TF', flags: 0, image: TF },
    { name: 'IF while an interrupt is pending', flags: VIP, image: IF },
  ])('are the monitor’s for an image with $name', ({ flags, image }) => {
    const cpu = program(flags);
    for (const offset of [0, 2, 4]) cpu.writeLinear(STACK + 0x100 + offset, 2, image);
    expect(faultOf(() => execute(cpu, 'POPF'))).toEqual(refused);
    expect(faultOf(() => execute(cpu, 'IRET'))).toEqual(refused);
    expect([cpu.state.read32(slot.ESP), cpu.state.eip]).toEqual([0x100, 0x20]);
  });

  it('of 32 bits are the monitor’s below IOPL 3', () => {
    for (const name of ['PUSHF', 'POPF', 'IRET']) {
      expect(faultOf(() => execute(program(0), name, { operandSize: 32 }))).toEqual(refused);
      expect(faultOf(() => execute(program(0, 0), name))).toEqual(refused);
    }
  });

  it('IRETD at level 0 loads VIF and VIP', () => {
    const cpu = withModel(protectedCpu(0), 'pentium');
    const frame = [0x1234, selectors.code, VIF | VIP | 2];
    frame.forEach((value, n) => {
      cpu.writeLinear(0x8000 + n * 4, 4, value);
    });
    execute(cpu, 'IRET', { operandSize: 32 });
    expect(flagsOf(cpu, VIF | VIP)).toBe(VIF | VIP);
  });
});

describe('INT n', () => {
  const int = (cpu: FakeCpu) => execute(cpu, 'INT', { immediate: 0x21 });
  function withHandlers(flags: number, control4: number, redirected: boolean): FakeCpu {
    const cpu = program(flags, control4);
    cpu.writeLinear(0x21 * 4, 4, 0x2000_0034);
    cpu.writeLinear(TSS + REDIRECTION_MAP + 4, 1, redirected ? 0xfd : 0x02);
    writeGate(cpu, IDT + 0x21 * 8, selectors.code, 0x7777, 0xee);
    return cpu;
  }

  it('goes to the program’s handler where its bit is clear, with IOPL 3 by IF', () => {
    const cpu = withHandlers(IOPL | IF, CR4_VME, true);
    expect(int(cpu)).toBe(EXIT);
    expect([cpu.state.eip, cpu.state.segment(CS).selector, flagsOf(cpu, VM | IF)]).toEqual([0x34, 0x2000, VM]);
    expect(cpu.words(STACK + 0xfa, 3)).toEqual([0x20, 0x1000, IOPL | IF | 2]);
  });

  it('goes to the program’s handler with less by VIF', () => {
    const cpu = withHandlers(IF | VIF | TF, CR4_VME, true);
    int(cpu);
    expect([cpu.state.eip, flagsOf(cpu, VM | IF | VIF | TF)]).toEqual([0x34, VM | IF]);
    expect(cpu.words(STACK + 0xfe, 1)).toEqual([IOPL | IF | TF | 2]);
  });

  it('goes to protected mode where the bit is set and IOPL is 3, else to the monitor', () => {
    const cpu = withHandlers(IOPL, CR4_VME, false);
    int(cpu);
    expect([cpu.state.eip, flagsOf(cpu, VM), cpu.state.read8(slot.CPL)]).toEqual([0x7777, 0, 0]);
    expect(faultOf(() => int(withHandlers(0, CR4_VME, false)))).toEqual(refused);
  });

  it('does not look at the bitmap without CR4.VME', () => {
    const cpu = withHandlers(IOPL, 0, true);
    int(cpu);
    expect(cpu.state.eip).toBe(0x7777);
    expect(faultOf(() => int(withHandlers(0, 0, true)))).toEqual(refused);
  });

  it('is #GP where the bitmap lies outside the task', () => {
    const cpu = withHandlers(IOPL, CR4_VME, true);
    cpu.writeLinear(TSS + 0x66, 2, 0x200);
    expect(faultOf(() => int(cpu))).toEqual(refused);
    cpu.writeLinear(TSS + 0x66, 2, 8);
    expect(faultOf(() => int(cpu))).toEqual(refused);
  });

  it('leaves INT3 and INTO to protected mode', () => {
    const cpu = withHandlers(IOPL, CR4_VME, true);
    writeGate(cpu, IDT + 3 * 8, selectors.code, 0x3333, 0xee);
    execute(cpu, 'INT3');
    expect(cpu.state.eip).toBe(0x3333);
  });
});
