/** Which forms of instructions a set of recorded vectors has, by our decoder. */
import { formName } from '../../scripts/differential/forms.ts';
import { readMooFile, type Vector } from '../../scripts/hardware-vectors/moo-file.ts';
import { Decoder } from '../../vm-core/isa/decoder.ts';
import type { InstructionRow } from '../../vm-core/isa/instruction-row.ts';
import { instructionRows } from '../../vm-core/isa/instruction-table.ts';
import { isMemoryOnly, isRegisterOrMemory } from '../../vm-core/isa/operand.ts';

/** The names of the forms in compressed files of 16-bit code, sorted. */
export function formsOfVectors(files: readonly Uint8Array[]): string[] {
  const decoder = new Decoder();
  const names = new Set<string>();
  for (const file of files) {
    for (const vector of readMooFile(file).vectors) {
      const name = formOf(decoder, vector);
      if (name !== undefined) names.add(name);
    }
  }
  return [...names].sort();
}

function formOf(decoder: Decoder, { bytes }: Vector): string | undefined {
  const { rowIndex, operandSize, memoryForm } = decoder.decode((at) => bytes[at] ?? 0, 16);
  const row = instructionRows[rowIndex];
  if (!row || operandSize === 64) return undefined;
  return formName({ row, operandSize, operand: hasOperand(row) ? (memoryForm ? 'memory' : 'register') : 'none' });
}

const hasOperand = ({ operands }: InstructionRow) =>
  operands.some((code) => isRegisterOrMemory(code) || isMemoryOnly(code) || code === 'Ob' || code === 'Ov');
