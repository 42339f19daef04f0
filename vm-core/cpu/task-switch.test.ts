import { describe, expect, it } from 'vitest';
import { CR0_TS } from '../state/control-bits.ts';
import { CS, DS, ES, FS, GS, generalSlots, SS, slot } from '../state/layout.ts';
import { IF, NT, RF, VM } from '../state/lazy-flags.ts';
import { EXIT, GuestFault, VECTOR_GP, VECTOR_NP, VECTOR_PF, VECTOR_SS, VECTOR_TS } from './cpu.ts';
import { DR6_BT } from './debug-registers.ts';
import { deliver } from './exceptions.ts';
import {
  execute,
  type FakeCpu,
  GDT,
  IDT,
  LDT,
  protectedCpu,
  selectors,
  TSS,
  withModel,
  writeDescriptor,
  writeGate,
} from './fake-cpu.ts';

/** A second task: its descriptors stand behind those of `protectedCpu`. */
const TASK = 0xb0;
const TASK_16 = 0xb8;
const GATE = 0xc0;
const NEW_TSS = 0x6000;
const NEW_TSS_16 = 0x6200;
const ENTRY = 0x1234;

interface Changes {
  readonly offset: number;
  readonly size: 1 | 2 | 4;
  readonly value: number;
}

/** A processor at level 0 whose second task, of 32 or 16 bits, runs at level 0 with flat segments. */
function twoTasks(...changes: readonly Changes[]): FakeCpu {
  const cpu = protectedCpu(0);
  cpu.state.write16(slot.GDTR_LIMIT, 0xff);
  writeDescriptor(cpu, GDT + TASK, NEW_TSS, 0x67, 0x089);
  writeDescriptor(cpu, GDT + TASK_16, NEW_TSS_16, 0x2b, 0x081);
  writeGate(cpu, GDT + GATE, TASK, 0, 0xe5);
  const image: readonly Changes[] = [
    { offset: 0x1c, size: 4, value: 0x7000 },
    { offset: 0x20, size: 4, value: ENTRY },
    { offset: 0x24, size: 4, value: 2 | IF },
    ...generalSlots.map((_, n) => ({ offset: 0x28 + n * 4, size: 4 as const, value: 0x1111_1111 * (n + 1) })),
    ...[selectors.data, selectors.code, selectors.data, selectors.data, 0, selectors.readOnly].map((value, n) => ({
      offset: 0x48 + n * 4,
      size: 4 as const,
      value,
    })),
    { offset: 0x60, size: 4, value: selectors.ldt },
    ...changes,
  ];
  for (const { offset, size, value } of image) cpu.writeLinear(NEW_TSS + offset, size, value);
  cpu.state.eip = 0x5007;
  cpu.state.write32(slot.DR7, 0x7ff);
  return cpu;
}

const jump = (cpu: FakeCpu, selector: number = TASK) =>
  execute(cpu, 'JMP_FAR_IMMEDIATE', { immediate: 0, immediate2: selector, operandSize: 32 });
const call = (cpu: FakeCpu, selector: number = TASK) =>
  execute(cpu, 'CALL_FAR_IMMEDIATE', { immediate: 0, immediate2: selector, operandSize: 32 });
const rights = (cpu: FakeCpu, selector: number) => cpu.readLinear(GDT + selector + 5, 1);

function faultIn(action: () => unknown) {
  try {
    action();
    return undefined;
  } catch (error) {
    if (!(error instanceof GuestFault)) throw error;
    return { vector: error.vector, code: error.errorCode, isOfNewTask: error.isOfNewTask };
  }
}

describe('a switch by JMP', () => {
  it('to its own segment, by a second descriptor, goes on behind itself: the old state is saved first', () => {
    const cpu = twoTasks();
    const { base } = cpu.state.segmentAt(slot.TR);
    writeDescriptor(cpu, GDT + TASK, base, 0x67, 0x089);
    cpu.state.write32(slot.EAX, 0x12345678);
    jump(cpu);
    expect([cpu.state.eip, cpu.state.read32(slot.EAX)]).toEqual([0x5007, 0x12345678]);
    expect(cpu.state.segmentAt(slot.TR).selector).toBe(TASK);
  });

  it('loads what the new task has and saves what the old one had', () => {
    const cpu = twoTasks();
    const { state } = cpu;
    generalSlots.forEach((offset, n) => {
      state.write32(offset, 0x100 + n);
    });
    state.eflags = 0x46;
    expect(jump(cpu)).toBe(EXIT);
    expect([state.eip, state.eflags, state.read32(slot.EDI)]).toEqual([ENTRY, 2 | IF, 0x8888_8888]);
    expect([ES, CS, SS, DS, FS, GS].map((index) => state.segment(index).selector)).toEqual([
      ...[selectors.data, selectors.code, selectors.data, selectors.data, 0, selectors.readOnly],
    ]);
    expect(state.segment(GS).limit).toBe(0xffff);
    expect([state.segmentAt(slot.TR).selector, state.segmentAt(slot.LDTR).base]).toEqual([TASK, LDT]);
    expect(cpu.doubleWords(TSS + 0x20, 10)).toEqual([
      ...[0x5007, 0x46, 0x100, 0x101, 0x102, 0x103, 0x104, 0x105, 0x106, 0x107],
    ]);
    expect(cpu.readLinear(TSS + 0x4c, 2)).toBe(selectors.code);
  });

  it('moves the busy bit, sets CR0.TS and clears the local breakpoints', () => {
    const cpu = twoTasks();
    jump(cpu);
    expect([rights(cpu, selectors.tss), rights(cpu, TASK)]).toEqual([0x89, 0x8b]);
    expect(cpu.state.read32(slot.CR0) & CR0_TS).toBe(CR0_TS);
    expect(cpu.state.read32(slot.DR7)).toBe(0x6aa);
    expect([cpu.state.eflags & NT, cpu.readLinear(NEW_TSS, 2)]).toEqual([0, 0]);
  });

  it('does the same through a task gate', () => {
    const cpu = twoTasks();
    jump(cpu, GATE);
    expect([cpu.state.eip, cpu.state.segmentAt(slot.TR).selector]).toEqual([ENTRY, TASK]);
  });

  it('takes a debug trap where the new task wants one', () => {
    const cpu = twoTasks({ offset: 0x64, size: 2, value: 1 });
    jump(cpu);
    expect(cpu.traps).toEqual([DR6_BT]);
    const other = twoTasks();
    jump(other);
    expect(other.traps).toEqual([]);
  });

  it('loads CR3 while paging is on, and says so', () => {
    const cpu = withModel(twoTasks(), '486');
    cpu.state.write32(slot.CR0, 0x8000_0001);
    cpu.state.write32(slot.CR3, 0x3000);
    jump(cpu);
    expect(cpu.state.read32(slot.CR3)).toBe(0x7000);
    expect(cpu.events).toEqual([{ kind: 'cr3', from: 0x3000n, to: 0x7000n }]);
    expect(cpu.translationCalls).toContain('context -1');
  });

  it('leaves CR3 alone while paging is off', () => {
    const cpu = twoTasks();
    jump(cpu);
    expect(cpu.state.read32(slot.CR3)).toBe(0);
  });

  it('enters virtual-8086 mode where the flags of the new task say so', () => {
    const cpu = twoTasks({ offset: 0x24, size: 4, value: VM | 2 });
    jump(cpu);
    const { state } = cpu;
    expect([state.eflags & VM, state.read8(slot.CPL)]).toEqual([VM, 3]);
    expect(state.segment(CS)).toEqual({ selector: 8, base: 0x80, limit: 0xffff, attributes: 0xf3 });
  });
});

describe('a switch by CALL', () => {
  it('nests the new task in the old one, and IRET comes back', () => {
    const cpu = twoTasks();
    cpu.state.eflags = 2;
    expect(call(cpu)).toBe(EXIT);
    expect([cpu.state.eflags & NT, cpu.readLinear(NEW_TSS, 2)]).toEqual([NT, selectors.tss]);
    expect([rights(cpu, selectors.tss), rights(cpu, TASK)]).toEqual([0x8b, 0x8b]);
    cpu.state.eip = 0x1300;
    expect(execute(cpu, 'IRET', { operandSize: 32 })).toBe(EXIT);
    expect([cpu.state.eip, cpu.state.segmentAt(slot.TR).selector]).toEqual([0x5007, selectors.tss]);
    expect([rights(cpu, selectors.tss), rights(cpu, TASK)]).toEqual([0x8b, 0x89]);
    expect([cpu.readLinear(NEW_TSS + 0x20, 4), cpu.readLinear(NEW_TSS + 0x24, 4) & NT]).toEqual([0x1300, 0]);
  });
});

describe('a task of 16 bits', () => {
  it('is loaded and saved with words', () => {
    const cpu = twoTasks();
    [
      0x4321,
      2,
      ...generalSlots.map((_, n) => 0x10 + n),
      selectors.data,
      selectors.code16,
      selectors.data,
      selectors.data,
      0,
    ].forEach((value, n) => {
      cpu.writeLinear(NEW_TSS_16 + 0x0e + n * 2, 2, value);
    });
    call(cpu, TASK_16);
    const { state } = cpu;
    expect([state.eip, state.read16(slot.EAX), state.read16(slot.EDI)]).toEqual([0x4321, 0x10, 0x17]);
    expect([state.segment(FS).selector, state.segment(CS).limit]).toEqual([0, 0xffff]);
    state.eip = 0x4444;
    state.write32(slot.EBX, 0xdead_beef);
    execute(cpu, 'IRET');
    expect([cpu.readLinear(NEW_TSS_16 + 0x0e, 2), cpu.readLinear(NEW_TSS_16 + 0x18, 2)]).toEqual([0x4444, 0xbeef]);
    expect(state.segmentAt(slot.TR).selector).toBe(selectors.tss);
  });

  it('has VM clear when it follows virtual-8086 mode, as it has no upper half of EFLAGS', () => {
    const cpu = twoTasks();
    const values = [0x4321, 2, ...generalSlots.map(() => 0), selectors.data, selectors.code16, selectors.data];
    values.forEach((value, n) => {
      cpu.writeLinear(NEW_TSS_16 + 0x0e + n * 2, 2, value);
    });
    const { state } = cpu;
    state.eflags = VM | 2;
    state.write8(slot.CPL, 3);
    writeGate(cpu, IDT + 0x21 * 8, TASK_16, 0, 0xe5);
    deliver(cpu, { vector: 0x21, errorCode: undefined, kind: 'software' });
    expect([state.eip, state.eflags & VM, state.read8(slot.CPL)]).toEqual([0x4321, 0, 0]);
    expect(state.segment(CS).limit).toBe(0xffff);
  });
});

describe('what is wrong with the way faults in the old task', () => {
  it.each([
    { name: 'a busy task', prepare: (cpu: FakeCpu) => cpu.writeLinear(GDT + TASK + 5, 1, 0x8b), vector: VECTOR_GP },
    { name: 'an absent task', prepare: (cpu: FakeCpu) => cpu.writeLinear(GDT + TASK + 5, 1, 0x09), vector: VECTOR_NP },
    { name: 'a small segment', prepare: (cpu: FakeCpu) => cpu.writeLinear(GDT + TASK, 2, 0x66), vector: VECTOR_TS },
  ])('$name', ({ prepare, vector }) => {
    for (const selector of [TASK, GATE]) {
      const cpu = twoTasks();
      prepare(cpu);
      expect(faultIn(() => jump(cpu, selector))).toEqual({ vector, code: TASK, isOfNewTask: false });
      expect([cpu.state.eip, cpu.state.segmentAt(slot.TR).selector]).toEqual([0x5007, selectors.tss]);
      expect(rights(cpu, selectors.tss)).toBe(0x8b);
    }
  });

  it.each([
    { bits: 32, attributes: 0x08b, enough: 0x5d },
    { bits: 16, attributes: 0x083, enough: 0x29 },
  ])('an old segment of $bits bits that is too small to save the task in', ({ attributes, enough }) => {
    const attempt = (limit: number) => {
      const cpu = twoTasks();
      cpu.state.setSegmentAt(slot.TR, { ...cpu.state.segmentAt(slot.TR), limit, attributes });
      const before = [...cpu.bytes];
      const fault = faultIn(() => jump(cpu));
      return { fault, isUnchanged: before.every((byte, n) => byte === cpu.bytes[n]) };
    };
    expect(attempt(enough).fault).toBeUndefined();
    expect(attempt(enough - 1)).toMatchObject({
      fault: { vector: VECTOR_TS, code: selectors.tss },
      isUnchanged: true,
    });
  });

  it('a gate to a task of the LDT, or to none', () => {
    const cpu = twoTasks();
    writeGate(cpu, GDT + GATE, TASK | 4, 0, 0xe5);
    expect(faultIn(() => jump(cpu, GATE))).toMatchObject({ vector: VECTOR_GP, code: TASK | 4 });
    writeGate(cpu, GDT + GATE, 0, 0, 0xe5);
    expect(faultIn(() => jump(cpu, GATE))).toMatchObject({ vector: VECTOR_GP, code: 0 });
  });

  it('an absent gate, and one for inner levels', () => {
    const cpu = twoTasks();
    writeGate(cpu, GDT + GATE, TASK, 0, 0x65);
    expect(faultIn(() => jump(cpu, GATE))).toMatchObject({ vector: VECTOR_NP, code: GATE });
    expect(faultIn(() => jump(cpu, TASK | 3))).toMatchObject({ vector: VECTOR_GP, code: TASK });
  });

  it.each([
    { name: 'available', link: TASK },
    { name: 'no task', link: selectors.data },
    { name: 'of the LDT', link: TASK | 4 },
  ])('a link of IRET that is $name', ({ link }) => {
    const cpu = twoTasks();
    cpu.writeLinear(TSS, 2, link);
    cpu.state.eflags = NT;
    expect(faultIn(() => execute(cpu, 'IRET'))).toEqual({ vector: VECTOR_TS, code: link, isOfNewTask: false });
  });
});

describe('what is wrong with the new task faults in it', () => {
  const at = (offset: number, value: number): Changes => ({ offset, size: 2, value });

  it.each([
    { name: 'an LDT that is none', change: at(0x60, selectors.data), vector: VECTOR_TS, code: selectors.data },
    { name: 'an LDT of the LDT', change: at(0x60, 0x5c), vector: VECTOR_TS, code: 0x5c },
    { name: 'a null code segment', change: at(0x4c, 0), vector: VECTOR_TS, code: 0 },
    { name: 'data as code', change: at(0x4c, selectors.data), vector: VECTOR_TS, code: selectors.data },
    { name: 'code of another level', change: at(0x4c, selectors.code | 3), vector: VECTOR_TS, code: selectors.code },
    { name: 'absent code', change: at(0x4c, selectors.absentCode), vector: VECTOR_NP, code: selectors.absentCode },
    { name: 'a null stack', change: at(0x50, 0), vector: VECTOR_TS, code: 0 },
    { name: 'a stack of another level', change: at(0x50, selectors.userData), vector: VECTOR_TS, code: 0x30 },
    { name: 'a read-only stack', change: at(0x50, selectors.readOnly), vector: VECTOR_TS, code: selectors.readOnly },
    { name: 'an absent stack', change: at(0x50, selectors.absentData), vector: VECTOR_SS, code: selectors.absentData },
    { name: 'data beyond the table', change: at(0x54, 0x1f8), vector: VECTOR_TS, code: 0x1f8 },
    {
      name: 'code that cannot be read as data',
      change: at(0x48, selectors.executeOnly),
      vector: VECTOR_TS,
      code: 0x68,
    },
    { name: 'absent data', change: at(0x5c, selectors.absentData), vector: VECTOR_NP, code: selectors.absentData },
    { name: 'an entry beyond the code', change: at(0x4c, selectors.smallCode), vector: VECTOR_GP, code: 0 },
  ])('$name', ({ change, vector, code }) => {
    const cpu = twoTasks(change);
    expect(faultIn(() => jump(cpu))).toEqual({ vector, code, isOfNewTask: true });
    const { state } = cpu;
    expect([state.eip, state.segmentAt(slot.TR).selector, state.read32(slot.EAX)]).toEqual([ENTRY, TASK, 0x1111_1111]);
    expect([rights(cpu, selectors.tss), rights(cpu, TASK)]).toEqual([0x89, 0x8b]);
  });
});

describe('interrupts and exceptions through task gates', () => {
  function withGate(vector: number, ...changes: readonly Changes[]): FakeCpu {
    const cpu = twoTasks(...changes);
    writeGate(cpu, IDT + vector * 8, TASK, 0, 0x85);
    return cpu;
  }

  it('nest the task, save RF for faults and push the error code on its stack', () => {
    const cpu = withGate(VECTOR_PF);
    cpu.state.eflags = 2;
    expect(deliver(cpu, { vector: VECTOR_PF, errorCode: 5, kind: 'exception' })).toEqual({ kind: 'delivered' });
    const { state } = cpu;
    expect([state.eip, state.eflags & NT, cpu.readLinear(NEW_TSS, 2)]).toEqual([ENTRY, NT, selectors.tss]);
    expect(cpu.readLinear(TSS + 0x24, 4) & RF).toBe(RF);
    expect(state.read32(slot.ESP)).toBe(0x5555_5551);
    expect(cpu.readLinear(0x5555_5551, 4)).toBe(5);
  });

  it('push none for interrupts', () => {
    const cpu = withGate(0x30);
    deliver(cpu, { vector: 0x30, errorCode: undefined, kind: 'external' });
    expect([cpu.state.read32(slot.ESP), cpu.readLinear(TSS + 0x24, 4) & RF]).toEqual([0x5555_5555, 0]);
  });

  it('tell in EXT that the program did not ask for the switch', () => {
    const cpu = withGate(0x30, { offset: 0x5c, size: 2, value: selectors.absentData });
    writeGate(cpu, IDT + VECTOR_NP * 8, selectors.code, 0x7777, 0x8e);
    deliver(cpu, { vector: 0x30, errorCode: undefined, kind: 'external' });
    expect(cpu.state.eip).toBe(0x7777);
    expect(cpu.readLinear(cpu.state.read32(slot.ESP), 4)).toBe(selectors.absentData | 1);
  });

  it('give a double fault a task of its own when the stack is gone', () => {
    const cpu = withGate(8);
    writeGate(cpu, IDT + VECTOR_PF * 8, selectors.code, 0x7777, 0x8e);
    cpu.state.setSegment(SS, { ...cpu.state.segment(SS), limit: 0 });
    deliver(cpu, { vector: VECTOR_PF, errorCode: 2, kind: 'exception' });
    expect([cpu.state.eip, cpu.state.segmentAt(slot.TR).selector]).toEqual([ENTRY, TASK]);
    expect(cpu.readLinear(cpu.state.read32(slot.ESP), 4)).toBe(0);
  });
});
