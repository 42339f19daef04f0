/**
 * Processor models by name: who made them, what they call themselves, and which features they have (SDM vol. 2A CPUID;
 * vol. 3B chapter on identification of earlier processors). What instructions, flags, control bits and model-specific
 * registers there are follows from the features. (A table: exempt from the length limit.)
 */
import type { Register } from '../state/register-table.ts';
import { builtFeatures, type CpuFeature } from './cpu-feature.ts';

/** The first words of CPUID: whose processor it is. */
export type CpuVendor = 'GenuineIntel' | 'AuthenticAMD';

interface Row {
  readonly vendor: CpuVendor;
  /** As CPUID and the reset value of EDX tell them, the extended parts added. */
  readonly family: number;
  readonly model: number;
  readonly stepping: number;
  /** The brand string of leaves 80000002h–80000004h; models without these leaves do not tell it. */
  readonly brand: string;
  /** The highest basic leaf, and the highest extended one (0: none). */
  readonly leafMax: number;
  readonly extendedLeafMax: number;
  /** Bits of a physical address. */
  readonly physicalBits: number;
  /** Features as real processors of the kind have them, built or not. */
  readonly features: readonly CpuFeature[];
}

const features386: readonly CpuFeature[] = [];
const features486: readonly CpuFeature[] = [...features386, '486', 'CPUID', 'FPU', 'VME'];
const featuresPentium: readonly CpuFeature[] = [...features486, 'DE', 'PSE', 'TSC', 'MSR', 'MCE', 'CX8', 'APIC'];
const featuresPentium3: readonly CpuFeature[] = [
  ...featuresPentium,
  ...(['NOPL', 'PAE', 'SEP', 'MTRR', 'PGE', 'MCA', 'CMOV', 'PAT', 'PSE-36', 'MMX', 'FXSR', 'SSE', 'PREFETCH'] as const),
  'RDPMC',
];
const featuresCore2: readonly CpuFeature[] = [
  ...featuresPentium3,
  ...(['CLFSH', 'DS', 'ACPI', 'SSE2', 'FENCES', 'SS', 'HTT', 'TM', 'PBE'] as const),
  ...(['SSE3', 'DTES64', 'MONITOR', 'DS-CPL', 'VMX', 'EIST', 'TM2', 'SSSE3', 'CMPXCHG16B', 'xTPR', 'PDCM'] as const),
  ...(['LAHF-SAHF', 'SYSCALL', 'NX', 'LM', 'PMC2', 'PERFMON2', 'CoreBranches', 'LBRTop', 'LBR4'] as const),
];
const featuresPentium4: readonly CpuFeature[] = [
  ...featuresPentium3,
  ...(['CLFSH', 'DS', 'ACPI', 'SSE2', 'FENCES', 'SS', 'HTT', 'TM', 'PBE', 'NetBurstBranches', 'LBRTop'] as const),
];
/** The baseline x86-64-v2 and what its first processor (Nehalem) has besides. */
const featuresV2: readonly CpuFeature[] = [
  ...featuresCore2,
  ...(['SSE4.1', 'SSE4.2', 'CRC32', 'POPCNT', 'RDTSCP', 'InvariantTSC', 'PERFMON3'] as const),
  ...(['LBR8', 'LBR16', 'LBRSelect'] as const),
];
/** The baseline x86-64-v3 and what its first processor (Haswell) has besides. */
const featuresV3: readonly CpuFeature[] = [
  ...featuresV2,
  ...(['PCLMULQDQ', 'AESNI', 'PCID', 'x2APIC', 'TSC-Deadline', 'XSAVE', 'AVX', 'F16C', 'RDRAND', 'Page1GB'] as const),
  ...(['FMA', 'MOVBE', 'FSGSBASE', 'TSC_ADJUST', 'BMI1', 'AVX2', 'SMEP', 'BMI2', 'ERMS', 'INVPCID', 'LZCNT'] as const),
  ...(['XSAVEOPT', 'FW_WRITE', 'LBRCallStack', 'VexW1As0'] as const),
];
const featuresSkylake: readonly CpuFeature[] = [
  ...featuresV3,
  ...([
    'RTM',
    'RDSEED',
    'ADX',
    'SMAP',
    'CLFLUSHOPT',
    'PREFETCHW',
    'XSAVEC',
    'XGETBV1',
    'XSAVES',
    'LBR32',
    'LBRInfo',
    'PERFMON4',
  ] as const),
];
const featuresMax: readonly CpuFeature[] = [
  ...featuresV3,
  ...(['RDSEED', 'ADX', 'SMAP', 'CLFLUSHOPT', 'CLWB', 'SHA', 'UMIP', 'PKU', 'LA57', 'RDPID', 'PKS', 'FSRM'] as const),
  ...(['PREFETCHW', 'WBNOINVD', 'XSAVEC', 'XGETBV1', 'XSAVES', 'VAES', 'VPCLMULQDQ'] as const),
  ...(['LBR32', 'LBRInfo'] as const),
  ...(['PERFMON4', 'PERFMON5', 'PMC8'] as const),
];
const featuresZen: readonly CpuFeature[] = [
  ...featuresPentium3,
  ...(['CLFSH', 'SSE2', 'FENCES', 'HTT', 'SSE3', 'PCLMULQDQ', 'MONITOR', 'SSSE3', 'FMA', 'CMPXCHG16B'] as const),
  ...(['SSE4.1', 'SSE4.2', 'CRC32', 'MOVBE', 'POPCNT', 'AESNI', 'XSAVE', 'AVX', 'F16C', 'RDRAND'] as const),
  ...(['FSGSBASE', 'BMI1', 'AVX2', 'SMEP', 'BMI2', 'RDSEED', 'ADX', 'SMAP', 'CLFLUSHOPT', 'SHA'] as const),
  ...(['LAHF-SAHF', 'SVM', 'AltMovCr8', 'LZCNT', 'SSE4A', 'MisAlignSse', 'PREFETCHW', 'SYSCALL', 'NX'] as const),
  ...(['MmxExt', 'FFXSR', 'Page1GB', 'RDTSCP', 'LM', 'InvariantTSC', 'PerfCtrExtCore'] as const),
  ...(['XSAVEOPT', 'XSAVEC', 'XGETBV1', 'XSAVES', 'AMDBranches', 'LBRPair'] as const),
];

const intel = { vendor: 'GenuineIntel' as const };

/** In the order in which they came out. */
const rows = {
  '386': {
    ...intel,
    ...{ family: 3, model: 0, stepping: 8, brand: 'Intel386', leafMax: 0, extendedLeafMax: 0 },
    ...{ physicalBits: 32, features: [...features386, 'BufferTest'] },
  },
  '486': {
    ...intel,
    ...{ family: 4, model: 8, stepping: 0, brand: 'Intel486', leafMax: 1, extendedLeafMax: 0 },
    ...{ physicalBits: 32, features: [...features486, 'BufferTest', 'CacheTest'] },
  },
  pentium: {
    ...intel,
    ...{ family: 5, model: 2, stepping: 12, brand: 'Intel Pentium', leafMax: 1, extendedLeafMax: 0 },
    ...{ physicalBits: 32, features: featuresPentium },
  },
  pentium3: {
    ...intel,
    ...{ family: 6, model: 8, stepping: 3, brand: 'Intel Pentium III', leafMax: 2, extendedLeafMax: 0 },
    ...{ physicalBits: 36, features: [...featuresPentium3, 'PMC2', 'P6Branches', 'LBRPair'] },
  },
  pentium4: {
    ...intel,
    ...{ family: 15, model: 2, stepping: 9, brand: 'Intel Pentium 4', leafMax: 2, extendedLeafMax: 0x8000_0004 },
    ...{ physicalBits: 36, features: [...featuresPentium4, 'LBRPacked'] },
  },
  /** The last of the NetBurst family: 64 bits. */
  prescott: {
    ...intel,
    ...{ family: 15, model: 4, stepping: 3, brand: 'Intel Pentium 4 64-bit', leafMax: 5, extendedLeafMax: 0x8000_0008 },
    physicalBits: 36,
    features: [
      ...featuresPentium4,
      ...(['SSE3', 'DTES64', 'MONITOR', 'DS-CPL', 'EIST', 'TM2', 'CMPXCHG16B', 'xTPR', 'SYSCALL', 'NX', 'LM'] as const),
      ...(['LBR4', 'LBR8', 'LBR16'] as const),
    ],
  },
  core2: {
    ...intel,
    ...{ family: 6, model: 15, stepping: 11, brand: 'Intel Core 2', leafMax: 0xa, extendedLeafMax: 0x8000_0008 },
    ...{ physicalBits: 36, features: [...featuresCore2, 'LBRat40'] },
  },
  atom: {
    ...intel,
    ...{ family: 6, model: 28, stepping: 10, brand: 'Intel Atom', leafMax: 0xa, extendedLeafMax: 0x8000_0008 },
    ...{ physicalBits: 36, features: [...featuresCore2, 'MOVBE', 'LBR8', 'LBRat40'] },
  },
  'x86-64-v2': {
    ...intel,
    ...{ family: 6, model: 26, stepping: 5, brand: 'x86-64-v2', leafMax: 0xb, extendedLeafMax: 0x8000_0008 },
    ...{ physicalBits: 40, features: featuresV2 },
  },
  'x86-64-v3': {
    ...intel,
    ...{ family: 6, model: 60, stepping: 3, brand: 'x86-64-v3', leafMax: 0xd, extendedLeafMax: 0x8000_0008 },
    ...{ physicalBits: 40, features: featuresV3 },
  },
  skylake: {
    ...intel,
    ...{ family: 6, model: 94, stepping: 3, brand: 'Intel Skylake', leafMax: 0x16, extendedLeafMax: 0x8000_0008 },
    ...{ physicalBits: 39, features: featuresSkylake },
  },
  'amd-zen': {
    vendor: 'AuthenticAMD',
    ...{ family: 0x17, model: 1, stepping: 2, brand: 'AMD Zen', leafMax: 0xd, extendedLeafMax: 0x8000_0008 },
    ...{ physicalBits: 48, features: featuresZen },
  },
  max: {
    ...intel,
    ...{ family: 6, model: 0x8f, stepping: 8, brand: 'x86 max', leafMax: 0x16, extendedLeafMax: 0x8000_0008 },
    ...{ physicalBits: 46, features: featuresMax },
  },
} as const satisfies Readonly<Record<string, Row>>;

export type CpuModel = keyof typeof rows;

/** The names of the models, in the order in which they came out. */
export const cpuModels = Object.keys(rows) as readonly CpuModel[] as readonly [CpuModel, ...CpuModel[]];

/** A model with the features that it really has here: those of its row that are built. */
export interface CpuModelFacts extends Omit<Row, 'features'> {
  readonly name: CpuModel;
  readonly features: ReadonlySet<CpuFeature>;
  /** Family, model and stepping as CPUID's leaf 1 and EDX after reset have them. */
  readonly signature: number;
}

const facts = Object.fromEntries(
  Object.entries(rows).map(([name, row]) => [
    name,
    {
      ...row,
      name,
      features: new Set(row.features.filter((feature) => builtFeatures.has(feature))),
      signature: signatureOf(row),
    },
  ]),
) as unknown as Readonly<Record<CpuModel, CpuModelFacts>>;

/** What is known of a model. */
export function modelFacts(model: CpuModel): CpuModelFacts {
  return facts[model];
}

/** Which local APIC a guest finds: that of the model, or none, although the model has one. */
export type LocalApicChoice = 'model' | 'hidden';

/** A model as a machine's configuration chooses it. */
interface ChosenModel {
  readonly cpuModel: CpuModel;
  /** Default: `model`. */
  readonly localApic?: LocalApicChoice | undefined;
}

/** What there is of a local APIC is hidden together. */
const FEATURES_OF_APIC: ReadonlySet<CpuFeature> = new Set(['APIC', 'x2APIC', 'TSC-Deadline'] as const);

const factsWithoutApic = new Map(
  cpuModels.map((name): [CpuModel, CpuModelFacts] => {
    const features = new Set([...facts[name].features].filter((feature) => !FEATURES_OF_APIC.has(feature)));
    return [name, { ...facts[name], features }];
  }),
);

/** What is known of a chosen model, the same object each time. */
export function chosenFacts({ cpuModel, localApic }: ChosenModel): CpuModelFacts {
  return (localApic === 'hidden' ? factsWithoutApic.get(cpuModel) : undefined) ?? facts[cpuModel];
}

/** Whether `model` has `feature`; every model has what needs no feature. */
export function hasFeature(model: CpuModel, feature: CpuFeature | undefined): boolean {
  return feature === undefined || facts[model].features.has(feature);
}

/** Whether processors of the model have a register of the table. */
export function hasRegister({ vendor: own, features }: CpuModelFacts, { feature, vendor }: Register): boolean {
  return (feature === undefined || features.has(feature as CpuFeature)) && (vendor ?? own) === own;
}

/** SDM vol. 2A CPUID figure 3-6: families beyond 15 and the upper half of the model number lie apart. */
function signatureOf({ family, model, stepping }: Row): number {
  const base = Math.min(family, 15);
  return ((family - base) << 20) | ((model >> 4) << 16) | (base << 8) | ((model & 15) << 4) | stepping;
}
