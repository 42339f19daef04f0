import { describe, expect, it } from 'vitest';
import { type CpuModel, cpuModels, modelFacts } from '../isa/cpu-model.ts';
import { slot } from '../state/layout.ts';
import { msrRows } from '../state/msr-table.ts';
import { EXIT, NEXT, VECTOR_GP } from './cpu.ts';
import { execute, type FakeCpu, faultOf, protectedCpu, realCpu, withModel } from './fake-cpu.ts';
import { modelSpecificRegisters } from './model-specific-registers.ts';
import { resetCpu } from './reset.ts';

function cpuOf(model: CpuModel): FakeCpu {
  const cpu = withModel(realCpu(), model);
  resetCpu(cpu.state, cpu.model);
  return cpu;
}

function read(cpu: FakeCpu, number: number): bigint {
  cpu.state.write32(slot.ECX, number);
  expect(execute(cpu, 'RDMSR')).toBe(NEXT);
  return (BigInt(cpu.state.read32(slot.EDX)) << 32n) | BigInt(cpu.state.read32(slot.EAX));
}

function write(cpu: FakeCpu, number: number, value: bigint): void {
  cpu.state.write32(slot.ECX, number);
  cpu.state.write32(slot.EAX, Number(value & 0xffff_ffffn));
  cpu.state.write32(slot.EDX, Number(value >> 32n));
  expect(execute(cpu, 'WRMSR')).toBe(EXIT);
}

const refused = [VECTOR_GP, 0];

describe('the table of model-specific registers', () => {
  it('is in order, with one row for each number, vendor and feature', () => {
    const keys = msrRows.map(({ number, vendor, feature }) => `${number} ${vendor ?? ''} ${feature}`);
    expect(new Set(keys).size).toBe(keys.length);
    const numbers = msrRows.map(({ number }) => number);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  });

  it.each(cpuModels)('gives %s the registers of its features, with their reset values', (model) => {
    const cpu = cpuOf(model);
    const registers = modelSpecificRegisters(modelFacts(model));
    if (!modelFacts(model).features.has('MSR')) expect(registers.size).toBe(0);
    for (const { number, behaviour, reset } of registers.values()) {
      if (behaviour === 'write-only') continue;
      expect([number, read(cpu, number)]).toEqual([number, reset]);
    }
  });

  it('grows from model to model', () => {
    const counts = (['486', 'pentium', 'pentium3', 'core2', 'max'] as const).map(
      (model) => modelSpecificRegisters(modelFacts(model)).size,
    );
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    expect(counts[0]).toBe(0);
    expect(new Set(counts).size).toBe(counts.length);
  });
});

describe('RDMSR and WRMSR', () => {
  it('of a register that the model has not are #GP, and told', () => {
    const cpu = cpuOf('pentium');
    expect(faultOf(() => read(cpu, 0x277))).toEqual(refused);
    expect(faultOf(() => write(cpu, 0x4b564d00, 1n))).toEqual(refused);
    expect(cpu.messages).toEqual([
      'the guest reads model-specific register 277h, which the model pentium does not have',
      'the guest writes model-specific register 4B564D00h, which the model pentium does not have',
    ]);
  });

  it('are for level 0', () => {
    const cpu = withModel(protectedCpu(3), 'max');
    expect(faultOf(() => execute(cpu, 'RDMSR'))).toEqual(refused);
    expect(faultOf(() => execute(cpu, 'WRMSR'))).toEqual(refused);
  });

  it('are told to the embedder with number and value', () => {
    const cpu = cpuOf('pentium3');
    write(cpu, 0x174, 8n);
    read(cpu, 0x174);
    expect(cpu.events).toEqual([
      { kind: 'msr', number: 0x174, value: 8n, isWrite: true },
      { kind: 'msr', number: 0x174, value: 8n, isWrite: false },
    ]);
  });

  it.each([
    { name: 'the number of ranges', number: 0xfe, value: 0n },
    { name: 'the number of banks', number: 0x179, value: 0n },
    { name: 'reserved bits of a default type', number: 0x2ff, value: 0x1000n },
    { name: 'a default type that does not exist', number: 0x2ff, value: 0x802n },
    { name: 'a base beyond the physical addresses', number: 0x200, value: 1n << 36n },
    { name: 'reserved bits of a base', number: 0x200, value: 0x100n },
    { name: 'a type of a base that does not exist', number: 0x200, value: 7n },
    { name: 'reserved bits of a mask', number: 0x201, value: 0x400n },
    { name: 'a type of a fixed range that does not exist', number: 0x250, value: 0x0606_0606_0606_0603n },
    { name: 'a type of a page that does not exist', number: 0x277, value: 0x0000_0000_0000_0200n },
    { name: 'the status of a bank but for zero', number: 0x401, value: 1n },
    { name: 'the address of an error but for zero', number: 0x402, value: 1n },
    { name: 'more than a selector', number: 0x174, value: 1n << 32n },
  ])('refuse to write $name', ({ number, value }) => {
    const cpu = cpuOf('pentium3');
    const before = read(cpu, number);
    expect(faultOf(() => write(cpu, number, value))).toEqual(refused);
    expect(read(cpu, number)).toBe(before);
  });

  it.each([
    { number: 0x2ff, value: 0xc06n },
    { number: 0x200, value: 0xf_ffff_f006n },
    { number: 0x20f, value: 0xf_ffff_f800n },
    { number: 0x250, value: 0x0001_0405_0600_0104n },
    { number: 0x277, value: 0x0001_0405_0607_0106n },
    { number: 0x401, value: 0n },
    { number: 0x402, value: 0n },
    { number: 0x400, value: 0xffff_ffff_ffff_ffffn },
    { number: 0x17a, value: 7n },
    { number: 0x175, value: 0x8000_0000n },
  ])('keep $value in $number', ({ number, value }) => {
    const cpu = cpuOf('pentium3');
    write(cpu, number, value);
    expect(read(cpu, number)).toBe(value);
  });

  it('cut linear addresses to 32 bits where there are no more', () => {
    const cpu = cpuOf('pentium3');
    write(cpu, 0x176, 0x1234_5678_9abc_def0n);
    expect(read(cpu, 0x176)).toBe(0x9abc_def0n);
  });

  it('tell the microcode revision after CPUID, AMD at once', () => {
    const cpu = cpuOf('core2');
    write(cpu, 0x8b, 0n);
    cpu.state.write32(slot.EAX, 1);
    execute(cpu, 'CPUID');
    expect(read(cpu, 0x8b)).toBe(1n << 32n);
    write(cpu, 0x79, 0x1000n);
    expect(faultOf(() => read(cpu, 0x79))).toEqual(refused);
    const amd = cpuOf('amd-zen');
    expect([read(amd, 0x8b), faultOf(() => read(amd, 0x17))]).toEqual([0x0800_1138n, refused]);
  });
});

describe('the time-stamp counter', () => {
  const TSC = 0x10;
  const ADJUST = 0x3b;

  it('goes on from where it was put', () => {
    const cpu = cpuOf('max');
    cpu.time = 0x1_0000_0010;
    expect(read(cpu, TSC)).toBe(0x1_0000_0010n);
    write(cpu, TSC, 0xffff_fff0n);
    cpu.time += 0x20;
    expect(read(cpu, TSC)).toBe(0x1_0000_0010n);
    execute(cpu, 'RDTSC');
    expect([cpu.state.read32(slot.EDX), cpu.state.read32(slot.EAX)]).toEqual([1, 0x10]);
    expect(BigInt.asIntN(64, read(cpu, ADJUST))).toBe(-0x20n);
  });

  it('moves with its adjustment', () => {
    const cpu = cpuOf('max');
    cpu.time = 1000;
    write(cpu, ADJUST, 500n);
    expect(read(cpu, TSC)).toBe(1500n);
    write(cpu, ADJUST, 0n);
    expect(read(cpu, TSC)).toBe(1000n);
  });

  it('RDTSCP and RDPID give IA32_TSC_AUX too', () => {
    const cpu = cpuOf('max');
    write(cpu, 0xc000_0103, 0x1234n);
    cpu.time = 77;
    execute(cpu, 'RDTSCP');
    expect([slot.EAX, slot.EDX, slot.ECX].map((at) => cpu.state.read32(at))).toEqual([77, 0, 0x1234]);
    execute(cpu, 'RDPID', { operandSize: 32, rmSlot: slot.EBX });
    expect(cpu.state.read32(slot.EBX)).toBe(0x1234);
    expect(faultOf(() => write(cpu, 0xc000_0103, 1n << 32n))).toEqual(refused);
  });
});
