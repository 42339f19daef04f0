/**
 * The floating-point instructions that compute a vector from one or two (SDM vol. 1 §5.5.1, §5.6.1, §5.7, §5.10.2, §5.10.3):
 * what each does with 128 bits, from which the rows of all its encodings are made. (A table: exempt from the limit.)
 */
import type { Value } from '../../wasm/function-builder.ts';
import type { SharedFunction } from '../../wasm/module-builder.ts';
import type { CpuFeature } from '../cpu-feature.ts';
import type { VectorArithmetic } from '../mxcsr.ts';
import * as arithmetic from './lane-arithmetic.ts';
import * as comparisons from './lane-comparisons.ts';
import * as conversions from './lane-conversions.ts';

/**
 * What an instruction computes from 128 bits of each operand; those of 256 bits have it done for each half. The immediate
 * is the instruction's, of those that have one.
 */
export type LaneComputation = (unit: VectorArithmetic, x: Value, y: Value, immediate: Value) => Value;

/** The same for several halves at once. */
export type HalvesComputation = (
  unit: VectorArithmetic,
  x: readonly Value[],
  y: readonly Value[],
  immediate: Value,
) => readonly Value[];

/** One instruction. */
export interface FloatInstruction {
  /** With its prefix. */
  readonly opcode: string;
  readonly name: string;
  /** The second operand: how much of memory is read. What is not `Wdq` need not be aligned. */
  readonly source: 'Wdq' | 'Wq' | 'Wd';
  /** `unary`: all of the result comes from the second operand. */
  readonly form: 'unary' | 'binary' | 'unary immediate' | 'binary immediate';
  readonly feature: CpuFeature;
  readonly compute: LaneComputation;
}

/** The lanes of the result are those that one function makes. */
const by =
  (operation: SharedFunction): LaneComputation =>
  (unit, x, y) =>
    unit.operate(operation, x, y);

const byImmediate =
  (operation: SharedFunction): LaneComputation =>
  (unit, x, y, immediate) =>
    unit.operate(operation, x, y, immediate);

interface Format extends Pick<FloatInstruction, 'source' | 'feature'> {
  readonly prefix: string;
  readonly isPacked: boolean;
  readonly arithmetic: arithmetic.LaneArithmetic;
  readonly comparisons: comparisons.LaneComparisons;
}

/** The formats that most operations have, by what the mnemonic ends with. */
const formats: Readonly<Record<'PS' | 'PD' | 'SS' | 'SD', Format>> = {
  PS: {
    ...{ prefix: 'NP', source: 'Wdq', feature: 'SSE', isPacked: true },
    ...{ arithmetic: arithmetic.packedSingles, comparisons: comparisons.comparePackedSingles },
  },
  PD: {
    ...{ prefix: '66', source: 'Wdq', feature: 'SSE2', isPacked: true },
    ...{ arithmetic: arithmetic.packedDoubles, comparisons: comparisons.comparePackedDoubles },
  },
  SS: {
    ...{ prefix: 'F3', source: 'Wd', feature: 'SSE', isPacked: false },
    ...{ arithmetic: arithmetic.scalarSingle, comparisons: comparisons.compareSingle },
  },
  SD: {
    ...{ prefix: 'F2', source: 'Wq', feature: 'SSE2', isPacked: false },
    ...{ arithmetic: arithmetic.scalarDouble, comparisons: comparisons.compareDouble },
  },
};

function instructionsOf(suffix: keyof typeof formats): readonly FloatInstruction[] {
  const { prefix, source, feature, isPacked, arithmetic: compute, comparisons: compare } = formats[suffix];
  const one = (
    opcode: string,
    name: string,
    operation: LaneComputation,
    form: FloatInstruction['form'] = 'binary',
  ): FloatInstruction => ({
    opcode: `${prefix} 0F ${opcode}`,
    name: `${name}${suffix}`,
    source,
    form,
    feature,
    compute: operation,
  });
  return [
    one('51', 'SQRT', by(compute.root), isPacked ? 'unary' : 'binary'),
    one('58', 'ADD', by(compute.sum)),
    one('59', 'MUL', by(compute.product)),
    one('5C', 'SUB', by(compute.difference)),
    one('5D', 'MIN', by(compare.minimum)),
    one('5E', 'DIV', by(compute.quotient)),
    one('5F', 'MAX', by(compare.maximum)),
    one('C2', 'CMP', byImmediate(compare.comparison), 'binary immediate'),
  ];
}

/** Bytes of the even or the odd lanes of two vectors, first those of the first. */
function everyOther(bytes: 4 | 8, isOdd: boolean): readonly number[] {
  const lanes = Array.from({ length: 16 / bytes }, (_, n) => 2 * n + (isOdd ? 1 : 0));
  return lanes.flatMap((lane) => Array.from({ length: bytes }, (_, n) => lane * bytes + n));
}

/** Each lane of the result is computed from two neighbours, those of the first operand below. */
const horizontal =
  (operation: SharedFunction, bytes: 4 | 8): LaneComputation =>
  (unit, x, y) => {
    const { f } = unit.s;
    const even = f.shuffle(x, y, everyOther(bytes, false));
    return unit.operate(operation, even, f.shuffle(x, y, everyOther(bytes, true)));
  };

/** All ones in the lanes whose bits of the immediate are set, the lowest lane's being bit `from`. */
function lanesOf({ s }: VectorArithmetic, immediate: Value, bytes: 4 | 8, from: 0 | 4): Value {
  const { f } = s;
  const bit = (lane: number) => 1n << BigInt(from + lane);
  const bits = bytes === 4 ? f.v128(bit(0) | (bit(1) << 32n), bit(2) | (bit(3) << 32n)) : f.v128(bit(0), bit(1));
  const integers = bytes === 4 ? 'i32x4' : 'i64x2';
  const all = bytes === 4 ? f.operate('i32x4.splat', immediate) : f.operate('i64x2.splat', s.wideUnsigned(immediate));
  return f.operate(`${integers}.eq`, f.operate('v128.and', all, bits), bits);
}

/**
 * The sum of products, step by step, into the lanes that the immediate names; it names the lanes of the factors, too. Each
 * step is done for all halves before the next, as its exceptions come together.
 */
const dotProducts =
  ({ product, sum }: arithmetic.LaneArithmetic, bytes: 4 | 8): HalvesComputation =>
  (unit, firsts, seconds, immediate) => {
    const { f } = unit.s;
    const factors = lanesOf(unit, immediate, bytes, 4);
    const products = seconds.map((y, n) =>
      f.copy(
        unit.operate(product, f.operate('v128.and', firsts[n] as Value, factors), f.operate('v128.and', y, factors)),
      ),
    );
    const neighbours = (all: readonly Value[]) => {
      unit.finish();
      return all.map((of) => {
        const even = f.shuffle(of, of, everyOther(bytes, false));
        return f.copy(unit.operate(sum, even, f.shuffle(of, of, everyOther(bytes, true))));
      });
    };
    const sums = neighbours(products);
    const lanes = lanesOf(unit, immediate, bytes, 0);
    return (bytes === 8 ? sums : neighbours(sums)).map((all) => f.operate('v128.and', all, lanes));
  };

const dotProduct =
  (of: arithmetic.LaneArithmetic, bytes: 4 | 8): LaneComputation =>
  (unit, x, y, immediate) =>
    dotProducts(of, bytes)(unit, [x], [y], immediate)[0] as Value;

/** DPPS of any number of halves. */
export const dotProductsOfSingles: HalvesComputation = dotProducts(arithmetic.packedSingles, 4);

type Entry = readonly [opcode: string, name: string, compute: LaneComputation, source?: FloatInstruction['source']];

function group(
  feature: CpuFeature,
  form: FloatInstruction['form'],
  entries: readonly Entry[],
): readonly FloatInstruction[] {
  return entries.map(([opcode, name, compute, source = 'Wdq']) => ({ opcode, name, source, form, feature, compute }));
}

/** Integers of the lower half are exact as numbers of 64 bits. */
const doublesFromIntegers: LaneComputation = ({ s }, _, y) => s.f.operate('f64x2.convert_low_i32x4_s', y);

const { packedSingles, packedDoubles } = arithmetic;
const { integersFromPackedSingles, integersFromPackedDoubles } = conversions;

export const floatInstructions: readonly FloatInstruction[] = [
  ...instructionsOf('PS'),
  ...instructionsOf('PD'),
  ...instructionsOf('SS'),
  ...instructionsOf('SD'),
  ...group('SSE', 'unary', [
    ['NP 0F 52', 'RSQRTPS', by(arithmetic.packedReciprocalRoot)],
    ['NP 0F 53', 'RCPPS', by(arithmetic.packedReciprocal)],
  ]),
  ...group('SSE', 'binary', [
    ['F3 0F 52', 'RSQRTSS', by(arithmetic.scalarReciprocalRoot), 'Wd'],
    ['F3 0F 53', 'RCPSS', by(arithmetic.scalarReciprocal), 'Wd'],
  ]),
  ...group('SSE2', 'unary', [
    ['NP 0F 5A', 'CVTPS2PD', by(conversions.doublesFromSingles), 'Wq'],
    ['66 0F 5A', 'CVTPD2PS', by(conversions.singlesFromDoubles)],
    ['NP 0F 5B', 'CVTDQ2PS', by(conversions.singlesFromIntegers)],
    ['66 0F 5B', 'CVTPS2DQ', by(integersFromPackedSingles.rounded)],
    ['F3 0F 5B', 'CVTTPS2DQ', by(integersFromPackedSingles.truncated)],
    ['F3 0F E6', 'CVTDQ2PD', doublesFromIntegers, 'Wq'],
    ['F2 0F E6', 'CVTPD2DQ', by(integersFromPackedDoubles.rounded)],
    ['66 0F E6', 'CVTTPD2DQ', by(integersFromPackedDoubles.truncated)],
  ]),
  ...group('SSE2', 'binary', [
    ['F3 0F 5A', 'CVTSS2SD', by(conversions.doubleFromLowestSingle), 'Wd'],
    ['F2 0F 5A', 'CVTSD2SS', by(conversions.singleFromLowestDouble), 'Wq'],
  ]),
  ...group('SSE3', 'binary', [
    ['66 0F D0', 'ADDSUBPD', by(packedDoubles.alternating)],
    ['F2 0F D0', 'ADDSUBPS', by(packedSingles.alternating)],
    ['66 0F 7C', 'HADDPD', horizontal(packedDoubles.sum, 8)],
    ['F2 0F 7C', 'HADDPS', horizontal(packedSingles.sum, 4)],
    ['66 0F 7D', 'HSUBPD', horizontal(packedDoubles.difference, 8)],
    ['F2 0F 7D', 'HSUBPS', horizontal(packedSingles.difference, 4)],
  ]),
  ...group('SSE4.1', 'unary immediate', [
    ['66 0F 3A 08', 'ROUNDPS', byImmediate(conversions.integralPackedSingles)],
    ['66 0F 3A 09', 'ROUNDPD', byImmediate(conversions.integralPackedDoubles)],
  ]),
  ...group('SSE4.1', 'binary immediate', [
    ['66 0F 3A 0A', 'ROUNDSS', byImmediate(conversions.integralSingle), 'Wd'],
    ['66 0F 3A 0B', 'ROUNDSD', byImmediate(conversions.integralDouble), 'Wq'],
    ['66 0F 3A 40', 'DPPS', dotProduct(packedSingles, 4)],
    ['66 0F 3A 41', 'DPPD', dotProduct(packedDoubles, 8)],
  ]),
];
