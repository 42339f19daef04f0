/**
 * Which instructions put another value into the stack pointer: those that change from one stack to another, and those
 * that leave frames behind. PUSH, POP, ENTER, LEAVE, ADD and SUB move it on the stack it is on and do not count.
 */
import type { DecodedInstruction } from '../isa/decoded-instruction.ts';
import type { InstructionRow } from '../isa/instruction-row.ts';
import { instructionRows } from '../isa/instruction-table.ts';
import type { OperandCode } from '../isa/operand.ts';
import { slot } from '../state/layout.ts';

const NAMES: ReadonlySet<string> = new Set(['MOV', 'LEA', 'POP', 'XCHG']);
const WIDE_REGISTERS: ReadonlySet<OperandCode> = new Set(['Ev', 'Gv', 'Zv']);

/** A row of which the stack pointer can be a destination that counts. */
export function mayLoadStackPointer(row: InstructionRow): boolean {
  return row.semantics !== undefined && NAMES.has(row.name) && writtenOperands(row).length > 0;
}

/** True if the instruction does. */
export function loadsStackPointer({ rowIndex, memoryForm, rmSlot, regSlot }: DecodedInstruction): boolean {
  if (rmSlot !== slot.ESP && regSlot !== slot.ESP) return false;
  const written = loaded[rowIndex];
  if (written === undefined) return false;
  return written.some((code) =>
    code === 'Gv' ? regSlot === slot.ESP : (code === 'Zv' || !memoryForm) && rmSlot === slot.ESP,
  );
}

function writtenOperands({ name, operands }: InstructionRow): readonly OperandCode[] {
  return operands.slice(0, name === 'XCHG' ? 2 : 1).filter((code) => WIDE_REGISTERS.has(code));
}

/** By the indices of rows: the operands, of those that may. */
const loaded = instructionRows.map((row) => (mayLoadStackPointer(row) ? writtenOperands(row) : undefined));
