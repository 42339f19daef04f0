/**
 * Floating-point instructions with XMM registers: those of the table, comparisons into EFLAGS, conversions from and to
 * other registers, MXCSR (SDM vol. 1 §5.5.1, §5.5.2, §5.6.1).
 */
import type { Value } from '../../wasm/function-builder.ts';
import type { SharedFunction } from '../../wasm/module-builder.ts';
import { internal, slot } from '../../state/layout.ts';
import { setFlagsFromByte } from '../flags.ts';
import { type FloatInstruction, floatInstructions } from '../float/instructions.ts';
import * as comparisons from '../float/lane-comparisons.ts';
import * as conversions from '../float/lane-conversions.ts';
import { type InstructionRow, type UnitSemanticsFunction, unitRow } from '../instruction-row.ts';
import { beginMmx, takeX87Registers } from '../mmx.ts';
import { VectorArithmetic } from '../mxcsr.ts';
import type { Operand, UnitOperand } from '../operand.ts';
import type { Semantics } from '../semantics.ts';
import { VECTOR_GP } from '../vectors.ts';

/** The predicates of SSE's comparisons have three bits. */
const PREDICATE = 7;

function read(s: Semantics, operand: UnitOperand, alignment?: 'aligned'): Value {
  return s.readVector(operand, alignment)[0] as Value;
}

/** The first operand becomes what is computed from it and the second. */
function computing({ compute, source, name }: FloatInstruction): UnitSemanticsFunction {
  return (s, to, from) => {
    const y = read(s, from, source === 'Wdq' ? 'aligned' : undefined);
    const unit = new VectorArithmetic(s);
    const immediate = name.startsWith('CMP') ? s.and(s.immediate(), PREDICATE) : s.immediate();
    const result = compute(unit, read(s, to), y, immediate);
    unit.finish();
    s.writeVector(to, [result]);
  };
}

function rowOf(instruction: FloatInstruction): InstructionRow {
  const { opcode, name, source, form, feature } = instruction;
  const operands = `Vdq,${source}${form.endsWith('immediate') ? ',Ib' : ''}`;
  return unitRow('SSE', opcode, name, operands, computing(instruction), { feature });
}

/** ZF, PF and CF from a comparison of the lowest lanes; the other arithmetic flags become 0. */
const flagComparison =
  (operation: SharedFunction): UnitSemanticsFunction =>
  (s, first, second) => {
    const y = read(s, second);
    const unit = new VectorArithmetic(s);
    const flags = unit.operate(operation, read(s, first), y);
    unit.finish();
    setFlagsFromByte(s, flags, s.constant(0));
  };

/** A general register or memory as a number in the lowest lane, the others being those of a vector. */
export function fromIntegerTo(s: Semantics, operation: SharedFunction, others: Value, from: UnitOperand): Value {
  const integer = s.wideSigned(s.read(from as Operand));
  const unit = new VectorArithmetic(s);
  const result = unit.operate(operation, others, s.f.operate('i64x2.splat', integer));
  unit.finish();
  return result;
}

/** The lowest lane as an integer of the general register's size. */
const toInteger =
  (
    conversion: typeof conversions.integerFromSingle,
    rounding: keyof typeof conversions.integersFromTwoSingles,
  ): UnitSemanticsFunction =>
  (s, to, from) => {
    const register = to as Operand;
    const bits = register.bits === 64 ? 64 : 32;
    const y = read(s, from);
    const unit = new VectorArithmetic(s);
    const result = unit.operate(conversion[bits][rounding], y, y);
    unit.finish();
    s.write(register, s.cut(s.f.operateOnLane('i64x2.extract_lane', 0, result), bits));
  };

const loadMxcsr: UnitSemanticsFunction = (s, from) => {
  const value = s.read(from as Operand);
  const reserved = s.f.load('i32', 32, s.cpuAddress(), internal.MXCSR_RESERVED);
  s.if(s.and(value, reserved), () => s.raise(VECTOR_GP, 0));
  s.f.store(32, s.cpuAddress(), slot.MXCSR, value);
};

const storeMxcsr: UnitSemanticsFunction = (s, to) => {
  s.write(to as Operand, s.f.load('i32', 32, s.cpuAddress(), slot.MXCSR));
};

/**
 * Two integers of 32 bits in an MMX register or in memory. The registers are taken from the x87 even if an exception of the
 * conversion follows.
 */
const fromMmx =
  (operation: SharedFunction | 'exact'): UnitSemanticsFunction =>
  (s, to, from) => {
    // What is exact leaves the x87 alone where the integers are in memory.
    const takes = operation !== 'exact' || from.kind === 'mmx';
    if (takes) beginMmx(s);
    const integers = read(s, from);
    const unit = new VectorArithmetic(s);
    const x = read(s, to);
    const result =
      operation === 'exact'
        ? s.f.operate('f64x2.convert_low_i32x4_s', integers)
        : s.f.shuffle(unit.operate(operation, x, integers), x, LOWER_HALF);
    if (takes) takeX87Registers(s);
    unit.finish();
    s.writeVector(to, [result]);
  };

/** Bytes of the lower half of one vector below the upper half of another. */
const LOWER_HALF = Array.from({ length: 16 }, (_, n) => (n < 8 ? n : n + 16));

/** Two numbers to integers in an MMX register. */
const toMmx =
  (operation: SharedFunction, alignment?: 'aligned'): UnitSemanticsFunction =>
  (s, to, from) => {
    beginMmx(s);
    const numbers = read(s, from, alignment);
    const unit = new VectorArithmetic(s);
    const result = unit.operate(operation, numbers, numbers);
    takeX87Registers(s);
    unit.finish();
    s.writeVector(to, [result]);
  };

const sse = { feature: 'SSE' } as const;
const sse2 = { feature: 'SSE2' } as const;
const { integerFromSingle, integerFromDouble, integersFromTwoSingles, integersFromPackedDoubles } = conversions;
/** Conversions of a general register or memory. */
export const integerConversions = [
  { opcode: 'F3 0F 2A', name: 'CVTSI2SS', operation: conversions.singleFromLowestInteger, feature: 'SSE' },
  { opcode: 'F2 0F 2A', name: 'CVTSI2SD', operation: conversions.doubleFromLowestInteger, feature: 'SSE2' },
] as const;

/** What writes no vector register: with VEX it has the same operands. */
export const floatRegisterRows: readonly InstructionRow[] = [
  unitRow('SSE', 'NP 0F 2E', 'UCOMISS', 'Vdq,Wd', flagComparison(comparisons.unorderedSingleFlags), sse),
  unitRow('SSE', 'NP 0F 2F', 'COMISS', 'Vdq,Wd', flagComparison(comparisons.orderedSingleFlags), sse),
  unitRow('SSE', '66 0F 2E', 'UCOMISD', 'Vdq,Wq', flagComparison(comparisons.unorderedDoubleFlags), sse2),
  unitRow('SSE', '66 0F 2F', 'COMISD', 'Vdq,Wq', flagComparison(comparisons.orderedDoubleFlags), sse2),
  unitRow('SSE', 'F3 0F 2C', 'CVTTSS2SI', 'Gy,Wd', toInteger(integerFromSingle, 'truncated'), sse),
  unitRow('SSE', 'F3 0F 2D', 'CVTSS2SI', 'Gy,Wd', toInteger(integerFromSingle, 'rounded'), sse),
  unitRow('SSE', 'F2 0F 2C', 'CVTTSD2SI', 'Gy,Wq', toInteger(integerFromDouble, 'truncated'), sse2),
  unitRow('SSE', 'F2 0F 2D', 'CVTSD2SI', 'Gy,Wq', toInteger(integerFromDouble, 'rounded'), sse2),
  unitRow('SSE', 'NP 0F AE /2', 'LDMXCSR', 'Md', loadMxcsr, sse),
  unitRow('SSE', 'NP 0F AE /3', 'STMXCSR', 'Md', storeMxcsr, sse),
];

export const floatVectorRows: readonly InstructionRow[] = [
  ...floatInstructions.map(rowOf),
  ...floatRegisterRows,
  ...integerConversions.map(({ opcode, name, operation, feature }) =>
    unitRow(
      'SSE',
      opcode,
      name,
      'Vdq,Ey',
      (s, to, from) => s.writeVector(to, [fromIntegerTo(s, operation, read(s, to), from)]),
      { feature },
    ),
  ),
  unitRow('SSE', 'NP 0F 2A', 'CVTPI2PS', 'Vdq,Qq', fromMmx(conversions.singlesFromIntegers), sse),
  unitRow('SSE', '66 0F 2A', 'CVTPI2PD', 'Vdq,Qq', fromMmx('exact'), sse2),
  unitRow('SSE', 'NP 0F 2C', 'CVTTPS2PI', 'Pq,Wq', toMmx(integersFromTwoSingles.truncated), sse),
  unitRow('SSE', 'NP 0F 2D', 'CVTPS2PI', 'Pq,Wq', toMmx(integersFromTwoSingles.rounded), sse),
  unitRow('SSE', '66 0F 2C', 'CVTTPD2PI', 'Pq,Wdq', toMmx(integersFromPackedDoubles.truncated, 'aligned'), sse2),
  unitRow('SSE', '66 0F 2D', 'CVTPD2PI', 'Pq,Wdq', toMmx(integersFromPackedDoubles.rounded, 'aligned'), sse2),
];
