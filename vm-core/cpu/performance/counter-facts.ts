/**
 * Which performance counters a model has (SDM vol. 3B chapter 19, §19.6.9 for the P6 family; AMD64 manual vol. 2 §13.2), and
 * where they lie in the register table.
 */
import type { CpuModel, CpuModelFacts } from '../../isa/cpu-model.ts';
import { offsetOf, registers, REGISTERS_SIZE, SLOT_SIZE } from '../../state/register-table.ts';

/** The performance counters of a model. */
export interface CounterFacts {
  readonly scheme: 'P6' | 'architectural' | 'AMD';
  /** Of architectural performance monitoring; 0 where it is not. */
  readonly version: number;
  /** Counters that software gives events to, and how many bits they have. */
  readonly programmable: number;
  readonly bits: 40 | 48;
  /** Counters of one event each. */
  readonly fixed: number;
  /** Of each counter that software gives events to: slots of its event and of its value. */
  readonly selects: readonly number[];
  readonly values: readonly number[];
}

const FIXED_COUNTERS = 3;

/** Slots of the fixed counters. */
export const fixedSlots: readonly number[] = [0, 1, 2].map((n) => offsetOf(`IA32_FIXED_CTR${n}`));

/** Slots of what controls all counters of architectural performance monitoring. */
export const controlSlots = {
  FIXED: offsetOf('IA32_FIXED_CTR_CTRL'),
  STATUS: offsetOf('IA32_PERF_GLOBAL_STATUS'),
  GLOBAL: offsetOf('IA32_PERF_GLOBAL_CTRL'),
  IN_USE: offsetOf('IA32_PERF_GLOBAL_INUSE'),
} as const;

const isOfCounters: Uint8Array = new Uint8Array(REGISTERS_SIZE / SLOT_SIZE);
for (const { set, offset } of registers) if (set === 'performance') isOfCounters[offset / SLOT_SIZE] = 1;

/** Whether a place in the state is a register of the performance counters. */
export function isCounterSlot(offset: number): boolean {
  return isOfCounters[offset / SLOT_SIZE] === 1;
}

const byModel = new Map<CpuModel, CounterFacts | undefined>();

/** The performance counters of a model; undefined where it has none. */
export function counterFacts(model: CpuModelFacts): CounterFacts | undefined {
  if (!byModel.has(model.name)) byModel.set(model.name, factsOf(model));
  return byModel.get(model.name);
}

function factsOf(model: CpuModelFacts): CounterFacts | undefined {
  const { features, vendor } = model;
  if (vendor === 'AuthenticAMD') {
    const scheme = { scheme: 'AMD', version: 0, bits: 48, fixed: 0 } as const;
    return features.has('PerfCtrExtCore') ? withSlots(scheme, 6, 'PERF_CTL', 'PERF_CTR') : undefined;
  }
  if (!features.has('PMC2')) return undefined;
  const version = ([5, 4, 3, 2] as const).find((n) => features.has(`PERFMON${n}`)) ?? 0;
  const programmable = features.has('PMC8') ? 8 : version >= 3 ? 4 : 2;
  const scheme = version === 0 ? 'P6' : 'architectural';
  const rest = { scheme, version, bits: version >= 3 ? 48 : 40, fixed: version === 0 ? 0 : FIXED_COUNTERS } as const;
  return withSlots(rest, programmable, 'IA32_PERFEVTSEL', 'IA32_PMC');
}

function withSlots(
  rest: Omit<CounterFacts, 'programmable' | 'selects' | 'values'>,
  programmable: number,
  select: string,
  value: string,
): CounterFacts {
  const numbers = Array.from({ length: programmable }, (_, n) => n);
  return {
    ...rest,
    programmable,
    selects: numbers.map((n) => offsetOf(`${select}${n}`)),
    values: numbers.map((n) => offsetOf(`${value}${n}`)),
  };
}

/** Bits of the registers that have one for each counter: those with events from 0 on, fixed ones from 32 on. */
export function counterBits({ programmable, fixed }: CounterFacts): bigint {
  return ((1n << BigInt(programmable)) - 1n) | (((1n << BigInt(fixed)) - 1n) << 32n);
}
