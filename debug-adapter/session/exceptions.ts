/** The processor's exceptions (SDM vol. 3A §6.3.1), in the groups in which clients offer to stop at them. */
import type { EventRecord } from '../../vm-core/index.ts';
import { formatFar } from '../expressions/format.ts';

interface ExceptionRow {
  readonly vector: number;
  readonly mnemonic: string;
  readonly title: string;
  readonly group: 'exceptions' | 'page-faults' | 'debug-exceptions' | 'double-fault';
}

export const exceptions: readonly ExceptionRow[] = [
  { vector: 0, mnemonic: '#DE', title: 'Divide error', group: 'exceptions' },
  { vector: 1, mnemonic: '#DB', title: 'Debug exception', group: 'debug-exceptions' },
  { vector: 3, mnemonic: '#BP', title: 'Breakpoint (INT3)', group: 'debug-exceptions' },
  { vector: 4, mnemonic: '#OF', title: 'Overflow (INTO)', group: 'exceptions' },
  { vector: 5, mnemonic: '#BR', title: 'BOUND range exceeded', group: 'exceptions' },
  { vector: 6, mnemonic: '#UD', title: 'Invalid opcode', group: 'exceptions' },
  { vector: 7, mnemonic: '#NM', title: 'Device not available', group: 'exceptions' },
  { vector: 8, mnemonic: '#DF', title: 'Double fault', group: 'double-fault' },
  { vector: 9, mnemonic: '#MP', title: 'Coprocessor segment overrun', group: 'exceptions' },
  { vector: 10, mnemonic: '#TS', title: 'Invalid TSS', group: 'exceptions' },
  { vector: 11, mnemonic: '#NP', title: 'Segment not present', group: 'exceptions' },
  { vector: 12, mnemonic: '#SS', title: 'Stack-segment fault', group: 'exceptions' },
  { vector: 13, mnemonic: '#GP', title: 'General protection', group: 'exceptions' },
  { vector: 14, mnemonic: '#PF', title: 'Page fault', group: 'page-faults' },
  { vector: 16, mnemonic: '#MF', title: 'x87 floating-point error', group: 'exceptions' },
  { vector: 17, mnemonic: '#AC', title: 'Alignment check', group: 'exceptions' },
  { vector: 19, mnemonic: '#XM', title: 'SIMD floating-point error', group: 'exceptions' },
];

/** `#GP`, or `INT 20h` for vectors that are no exception. */
export function exceptionName(vector: number): string {
  const row = exceptions.find((candidate) => candidate.vector === vector);
  return row?.mnemonic ?? `INT ${vector.toString(16).toUpperCase()}h`;
}

/** One line: `#GP General protection, error code 0010h, at 0000:7C10`; `codeSize` is that of the code it came in. */
export function describeEvent(event: EventRecord, codeSize: 16 | 32 | 64): string {
  const { vector, errorCode, cs, eip } = event;
  const title = exceptions.find((candidate) => candidate.vector === vector)?.title ?? 'interrupt';
  const code = errorCode === undefined ? '' : `, error code ${errorCode.toString(16).toUpperCase().padStart(4, '0')}h`;
  const size = codeSize === 64 ? 64 : eip > 0xffff ? 32 : 16;
  return `${exceptionName(vector)} ${title}${code}, at ${formatFar(cs, eip, size)}`;
}
