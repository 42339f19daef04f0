/**
 * What CPUID answers as read-only registers with their fields: a synthetic set of each model (SDM vol. 2A CPUID; AMD64 manual
 * vol. 3 appendix E).
 */
import { type CpuidRegister, cpuidBits } from '../isa/cpu-feature.ts';
import type { CpuModelFacts } from '../isa/cpu-model.ts';
import type { BitField } from '../state/register-table.ts';
import { type CpuidSurroundings, cpuid, cpuidLeaves } from './cpuid.ts';

/** One of the four registers of an answer. */
export interface CpuidValue {
  readonly name: CpuidRegister;
  readonly value: number;
  readonly fields: readonly BitField[];
}

/** A leaf, or one of its subleaves. */
export interface CpuidRow {
  readonly leaf: number;
  readonly subleaf: number;
  readonly title: string;
  readonly registers: readonly CpuidValue[];
}

const REGISTERS = ['EAX', 'EBX', 'ECX', 'EDX'] as const;

const field = (name: string, low: number, width: number, description = ''): BitField => ({
  ...{ name, low, width, description },
});

const titles: Readonly<Record<number, string>> = {
  0: 'vendor, highest leaf',
  1: 'version, features',
  2: 'caches, as descriptors',
  4: 'caches',
  5: 'MONITOR and MWAIT',
  6: 'power',
  7: 'more features',
  10: 'performance counters',
  11: 'topology',
  13: 'state of XSAVE',
  21: 'time-stamp counter and crystal',
  22: 'frequencies in MHz',
  2147483648: 'highest extended leaf',
  2147483649: 'extended features',
  2147483650: 'brand',
  2147483651: 'brand',
  2147483652: 'brand',
  2147483653: 'first-level caches and translation buffers',
  2147483654: 'outer caches',
  2147483655: 'power of the processor',
  2147483656: 'sizes of addresses',
};

/** Translation buffers of AMD: small pages in EBX, large ones in EAX. */
const buffers = [
  field('code', 0, 8, 'translations'),
  field('ways of code', 8, 8, '255: any place'),
  field('data', 16, 8, 'translations'),
  field('ways of data', 24, 8, '255: any place'),
];
const line = [field('line', 0, 8), field('lines per tag', 8, 4)];
/** AMD's first-level caches: data in ECX, code in EDX. */
const firstLevel = [
  field('line', 0, 8),
  field('lines per tag', 8, 8),
  field('ways', 16, 8),
  field('size', 24, 8, 'KiB'),
];
const outerLevel = [...line, field('associativity', 12, 4, '6: 8 ways, 8: 16 ways')];

/** Fields that are not features, by leaf (hexadecimal) and register. */
const numbers: Readonly<Record<string, readonly BitField[]>> = {
  '1 EAX': [
    field('stepping', 0, 4),
    field('model', 4, 4),
    field('family', 8, 4),
    field('type', 12, 2),
    field('extended model', 16, 4, 'its upper four bits'),
    field('extended family', 20, 8, 'added to a family of 15'),
  ],
  '1 EBX': [
    field('brand', 0, 8),
    field('line', 8, 8, 'bytes of CLFLUSH, in units of 8'),
    field('logical processors', 16, 8),
    field('APIC number', 24, 8),
  ],
  '1 ECX': [field('OSXSAVE', 27, 1, 'as CR4.OSXSAVE')],
  '4 EAX': [
    field('type', 0, 5, '1 data, 2 code, 3 both'),
    field('level', 5, 3),
    field('self-initializing', 8, 1),
    field('fully associative', 9, 1),
    field('sharing', 14, 12, 'logical processors less one'),
    field('cores', 26, 6, 'less one'),
  ],
  '4 EBX': [
    field('line', 0, 12, 'bytes less one'),
    field('partitions', 12, 10, 'less one'),
    field('ways', 22, 10, 'less one'),
  ],
  '5 ECX': [field('extensions', 0, 1), field('interrupts end MWAIT', 1, 1, 'even while they are off')],
  '7 ECX': [field('OSPKE', 4, 1, 'as CR4.PKE')],
  'a EAX': [
    field('version', 0, 8),
    field('counters', 8, 8, 'with events of choice'),
    field('width', 16, 8, 'bits of each'),
    field('events', 24, 8, 'that EBX tells of'),
  ],
  'a EBX': [
    ...[
      'cycles',
      'instructions',
      'reference cycles',
      'cache references',
      'cache misses',
      'branches',
      'wrong branches',
    ].map((name, bit) => field(name, bit, 1, 'never happen')),
  ],
  'a ECX': [field('fixed', 0, 32, 'one bit each')],
  'a EDX': [
    field('fixed', 0, 5, 'counters'),
    field('width of fixed', 5, 8, 'bits of each'),
    field('no AnyThread', 15, 1, 'no counting for other threads'),
  ],
  'b EAX': [field('shift', 0, 5, 'of the APIC number')],
  'b EBX': [field('logical processors', 0, 16)],
  'b ECX': [field('number', 0, 8), field('type', 8, 8, '1 threads, 2 cores')],
  ...{ '80000005 EAX': buffers, '80000005 EBX': buffers, '80000005 ECX': firstLevel, '80000005 EDX': firstLevel },
  '80000006 ECX': [...outerLevel, field('size', 16, 16, 'KiB')],
  '80000006 EDX': [...outerLevel, field('size', 18, 14, 'in units of 512 KiB')],
  '80000008 EAX': [field('physical', 0, 8, 'bits'), field('linear', 8, 8, 'bits')],
};

/** All leaves of a model with what they answer now; none for a model without CPUID. */
export function cpuidRows(model: CpuModelFacts, surroundings: CpuidSurroundings): readonly CpuidRow[] {
  return cpuidLeaves(model).map(({ leaf, subleaf }) => {
    const answer = cpuid(model, leaf, subleaf, surroundings);
    const registers = REGISTERS.map((name) => ({ name, value: answer[name], fields: fieldsOf(leaf, name) }));
    return { leaf, subleaf, title: titles[leaf] ?? '', registers };
  });
}

function fieldsOf(leaf: number, register: CpuidRegister): readonly BitField[] {
  const features = cpuidBits
    .filter((row) => row.leaf === leaf && row.register === register)
    .map(({ feature, bit }) => field(feature, bit, 1));
  return [...(numbers[`${leaf.toString(16)} ${register}`] ?? []), ...features].sort((a, b) => a.low - b.low);
}
