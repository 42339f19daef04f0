/** What clients list under exceptions: the processor's exceptions, shutdown, and the events of a machine that can stop it. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { MachineEvent } from '../../vm-core/index.ts';
import { marked, translated } from '../protocol/localized.ts';
import { exceptions } from './exceptions.ts';

/** An event of the machine as a condition sees it, by lower-case name. */
export type EventValues = Readonly<Record<string, number | bigint>>;

/** A kind of event that a filter can stop at. */
export interface EventKind {
  /** The value that a list of numbers in place of a condition means. */
  readonly listed: string | undefined;
  /** Undefined when the event is of another kind. */
  readonly values: (event: MachineEvent) => EventValues | undefined;
  /** The names that `values` gives. */
  readonly names: readonly string[];
  /** Those whose values have 64 bits. */
  readonly wideNames?: readonly string[];
}

export interface FilterRow {
  readonly filter: string;
  readonly label: string;
  readonly description: string;
  readonly default: boolean;
  /** What may be written as a condition. */
  readonly conditionDescription: string;
  /** Vectors of the exceptions that it stops at; a condition chooses among all where `allVectors` says so. */
  readonly vectors?: readonly number[];
  readonly allVectors?: boolean;
  readonly event?: EventKind;
}

/** What conditions of exceptions know beside the registers. */
export const EXCEPTION_NAMES = ['vector', 'errorcode'] as const;

const MODE_NUMBERS = { real: 0, protected: 1, v86: 2, compatibility: 3, long: 4 } as const;
const MODES = ['real', 'protected', 'virtual-8086', 'compatibility', '64-bit'];

const vectorsOf = (group: string): readonly number[] =>
  exceptions.filter((row) => row.group === group).map(({ vector }) => vector);

const interruptsFrom = (source: 'software' | 'external'): EventKind => ({
  listed: 'vector',
  names: ['vector'],
  values: (event) => (event.kind === 'interrupt' && event.source === source ? { vector: event.vector } : undefined),
});

const ports: EventKind = {
  listed: 'port',
  names: ['port', 'size', 'value', 'write', 'read'],
  values: (event) =>
    event.kind === 'port'
      ? {
          port: event.port,
          size: event.size,
          value: event.value >>> 0,
          write: event.isWrite ? 1 : 0,
          read: event.isWrite ? 0 : 1,
        }
      : undefined,
};

const modes: EventKind = {
  listed: undefined,
  names: ['from', 'to', ...Object.keys(MODE_NUMBERS)],
  values: (event) =>
    event.kind === 'mode'
      ? { from: MODES.indexOf(event.from), to: MODES.indexOf(event.to), ...MODE_NUMBERS }
      : undefined,
};

const romWrites: EventKind = {
  listed: 'address',
  names: ['address', 'size', 'value'],
  wideNames: ['address'],
  values: (event) =>
    event.kind === 'rom-write'
      ? { address: event.physicalAddress, size: event.size, value: event.value >>> 0 }
      : undefined,
};

const modelSpecificRegisters: EventKind = {
  listed: 'msr',
  names: ['msr', 'value', 'high', 'write', 'read'],
  wideNames: ['value'],
  values: (event) =>
    event.kind === 'msr'
      ? {
          msr: event.number,
          value: event.value,
          high: Number(event.value >> 32n),
          write: event.isWrite ? 1 : 0,
          read: event.isWrite ? 0 : 1,
        }
      : undefined,
};

const pageTableRoots: EventKind = {
  listed: undefined,
  names: ['from', 'to'],
  wideNames: ['from', 'to'],
  values: (event) => (event.kind === 'cr3' ? { from: event.from, to: event.to } : undefined),
};

const deadHalts: EventKind = {
  listed: undefined,
  names: [],
  values: (event) => (event.kind === 'halt' && !event.interruptsEnabled ? {} : undefined),
};

const BY_VECTOR = marked('Vectors such as 6,13 or a condition over vector, errorCode, registers and memory');

/** The filters in the order in which clients show them. */
export const filterRows: readonly FilterRow[] = [
  {
    filter: 'triple-fault',
    label: marked('Triple fault'),
    description: marked('Stop when the processor shuts down, before the machine is reset.'),
    default: true,
    conditionDescription: marked(
      'Vectors of the exception that began it, such as 6,13, or a condition over its vector and errorCode, registers and memory',
    ),
  },
  {
    filter: 'double-fault',
    label: marked('Double fault'),
    description: marked('Stop at #DF, before its handler.'),
    default: true,
    conditionDescription: marked('A condition over registers and memory'),
    vectors: vectorsOf('double-fault'),
  },
  {
    filter: 'exceptions',
    label: marked('CPU exceptions'),
    description: marked(
      'Stop at faults such as #UD and #GP, before their handler. Page faults and debug exceptions only where a condition names them.',
    ),
    default: false,
    conditionDescription: BY_VECTOR,
    vectors: vectorsOf('exceptions'),
    allVectors: true,
  },
  {
    filter: 'page-faults',
    label: marked('Page faults'),
    description: marked('Stop at #PF, before its handler.'),
    default: false,
    conditionDescription: marked('A condition such as cr2 < 1000h && (errorCode & 2)'),
    vectors: vectorsOf('page-faults'),
  },
  {
    filter: 'debug-exceptions',
    label: marked('Debug exceptions of the guest'),
    description: marked('Stop at #DB and #BP (INT3), before their handler.'),
    default: false,
    conditionDescription: BY_VECTOR,
    vectors: vectorsOf('debug-exceptions'),
  },
  {
    filter: 'halt',
    label: marked('HLT with interrupts off'),
    description: marked('Stop when the processor halts and only a reset can wake it.'),
    default: false,
    conditionDescription: marked('A condition over registers and memory'),
    event: deadHalts,
  },
  {
    filter: 'interrupt',
    label: marked('INT n'),
    description: marked('Stop before software interrupts.'),
    default: false,
    conditionDescription: marked('Vectors such as 10h,13h or a condition such as vector == 13h && ah == 2'),
    event: interruptsFrom('software'),
  },
  {
    filter: 'irq',
    label: marked('Hardware interrupts'),
    description: marked('Stop at the first instruction of the handlers of hardware interrupts.'),
    default: false,
    conditionDescription: marked('Vectors such as 8,9 or a condition over vector, registers and memory'),
    event: interruptsFrom('external'),
  },
  {
    filter: 'port',
    label: marked('I/O ports'),
    description: marked('Stop after instructions that read or write ports.'),
    default: false,
    conditionDescription: marked('Ports such as 60h,64h or a condition such as port == 60h && write && value == 0EDh'),
    event: ports,
  },
  {
    filter: 'rom-write',
    label: marked('Write to ROM'),
    description: marked('Stop after instructions that write to ROM, where the write is lost.'),
    default: false,
    conditionDescription: marked(
      'Physical addresses such as 0F0000h-0FFFFFh or a condition over address, size and value',
    ),
    event: romWrites,
  },
  {
    filter: 'msr',
    label: marked('Model-specific registers'),
    description: marked('Stop after RDMSR and WRMSR.'),
    default: false,
    conditionDescription: marked(
      'Numbers such as 1Bh,0C0000080h or a condition such as msr == 0C0000080h && write && (value & 100h)',
    ),
    event: modelSpecificRegisters,
  },
  {
    filter: 'cr3',
    label: marked('CR3 writes'),
    description: marked('Stop after CR3 was written, by an instruction or a task switch.'),
    default: false,
    conditionDescription: marked('A condition such as from != to, to == 5000h'),
    event: pageTableRoots,
  },
  {
    filter: 'mode-switch',
    label: marked('Mode switch'),
    description: marked('Stop after changes between real, protected, virtual-8086, compatibility and 64-bit mode.'),
    default: false,
    conditionDescription: marked('A condition such as to == protected, from == v86'),
    event: modes,
  },
];

/** A filter in the language of the user. */
export function translatedFilter(
  filter: DebugProtocol.ExceptionBreakpointsFilter,
): DebugProtocol.ExceptionBreakpointsFilter {
  const { label, description, conditionDescription } = filter;
  return {
    ...filter,
    label: translated(label),
    ...(description === undefined ? {} : { description: translated(description) }),
    ...(conditionDescription === undefined ? {} : { conditionDescription: translated(conditionDescription) }),
  };
}

/** The filters as the protocol lists them, in English. */
export const exceptionBreakpointFilters: DebugProtocol.ExceptionBreakpointsFilter[] = filterRows.map(
  ({ filter, label, description, default: isDefault, conditionDescription }) => ({
    filter,
    label,
    description,
    default: isDefault,
    supportsCondition: true,
    conditionDescription,
  }),
);
