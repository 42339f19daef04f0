/** A stop at an exception or event explained at length: what came, where it goes, what lies on the stack. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { EventRecord } from '../../vm-core/index.ts';
import { formatFar, formatHex } from '../expressions/format.ts';
import { addressRegister } from './descriptors.ts';
import { describeEvent, exceptionName } from './exceptions.ts';
import { describeGate } from './gates.ts';
import type { Guest } from './guest.ts';
import type { StopCause } from './runner.ts';

const STACK_WORDS = 8;
const VECTOR_PF = 14;
const SELECTOR_ERROR_CODES: ReadonlySet<number> = new Set([10, 11, 12, 13]);

/** Undefined where there is nothing beyond the one line. */
export function stopDetails(guest: Guest, cause: StopCause): DebugProtocol.ExceptionDetails | undefined {
  switch (cause.kind) {
    case 'exception':
      return detailsOf(guest, cause.event, [stackLine(guest)]);
    case 'triple-fault':
      return {
        typeName: 'triple fault',
        message: 'The processor could not deliver the last of these and shut down.',
        stackTrace: [...cause.chain.flatMap((event) => eventLines(guest, event)), stackLine(guest)].join('\n'),
        innerException: cause.chain.map((event) => detailsOf(guest, event, [])),
      };
    case 'event':
      if (cause.event.kind !== 'interrupt') return { stackTrace: stackLine(guest) };
      return {
        typeName: exceptionName(cause.event.vector),
        stackTrace: [describeGate(guest, cause.event.vector), stackLine(guest)].join('\n'),
      };
    default:
      return undefined;
  }
}

function detailsOf(guest: Guest, event: EventRecord, more: readonly string[]): DebugProtocol.ExceptionDetails {
  return {
    typeName: exceptionName(event.vector),
    message: describeEvent(event, guest.vcpu.codeSize),
    stackTrace: [...eventLines(guest, event), ...more].join('\n'),
  };
}

function eventLines(guest: Guest, event: EventRecord): readonly string[] {
  const { vector, errorCode, linearAddress } = event;
  const symbol = guest.describeSymbol(linearAddress);
  const instruction = guest.decode(linearAddress)?.text;
  const where = [symbol, instruction].filter((part) => part !== undefined).join(': ');
  return [
    describeEvent(event, guest.vcpu.codeSize) + (where === '' ? '' : ` (${where})`),
    ...(errorCode === undefined || (errorCode === 0 && vector !== VECTOR_PF)
      ? []
      : [`  error code: ${describeErrorCode(guest, vector, errorCode)}`]),
    `  ${describeGate(guest, vector)}`,
  ];
}

/** What the bits of an error code say (SDM vol. 3A §6.13, §4.7). */
function describeErrorCode(guest: Guest, vector: number, code: number): string {
  if (vector === VECTOR_PF) {
    const parts = [
      (code & 1) !== 0 ? 'protection' : 'not present',
      (code & 2) !== 0 ? 'write' : 'read',
      (code & 4) !== 0 ? 'user' : 'supervisor',
    ];
    return `${parts.join(', ')}, linear address ${formatHex(addressRegister(guest, 'CR2'), guest.addressWidth)}`;
  }
  if (!SELECTOR_ERROR_CODES.has(vector)) return formatHex(code, 16);
  const table = (code & 2) !== 0 ? 'IDT' : (code & 4) !== 0 ? 'LDT' : 'GDT';
  return `${table} entry ${code >>> 3}${(code & 1) !== 0 ? ', from outside the program' : ''}`;
}

/** `stack at 0000:7BF8: 7C51 0000 0202 …`, in units of the code's size. */
function stackLine(guest: Guest): string {
  const size = guest.vcpu.codeSize / 8;
  const values = Array.from({ length: STACK_WORDS }, (_, index) =>
    guest.readBits(guest.stackAddress(guest.stackPointer + index * size), size),
  ).filter((value) => value !== undefined);
  const words = values.map((value) =>
    formatHex(value, size * 8)
      .slice(2)
      .toUpperCase(),
  );
  return `stack at ${formatFar(guest.register('SS'), guest.stackPointer, guest.stackSize)}: ${words.join(' ')}`;
}
