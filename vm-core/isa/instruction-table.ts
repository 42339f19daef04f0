/** All instruction rows, and the opcode map that the decoder walks (SDM vol. 2D appendix A). */
import type { InstructionRow } from './instruction-row.ts';
import { OpcodeMap, placeRows } from './opcode-map.ts';
import type { OperandSize } from './operand.ts';
import { arithmeticRows } from './rows/arithmetic.ts';
import { avxGatherRows } from './rows/avx-gathers.ts';
import { avxFloatRows } from './rows/avx-float.ts';
import { avxMoveRows } from './rows/avx-moves.ts';
import { avxPackedRows } from './rows/avx-packed.ts';
import { avxPermutationRows } from './rows/avx-permutations.ts';
import { avxStringRows } from './rows/avx-strings.ts';
import { bitRows } from './rows/bits.ts';
import { bmiRows } from './rows/bmi.ts';
import { controlRows } from './rows/control.ts';
import { dataTransferRows } from './rows/data-transfer.ts';
import { decimalRows } from './rows/decimal.ts';
import { extendedStateRows } from './rows/extended-state.ts';
import { f16cRows } from './rows/f16c.ts';
import { fmaRows } from './rows/fma.ts';
import { laterIntegerRows } from './rows/later-integer.ts';
import { packedRows } from './rows/packed.ts';
import { shiftRows } from './rows/shifts.ts';
import { stackRows } from './rows/stack.ts';
import { floatVectorRows } from './rows/float-vectors.ts';
import { stringRows } from './rows/strings.ts';
import { systemRows } from './rows/system.ts';
import { vectorLaneRows } from './rows/vector-lanes.ts';
import { vectorMoveRows } from './rows/vector-moves.ts';
import { vectorStringRows } from './rows/vector-strings.ts';
import { x87ArithmeticRows } from './rows/x87-arithmetic.ts';
import { x87ControlRows } from './rows/x87-control.ts';
import { x87MoveRows } from './rows/x87-moves.ts';

export const instructionRows: readonly InstructionRow[] = [
  ...arithmeticRows,
  ...avxFloatRows,
  ...avxGatherRows,
  ...avxMoveRows,
  ...avxPackedRows,
  ...avxPermutationRows,
  ...avxStringRows,
  ...bitRows,
  ...bmiRows,
  ...controlRows,
  ...dataTransferRows,
  ...decimalRows,
  ...extendedStateRows,
  ...laterIntegerRows,
  ...packedRows,
  ...shiftRows,
  ...stackRows,
  ...f16cRows,
  ...floatVectorRows,
  ...fmaRows,
  ...stringRows,
  ...systemRows,
  ...vectorLaneRows,
  ...vectorMoveRows,
  ...vectorStringRows,
  ...x87ArithmeticRows,
  ...x87ControlRows,
  ...x87MoveRows,
];

let placed: ReturnType<typeof placeRows> | undefined;
const opcodeMaps: { 32?: OpcodeMap; 64?: OpcodeMap } = {};

/** The opcode map of 16- and 32-bit code, or that of 64-bit mode; made when it is first asked for. */
export function opcodeMapOf(codeSize: OperandSize): OpcodeMap {
  const mode = codeSize === 64 ? 64 : 32;
  placed ??= placeRows(instructionRows);
  opcodeMaps[mode] ??= new OpcodeMap(placed, mode === 64 ? 'i64' : 'o64');
  return opcodeMaps[mode];
}
