/** Comparisons of strings with VEX prefixes, from the rows without (SDM vol. 2B PCMPESTRI, PCMPISTRM). */
import { type InstructionRow, type UnitSemanticsFunction, unitRow } from '../instruction-row.ts';
import { UPPER_YMM0 } from '../operand.ts';
import { vexOpcode } from '../vex.ts';
import { vectorStringRows } from './vector-strings.ts';

/** Those that write a mask write XMM0, and here all of YMM0. */
const clearingUpperHalf =
  (run: UnitSemanticsFunction): UnitSemanticsFunction =>
  (s, ...operands) => {
    run(s, ...operands);
    s.writeVector(UPPER_YMM0, [s.f.v128(0n, 0n)]);
  };

export const avxStringRows: readonly InstructionRow[] = vectorStringRows.map(
  ({ opcode, name, operands, semantics }) => {
    const plain = semantics as UnitSemanticsFunction;
    const run = name.endsWith('M') ? clearingUpperHalf(plain) : plain;
    return unitRow('AVX', vexOpcode(opcode, '128'), `V${name}`, operands.join(','), run, { feature: 'AVX' });
  },
);
