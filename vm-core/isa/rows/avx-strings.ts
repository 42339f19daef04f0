/** Comparisons of strings with VEX prefixes, from the rows without (SDM vol. 2B PCMPESTRI, PCMPISTRM). */
import { vectorSlots } from '../../state/layout.ts';
import { type InstructionRow, type UnitSemanticsFunction, unitRow } from '../instruction-row.ts';
import { vexOpcode } from '../vex.ts';
import { vectorStringRows } from './vector-strings.ts';

/** Those that write a mask write XMM0, and here all of YMM0. */
const clearingUpperHalf =
  (run: UnitSemanticsFunction): UnitSemanticsFunction =>
  (s, ...operands) => {
    run(s, ...operands);
    s.f.storeVector(s.cpuAddress(), (vectorSlots[0] as number) + 16, s.f.v128(0n, 0n));
  };

export const avxStringRows: readonly InstructionRow[] = vectorStringRows.map(
  ({ opcode, name, operands, semantics }) => {
    const plain = semantics as UnitSemanticsFunction;
    const run = name.endsWith('M') ? clearingUpperHalf(plain) : plain;
    return unitRow('AVX', vexOpcode(opcode, '128'), `V${name}`, operands.join(','), run, { feature: 'AVX' });
  },
);
