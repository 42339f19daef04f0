/** Packed instructions with MMX and XMM registers: their rows, from what they compute (SDM vol. 2A, 2B). */
import type { Value } from '../../wasm/function-builder.ts';
import type { CpuFeature } from '../cpu-feature.ts';
import { type InstructionRow, type UnitSemanticsFunction, unitRow } from '../instruction-row.ts';
import { withMmx } from '../mmx.ts';
import type { UnitOperand } from '../operand.ts';
import { type PackedForm, type PackedInstruction, packedInstructions } from '../packed/instructions.ts';
import type { VectorFunction } from '../packed/lanes.ts';
import { arithmetic, byBytes, logical, type ShiftFunction } from '../packed/shifts.ts';
import { chooseWords } from '../packed/shuffles.ts';
import type { Semantics } from '../semantics.ts';

const ALL_OF = { unary: '', binary: '', 'unary immediate': ',Ib', 'binary immediate': ',Ib' } as const;

/** The first vector of an operand; memory of 128 bits must be aligned. */
function read(s: Semantics, operand: UnitOperand): Value {
  return s.readVector(operand, 'aligned')[0] as Value;
}

/** Computes the first operand from both. */
function computing(compute: VectorFunction): UnitSemanticsFunction {
  return (s, to, from) => {
    const y = read(s, from as UnitOperand);
    s.writeVector(to as UnitOperand, [compute(s, read(s, to as UnitOperand), y, s.immediate())]);
  };
}

function mmxRow(opcode: string, name: string, operands: string, compute: VectorFunction, feature: CpuFeature) {
  return unitRow('MMX', opcode, name, operands, withMmx(computing(compute)), { feature });
}

function operandsOf(vectors: string, form: PackedForm): string {
  return vectors + ALL_OF[form];
}

function rowsOf({ opcode, name, form, compute, feature, mmx }: PackedInstruction): readonly InstructionRow[] {
  const row = unitRow('SSE', opcode, name, operandsOf('Vdq,Wdq', form), computing(compute), { feature });
  if (!mmx) return [row];
  const operands = operandsOf(mmx.reads32Bits ? 'Pq,Qd' : 'Pq,Qq', form);
  return [row, mmxRow(opcode.replace('66', 'NP'), name, operands, mmx.compute ?? compute, mmx.feature)];
}

/** A shift of lanes, with its two forms. */
export interface PackedShift {
  readonly opcode: string;
  readonly name: string;
  /** Opcode and ModR/M extension of the form whose count is an immediate. */
  readonly immediate: string;
  readonly compute: ShiftFunction;
}

/** Shifts of lanes, whose count is the lower half of a vector or memory, or an immediate. */
export const packedShifts: readonly PackedShift[] = [
  { opcode: '0F D1', name: 'PSRLW', immediate: '0F 71 /2', compute: logical('i16x8', 'shr_u') },
  { opcode: '0F D2', name: 'PSRLD', immediate: '0F 72 /2', compute: logical('i32x4', 'shr_u') },
  { opcode: '0F D3', name: 'PSRLQ', immediate: '0F 73 /2', compute: logical('i64x2', 'shr_u') },
  { opcode: '0F E1', name: 'PSRAW', immediate: '0F 71 /4', compute: arithmetic('i16x8') },
  { opcode: '0F E2', name: 'PSRAD', immediate: '0F 72 /4', compute: arithmetic('i32x4') },
  { opcode: '0F F1', name: 'PSLLW', immediate: '0F 71 /6', compute: logical('i16x8', 'shl') },
  { opcode: '0F F2', name: 'PSLLD', immediate: '0F 72 /6', compute: logical('i32x4', 'shl') },
  { opcode: '0F F3', name: 'PSLLQ', immediate: '0F 73 /6', compute: logical('i64x2', 'shl') },
];

const byVector =
  (shift: ShiftFunction): VectorFunction =>
  (s, x, y) =>
    shift(s, x, s.f.operateOnLane('i64x2.extract_lane', 0, y));

const byImmediate =
  (shift: ShiftFunction): UnitSemanticsFunction =>
  (s, to) => {
    s.writeVector(to as UnitOperand, [shift(s, read(s, to as UnitOperand), s.immediate())]);
  };

const sse2 = { feature: 'SSE2' } as const;

function rowsOfShift({ opcode, name, immediate, compute }: PackedShift): readonly InstructionRow[] {
  return [
    unitRow('SSE', `66 ${opcode}`, name, 'Vdq,Wdq', computing(byVector(compute)), sse2),
    unitRow('SSE', `66 ${immediate}`, name, 'Udq,Ib', byImmediate(compute), sse2),
    mmxRow(`NP ${opcode}`, name, 'Pq,Qq', byVector(compute), 'MMX'),
    unitRow('MMX', `NP ${immediate}`, name, 'Nq,Ib', withMmx(byImmediate(compute)), { feature: 'MMX' }),
  ];
}

export const packedRows: readonly InstructionRow[] = [
  ...packedInstructions.flatMap(rowsOf),
  ...packedShifts.flatMap(rowsOfShift),
  unitRow('SSE', '66 0F 73 /3', 'PSRLDQ', 'Udq,Ib', byImmediate(byBytes('right')), sse2),
  unitRow('SSE', '66 0F 73 /7', 'PSLLDQ', 'Udq,Ib', byImmediate(byBytes('left')), sse2),
  mmxRow('NP 0F 70', 'PSHUFW', 'Pq,Qq,Ib', chooseWords('low'), 'SSE'),
];
