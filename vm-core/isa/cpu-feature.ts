/**
 * Features of processors: where CPUID tells of them and which bits of CR4 come with them (SDM vol. 2A CPUID, vol. 3A §2.5;
 * AMD64 manual vol. 3 appendix E for the extended leaves). A model has a set of them. (A table: exempt from the limit.)
 *
 * A feature that is `later` is not built yet: no model has it, whatever its row says, so that nothing advertises it. One that
 * is of the machine is no model's either: CPUID tells of it where the topology has several cores or threads in a package.
 */

interface Row {
  readonly built: boolean;
  readonly ofMachine: boolean;
  /** CPUID leaf (7 means its subleaf 0), register and bit; undefined where CPUID does not tell. */
  readonly cpuid: string | undefined;
  /** Bits of CR4 that can be written with the feature. */
  readonly cr4: number;
}

const bits = (...numbers: readonly number[]): number => numbers.reduce((sum, bit) => sum + 2 ** bit, 0);
const built = (cpuid?: string, cr4 = 0): Row => ({ built: true, ofMachine: false, cpuid, cr4 });
const later = (cpuid?: string, cr4 = 0): Row => ({ built: false, ofMachine: false, cpuid, cr4 });
const ofMachine = (cpuid: string): Row => ({ built: false, ofMachine: true, cpuid, cr4: 0 });

/** By the manual's names, in the order of CPUID; first those that CPUID does not tell. */
const rows = {
  /** BSWAP, XADD, CMPXCHG, INVD, WBINVD, INVLPG; EFLAGS.AC; CR0.NE, WP, AM, NW, CD. */
  '486': built(),
  /** TR6 and TR7, which later processors have not. */
  BufferTest: built(),
  /** TR3, TR4 and TR5, of the 486 alone. */
  CacheTest: built(),
  /** CPUID itself; EFLAGS.ID. */
  CPUID: built(),
  /** The multi-byte NOP of the P6 family, 0F 1F. */
  NOPL: built(),
  /** CRC32: told of by SSE4.2. */
  CRC32: built(),
  /** PREFETCHh and SFENCE: told of by SSE. */
  PREFETCH: built(),
  /** LFENCE and MFENCE: told of by SSE2. */
  FENCES: built(),
  /** VPEXTRD and VPINSRD outside of 64-bit mode take VEX.W1 for W0, as Intel's processors do. */
  VexW1As0: built(),
  /** Told of by leaf 0Dh, subleaf 1. */
  XSAVEOPT: built(),
  XSAVEC: built(),
  /** XGETBV with 1 in ECX. */
  XGETBV1: built(),
  /** XSAVES, XRSTORS and IA32_XSS. */
  XSAVES: built(),
  /** RDPMC. */
  RDPMC: built(undefined, bits(8)),
  /** The two performance counters of the P6 family. */
  PMC2: built(),
  /** Architectural performance monitoring by its versions, of which leaf 0Ah tells; the third has four counters. */
  PERFMON2: built(),
  PERFMON3: built(),
  PERFMON4: built(),
  PERFMON5: built(),
  /** Eight counters. */
  PMC8: built(),
  /** Counters are written whole; told of by IA32_PERF_CAPABILITIES. */
  FW_WRITE: built(),
  /** The debug control register with the layouts of its bits (SDM vol. 3B §17.4, §17.10–17.13; AMD64 manual vol. 2 §13.1). */
  P6Branches: built(),
  NetBurstBranches: built(),
  CoreBranches: built(),
  AMDBranches: built(),
  /** Branch records: the last one and the one before an interrupt, of the P6 family and of AMD. */
  LBRPair: built(),
  /** Four of them in registers that hold both addresses. */
  LBRPacked: built(),
  /** Which of them is the newest, and one of before an exception. */
  LBRTop: built(),
  /** At least so many, in registers for each address; in the numbers that the first processors with them had. */
  LBR4: built(),
  LBR8: built(),
  LBR16: built(),
  LBR32: built(),
  LBRat40: built(),
  /** What is recorded can be chosen; calls and returns as a stack; how a branch went in a register of its own. */
  LBRSelect: built(),
  LBRCallStack: built(),
  LBRInfo: built(),

  FPU: built('1 EDX 0'),
  VME: built('1 EDX 1', bits(0, 1)),
  DE: built('1 EDX 2', bits(3)),
  PSE: built('1 EDX 3', bits(4)),
  TSC: built('1 EDX 4', bits(2)),
  MSR: built('1 EDX 5'),
  PAE: built('1 EDX 6', bits(5)),
  MCE: built('1 EDX 7', bits(6)),
  CX8: built('1 EDX 8'),
  APIC: built('1 EDX 9'),
  SEP: built('1 EDX 11'),
  MTRR: built('1 EDX 12'),
  PGE: built('1 EDX 13', bits(7)),
  MCA: built('1 EDX 14'),
  CMOV: built('1 EDX 15'),
  PAT: built('1 EDX 16'),
  'PSE-36': built('1 EDX 17'),
  CLFSH: built('1 EDX 19'),
  DS: built('1 EDX 21'),
  ACPI: later('1 EDX 22'),
  MMX: built('1 EDX 23'),
  FXSR: built('1 EDX 24', bits(9)),
  SSE: built('1 EDX 25', bits(10)),
  SSE2: built('1 EDX 26'),
  SS: later('1 EDX 27'),
  HTT: ofMachine('1 EDX 28'),
  TM: later('1 EDX 29'),
  PBE: later('1 EDX 31'),

  SSE3: built('1 ECX 0'),
  PCLMULQDQ: built('1 ECX 1'),
  DTES64: built('1 ECX 2'),
  MONITOR: built('1 ECX 3'),
  'DS-CPL': built('1 ECX 4'),
  VMX: later('1 ECX 5'),
  EIST: later('1 ECX 7'),
  TM2: later('1 ECX 8'),
  SSSE3: built('1 ECX 9'),
  FMA: built('1 ECX 12'),
  CMPXCHG16B: built('1 ECX 13'),
  xTPR: later('1 ECX 14'),
  PDCM: built('1 ECX 15'),
  PCID: built('1 ECX 17', bits(17)),
  'SSE4.1': built('1 ECX 19'),
  'SSE4.2': built('1 ECX 20'),
  x2APIC: built('1 ECX 21'),
  MOVBE: built('1 ECX 22'),
  POPCNT: built('1 ECX 23'),
  'TSC-Deadline': built('1 ECX 24'),
  AESNI: built('1 ECX 25'),
  XSAVE: built('1 ECX 26', bits(18)),
  AVX: built('1 ECX 28'),
  F16C: built('1 ECX 29'),
  RDRAND: built('1 ECX 30'),

  FSGSBASE: built('7 EBX 0', bits(16)),
  TSC_ADJUST: built('7 EBX 1'),
  BMI1: built('7 EBX 3'),
  AVX2: built('7 EBX 5'),
  SMEP: built('7 EBX 7', bits(20)),
  BMI2: built('7 EBX 8'),
  ERMS: built('7 EBX 9'),
  INVPCID: built('7 EBX 10'),
  RTM: later('7 EBX 11'),
  RDSEED: built('7 EBX 18'),
  ADX: built('7 EBX 19'),
  SMAP: built('7 EBX 20', bits(21)),
  CLFLUSHOPT: built('7 EBX 23'),
  CLWB: built('7 EBX 24'),
  SHA: built('7 EBX 29'),
  UMIP: built('7 ECX 2', bits(11)),
  PKU: built('7 ECX 3', bits(22)),
  VAES: built('7 ECX 9'),
  VPCLMULQDQ: built('7 ECX 10'),
  LA57: built('7 ECX 16', bits(12)),
  RDPID: built('7 ECX 22'),
  PKS: built('7 ECX 31', bits(24)),
  FSRM: built('7 EDX 4'),

  'LAHF-SAHF': built('80000001 ECX 0'),
  /** What HTT counts are cores. */
  CmpLegacy: ofMachine('80000001 ECX 1'),
  SVM: later('80000001 ECX 2'),
  AltMovCr8: built('80000001 ECX 4'),
  LZCNT: built('80000001 ECX 5'),
  SSE4A: later('80000001 ECX 6'),
  MisAlignSse: later('80000001 ECX 7'),
  PREFETCHW: built('80000001 ECX 8'),
  PerfCtrExtCore: built('80000001 ECX 23'),
  SYSCALL: built('80000001 EDX 11'),
  NX: built('80000001 EDX 20'),
  MmxExt: built('80000001 EDX 22'),
  FFXSR: built('80000001 EDX 25'),
  Page1GB: built('80000001 EDX 26'),
  RDTSCP: built('80000001 EDX 27'),
  LM: built('80000001 EDX 29'),
  InvariantTSC: built('80000007 EDX 8'),
  WBNOINVD: built('80000008 EBX 9'),
} as const satisfies Readonly<Record<string, Row>>;

export type CpuFeature = keyof typeof rows;

/** The registers in which CPUID answers. */
export type CpuidRegister = 'EAX' | 'EBX' | 'ECX' | 'EDX';

/** Where CPUID tells of a feature. */
export interface CpuidBit {
  readonly feature: CpuFeature;
  readonly leaf: number;
  readonly register: CpuidRegister;
  readonly bit: number;
}

const entries = Object.entries(rows) as readonly (readonly [CpuFeature, Row])[];

/** All features, in the order of CPUID. */
export const cpuFeatures: readonly CpuFeature[] = entries.map(([feature]) => feature);

/** The features that are built. */
export const builtFeatures: ReadonlySet<CpuFeature> = new Set(
  entries.filter(([, row]) => row.built).map(([feature]) => feature),
);

/** Those that a machine has by its topology, whatever the model. */
export const machineFeatures: ReadonlySet<CpuFeature> = new Set(
  entries.filter(([, row]) => row.ofMachine).map(([feature]) => feature),
);

/** All bits of CPUID that stand for features, those that are not built yet too. */
export const cpuidBits: readonly CpuidBit[] = entries.flatMap(([feature, { cpuid }]) => {
  if (cpuid === undefined) return [];
  const [leaf, register, bit] = cpuid.split(' ') as [string, CpuidRegister, string];
  return [{ feature, leaf: Number.parseInt(leaf, 16), register, bit: Number(bit) }];
});

/** The bits of CR4 that a processor with these features lets software write. */
export function control4Bits(features: ReadonlySet<CpuFeature>): number {
  return entries.reduce((mask, [feature, { cr4 }]) => (features.has(feature) ? mask | cr4 : mask), 0) >>> 0;
}
