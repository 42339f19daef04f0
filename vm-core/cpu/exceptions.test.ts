import { describe, expect, it } from 'vitest';
import { IF, NT, RF, TF, VM } from '../state/lazy-flags.ts';
import { CS, DS, ES, FS, GS, SS, slot } from '../state/layout.ts';
import {
  VECTOR_DB,
  VECTOR_DE,
  VECTOR_DF,
  VECTOR_GP,
  VECTOR_NMI,
  VECTOR_NP,
  VECTOR_PF,
  VECTOR_SS,
  VECTOR_TS,
} from './cpu.ts';
import { DR7_GD } from './debug-registers.ts';
import { deliver } from './exceptions.ts';
import { GDT, IDT, protectedCpu, realCpu, selectors, TSS, writeDescriptor, writeGate } from './fake-cpu.ts';
import type { FakeCpu } from './fake-cpu.ts';
import { setPrivilegeLevel } from './mode.ts';
import { setVirtual8086Segment } from './segments.ts';

const exception = (vector: number, errorCode?: number) => ({ vector, errorCode, kind: 'exception' as const });
const external = (vector: number) => ({ vector, errorCode: undefined, kind: 'external' as const });

const INTERRUPT_GATE_32 = 0x8e;
const TRAP_GATE_32 = 0x8f;
const INTERRUPT_GATE_16 = 0x86;
const TRAP_GATE_16 = 0x87;

const setGate = (cpu: FakeCpu, vector: number, attributes: number, target: number = selectors.code, offset = 0x16000) =>
  writeGate(cpu, IDT + vector * 8, target, offset, attributes);

/** The vectors and error codes of a shutdown's chain. */
function chainOf(
  cpu: FakeCpu,
  event: Parameters<typeof deliver>[1],
): readonly (readonly [number, number | undefined])[] {
  const delivery = deliver(cpu, event);
  if (delivery.kind !== 'triple-fault') throw new Error(`expected a shutdown, got ${delivery.kind}`);
  return delivery.chain.map(({ vector, errorCode }) => [vector, errorCode]);
}

describe('delivery in real mode', () => {
  it('pushes FLAGS, CS and IP, clears IF and TF, and changes only selector and base of CS', () => {
    const cpu = realCpu();
    cpu.writeLinear(0x21 * 4, 4, 0xf000_1234);
    cpu.state.eflags = IF | TF | 0x0801;
    cpu.state.setSegment(CS, { ...cpu.state.segment(CS), limit: 0xfffff });
    cpu.state.write8(slot.HALTED, 1);
    expect(deliver(cpu, external(0x21))).toEqual({ kind: 'delivered' });
    expect(cpu.words(0x200fa, 3)).toEqual([0x200, 0x1000, 0x0b03]);
    expect(cpu.state.read32(slot.ESP)).toBe(0xfa);
    expect(cpu.state.segment(CS)).toEqual({ selector: 0xf000, base: 0xf0000, limit: 0xfffff, attributes: 0x9b });
    expect(cpu.state.eip).toBe(0x1234);
    expect(cpu.state.eflags).toBe(0x0803);
    expect(cpu.state.read8(slot.HALTED)).toBe(0);
  });

  it('pushes no error code', () => {
    const cpu = realCpu();
    cpu.writeLinear(VECTOR_GP * 4, 4, 0x0100_0000);
    deliver(cpu, exception(VECTOR_GP, 0));
    expect(cpu.state.read32(slot.ESP)).toBe(0xfa);
  });

  it('follows a relocated interrupt table', () => {
    const cpu = realCpu();
    cpu.state.write32(slot.IDTR_BASE, 0x7000);
    cpu.writeLinear(0x7000, 4, 0x5000_6000);
    deliver(cpu, exception(VECTOR_DE));
    expect([cpu.state.segment(CS).selector, cpu.state.eip]).toEqual([0x5000, 0x6000]);
  });

  it('raises exception 8 for a vector beyond the table', () => {
    const cpu = realCpu();
    cpu.state.write16(slot.IDTR_LIMIT, 0x3ff - 1);
    cpu.writeLinear(VECTOR_DF * 4, 4, 0x0800_0008);
    expect(deliver(cpu, external(0xff))).toEqual({ kind: 'delivered' });
    expect(cpu.state.eip).toBe(8);
    cpu.state.write16(slot.IDTR_LIMIT, 0x3ff);
    deliver(cpu, external(0xff));
    expect(cpu.state.eip).toBe(0);
  });

  it('wraps the stack pointer at 64 KiB and leaves the upper half of ESP', () => {
    const cpu = realCpu();
    cpu.state.write32(slot.ESP, 0xabcd_0002);
    deliver(cpu, exception(VECTOR_DE));
    expect(cpu.state.read32(slot.ESP)).toBe(0xabcd_fffc);
    expect(cpu.words(0x20000, 1)).toEqual([2]);
    expect(cpu.words(0x2fffc, 2)).toEqual([0x200, 0x1000]);
  });

  it('shuts down when there is no room for any handler, with nothing changed', () => {
    const cpu = realCpu();
    cpu.state.write32(slot.ESP, 1);
    expect(chainOf(cpu, exception(VECTOR_DE))).toEqual([
      [VECTOR_DE, undefined],
      [VECTOR_SS, 0],
      [VECTOR_DF, 0],
    ]);
    expect([cpu.state.read32(slot.ESP), cpu.state.eip, cpu.state.segment(CS).selector]).toEqual([1, 0x200, 0x1000]);
  });

  it('shuts down with an empty interrupt table', () => {
    const cpu = realCpu();
    cpu.state.write16(slot.IDTR_LIMIT, 0);
    const delivery = deliver(cpu, external(8));
    expect(delivery).toEqual({
      kind: 'triple-fault',
      chain: [
        { vector: 8, errorCode: undefined, kind: 'external', cs: 0x1000, eip: 0x200, linearAddress: 0x10200 },
        { vector: 8, errorCode: 0, kind: 'exception', cs: 0x1000, eip: 0x200, linearAddress: 0x10200 },
      ],
    });
  });
});

describe('delivery in protected mode at the same level', () => {
  it('pushes 32-bit EFLAGS, CS, EIP and the error code, with RF set for a fault', () => {
    const cpu = protectedCpu();
    setGate(cpu, VECTOR_GP, INTERRUPT_GATE_32);
    cpu.state.eflags = IF | TF | NT;
    deliver(cpu, exception(VECTOR_GP, 0x58));
    expect(cpu.doubleWords(0x7ff0, 4)).toEqual([0x58, 0x5000, selectors.code, IF | TF | NT | RF | 2]);
    expect(cpu.state.eflags).toBe(2);
    expect(cpu.state.eip).toBe(0x16000);
    expect(cpu.state.read32(slot.ESP)).toBe(0x7ff0);
  });

  it('leaves IF with a trap gate, and RF as it is for traps and interrupts', () => {
    const cpu = protectedCpu();
    setGate(cpu, 0x30, TRAP_GATE_32);
    cpu.state.eflags = IF;
    deliver(cpu, external(0x30));
    expect(cpu.doubleWords(0x7ff4, 3)).toEqual([0x5000, selectors.code, IF | 2]);
    expect(cpu.state.eflags).toBe(IF | 2);
  });

  it('sets RF when a repeated string instruction was interrupted', () => {
    const cpu = protectedCpu();
    setGate(cpu, 0x30, INTERRUPT_GATE_32);
    deliver(cpu, { ...external(0x30), resume: true });
    expect(cpu.doubleWords(0x7ffc, 1)).toEqual([RF | 2]);
  });

  it('pushes words through a 16-bit gate and takes 16 bits of its offset', () => {
    const cpu = protectedCpu();
    setGate(cpu, VECTOR_GP, INTERRUPT_GATE_16);
    deliver(cpu, exception(VECTOR_GP, 0x58));
    expect(cpu.words(0x7ff8, 4)).toEqual([0x58, 0x5000, selectors.code, 2]);
    expect(cpu.state.eip).toBe(0x6000);
    setGate(cpu, 3, TRAP_GATE_16);
    cpu.state.eflags = IF;
    deliver(cpu, external(3));
    expect(cpu.state.eflags).toBe(IF | 2);
  });

  it('pushes no error code for an external interrupt with the number of a fault', () => {
    const cpu = protectedCpu();
    setGate(cpu, VECTOR_GP, INTERRUPT_GATE_32);
    deliver(cpu, external(VECTOR_GP));
    expect(cpu.state.read32(slot.ESP)).toBe(0x7ff4);
  });

  it('lets the handler of a debug exception use the debug registers', () => {
    const cpu = protectedCpu();
    setGate(cpu, VECTOR_DB, INTERRUPT_GATE_32);
    cpu.state.write32(slot.DR7, 0x400 | DR7_GD);
    deliver(cpu, exception(VECTOR_DB));
    expect(cpu.state.read32(slot.DR7)).toBe(0x400);
  });

  it('blocks further NMIs after one was delivered, and only then', () => {
    const cpu = protectedCpu();
    setGate(cpu, VECTOR_NMI, INTERRUPT_GATE_32);
    deliver(cpu, external(VECTOR_NMI));
    expect(cpu.state.read8(slot.NMI_BLOCKED)).toBe(0);
    deliver(cpu, { ...external(VECTOR_NMI), nonMaskable: true });
    expect(cpu.state.read8(slot.NMI_BLOCKED)).toBe(1);
  });

  it('finds the busy task behind a task gate, which is #GP', () => {
    const cpu = protectedCpu();
    setGate(cpu, 0x30, 0x85, selectors.tss);
    setGate(cpu, VECTOR_GP, 0x8e, selectors.code);
    expect(deliver(cpu, external(0x30))).toEqual({ kind: 'delivered' });
    expect(cpu.readLinear(cpu.state.read32(slot.ESP), 4)).toBe(selectors.tss | 1);
  });
});

describe('delivery to an inner level', () => {
  it('switches to the stack of the task and pushes the old one', () => {
    const cpu = protectedCpu(3);
    setGate(cpu, 0x30, INTERRUPT_GATE_32);
    cpu.state.eflags = IF;
    deliver(cpu, external(0x30));
    expect(cpu.doubleWords(0x9000 - 20, 5)).toEqual([0x5000, selectors.userCode, IF | 2, 0x8000, selectors.userData]);
    expect(cpu.state.read32(slot.ESP)).toBe(0x9000 - 20);
    expect([cpu.state.segment(SS).selector, cpu.state.segment(CS).selector]).toEqual([selectors.data, selectors.code]);
    expect(cpu.state.read8(slot.CPL)).toBe(0);
    expect(cpu.derivedChanges).toContain(slot.CPL);
  });

  it('keeps level and stack in a conforming handler', () => {
    const cpu = protectedCpu(3);
    setGate(cpu, 0x30, INTERRUPT_GATE_32, selectors.conforming, 0x600);
    deliver(cpu, external(0x30));
    expect(cpu.state.read8(slot.CPL)).toBe(3);
    expect(cpu.state.segment(CS).selector).toBe(selectors.conforming | 3);
    expect(cpu.state.read32(slot.ESP)).toBe(0x7ff4);
  });

  it('takes SP0 and SS0 from a 16-bit task-state segment', () => {
    const cpu = protectedCpu(3);
    cpu.state.setSegmentAt(slot.TR, { selector: selectors.tss16, base: TSS, limit: 0x2b, attributes: 0x83 });
    cpu.writeLinear(TSS + 2, 2, 0x7700);
    cpu.writeLinear(TSS + 4, 2, selectors.data);
    setGate(cpu, 0x30, INTERRUPT_GATE_32);
    deliver(cpu, external(0x30));
    expect(cpu.state.read32(slot.ESP)).toBe(0x7700 - 20);
  });

  const stackFaults: readonly (readonly [string, number, number, number])[] = [
    ['null', 0, VECTOR_TS, 1],
    ['beyond the table', 0x100, VECTOR_TS, 0x101],
    ['with the wrong RPL', selectors.data | 1, VECTOR_TS, 0x11],
    ['of the wrong level', selectors.userData & ~3, VECTOR_TS, 0x31],
    ['read-only', selectors.readOnly, VECTOR_TS, 0x61],
    ['absent', selectors.absentData, VECTOR_SS, 0x79],
  ];
  it.each(stackFaults)('refuses a stack that is %s', (_name, selector, vector, errorCode) => {
    const cpu = protectedCpu(3);
    setGate(cpu, 0x30, INTERRUPT_GATE_32);
    setGate(cpu, vector, INTERRUPT_GATE_32, selectors.conforming, 0x700);
    cpu.writeLinear(TSS + 8, 2, selector);
    expect(deliver(cpu, external(0x30))).toEqual({ kind: 'delivered' });
    expect(cpu.state.eip).toBe(0x700);
    expect(cpu.doubleWords(0x7ff0, 1)).toEqual([errorCode]);
  });

  it('raises #TS with the task when its state segment is too small', () => {
    const cpu = protectedCpu(3);
    cpu.state.setSegmentAt(slot.TR, { ...cpu.state.segmentAt(slot.TR), limit: 8 });
    setGate(cpu, 0x30, INTERRUPT_GATE_32);
    setGate(cpu, VECTOR_TS, INTERRUPT_GATE_32, selectors.conforming, 0x700);
    deliver(cpu, external(0x30));
    expect(cpu.doubleWords(0x7ff0, 1)).toEqual([selectors.tss | 1]);
  });

  it('raises #SS with the new stack when it has no room', () => {
    const cpu = protectedCpu(3);
    writeDescriptor(cpu, GDT + selectors.data, 0, 0xf, 0x492);
    cpu.writeLinear(TSS + 4, 4, 0x1000);
    setGate(cpu, 0x30, INTERRUPT_GATE_32);
    setGate(cpu, VECTOR_SS, INTERRUPT_GATE_32, selectors.conforming, 0x700);
    deliver(cpu, external(0x30));
    expect(cpu.doubleWords(0x7ff0, 1)).toEqual([selectors.data | 1]);
  });

  it('saves the segments of virtual-8086 mode and starts the handler with null ones', () => {
    const cpu = protectedCpu();
    cpu.state.eflags = IF | VM;
    setPrivilegeLevel(cpu.state, 3);
    for (const index of [ES, CS, SS, DS, FS, GS] as const) setVirtual8086Segment(cpu.state, index, 0x1000 + index);
    setGate(cpu, VECTOR_GP, INTERRUPT_GATE_32);
    deliver(cpu, exception(VECTOR_GP, 0));
    expect(cpu.doubleWords(0x9000 - 40, 10)).toEqual([
      0,
      0x5000,
      0x1001,
      IF | VM | RF | 2,
      0x8000,
      0x1002,
      0x1000,
      0x1003,
      0x1004,
      0x1005,
    ]);
    expect(cpu.state.eflags).toBe(2);
    expect(cpu.state.read8(slot.CPL)).toBe(0);
    expect([ES, DS, FS, GS].map((index) => cpu.state.segment(index).attributes)).toEqual([0, 0, 0, 0]);
    expect(cpu.state.segment(SS).selector).toBe(selectors.data);
  });
});

describe('gates that cannot be used', () => {
  const gates: readonly (readonly [string, number, number, number, number])[] = [
    ['a type that is no gate', 0x8c, selectors.code, VECTOR_GP, 0x30 * 8 + 3],
    ['absent', 0x0e, selectors.code, VECTOR_NP, 0x30 * 8 + 3],
    ['a null selector', INTERRUPT_GATE_32, 0, VECTOR_GP, 1],
    ['a data segment', INTERRUPT_GATE_32, selectors.data, VECTOR_GP, selectors.data | 1],
    ['an absent code segment', INTERRUPT_GATE_32, selectors.absentCode, VECTOR_NP, selectors.absentCode | 1],
    ['an outer code segment', INTERRUPT_GATE_32, selectors.userCode, VECTOR_GP, 0x29],
    ['an offset beyond the code segment', INTERRUPT_GATE_32, selectors.smallCode, VECTOR_GP, 1],
  ];
  it.each(gates)('%s', (_name, attributes, target, vector, errorCode) => {
    const cpu = protectedCpu();
    setGate(cpu, 0x30, attributes, target);
    setGate(cpu, vector, INTERRUPT_GATE_32);
    deliver(cpu, external(0x30));
    expect(cpu.state.eip).toBe(0x16000);
    expect(cpu.doubleWords(0x7ff0, 1)).toEqual([errorCode]);
  });
});

describe('faults during delivery', () => {
  it('are handled one after the other when the first was benign', () => {
    const cpu = protectedCpu();
    setGate(cpu, VECTOR_NP, INTERRUPT_GATE_32);
    setGate(cpu, 6, 0x0e);
    expect(deliver(cpu, exception(6))).toEqual({ kind: 'delivered' });
    expect(cpu.doubleWords(0x7ff0, 1)).toEqual([6 * 8 + 3]);
  });

  const pairs: readonly (readonly [string, number, number, boolean])[] = [
    ['#DE then #NP', VECTOR_DE, 0x0e, true],
    ['#GP then #NP', VECTOR_GP, 0x0e, true],
    ['#PF then #NP', VECTOR_PF, 0x0e, true],
    ['#DB then #NP', VECTOR_DB, 0x0e, false],
  ];
  it.each(pairs)('%s', (_name, first, attributes, doubleFault) => {
    const cpu = protectedCpu();
    setGate(cpu, first, attributes);
    setGate(cpu, VECTOR_NP, INTERRUPT_GATE_32, selectors.code, 0x100);
    setGate(cpu, VECTOR_DF, INTERRUPT_GATE_32, selectors.code, 0x200);
    expect(deliver(cpu, exception(first, 0))).toEqual({ kind: 'delivered' });
    expect(cpu.state.eip).toBe(doubleFault ? 0x200 : 0x100);
    expect(cpu.doubleWords(0x7ff0, 1)).toEqual([doubleFault ? 0 : first * 8 + 3]);
  });

  it('shut the processor down when the double fault has no handler', () => {
    const cpu = protectedCpu();
    expect(chainOf(cpu, exception(VECTOR_DE))).toEqual([
      [VECTOR_DE, undefined],
      [VECTOR_GP, VECTOR_DE * 8 + 3],
      [VECTOR_DF, 0],
    ]);
    expect([cpu.state.eip, cpu.state.read32(slot.ESP)]).toEqual([0x5000, 0x8000]);
  });

  it('end in shutdown from a benign event through two contributory faults', () => {
    const cpu = protectedCpu();
    cpu.state.write16(slot.IDTR_LIMIT, 0);
    expect(chainOf(cpu, external(0x30))).toEqual([
      [0x30, undefined],
      [VECTOR_GP, 0x30 * 8 + 3],
      [VECTOR_GP, VECTOR_GP * 8 + 3],
      [VECTOR_DF, 0],
    ]);
  });
});
