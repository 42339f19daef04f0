/** The registers that are known of a caller: where it goes on, and the top of its stack then. They cannot be written. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { formatValue, type Notation } from '../expressions/format.ts';
import type { Guest } from './guest.ts';
import { linearReference } from './places.ts';
import { type Frame, frameAt } from './stack-frames.ts';

/** References of callers begin here; the frame's number is added. */
const CALLER_REFERENCE = 1_000_000;

/** The variables reference of a caller. */
export function callerReference(frameId: number): number {
  return CALLER_REFERENCE + frameId;
}

/** The registers of a caller; undefined for a reference that is none, or of a frame that is gone. */
export function callerVariables(
  guest: Guest,
  reference: number,
  notation: Notation,
): readonly DebugProtocol.Variable[] | undefined {
  const frame = reference > CALLER_REFERENCE ? frameAt(guest, reference - CALLER_REFERENCE) : undefined;
  return frame && variablesOf(guest, frame, notation);
}

function variablesOf(guest: Guest, frame: Frame, notation: Notation): readonly DebugProtocol.Variable[] {
  const [pointer, stackPointer, bits] = guest.is64Bit ? (['RIP', 'RSP', 64] as const) : (['EIP', 'ESP', 32] as const);
  const variable = (name: string, value: number, width: number, linear?: number): DebugProtocol.Variable => ({
    name,
    value: formatValue(value, width, notation),
    variablesReference: 0,
    presentationHint: { attributes: ['readOnly'] },
    ...(linear === undefined ? {} : { memoryReference: linearReference(guest, linear) }),
  });
  return [
    variable('CS', frame.selector, 16),
    variable(pointer, frame.offset, bits, frame.address),
    variable('SS', frame.stackSelector, 16),
    variable(stackPointer, frame.stackOffset, bits, frame.stackAddress),
  ];
}
