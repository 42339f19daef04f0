/**
 * What a model has of branch recording, and in which registers and bits (SDM vol. 3B §17.4 Core and later, §17.10–17.12
 * NetBurst, §17.13 P6; AMD64 manual vol. 2 §13.1.1).
 */
import type { CpuModel, CpuModelFacts } from '../../isa/cpu-model.ts';
import { offsetOf } from '../../state/register-table.ts';

/** Branches and debug exceptions: the same bits everywhere. */
export const CONTROL_LBR = 1 << 0;
export const CONTROL_BTF = 1 << 1;

/** How branch records lie in registers: a last branch, packed pairs, or a stack of registers for either address. */
export type RecordKind = 'pair' | 'packed' | 'stack';

/** Format of branch records as IA32_PERF_CAPABILITIES has it. */
export const FORMAT_LINEAR = 1;
export const FORMAT_OFFSET = 2;
export const FORMAT_FLAGS = 3;
export const FORMAT_TRANSACTIONS = 4;
export const FORMAT_INFO = 5;

export interface BranchLayout {
  /** Where the debug control register lies in the state. */
  readonly control: number;
  /** The bits of it that can be written. */
  readonly writable: bigint;
  /** Its bits; 0 where the model has none. */
  readonly trace: number;
  readonly store: number;
  readonly storeInterrupt: number;
  readonly storeNotSystem: number;
  readonly storeNotUser: number;
  readonly freezeRecords: number;
  readonly freezeCounters: number;
  /** They stay stopped until a bit of IA32_PERF_GLOBAL_STATUS is cleared; otherwise what turns them on is cleared. */
  readonly freezesByStatus: boolean;
  readonly records: RecordKind;
  /** How many branches there is room for. */
  readonly depth: number;
  readonly format: number;
  /** Bits of a source address that are the address and its sign. */
  readonly sourceBits: number;
  readonly hasSelect: boolean;
  readonly hasCallStack: boolean;
  readonly hasInfo: boolean;
  /** Fields and records of the area in memory have 64-bit addresses in every mode. */
  readonly isAreaWide: boolean;
}

type Control = Pick<
  BranchLayout,
  | 'control'
  | 'writable'
  | 'trace'
  | 'store'
  | 'storeInterrupt'
  | 'storeNotSystem'
  | 'storeNotUser'
  | 'freezeRecords'
  | 'freezeCounters'
>;

const NOTHING = {
  store: 0,
  storeInterrupt: 0,
  storeNotSystem: 0,
  storeNotUser: 0,
  freezeRecords: 0,
  freezeCounters: 0,
};
const BASIC = BigInt(CONTROL_LBR | CONTROL_BTF);
const PINS = 0x3cn;
const UNCORE_AND_SMM = 0x6000n;
const RTM_DEBUG = 0x8000n;

/** TR, BTS and those behind it; the last two came with the feature DS-CPL. */
function traceBits({ features }: CpuModelFacts, trace: number, store: number): Omit<Control, 'control' | 'writable'> {
  const hasLevels = features.has('DS-CPL');
  return {
    ...NOTHING,
    trace: 1 << trace,
    store: 1 << store,
    storeInterrupt: 1 << (store + 1),
    storeNotSystem: hasLevels ? 1 << (store + 2) : 0,
    storeNotUser: hasLevels ? 1 << (store + 3) : 0,
  };
}

function controlOf(model: CpuModelFacts): Control | undefined {
  const { features } = model;
  if (features.has('AMDBranches')) {
    return { ...NOTHING, trace: 0, control: offsetOf('DEBUGCTL'), writable: BASIC | PINS };
  }
  if (features.has('P6Branches')) {
    return { ...NOTHING, trace: 1 << 6, control: offsetOf('DEBUGCTLMSR'), writable: BASIC | PINS | 0x40n };
  }
  if (features.has('NetBurstBranches')) {
    const bits = traceBits(model, 2, 3);
    return { ...bits, control: offsetOf('MSR_DEBUGCTLA'), writable: BASIC | all(bits) };
  }
  if (!features.has('CoreBranches')) return undefined;
  const bits = { ...traceBits(model, 6, 7), freezeRecords: 1 << 11, freezeCounters: 1 << 12 };
  const later = (features.has('LBRSelect') ? UNCORE_AND_SMM : 0n) | (features.has('RTM') ? RTM_DEBUG : 0n);
  return { ...bits, control: offsetOf('IA32_DEBUGCTL'), writable: BASIC | all(bits) | later };
}

function all(bits: Readonly<Record<string, number>>): bigint {
  return BigInt(Object.values(bits).reduce((sum, bit) => sum | bit, 0));
}

function depthOf({ features }: CpuModelFacts): number {
  if (features.has('LBR32')) return 32;
  if (features.has('LBR16')) return 16;
  if (features.has('LBR8')) return 8;
  return features.has('LBRPair') ? 1 : 4;
}

function formatOf({ features }: CpuModelFacts): number {
  if (features.has('LBRInfo')) return FORMAT_INFO;
  if (features.has('LBRCallStack')) return FORMAT_TRANSACTIONS;
  if (features.has('LBRSelect')) return FORMAT_FLAGS;
  return features.has('NetBurstBranches') ? FORMAT_LINEAR : FORMAT_OFFSET;
}

function layoutOf(model: CpuModelFacts): BranchLayout | undefined {
  const control = controlOf(model);
  if (!control) return undefined;
  const { features } = model;
  const format = formatOf(model);
  return {
    ...control,
    records: features.has('LBRPair') ? 'pair' : features.has('LBRPacked') ? 'packed' : 'stack',
    depth: depthOf(model),
    format,
    sourceBits: format === FORMAT_FLAGS ? 63 : format === FORMAT_TRANSACTIONS ? 61 : 64,
    hasSelect: features.has('LBRSelect'),
    hasCallStack: features.has('LBRCallStack'),
    hasInfo: features.has('LBRInfo'),
    isAreaWide: features.has('DTES64'),
    freezesByStatus: features.has('PERFMON4'),
  };
}

const known = new Map<CpuModel, BranchLayout | undefined>();

/** The layout of a model; undefined for one that records no branches. */
export function branchLayout(model: CpuModelFacts): BranchLayout | undefined {
  if (!known.has(model.name)) known.set(model.name, layoutOf(model));
  return known.get(model.name);
}
