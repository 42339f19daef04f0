/**
 * Every model-specific register on every model against what the manuals say of it (SDM vol. 4; vol. 3A §11.11, §15.3; AMD64
 * manual vol. 2 appendix A), written down here a second time: who has it, its value after RESET, the values it takes.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CpuModel, cpuModels, modelFacts } from '../isa/cpu-model.ts';
import { CR0_PG } from '../state/control-bits.ts';
import { slot } from '../state/layout.ts';
import { msrRows } from '../state/msr-table.ts';
import { EXIT, NEXT, VECTOR_GP } from './cpu.ts';
import { execute, type FakeCpu, faultOf, realCpu, withModel } from './fake-cpu.ts';
import { modelSpecificRegisters } from './model-specific-registers.ts';
import { ALL, LOW, resetOf, rules, rulesOf } from './msr-rules.ts';
import { resetCpu } from './reset.ts';

const MISC_ENABLE = 0x1a0;

function cpuOf(model: CpuModel): FakeCpu {
  const cpu = withModel(realCpu(), model);
  resetCpu(cpu.state, cpu.model);
  return cpu;
}

function read(cpu: FakeCpu, number: number): bigint | undefined {
  cpu.state.write32(slot.ECX, number);
  const fault = faultOf(() => expect(execute(cpu, 'RDMSR')).toBe(NEXT));
  if (fault) expect(fault).toEqual([VECTOR_GP, 0]);
  if (fault) return undefined;
  return (BigInt(cpu.state.read32(slot.EDX)) << 32n) | BigInt(cpu.state.read32(slot.EAX));
}

/** True if the write is taken. */
function write(cpu: FakeCpu, number: number, value: bigint): boolean {
  cpu.state.write32(slot.ECX, number);
  cpu.state.write32(slot.EAX, Number(value & LOW));
  cpu.state.write32(slot.EDX, Number(value >> 32n));
  const fault = faultOf(() => expect(execute(cpu, 'WRMSR')).toBe(EXIT));
  if (fault) expect(fault).toEqual([VECTOR_GP, 0]);
  return fault === undefined;
}

/** Values near what registers take: few bits, memory types, addresses at the end of the canonical ones, and any. */
const values = fc.oneof(
  fc.bigInt({ min: 0n, max: ALL }),
  fc
    .array(fc.integer({ min: 0, max: 63 }), { maxLength: 3 })
    .map((bits) => bits.reduce((sum, n) => sum | (1n << BigInt(n)), 0n)),
  fc
    .array(fc.constantFrom<bigint>(0n, 1n, 4n, 5n, 6n, 7n, 2n), { minLength: 8, maxLength: 8 })
    .map((types) => types.reduce((sum: bigint, type: bigint) => (sum << 8n) | type, 0n)),
  fc
    .tuple(fc.constantFrom(46n, 47n, 48n, 55n, 56n, 57n), fc.bigInt({ min: -9n, max: 9n }))
    .map(([bit, n]) => BigInt.asUintN(64, n - (1n << bit))),
  fc
    .tuple(fc.bigInt({ min: 0n, max: 0x7ffn }), fc.bigInt({ min: 0n, max: (1n << 34n) - 1n }))
    .map(([low, pages]) => (pages << 12n) | low),
  fc.constantFrom(0x4_1081n, 0x1001n, 0x4_0044_1081n, 0x1080n, 0n, ALL),
);

describe('the rules that are written down here', () => {
  it('are of all registers of the table, and of no others', () => {
    const ruled = rules.flatMap(({ numbers, vendor }) => numbers.map((number) => `${number} ${vendor ?? ''}`));
    expect(ruled.sort()).toEqual(msrRows.map(({ number, vendor }) => `${number} ${vendor ?? ''}`).sort());
  });
});

describe.each(cpuModels)('the registers of %s', (name) => {
  const facts = modelFacts(name);
  const held = rulesOf(facts);

  it('are those of its features', () => {
    expect([...modelSpecificRegisters(facts).keys()].sort()).toEqual([...held.keys()].sort());
  });

  it('have their values after RESET; others are #GP', () => {
    const cpu = cpuOf(name);
    if (!facts.features.has('MSR')) return;
    for (const { number } of msrRows) {
      const rule = held.get(number);
      const readable = rule && (!rule.gives || rule.gives(0n, facts) !== undefined);
      expect([number, read(cpu, number)]).toEqual([number, readable ? resetOf(rule, facts) : undefined]);
    }
  });

  it('take what they may, give it back, and are left alone by what they refuse', () => {
    if (!facts.features.has('MSR')) return;
    const cpu = cpuOf(name);
    const numbers = fc.constantFrom(
      ...msrRows.map(({ number }) => number),
      0x2,
      0x35,
      0x410,
      0x700,
      0xc000_0085,
      0x4000_0000,
    );
    fc.assert(
      fc.property(numbers, values, (number, value) => {
        const rule = held.get(number);
        const before = read(cpu, number);
        const expected = rule?.takes(value, facts, before ?? 0n) === true;
        expect(write(cpu, number, value)).toBe(expected);
        const after = !expected ? before : rule?.gives ? rule.gives(value, facts) : value;
        expect(read(cpu, number)).toBe(after);
        // What it takes away, no other register shall miss: there is a test of its own for that.
        if (number === MISC_ENABLE && expected && rule) write(cpu, number, resetOf(rule, facts));
      }),
      { numRuns: 4000 },
    );
  });

  it('leave EFER.LME alone while paging is on', () => {
    if (!facts.features.has('LM')) return;
    const cpu = cpuOf(name);
    cpu.state.write32(slot.CR0, cpu.state.read32(slot.CR0) | CR0_PG);
    expect([write(cpu, 0xc000_0080, 0x100n), write(cpu, 0xc000_0080, 1n)]).toEqual([false, true]);
  });
});

describe('IA32_MISC_ENABLE', () => {
  const ask = (cpu: FakeCpu, leaf: number) => {
    cpu.state.write32(slot.EAX, leaf);
    cpu.state.write32(slot.ECX, 0);
    execute(cpu, 'CPUID');
    return [slot.EAX, slot.ECX, slot.EDX].map((at) => cpu.state.read32(at)) as [number, number, number];
  };

  it('takes MONITOR, leaves and execute-disable out of CPUID, and NXE out of EFER', () => {
    const cpu = cpuOf('core2');
    const told = () => [ask(cpu, 0)[0], (ask(cpu, 1)[1] >> 3) & 1, (ask(cpu, 0x8000_0001)[2] >> 20) & 1];
    expect(told()).toEqual([0xa, 1, 1]);
    expect(write(cpu, 0x1a0, 0x4_0040_1081n)).toBe(true);
    expect(told()).toEqual([2, 0, 0]);
    expect(write(cpu, 0xc000_0080, 0x800n)).toBe(false);
    expect(write(cpu, 0x1a0, 0x4_1081n)).toBe(true);
    expect([...told(), write(cpu, 0xc000_0080, 0x800n)]).toEqual([0xa, 1, 1, true]);
  });
});
