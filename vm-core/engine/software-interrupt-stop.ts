/** INT n, INT3 and INTO are reported before they happen, so that a stop shows place and registers. */
import { codeAddressOf } from '../cpu/mode.ts';
import { softwareVector } from '../cpu/software-interrupts.ts';
import { type Address, plus } from '../state/address.ts';
import type { Processor } from './processor.ts';
import type { RecordInstruction } from './record-instruction.ts';

/** True if execution stops before an instruction of the block at an offset, because it is such an interrupt. */
export function stopsAtInterrupt(processor: Processor, instruction: RecordInstruction, entry: Address): boolean {
  const { state, reports } = processor;
  const vector = softwareVector(instruction, state.eflags);
  if (vector === undefined) return false;
  const { nextOffset, length } = instruction;
  if (codeAddressOf(state, plus(entry, nextOffset - length)) !== processor.passInterruptAt) {
    return reports.report(() => ({ kind: 'interrupt', vector, source: 'software' }));
  }
  processor.passInterruptAt = undefined;
  return false;
}
