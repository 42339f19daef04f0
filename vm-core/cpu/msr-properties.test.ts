/**
 * Every model-specific register on every model against what the manuals say of it (SDM vol. 4; vol. 3A §11.11, §15.3; AMD64
 * manual vol. 2 appendix A), written down here a second time: who has it, its value after RESET, the values it takes.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CpuFeature } from '../isa/cpu-feature.ts';
import { type CpuModel, type CpuModelFacts, cpuModels, modelFacts } from '../isa/cpu-model.ts';
import { CR0_PG } from '../state/control-bits.ts';
import { slot } from '../state/layout.ts';
import { msrRows } from '../state/msr-table.ts';
import { EXIT, NEXT, VECTOR_GP } from './cpu.ts';
import { execute, type FakeCpu, faultOf, realCpu, withModel } from './fake-cpu.ts';
import { modelSpecificRegisters } from './model-specific-registers.ts';
import { resetCpu } from './reset.ts';

const ALL = (1n << 64n) - 1n;
const LOW = 0xffff_ffffn;

interface Rule {
  readonly numbers: readonly number[];
  readonly feature: CpuFeature;
  readonly vendor?: 'GenuineIntel' | 'AuthenticAMD';
  readonly reset?: bigint | ((facts: CpuModelFacts) => bigint);
  /** Whether a write of the value is taken. */
  readonly takes: (value: bigint, facts: CpuModelFacts, before: bigint) => boolean;
  /** What is read after it; the value itself unless it says otherwise, undefined where reading is refused. */
  readonly gives?: (value: bigint, facts: CpuModelFacts) => bigint | undefined;
}

const has = (value: bigint, bits: bigint) => (value & bits) !== 0n;
const within = (bits: bigint) => (value: bigint) => !has(value, ALL ^ bits);
const anything = () => true;
const nothing = () => false;
const physical = ({ physicalBits }: CpuModelFacts) => (1n << BigInt(physicalBits)) - 1n;
const bytes = (value: bigint) =>
  [0n, 8n, 16n, 24n, 32n, 40n, 48n, 56n].map((shift) => Number((value >> shift) & 0xffn));
const isRangeType = (type: number) => [0, 1, 4, 5, 6].includes(type);
const steps = (first: number, count: number, by: number) => Array.from({ length: count }, (_, n) => first + n * by);

/** Canonical, where there are 64 bits; otherwise all but 32 bits are lost. */
const canonical = (value: bigint, { features }: CpuModelFacts) => {
  if (!features.has('LM')) return true;
  const unused = features.has('LA57') ? 56n : 47n;
  const upper = value >> unused;
  return upper === 0n || upper === ALL >> unused;
};
const address = {
  takes: canonical,
  gives: (value: bigint, { features }: CpuModelFacts) => (features.has('LM') ? value : value & LOW),
};

/** SDM vol. 3B §19.2: counters of the models that have their version of performance monitoring. */
const perfmon: Readonly<Partial<Record<CpuModel, readonly [version: number, counters: number, bits: number]>>> = {
  pentium3: [0, 2, 40],
  core2: [2, 2, 40],
  'x86-64-v2': [3, 4, 48],
  'x86-64-v3': [3, 4, 48],
  max: [5, 8, 48],
};
const perfmonOf = ({ name }: CpuModelFacts) => perfmon[name] ?? [0, 0, 0];
const ones = (count: number) => (1n << BigInt(count)) - 1n;
const counterMask = (facts: CpuModelFacts) => ones(perfmonOf(facts)[1]) | (7n << 32n);
/** Counting for the other threads of a core came with version 3 and went with version 5. */
const hasAny = (facts: CpuModelFacts) => [3, 4].includes(perfmonOf(facts)[0]);
const intelCounters = { vendor: 'GenuineIntel' } as const;
const extended = { feature: 'PerfCtrExtCore', vendor: 'AuthenticAMD', takes: anything } as const;
const eventSelect = {
  ...intelCounters,
  takes: (value: bigint, facts: CpuModelFacts) => within(hasAny(facts) ? LOW : LOW ^ (1n << 21n))(value),
};
/** Of 64 bits that are written 32 are taken, with their sign. */
const counter = {
  ...intelCounters,
  takes: anything,
  gives: (value: bigint, facts: CpuModelFacts) => BigInt.asIntN(32, value) & ones(perfmonOf(facts)[2]),
};
const wholeCounter = {
  ...intelCounters,
  takes: (value: bigint, facts: CpuModelFacts) => within(ones(perfmonOf(facts)[2]))(value),
};
/** It reads as zero; which bits of the status it clears, or sets, is tested with the counters. */
const ofStatus = (others: bigint) => ({
  ...intelCounters,
  takes: (value: bigint, facts: CpuModelFacts) =>
    within(counterMask(facts) | others | (perfmonOf(facts)[0] >= 4 ? 3n << 58n : 0n))(value),
  gives: () => 0n,
});

const counterRules: readonly Rule[] = [
  { numbers: [0xc1, 0xc2], feature: 'PMC2', ...counter },
  { numbers: [0xc3, 0xc4], feature: 'PERFMON3', ...counter },
  { numbers: [0xc5, 0xc6, 0xc7, 0xc8], feature: 'PMC8', ...counter },
  { numbers: [0x186, 0x187], feature: 'PMC2', ...eventSelect },
  { numbers: [0x188, 0x189], feature: 'PERFMON3', ...eventSelect },
  { numbers: steps(0x18a, 4, 1), feature: 'PMC8', ...eventSelect },
  { numbers: steps(0x4c1, 4, 1), feature: 'FW_WRITE', ...wholeCounter },
  { numbers: steps(0x4c5, 4, 1), feature: 'PMC8', ...wholeCounter },
  { numbers: [0x309, 0x30a, 0x30b], feature: 'PERFMON2', ...wholeCounter },
  {
    numbers: [0x345],
    feature: 'PDCM',
    ...intelCounters,
    reset: ({ name }) => (['x86-64-v3', 'max'].includes(name) ? 0x2000n : 0n),
    takes: nothing,
  },
  {
    numbers: [0x38d],
    feature: 'PERFMON2',
    ...intelCounters,
    takes: (value, facts) => within(hasAny(facts) ? 0xfffn : 0xbbbn)(value),
  },
  { numbers: [0x38e], feature: 'PERFMON2', ...intelCounters, takes: nothing },
  {
    numbers: [0x38f],
    feature: 'PERFMON2',
    ...intelCounters,
    reset: (facts) => ones(perfmonOf(facts)[1]),
    takes: (value, facts) => within(counterMask(facts))(value),
  },
  { numbers: [0x390], feature: 'PERFMON2', ...ofStatus(3n << 62n) },
  { numbers: [0x391], feature: 'PERFMON4', ...ofStatus(1n << 62n) },
  { numbers: [0x392], feature: 'PERFMON4', ...intelCounters, takes: nothing },
  {
    ...{ numbers: [...steps(0xc001_0200, 6, 2), ...steps(0xc001_0000, 4, 1)], ...extended },
    gives: (value) => value & 0x30f_ffd7_ffffn,
  },
  {
    ...{ numbers: [...steps(0xc001_0201, 6, 2), ...steps(0xc001_0004, 4, 1)], ...extended },
    gives: (value) => value & ones(48),
  },
];

const rules: readonly Rule[] = [
  ...counterRules,
  { numbers: [0x0, 0x1], feature: 'MCE', takes: anything },
  { numbers: [0x10], feature: 'TSC', takes: anything },
  { numbers: [0x17], feature: 'PAT', vendor: 'GenuineIntel', takes: nothing },
  {
    numbers: [0x1b],
    feature: 'APIC',
    reset: 0xfee0_0900n,
    takes: (value, facts, before) => {
      if (has(value, ALL ^ (physical(facts) & ~0xfffn) ^ 0xd00n)) return false;
      const ways: Readonly<Record<string, readonly string[]>> = {
        off: ['off', 'on'],
        on: facts.features.has('x2APIC') ? ['off', 'on', 'x2'] : ['off', 'on'],
        x2: ['off', 'x2'],
      };
      const modes = ['off', 'none', 'on', 'x2'];
      const modeOf = (base: bigint) => modes[Number((base >> 10n) & 3n)] as string;
      return ways[modeOf(before)]?.includes(modeOf(value)) === true;
    },
  },
  // Until the timer waits for one, it is zero.
  { numbers: [0x6e0], feature: 'TSC-Deadline', takes: anything, gives: () => 0n },
  { numbers: [0x3b], feature: 'TSC_ADJUST', takes: anything },
  { numbers: [0x79], feature: 'PAT', vendor: 'GenuineIntel', takes: anything, gives: () => undefined },
  { numbers: [0x8b], feature: 'PAT', vendor: 'GenuineIntel', takes: anything },
  {
    numbers: [0x8b],
    feature: 'PAT',
    vendor: 'AuthenticAMD',
    reset: 0x0800_1138n,
    takes: (value) => value === 0x0800_1138n,
  },
  { numbers: [0xfe], feature: 'MTRR', reset: 0x508n, takes: nothing },
  { numbers: [0x174], feature: 'SEP', takes: within(LOW) },
  { numbers: [0x175, 0x176], feature: 'SEP', ...address },
  { numbers: [0x179], feature: 'MCA', reset: 0x104n, takes: nothing },
  { numbers: [0x17a], feature: 'MCA', takes: within(7n) },
  { numbers: [0x17b], feature: 'MCA', reset: ALL, takes: anything },
  {
    numbers: [0x1a0],
    feature: 'MONITOR',
    vendor: 'GenuineIntel',
    reset: 0x4_1881n,
    takes: (value) => (value | 0x4_0044_0001n) === 0x4_0044_1881n,
  },
  {
    numbers: steps(0x200, 8, 2),
    feature: 'MTRR',
    takes: (value, facts) => isRangeType(Number(value & 0xffn)) && within(physical(facts) & ~0xf00n)(value),
  },
  {
    numbers: steps(0x201, 8, 2),
    feature: 'MTRR',
    takes: (value, facts) => within(physical(facts) & ~0x7ffn)(value),
  },
  {
    numbers: [0x250, 0x258, 0x259, ...steps(0x268, 8, 1)],
    feature: 'MTRR',
    takes: (value) => bytes(value).every(isRangeType),
  },
  {
    numbers: [0x277],
    feature: 'PAT',
    reset: 0x0007_0406_0007_0406n,
    takes: (value) => bytes(value).every((type) => isRangeType(type) || type === 7),
  },
  {
    numbers: [0x2ff],
    feature: 'MTRR',
    takes: (value) => isRangeType(Number(value & 0xffn)) && within(0xcffn)(value),
  },
  { numbers: steps(0x400, 4, 4), feature: 'MCA', takes: anything },
  { numbers: steps(0x401, 4, 4), feature: 'MCA', takes: (value) => value === 0n },
  {
    numbers: [...steps(0x402, 4, 4), ...steps(0x403, 4, 4)],
    feature: 'MCA',
    takes: (value, { vendor }) => value === 0n || vendor === 'AuthenticAMD',
  },
  { numbers: [0x6e1], feature: 'PKS', takes: within(LOW) },
  { numbers: [0xda0], feature: 'XSAVES', takes: (value) => value === 0n },
  {
    numbers: [0xc000_0080],
    feature: 'NX',
    // What the models have: SCE, LME, NXE, on AMD FFXSR; LMA is the processor's own, and a write of it is lost.
    takes: (value, { vendor }) => within(vendor === 'AuthenticAMD' ? 0x4d01n : 0xd01n)(value),
    gives: (value) => value & ~0x400n,
  },
  { numbers: [0xc000_0081], feature: 'SYSCALL', takes: anything },
  { numbers: [0xc000_0082, 0xc000_0083], feature: 'LM', ...address },
  { numbers: [0xc000_0084], feature: 'LM', takes: within(LOW) },
  { numbers: [0xc000_0100, 0xc000_0101, 0xc000_0102], feature: 'LM', ...address },
  { numbers: [0xc000_0103], feature: 'RDTSCP', takes: within(LOW) },
  { numbers: [0xc001_0010], feature: 'MTRR', vendor: 'AuthenticAMD', takes: within(0x7c_0000n) },
  { numbers: [0xc001_0015], feature: 'LM', vendor: 'AuthenticAMD', reset: 0x100_0010n, takes: within(LOW) },
];

const MISC_ENABLE = 0x1a0;
const MISC_ENABLE_RESET = 0x4_1881n;

function rulesOf(model: CpuModelFacts): ReadonlyMap<number, Rule> {
  const held = rules.filter(
    ({ feature, vendor }) =>
      model.features.has('MSR') && model.features.has(feature) && (vendor ?? model.vendor) === model.vendor,
  );
  return new Map(held.flatMap((rule) => rule.numbers.map((number) => [number, rule] as const)));
}

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
  fc.constantFrom(0x4_1881n, 0x1801n, 0x4_0044_1881n, 0x1800n, 0n, ALL),
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

  const resetOf = ({ reset }: Rule) => (typeof reset === 'function' ? reset(facts) : (reset ?? 0n));

  it('have their values after RESET; others are #GP', () => {
    const cpu = cpuOf(name);
    if (!facts.features.has('MSR')) return;
    for (const { number } of msrRows) {
      const rule = held.get(number);
      const readable = rule && (!rule.gives || rule.gives(0n, facts) !== undefined);
      expect([number, read(cpu, number)]).toEqual([number, readable ? resetOf(rule) : undefined]);
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
        if (number === MISC_ENABLE && expected) write(cpu, number, MISC_ENABLE_RESET);
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
    expect(write(cpu, 0x1a0, 0x4_0040_1881n)).toBe(true);
    expect(told()).toEqual([2, 0, 0]);
    expect(write(cpu, 0xc000_0080, 0x800n)).toBe(false);
    expect(write(cpu, 0x1a0, 0x4_1881n)).toBe(true);
    expect([...told(), write(cpu, 0xc000_0080, 0x800n)]).toEqual([0xa, 1, 1, true]);
  });
});
