/**
 * What the manuals say of every model-specific register, written down a second time for tests (SDM vol. 4; vol. 3A §11.11, §15.3;
 * vol. 3B §17.4, §19.2; AMD64 manual vol. 2 appendix A): who has it, its value after RESET, the values it takes. (A table: exempt from
 * the length limit.)
 */
import type { CpuFeature } from '../isa/cpu-feature.ts';
import type { CpuModel, CpuModelFacts } from '../isa/cpu-model.ts';

/** 64 ones. */
export const ALL = (1n << 64n) - 1n;
/** 32 ones. */
export const LOW = 0xffff_ffffn;

/** What is to be expected of some registers. */
export interface Rule {
  readonly numbers: readonly number[];
  readonly feature: CpuFeature;
  /** Only with this one, or without that one. */
  readonly and?: CpuFeature;
  readonly unless?: CpuFeature;
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
  atom: [2, 2, 40],
  'x86-64-v2': [3, 4, 48],
  'x86-64-v3': [3, 4, 48],
  skylake: [4, 4, 48],
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

/** Fast strings, no PEBS; MONITOR and counters where they are. */
const miscellaneous = ({ features }: CpuModelFacts) =>
  0x1001n | (features.has('MONITOR') ? 0x4_0000n : 0n) | (features.has('PMC2') ? 0x80n : 0n);

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
    // The format of branch records, from Nehalem on SMM_FREEZE, from Haswell on FW_WRITE.
    reset: ({ name }) => {
      const values: Readonly<Partial<Record<CpuModel, bigint>>> = { 'x86-64-v2': 0x1003n, 'x86-64-v3': 0x3004n };
      return values[name] ?? (['skylake', 'max'].includes(name) ? 0x3005n : 2n);
    },
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

/** A source address below the flags of its format: none, one, or three. */
const source = (value: bigint, facts: CpuModelFacts) => {
  const { features } = facts;
  const flags = features.has('LBRInfo') ? 0n : features.has('LBRCallStack') ? 3n : features.has('LBRSelect') ? 1n : 0n;
  return canonical(BigInt.asUintN(64, BigInt.asIntN(Number(64n - flags), value)), facts);
};

export const rules: readonly Rule[] = [
  ...counterRules,
  // LBR, BTF, four pins, TR; without it; LBR, BTF, TR, BTS, BTINT and for levels.
  { numbers: [0x1d9], feature: 'P6Branches', takes: within(0x7fn) },
  { numbers: [0x1d9], feature: 'AMDBranches', takes: within(0x3fn) },
  {
    numbers: [0x1d9],
    feature: 'NetBurstBranches',
    takes: (value, { features }) => within(features.has('DS-CPL') ? 0x7fn : 0x1fn)(value),
  },
  {
    numbers: [0x1d9],
    feature: 'CoreBranches',
    takes: (value, { features }) => within(features.has('LBRSelect') ? 0x7fc3n : 0x1fc3n)(value),
  },
  { numbers: [0x1db, 0x1dc, 0x1dd, 0x1de], feature: 'LBRPair', takes: nothing },
  { numbers: [0x1db, 0x1dc, 0x1dd, 0x1de], feature: 'LBRPacked', takes: nothing },
  { numbers: [0x1d7, 0x1d8, 0x1da], feature: 'NetBurstBranches', takes: nothing },
  { numbers: [0x1dd, 0x1de], feature: 'CoreBranches', takes: nothing },
  {
    numbers: [0x1c9],
    feature: 'CoreBranches',
    takes: (value, { name }) => {
      const depths: Readonly<Record<string, bigint>> = { core2: 4n, atom: 8n, 'x86-64-v2': 16n, 'x86-64-v3': 16n };
      return value < (depths[name] ?? 32n);
    },
  },
  {
    numbers: [0x1c8],
    feature: 'LBRSelect',
    takes: (value, { features }) => within(features.has('LBRCallStack') ? 0x3ffn : 0x1ffn)(value),
  },
  ...(
    [
      [0, 4, 'LBR4'],
      [4, 4, 'LBR8'],
      [8, 8, 'LBR16'],
      [16, 16, 'LBR32'],
    ] as const
  ).flatMap(([first, count, feature]): readonly Rule[] => [
    { numbers: steps(0x680 + first, count, 1), feature, unless: 'LBRat40', takes: source },
    { numbers: steps(0x6c0 + first, count, 1), feature, unless: 'LBRat40', takes: canonical },
    ...(first < 8
      ? ([
          { numbers: steps(0x40 + first, count, 1), feature: 'LBRat40', and: feature, takes: source },
          { numbers: steps(0x60 + first, count, 1), feature: 'LBRat40', and: feature, takes: canonical },
        ] as const)
      : []),
  ]),
  { numbers: steps(0xdc0, 32, 1), feature: 'LBRInfo', takes: within(0xe000_0000_0000_ffffn) },
  { numbers: [0x600], feature: 'DS', vendor: 'GenuineIntel', ...address },
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
    feature: 'DS',
    vendor: 'GenuineIntel',
    reset: miscellaneous,
    takes: (value, facts) => {
      const { features } = facts;
      const changes =
        0x40_0001n | (features.has('MONITOR') ? 0x4_0000n : 0n) | (features.has('NX') ? 0x4_0000_0000n : 0n);
      return (value | changes) === (miscellaneous(facts) | changes);
    },
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

/** Those of a model, by number. */
export function rulesOf(model: CpuModelFacts): ReadonlyMap<number, Rule> {
  const held = rules.filter(
    ({ feature, and, unless, vendor }) =>
      [feature, and ?? feature, 'MSR' as const].every((name) => model.features.has(name)) &&
      !model.features.has(unless as CpuFeature) &&
      (vendor ?? model.vendor) === model.vendor,
  );
  return new Map(held.flatMap((rule) => rule.numbers.map((number) => [number, rule] as const)));
}

/** The value after RESET. */
export function resetOf({ reset = 0n }: Rule, facts: CpuModelFacts): bigint {
  return typeof reset === 'bigint' ? reset : reset(facts);
}
