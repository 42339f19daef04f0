/** Floating-point arithmetic and comparisons on vectors (SDM vol. 1 §5.5.1.2–§5.5.1.4, §5.6.1.2, §5.7.2–§5.7.3, §5.10.2). */
import type { Value } from '../../wasm/function-builder.ts';
import type { SharedFunction } from '../../wasm/module-builder.ts';
import type { CpuFeature } from '../cpu-feature.ts';
import { setFlagsFromByte } from '../flags.ts';
import * as arithmetic from '../float/lane-arithmetic.ts';
import * as comparisons from '../float/lane-comparisons.ts';
import { type InstructionRow, type UnitSemanticsFunction, unitRow } from '../instruction-row.ts';
import { VectorArithmetic } from '../mxcsr.ts';
import type { UnitOperand } from '../operand.ts';
import type { Semantics } from '../semantics.ts';

/** What an instruction computes from 128 bits of each operand; the operands of 256 bits have it done twice. */
export type LaneComputation = (unit: VectorArithmetic, x: Value, y: Value) => Value;

/** An operation on the lanes of two vectors, or those of the second into the first. */
const whole =
  (operation: SharedFunction): LaneComputation =>
  (unit, x, y) =>
    unit.operate(operation, x, y);

/** The same with the instruction's immediate byte, of which so many bits count. */
const withImmediate =
  (operation: SharedFunction, mask: number): LaneComputation =>
  (unit, x, y) =>
    unit.operate(operation, x, y, unit.s.and(unit.s.immediate(), mask));

/** The first operand becomes what is computed from it and the second. */
function computed(compute: LaneComputation, alignment: 'aligned' | undefined): UnitSemanticsFunction {
  return (s, to, from) => {
    const second = s.readVector(from, alignment);
    const first = s.readVector(to);
    const unit = new VectorArithmetic(s);
    const results = first.map((x, n) => compute(unit, x, second[n] as Value));
    unit.finish();
    s.writeVector(to, results);
  };
}

/** The forms of an operation, by what the mnemonic ends with: prefix, memory operand, feature that brings it. */
const forms = {
  PS: { prefix: 'NP', operands: 'Vdq,Wdq', feature: 'SSE', alignment: 'aligned' },
  PD: { prefix: '66', operands: 'Vdq,Wdq', feature: 'SSE2', alignment: 'aligned' },
  SS: { prefix: 'F3', operands: 'Vdq,Wd', feature: 'SSE', alignment: undefined },
  SD: { prefix: 'F2', operands: 'Vdq,Wq', feature: 'SSE2', alignment: undefined },
} as const;
type FormName = keyof typeof forms;

const arithmeticOf: Readonly<Record<FormName, arithmetic.LaneArithmetic>> = {
  PS: arithmetic.packedSingles,
  PD: arithmetic.packedDoubles,
  SS: arithmetic.scalarSingle,
  SD: arithmetic.scalarDouble,
};
const comparisonsOf: Readonly<Record<FormName, comparisons.LaneComparisons>> = {
  PS: comparisons.comparePackedSingles,
  PD: comparisons.comparePackedDoubles,
  SS: comparisons.compareSingle,
  SD: comparisons.compareDouble,
};

const formNames = Object.keys(forms) as readonly FormName[];

/** The rows of an operation that all forms have; the predicates of SSE's comparisons have three bits. */
function rowsOf(form: FormName): readonly InstructionRow[] {
  const { prefix, operands, feature, alignment } = forms[form];
  const { sum, difference, product, quotient, root } = arithmeticOf[form];
  const { minimum, maximum, comparison } = comparisonsOf[form];
  const all: readonly (readonly [opcode: string, name: string, operation: SharedFunction])[] = [
    ['51', 'SQRT', root],
    ['58', 'ADD', sum],
    ['59', 'MUL', product],
    ['5C', 'SUB', difference],
    ['5D', 'MIN', minimum],
    ['5E', 'DIV', quotient],
    ['5F', 'MAX', maximum],
  ];
  const compare = computed(withImmediate(comparison, 7), alignment);
  return [
    ...all.map(([opcode, name, operation]) =>
      unitRow('SSE', `${prefix} 0F ${opcode}`, `${name}${form}`, operands, computed(whole(operation), alignment), {
        feature,
      }),
    ),
    unitRow('SSE', `${prefix} 0F C2`, `CMP${form}`, `${operands},Ib`, compare, { feature }),
  ];
}

/** ZF, PF and CF from a comparison of the lowest lanes; the other arithmetic flags become 0. */
const flagComparison =
  (operation: SharedFunction): UnitSemanticsFunction =>
  (s: Semantics, first: UnitOperand, second: UnitOperand) => {
    const [y] = s.readVector(second) as readonly [Value];
    const [x] = s.readVector(first) as readonly [Value];
    const unit = new VectorArithmetic(s);
    const flags = unit.operate(operation, x, y);
    unit.finish();
    setFlagsFromByte(s, flags, s.constant(0));
  };

/** Bytes of the even or the odd lanes of two vectors, first those of the first. */
function everyOther(bytes: 4 | 8, odd: boolean): readonly number[] {
  const lanes = Array.from({ length: 16 / bytes }, (_, n) => 2 * n + (odd ? 1 : 0));
  return lanes.flatMap((lane) => Array.from({ length: bytes }, (_, n) => lane * bytes + n));
}

/** Each lane of the result is computed from two neighbours, those of the first operand below. */
const horizontal =
  (operation: SharedFunction, bytes: 4 | 8): LaneComputation =>
  (unit, x, y) => {
    const { f } = unit.s;
    const [even, odd] = [false, true].map((isOdd) => f.shuffle(x, y, everyOther(bytes, isOdd))) as [Value, Value];
    return unit.operate(operation, even, odd);
  };

const packed = (
  opcode: string,
  name: string,
  compute: LaneComputation,
  feature: CpuFeature,
  operands = 'Vdq,Wdq',
): InstructionRow => unitRow('SSE', opcode, name, operands, computed(compute, 'aligned'), { feature });

const { packedSingles, packedDoubles } = arithmetic;
const sse = { feature: 'SSE' } as const;
const sse2 = { feature: 'SSE2' } as const;

export const sseArithmeticRows: readonly InstructionRow[] = [
  ...formNames.flatMap(rowsOf),
  packed('NP 0F 53', 'RCPPS', whole(arithmetic.packedReciprocal), 'SSE'),
  packed('NP 0F 52', 'RSQRTPS', whole(arithmetic.packedReciprocalRoot), 'SSE'),
  unitRow('SSE', 'F3 0F 53', 'RCPSS', 'Vdq,Wd', computed(whole(arithmetic.scalarReciprocal), undefined), sse),
  unitRow('SSE', 'F3 0F 52', 'RSQRTSS', 'Vdq,Wd', computed(whole(arithmetic.scalarReciprocalRoot), undefined), sse),
  unitRow('SSE', 'NP 0F 2E', 'UCOMISS', 'Vdq,Wd', flagComparison(comparisons.unorderedSingleFlags), sse),
  unitRow('SSE', 'NP 0F 2F', 'COMISS', 'Vdq,Wd', flagComparison(comparisons.orderedSingleFlags), sse),
  unitRow('SSE', '66 0F 2E', 'UCOMISD', 'Vdq,Wq', flagComparison(comparisons.unorderedDoubleFlags), sse2),
  unitRow('SSE', '66 0F 2F', 'COMISD', 'Vdq,Wq', flagComparison(comparisons.orderedDoubleFlags), sse2),
  packed('66 0F D0', 'ADDSUBPD', whole(packedDoubles.alternating), 'SSE3'),
  packed('F2 0F D0', 'ADDSUBPS', whole(packedSingles.alternating), 'SSE3'),
  packed('66 0F 7C', 'HADDPD', horizontal(packedDoubles.sum, 8), 'SSE3'),
  packed('F2 0F 7C', 'HADDPS', horizontal(packedSingles.sum, 4), 'SSE3'),
  packed('66 0F 7D', 'HSUBPD', horizontal(packedDoubles.difference, 8), 'SSE3'),
  packed('F2 0F 7D', 'HSUBPS', horizontal(packedSingles.difference, 4), 'SSE3'),
];
