import { describe, expect, it } from 'vitest';
import { DF, IOPL, TF, VM } from '../../state/lazy-flags.ts';
import { ES, slot } from '../../state/layout.ts';
import { EXIT, NEXT, REPEAT, VECTOR_GP } from '../cpu.ts';
import { execute, faultOf, protectedCpu, realCpu, selectors, TSS } from '../fake-cpu.ts';
import { loadSegment } from '../segments.ts';

describe('IN and OUT', () => {
  it('move 1, 2 or 4 bytes of EAX', () => {
    const cpu = realCpu();
    cpu.state.write32(slot.EDX, 0xffff_03f8);
    cpu.portValues = [0x12, 0x3456, 0x789a_bcde];
    cpu.state.write32(slot.EAX, 0xffff_ffff);
    expect(execute(cpu, 'IN_IMMEDIATE', { immediate: 0x60, immediate2: 1 })).toBe(NEXT);
    expect(cpu.state.read32(slot.EAX)).toBe(0xffff_ff12);
    execute(cpu, 'IN_DX', { immediate2: 2 });
    expect(cpu.state.read32(slot.EAX)).toBe(0xffff_3456);
    execute(cpu, 'IN_DX', { immediate2: 4 });
    expect(cpu.state.read32(slot.EAX)).toBe(0x789a_bcde);
    expect(execute(cpu, 'OUT_IMMEDIATE', { immediate: -1, immediate2: 1 })).toBe(NEXT);
    execute(cpu, 'OUT_DX', { immediate2: 2 });
    execute(cpu, 'OUT_DX', { immediate2: 4 });
    expect(cpu.portAccesses.map(({ port, size, value }) => [port, size, value])).toEqual([
      [0x60, 1, 0x12],
      [0x3f8, 2, 0x3456],
      [0x3f8, 4, 0x789a_bcde],
      [0xff, 1, 0xde],
      [0x3f8, 2, 0xbcde],
      [0x3f8, 4, 0x789a_bcde],
    ]);
  });

  it('ask the I/O permission bitmap beyond IOPL', () => {
    const cpu = protectedCpu(3);
    cpu.writeLinear(TSS + 102, 2, 0x70);
    cpu.writeLinear(TSS + 0x70 + 0xc, 1, 0b0100_0000);
    const access = (port: number, size: number) =>
      faultOf(() => execute(cpu, 'IN_IMMEDIATE', { immediate: port, immediate2: size }));
    expect(access(0x65, 1)).toBeUndefined();
    expect(access(0x66, 1)).toEqual([VECTOR_GP, 0]);
    expect(access(0x65, 2)).toEqual([VECTOR_GP, 0]);
    expect(access(0x64, 2)).toBeUndefined();
    expect(access(0x64, 4)).toEqual([VECTOR_GP, 0]);
    expect(access(0xf0, 1)).toBeUndefined();
    expect(access(0xf8, 1)).toEqual([VECTOR_GP, 0]);
    cpu.state.eflags = IOPL;
    expect(access(0x66, 1)).toBeUndefined();
    cpu.state.eflags = IOPL | VM;
    expect(access(0x66, 1)).toEqual([VECTOR_GP, 0]);
  });

  it('are forbidden beyond IOPL without a 32-bit task that has a bitmap', () => {
    const cpu = protectedCpu(3);
    cpu.state.setSegmentAt(slot.TR, { ...cpu.state.segmentAt(slot.TR), limit: 0x66 });
    expect(faultOf(() => execute(cpu, 'OUT_DX', { immediate2: 1 }))).toEqual([VECTOR_GP, 0]);
    cpu.state.setSegmentAt(slot.TR, { ...cpu.state.segmentAt(slot.TR), limit: 0xfff, attributes: 0x83 });
    expect(faultOf(() => execute(cpu, 'INS', { immediate2: 1 }))).toEqual([VECTOR_GP, 0]);
    expect(cpu.portAccesses).toEqual([]);
  });
});

describe('INS and OUTS', () => {
  it('move one element without a prefix, by DF', () => {
    const cpu = realCpu();
    cpu.portValues = [0x1234, 0x5678];
    cpu.state.write32(slot.EDI, 0xaaaa_0010);
    cpu.state.write32(slot.ECX, 0);
    expect(execute(cpu, 'INS', { immediate2: 2 })).toBe(EXIT);
    expect([cpu.words(0x40010, 1), cpu.state.read32(slot.EDI)]).toEqual([[0x1234], 0xaaaa_0012]);
    cpu.state.eflags = DF;
    execute(cpu, 'INS', { immediate2: 2 });
    expect([cpu.words(0x40012, 1), cpu.state.read32(slot.EDI)]).toEqual([[0x5678], 0xaaaa_0010]);
  });

  it('repeat as often as the count register of the address size says', () => {
    const cpu = realCpu();
    cpu.state.write32(slot.ECX, 0x10_0003);
    cpu.state.write32(slot.ESI, 0xfffe);
    cpu.bytes.set([1, 2], 0x3fffe);
    cpu.bytes.set([3], 0x30000);
    expect(execute(cpu, 'OUTS', { immediate2: 1, repeat: true })).toBe(EXIT);
    expect(cpu.portAccesses.map(({ value }) => value)).toEqual([1, 2, 3]);
    expect([cpu.state.read32(slot.ECX), cpu.state.read32(slot.ESI)]).toEqual([0x10_0000, 1]);
    expect(execute(cpu, 'OUTS', { immediate2: 1, repeat: true })).toBe(EXIT);
    expect(cpu.portAccesses.length).toBe(3);
    cpu.state.write32(slot.ECX, 1);
    cpu.state.write32(slot.ESI, 0x1_0000);
    const beyond = () => execute(cpu, 'OUTS', { immediate2: 1, repeat: true, addressSize: 32 });
    expect(faultOf(beyond)).toEqual([VECTOR_GP, 0]);
    expect([cpu.state.read32(slot.ECX), cpu.state.read32(slot.ESI)]).toEqual([1, 0x1_0000]);
  });

  it('come back in between so that interrupts can be taken, and continue from the registers', () => {
    const cpu = realCpu();
    cpu.state.write32(slot.ECX, 100);
    cpu.state.write32(slot.EDI, 0);
    cpu.portValues = Array.from({ length: 100 }, (_, index) => index);
    let runs = 1;
    while (execute(cpu, 'INS', { immediate2: 1, repeat: true }) === REPEAT) runs++;
    expect(runs).toBeGreaterThan(1);
    expect([cpu.state.read32(slot.ECX), cpu.state.read32(slot.EDI)]).toEqual([0, 100]);
    expect([...cpu.bytes.subarray(0x40000, 0x40064)]).toEqual(Array.from({ length: 100 }, (_, index) => index));
  });

  it('make one iteration at a time while TF is set', () => {
    const cpu = realCpu();
    cpu.state.write32(slot.ECX, 2);
    cpu.state.eflags = TF;
    expect(execute(cpu, 'OUTS', { immediate2: 1, repeat: true })).toBe(REPEAT);
    expect(cpu.state.read32(slot.ECX)).toBe(1);
    expect(execute(cpu, 'OUTS', { immediate2: 1, repeat: true })).toBe(EXIT);
  });

  it('stop exactly at a fault, with nothing lost from the device', () => {
    const cpu = realCpu();
    cpu.state.write32(slot.ECX, 5);
    cpu.state.write32(slot.EDI, 0xfffb);
    cpu.portValues = [1, 2, 3, 4, 5];
    const input = () => execute(cpu, 'INS', { immediate2: 2, repeat: true });
    expect(faultOf(input)).toEqual([VECTOR_GP, 0]);
    expect([cpu.state.read32(slot.ECX), cpu.state.read32(slot.EDI)]).toEqual([3, 0xffff]);
    expect(cpu.portAccesses.length).toBe(2);
  });

  it('check that the destination may be written before they read the port', () => {
    const cpu = protectedCpu();
    loadSegment(cpu, ES, selectors.readOnly);
    expect(faultOf(() => execute(cpu, 'INS', { immediate2: 1 }))).toEqual([VECTOR_GP, 0]);
    loadSegment(cpu, ES, 0);
    expect(faultOf(() => execute(cpu, 'INS', { immediate2: 1 }))).toEqual([VECTOR_GP, 0]);
    expect(cpu.portAccesses).toEqual([]);
  });
});
