/**
 * What CPUID answers, made from the table of models (SDM vol. 2A CPUID; AMD64 manual vol. 3 appendix E). First- and
 * second-level caches are a core's, the third level is a package's.
 */
import { type CpuFeature, type CpuidRegister, cpuidBits } from '../isa/cpu-feature.ts';
import type { CpuModelFacts } from '../isa/cpu-model.ts';
import { counterFacts } from './performance/counter-facts.ts';
import { ONE_CPU, type Topology, topologyBits } from './topology.ts';
import { areaSize, STATE_X87, stateComponents, statesOf } from './extended-state.ts';

/** The four registers of an answer. */
export type CpuidAnswer = Record<CpuidRegister, number>;

/** What of the processor's state and surroundings shows in the answers. */
export interface CpuidSurroundings {
  readonly control4: number;
  /** XCR0; undefined: as after RESET. */
  readonly extendedControl0?: number;
  /** The code that asks is 64-bit code. */
  readonly is64BitMode?: boolean;
  /** IA32_MISC_ENABLE, which can take features away on models that have it; undefined: as after RESET. */
  readonly miscEnable?: bigint;
  /** IA32_APIC_BASE has the local APIC off, which then is not told of. */
  readonly isApicOff?: boolean;
  /** Of the time-stamp counter. */
  readonly ticksPerSecond: number;
  /** Of the machine's vCPUs; undefined: there is one. */
  readonly topology?: Topology | undefined;
  /** Of the local APIC, as after RESET; undefined: 0. */
  readonly apicNumber?: number;
}

const EXTENDED = 0x8000_0000;
/** Performance counters are there. */
export const MISC_COUNTERS: bigint = 1n << 7n;
/** MONITOR and MWAIT are told of. */
export const MISC_MONITOR: bigint = 1n << 18n;
const MISC_LIMIT_CPUID = 1n << 22n;
/** XD Bit Disable: pages cannot be made not executable. */
export const MISC_NO_EXECUTE_OFF: bigint = 1n << 34n;
/** The highest basic leaf while CPUID is limited. */
const LIMITED_LEAF = 2;
const MONITOR = 1 << 3;
const APIC = 1 << 9;
const NO_EXECUTE = 1 << 20;
const CR4_OSXSAVE = 1 << 18;
const CR4_PKE = 1 << 22;
const OSXSAVE = 1 << 27;
const OSPKE = 1 << 4;
const SYSCALL = 1 << 11;
/** HTT: there are several vCPUs in the package. */
const MULTI_THREADED = 1 << 28;
/** CmpLegacy of AMD: they are cores. */
const CORES_ARE_COUNTED = 1 << 1;
const CACHE_LINE = 64;
/** Bits of leaf 1 that AMD repeats in EDX of leaf 80000001h. */
const REPEATED_BY_AMD = 0x0183_f3ff;
const BRAND_LEAVES = 0x8000_0002;
const BRAND_LENGTH = 48;

/** The answer to a leaf and subleaf. Beyond the highest leaf Intel answers as for the highest basic one, AMD zeros. */
export function cpuid(
  model: CpuModelFacts,
  leaf: number,
  subleaf: number,
  surroundings: CpuidSurroundings,
): CpuidAnswer {
  const isLimited = (miscEnableOf(model, surroundings) & MISC_LIMIT_CPUID) !== 0n;
  const leafMax = isLimited ? Math.min(model.leafMax, LIMITED_LEAF) : model.leafMax;
  const known = leaf < EXTENDED ? leaf <= leafMax : leaf <= model.extendedLeafMax;
  if (!known && model.vendor === 'AuthenticAMD') return answer();
  const asked = known ? leaf : leafMax;
  const fixed = leaves[asked]?.(model, subleaf, surroundings) ?? answer();
  if (asked === 7 && subleaf !== 0) return fixed;
  const told = withoutSwitchedOff(withFeatures(model, asked, fixed), asked, miscEnableOf(model, surroundings));
  if (surroundings.isApicOff && (asked === 1 || asked === EXTENDED + 1)) told.EDX = (told.EDX & ~APIC) >>> 0;
  if (asked === 0) return { ...told, EAX: leafMax };
  // Intel has SYSCALL in 64-bit mode only, and says so.
  const hides = asked === EXTENDED + 1 && model.vendor === 'GenuineIntel' && surroundings.is64BitMode !== true;
  return hides ? { ...told, EDX: (told.EDX & ~SYSCALL) >>> 0 } : told;
}

function miscEnableOf({ vendor: name, features }: CpuModelFacts, { miscEnable }: CpuidSurroundings): bigint {
  const isThere = name === 'GenuineIntel' && features.has('DS') && features.has('MSR');
  return isThere && miscEnable !== undefined ? miscEnable : MISC_MONITOR;
}

/** SDM vol. 4: what IA32_MISC_ENABLE has switched off, CPUID does not tell. */
function withoutSwitchedOff(told: CpuidAnswer, leaf: number, miscEnable: bigint): CpuidAnswer {
  if (leaf === 1 && (miscEnable & MISC_MONITOR) === 0n) return { ...told, ECX: (told.ECX & ~MONITOR) >>> 0 };
  if (leaf === EXTENDED + 1 && (miscEnable & MISC_NO_EXECUTE_OFF) !== 0n) {
    return { ...told, EDX: (told.EDX & ~NO_EXECUTE) >>> 0 };
  }
  return told;
}

function answer(EAX = 0, EBX = 0, ECX = 0, EDX = 0): CpuidAnswer {
  return { EAX: EAX >>> 0, EBX: EBX >>> 0, ECX: ECX >>> 0, EDX: EDX >>> 0 };
}

function withFeatures(model: CpuModelFacts, leaf: number, fixed: CpuidAnswer): CpuidAnswer {
  const told = { ...fixed };
  for (const { feature, leaf: at, register, bit } of cpuidBits) {
    if (at === leaf && model.features.has(feature)) told[register] = (told[register] | (1 << bit)) >>> 0;
  }
  return told;
}

/** Four characters of a text, the first in the low byte; zeros behind its end. */
function fourCharacters(text: string, at: number): number {
  const code = (n: number) => text.charCodeAt(at + n) || 0;
  return code(0) | (code(1) << 8) | (code(2) << 16) | (code(3) << 24);
}

type Leaf = (model: CpuModelFacts, subleaf: number, surroundings: CpuidSurroundings) => CpuidAnswer;

const vendor: Leaf = ({ vendor: name, leafMax }) =>
  answer(leafMax, fourCharacters(name, 0), fourCharacters(name, 8), fourCharacters(name, 4));

const identity: Leaf = ({ signature, features }, _, { control4, topology = ONE_CPU, apicNumber = 0 }) => {
  const flushLine = features.has('CLFSH') ? (CACHE_LINE / 8) << 8 : 0;
  const saves = (control4 & CR4_OSXSAVE) === 0 ? 0 : OSXSAVE;
  const threads = topology.coresPerPackage * topology.threadsPerCore;
  const count = threads > 1 ? threads << 16 : 0;
  return answer(signature, (apicNumber << 24) | count | flushLine, saves, threads > 1 ? MULTI_THREADED : 0);
};

/** Descriptors of leaf 2; FFh says that leaf 4 tells. AMD reserves the leaf. */
const cacheDescriptors: Leaf = ({ vendor: name, leafMax }) => {
  if (name === 'AuthenticAMD') return answer();
  return leafMax >= 4 ? answer(0x00ff_ff01) : answer(0x0302_0101, 0, 0, 0x0c04_0882);
};

interface Cache {
  /** 1 data, 2 code, 3 both. */
  readonly type: 1 | 2 | 3;
  readonly level: number;
  readonly ways: number;
  readonly sets: number;
}

const caches: readonly Cache[] = [
  { type: 1, level: 1, ways: 8, sets: 64 },
  { type: 2, level: 1, ways: 8, sets: 64 },
  { type: 3, level: 2, ways: 8, sets: 1024 },
  { type: 3, level: 3, ways: 16, sets: 8192 },
];
const L2_KIB = 512;

const cacheParameters: Leaf = ({ vendor: name }, subleaf, { topology = ONE_CPU }) => {
  const cache = caches[subleaf];
  if (!cache || name === 'AuthenticAMD') return answer();
  const { type, level, ways, sets } = cache;
  const { threads, cores } = topologyBits(topology);
  const sharing = ((1 << (level === 3 ? threads + cores : threads)) - 1) << 14;
  const numbers = sharing | (((1 << cores) - 1) << 26);
  return answer(type | (level << 5) | (1 << 8) | numbers, (CACHE_LINE - 1) | ((ways - 1) << 22), sets - 1);
};

/** Ranges that MONITOR watches; ECX: the extensions are told, and interrupts may end MWAIT while they are off. */
const monitor: Leaf = ({ features }) => (features.has('MONITOR') ? answer(CACHE_LINE, CACHE_LINE, 3) : answer());

const structured: Leaf = (_, __, { control4 }) => answer(0, 0, (control4 & CR4_PKE) === 0 ? 0 : OSPKE);

/** What XSAVE can save: subleaf 0 and 1 tell of all, the others of one state each. */
const extendedState: Leaf = (model, subleaf, { extendedControl0 = STATE_X87 }) => {
  const { features } = model;
  if (!features.has('XSAVE')) return answer();
  const all = statesOf(model);
  if (subleaf === 0) return answer(all, areaSize(extendedControl0, false), areaSize(all, false));
  if (subleaf === 1) {
    const told = xsaveFeatures.reduce((bits, feature, n) => (features.has(feature) ? bits | (1 << n) : bits), 0);
    return answer(told, features.has('XSAVES') || features.has('XSAVEC') ? areaSize(extendedControl0, true) : 0);
  }
  const component = stateComponents.find(({ number }) => number === subleaf);
  return component && features.has(component.feature) ? answer(component.size, component.offset) : answer();
};

/** Bits of EAX in subleaf 1. */
const xsaveFeatures: readonly CpuFeature[] = ['XSAVEOPT', 'XSAVEC', 'XGETBV1', 'XSAVES'];

const TOPOLOGY_THREADS = 1;
const TOPOLOGY_CORES = 2;

/** How far an APIC number is shifted to give that of the next level, and how many vCPUs share what remains. */
const levels: Leaf = (_, subleaf, { topology = ONE_CPU, apicNumber = 0 }) => {
  const number = subleaf & 0xff;
  const { threads, cores } = topologyBits(topology);
  const { threadsPerCore, coresPerPackage } = topology;
  if (number === 0) return answer(threads, threadsPerCore, TOPOLOGY_THREADS << 8, apicNumber);
  if (number > 1) return answer(0, 0, number, apicNumber);
  return answer(threads + cores, threadsPerCore * coresPerPackage, 1 | (TOPOLOGY_CORES << 8), apicNumber);
};

/** The time-stamp counter runs as fast as the crystal. */
const counterRatio: Leaf = (_, __, { ticksPerSecond }) => answer(1, 1, ticksPerSecond);

const frequencies: Leaf = (_, __, { ticksPerSecond }) => {
  const megahertz = Math.round(ticksPerSecond / 1e6);
  return answer(megahertz, megahertz, 0);
};

const extendedFeatures: Leaf = (model, _, surroundings) => {
  if (model.vendor !== 'AuthenticAMD') return answer();
  const { EDX } = withFeatures(model, 1, identity(model, 0, surroundings));
  const isLegacy = (EDX & MULTI_THREADED) !== 0 ? CORES_ARE_COUNTED : 0;
  return answer(model.signature, 0, isLegacy, EDX & REPEATED_BY_AMD);
};

const brand =
  (part: number): Leaf =>
  ({ brand: name }) => {
    const text = name.padEnd(BRAND_LENGTH, '\0');
    const [EAX, EBX, ECX, EDX] = [0, 4, 8, 12].map((at) => fourCharacters(text, part * 16 + at));
    return answer(EAX, EBX, ECX, EDX);
  };

/** First-level caches and translation buffers of AMD, whose processors have no leaf 4 for them: 32 KiB each, 8 ways. */
const firstLevelCaches: Leaf = ({ vendor: name }) => {
  if (name !== 'AuthenticAMD') return answer();
  const cache = CACHE_LINE | (1 << 8) | (8 << 16) | (32 << 24);
  return answer(AMD_BUFFERS, AMD_BUFFERS, cache, cache);
};
/** 64 translations of small and of large pages, for code and for data, fully associative. */
const AMD_BUFFERS = 0xff40_ff40;

/** Codes of 8 and of 16 ways. */
const ASSOCIATIVITY_8 = 6;
const ASSOCIATIVITY_16 = 8;
const L3_HALF_MIB = 16;

/** AMD tells of the third level here, too, and of lines for each tag. */
const outerCaches: Leaf = ({ vendor: name }) => {
  const isAmd = name === 'AuthenticAMD';
  const line = CACHE_LINE | (isAmd ? 1 << 8 : 0);
  const third = isAmd ? line | (ASSOCIATIVITY_16 << 12) | (L3_HALF_MIB << 18) : 0;
  return answer(0, 0, line | (ASSOCIATIVITY_8 << 12) | (L2_KIB << 16), third);
};

/** AMD tells here how many vCPUs a package has, less one, and the bits of their numbers. */
const addressSizes: Leaf = ({ vendor: name, physicalBits, features }, _, { topology = ONE_CPU }) => {
  const linearBits = features.has('LA57') ? 57 : features.has('LM') ? 48 : 32;
  const { threads, cores } = topologyBits(topology);
  const count = topology.coresPerPackage * topology.threadsPerCore - 1;
  return answer(physicalBits | (linearBits << 8), 0, name === 'AuthenticAMD' ? count | ((threads + cores) << 12) : 0);
};

const EVENT_NUMBERS = 7;
/** Of the architectural events: those of the last-level cache (3, 4), and branches predicted wrongly (6), never happen. */
const EVENTS_MISSING = (1 << 3) | (1 << 4) | (1 << 6);
/** EDX: counters do not count for other threads. */
const NO_ANY_THREAD = 1 << 15;

/** Architectural performance monitoring (SDM vol. 3B §19.2). */
const performanceCounters: Leaf = (model) => {
  const facts = counterFacts(model);
  if (!facts || facts.version === 0) return answer();
  const { version, programmable, bits, fixed } = facts;
  const bitmap = version >= 5 ? (1 << fixed) - 1 : 0;
  const fixedFacts = fixed | (bits << 5) | (version >= 5 ? NO_ANY_THREAD : 0);
  const eax = version | (programmable << 8) | (bits << 16) | (EVENT_NUMBERS << 24);
  return answer(eax, EVENTS_MISSING, bitmap, fixedFacts);
};

/** Leaves that are not here answer zeros and their features: 6 (power), 80000007h. */
const leaves: Readonly<Record<number, Leaf>> = {
  0: vendor,
  1: identity,
  2: cacheDescriptors,
  4: cacheParameters,
  5: monitor,
  7: structured,
  10: performanceCounters,
  11: levels,
  13: extendedState,
  21: counterRatio,
  22: frequencies,
  [EXTENDED]: ({ extendedLeafMax }) => answer(extendedLeafMax),
  [EXTENDED + 1]: extendedFeatures,
  [BRAND_LEAVES]: brand(0),
  [BRAND_LEAVES + 1]: brand(1),
  [BRAND_LEAVES + 2]: brand(2),
  [EXTENDED + 5]: firstLevelCaches,
  [EXTENDED + 6]: outerCaches,
  [EXTENDED + 8]: addressSizes,
};

/** Leaves that answer by subleaf, and which there are. */
const SUBLEAVES: Readonly<Record<number, readonly number[]>> = {
  4: caches.map((_, n) => n),
  11: [0, 1],
  13: [0, 1, ...stateComponents.map(({ number }) => number)],
};

/** The leaves of a model, with their subleaves, in order. A model without CPUID has none. */
export function cpuidLeaves(model: CpuModelFacts): readonly { readonly leaf: number; readonly subleaf: number }[] {
  if (!model.features.has('CPUID')) return [];
  const upTo = (first: number, last: number) =>
    Array.from({ length: Math.max(last - first + 1, 0) }, (_, n) => first + n);
  const all = [...upTo(0, model.leafMax), ...upTo(EXTENDED, model.extendedLeafMax)];
  return all.flatMap((leaf) => (SUBLEAVES[leaf] ?? [0]).map((subleaf) => ({ leaf, subleaf })));
}

/** The features that an answer tells of, by name. */
export function featuresOfLeaf(leaf: number, told: CpuidAnswer): readonly CpuFeature[] {
  return cpuidBits
    .filter(({ leaf: at, register, bit }) => at === leaf && ((told[register] >>> bit) & 1) === 1)
    .map(({ feature }) => feature);
}
