/** Which instructions of the units besides the integer unit are compiled, and when their units may be used. */
import type { InstructionRow } from '../../isa/instruction-row.ts';
import { hasVectorIndex } from '../../isa/operand.ts';
import { avxFloatRows } from '../../isa/rows/avx-float.ts';
import { f16cRows } from '../../isa/rows/f16c.ts';
import { floatVectorRows } from '../../isa/rows/float-vectors.ts';
import { fmaRows } from '../../isa/rows/fma.ts';
import { forbiddingBits } from '../units.ts';
import type { Region } from './region-graph.ts';

/** What gathers exceptions, whose exact functions are the interpreter's. */
const called: ReadonlySet<InstructionRow> = new Set([...avxFloatRows, ...f16cRows, ...floatVectorRows, ...fmaRows]);

/** True for an instruction of another unit than the integer unit that is not left to the interpreter's handler. */
export function isUnitCompiled(row: InstructionRow): boolean {
  return row.unit !== 'x87' && !called.has(row) && !row.operands.some(hasVectorIndex);
}

/** The bits of the state's word of units that keep the region's compiled instructions from being executed. */
export function forbiddingBitsOf({ nodes }: Region): number {
  const rows = [...nodes.values()].flatMap(({ instructions }) => instructions.filter(({ form }) => form));
  return rows.reduce((bits, { row }) => bits | (row.unit ? forbiddingBits(row.unit) : 0), 0);
}

/** True for a called instruction that leaves the vector registers alone. */
export function keepsVectors({ unit }: InstructionRow): boolean {
  return unit === 'x87' || unit === 'MMX';
}
