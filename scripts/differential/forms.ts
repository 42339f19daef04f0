/** The forms of instructions that sequences are made of: each row at each operand size, with a register or memory. */
import { hasFeature } from '../../vm-core/isa/cpu-model.ts';
import type { InstructionRow } from '../../vm-core/isa/instruction-row.ts';
import { instructionRows } from '../../vm-core/isa/instruction-table.ts';
import { hasNo16BitForm, isMemoryOnly, isRegisterOrMemory } from '../../vm-core/isa/operand.ts';
import { CPU_MODEL } from './layout.ts';

export interface Form {
  readonly row: InstructionRow;
  readonly operandSize: 16 | 32;
  /** What ModR/M names; `none` where there is no choice. */
  readonly operand: 'register' | 'memory' | 'none';
}

/** A form as text: `01 ADD/16/memory`. */
export function formName({ row, operandSize, operand }: Form): string {
  return `${row.opcode} ${row.name}/${operandSize}/${operand}`;
}

/** All forms of a row. Memory offsets (A0–A3) count as memory. */
export function formsOf(row: InstructionRow): Form[] {
  if (row.mode === 'o64') return [];
  const choice = row.operands.some(isRegisterOrMemory);
  const memory = row.operands.some((code) => isMemoryOnly(code) || code === 'Ob' || code === 'Ov');
  const operands: readonly Form['operand'][] = choice ? ['register', 'memory'] : memory ? ['memory'] : ['none'];
  const sizes = hasNo16BitForm(row.operands) ? ([32] as const) : ([16, 32] as const);
  return sizes.flatMap((operandSize) => operands.map((operand) => ({ row, operandSize, operand })));
}

export const allForms: readonly Form[] = instructionRows.flatMap(formsOf);

/** Rows, or their forms of one operand size, that no sequence has. */
interface NotCompared {
  readonly opcode: string;
  readonly operandSize?: 16 | 32;
  readonly reason: string;
}

export const notCompared: readonly NotCompared[] = [
  { opcode: 'F6 /1', reason: 'QEMU takes it for invalid' },
  { opcode: 'F7 /1', reason: 'QEMU takes it for invalid' },
  { opcode: 'F3 90', reason: 'PAUSE is NOP with a prefix' },
  { opcode: 'F1', reason: 'QEMU takes it for invalid' },
  { opcode: '0F A2', reason: 'the answers are those of the model, which QEMU has otherwise' },
  { opcode: '0F 24', reason: 'the test registers are not modelled by either' },
  { opcode: '0F 26', reason: 'the test registers are not modelled by either' },
  {
    opcode: '0F C8+r',
    operandSize: 16,
    reason: 'the result is undefined (SDM vol. 2A, BSWAP); ours is that of the oracle',
  },
  { opcode: 'F4', reason: 'nothing would wake the processor' },
];

/** The forms that sequences have, in one mode or the other: those of the integer unit. */
export const comparedForms: readonly Form[] = allForms.filter(
  ({ row, operandSize }) =>
    row.unit === undefined &&
    hasFeature(CPU_MODEL, row.feature) &&
    notCompared.every((entry) => entry.opcode !== row.opcode || (entry.operandSize ?? operandSize) !== operandSize),
);

/** How often a row is chosen, where it is not 10: families with many rows of one kind get less. */
export function weightOf({ name, opcode }: InstructionRow): number {
  if (name === 'ESC') return 1;
  if (/^(J[A-Z]+|SET[A-Z]+)$/.test(name) && name !== 'JMP') return 3;
  if (/^(D[0-3]|C[01]|8[0-3]) /.test(opcode)) return 6;
  if (['40+r', '48+r', '50+r', '58+r'].includes(opcode)) return 8;
  return 10;
}
