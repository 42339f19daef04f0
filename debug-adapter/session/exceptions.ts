/** The processor's exceptions (SDM vol. 3A §6.3.1), with the filters that clients offer for stopping at them. */
import type { EventRecord } from '../../vm-core/index.ts';
import { formatFar } from '../expressions/format.ts';

export type ExceptionFilter = 'exceptions' | 'page-faults' | 'debug-exceptions' | 'double-fault' | 'triple-fault';

interface ExceptionRow {
  readonly vector: number;
  readonly mnemonic: string;
  readonly title: string;
  readonly filter: Exclude<ExceptionFilter, 'triple-fault'>;
}

export const exceptions: readonly ExceptionRow[] = [
  { vector: 0, mnemonic: '#DE', title: 'Divide error', filter: 'exceptions' },
  { vector: 1, mnemonic: '#DB', title: 'Debug exception', filter: 'debug-exceptions' },
  { vector: 3, mnemonic: '#BP', title: 'Breakpoint (INT3)', filter: 'debug-exceptions' },
  { vector: 4, mnemonic: '#OF', title: 'Overflow (INTO)', filter: 'exceptions' },
  { vector: 5, mnemonic: '#BR', title: 'BOUND range exceeded', filter: 'exceptions' },
  { vector: 6, mnemonic: '#UD', title: 'Invalid opcode', filter: 'exceptions' },
  { vector: 7, mnemonic: '#NM', title: 'Device not available', filter: 'exceptions' },
  { vector: 8, mnemonic: '#DF', title: 'Double fault', filter: 'double-fault' },
  { vector: 9, mnemonic: '#MP', title: 'Coprocessor segment overrun', filter: 'exceptions' },
  { vector: 10, mnemonic: '#TS', title: 'Invalid TSS', filter: 'exceptions' },
  { vector: 11, mnemonic: '#NP', title: 'Segment not present', filter: 'exceptions' },
  { vector: 12, mnemonic: '#SS', title: 'Stack-segment fault', filter: 'exceptions' },
  { vector: 13, mnemonic: '#GP', title: 'General protection', filter: 'exceptions' },
  { vector: 14, mnemonic: '#PF', title: 'Page fault', filter: 'page-faults' },
  { vector: 16, mnemonic: '#MF', title: 'x87 floating-point error', filter: 'exceptions' },
  { vector: 17, mnemonic: '#AC', title: 'Alignment check', filter: 'exceptions' },
];

interface FilterRow {
  readonly filter: ExceptionFilter;
  readonly label: string;
  readonly description: string;
  readonly default: boolean;
}

/** The filters in the order in which clients show them. */
export const exceptionFilters: readonly FilterRow[] = [
  {
    filter: 'triple-fault',
    label: 'Triple fault',
    description: 'Stop when the processor shuts down, before the machine is reset.',
    default: true,
  },
  {
    filter: 'double-fault',
    label: 'Double fault',
    description: 'Stop at #DF, before its handler.',
    default: true,
  },
  {
    filter: 'exceptions',
    label: 'CPU exceptions',
    description:
      'Stop at faults such as #UD and #GP, before their handler. Page faults and debug exceptions not included.',
    default: false,
  },
  { filter: 'page-faults', label: 'Page faults', description: 'Stop at #PF, before its handler.', default: false },
  {
    filter: 'debug-exceptions',
    label: 'Debug exceptions of the guest',
    description: 'Stop at #DB and #BP (INT3), before their handler.',
    default: false,
  },
];

/** The vectors that a set of filters asks for. */
export function vectorsOf(filters: Iterable<string>): ReadonlySet<number> {
  const wanted = new Set(filters);
  return new Set(exceptions.filter((row) => wanted.has(row.filter)).map((row) => row.vector));
}

/** `#GP`, or `INT 20h` for vectors that are no exception. */
export function exceptionName(vector: number): string {
  const row = exceptions.find((candidate) => candidate.vector === vector);
  return row?.mnemonic ?? `INT ${vector.toString(16).toUpperCase()}h`;
}

/** One line: `#GP General protection, error code 0010h, at 0000:7C10`. */
export function describeEvent(event: EventRecord): string {
  const { vector, errorCode, cs, eip } = event;
  const title = exceptions.find((candidate) => candidate.vector === vector)?.title ?? 'interrupt';
  const code = errorCode === undefined ? '' : `, error code ${errorCode.toString(16).toUpperCase().padStart(4, '0')}h`;
  return `${exceptionName(vector)} ${title}${code}, at ${formatFar(cs, eip, eip > 0xffff ? 32 : 16)}`;
}
