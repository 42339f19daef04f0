/** Runs the semantics of an instruction, or the inline part of a system operation, over the compiler's staging. */
import { type Operand, resolveOperand } from '../../isa/operand.ts';
import { repeated } from '../../isa/rows/strings.ts';
import type { CompiledInstruction } from './compiled-instruction.ts';
import type { CompilerStage } from './compiler-stage.ts';

/** Writes an instruction that has a form. */
export function stageInstruction(stage: CompilerStage, { row, form }: CompiledInstruction): void {
  if (!form) throw new Error(`${row.name} is not compiled`);
  const operands = row.operands.map((code) => resolveOperand(code, form.operandSize, form.addressing !== undefined));
  const run = () => (row.semantics ?? row.inline)?.call(row, stage, ...(operands as Operand[]));
  if (form.loadsStack) stage.loadStack(run);
  else if (form.repeatPrefix === 0) run();
  else repeated(stage, run, row, form.repeatPrefix);
}
