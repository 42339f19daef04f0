/** Permutations of lanes, halves of vectors, and shifts of each lane, as AVX and AVX2 have them (SDM vol. 2C). */
import type { Value } from '../../wasm/function-builder.ts';
import type { CpuFeature } from '../cpu-feature.ts';
import type { InstructionRow, UnitSemanticsFunction } from '../instruction-row.ts';
import type { UnitOperand } from '../operand.ts';
import { bytesOfLanes } from '../packed/lanes.ts';
import { blended } from '../packed/shuffles.ts';
import type { Semantics } from '../semantics.ts';
import { put, threeOperands, vectors, vexRow256, vexRows } from '../vex.ts';

const first = (s: Semantics, operand: UnitOperand | undefined): Value => vectors(s, operand)[0] as Value;

/** The half that the immediate names gets the third operand; the other stays the second's. */
const insertHalf: UnitSemanticsFunction = (s, to, x, y) => {
  const { f } = s;
  const new128 = first(s, y);
  const [low, high] = vectors(s, x) as [Value, Value];
  const isUpper = maskOf(s, s.and(s.immediate(), 1));
  put(s, to, [f.operate('v128.bitselect', low, new128, isUpper), f.operate('v128.bitselect', new128, high, isUpper)]);
};

const extractHalf: UnitSemanticsFunction = (s, to, from) => {
  const [low, high] = vectors(s, from) as [Value, Value];
  put(s, to, [s.f.operate('v128.bitselect', high, low, maskOf(s, s.and(s.immediate(), 1)))]);
};

/** All ones where a bit is 1. */
function maskOf(s: Semantics, bit: Value): Value {
  return s.f.copy(s.f.operate('i32x4.splat', s.sub(s.constant(0), bit)));
}

/** VPERM2F128: each half is one of four, or zero. */
const permuteHalves: UnitSemanticsFunction = (s, to, x, y) => {
  const { f } = s;
  const [third, second] = [vectors(s, y), vectors(s, x)];
  const selector = f.copy(s.immediate());
  const bit = (n: number) => maskOf(s, s.and(s.shrU(selector, n), 1));
  const half = (from: number) => {
    const [isHigh, isThird, isZero] = [bit(from), bit(from + 1), bit(from + 3)];
    const ofSecond = f.operate('v128.bitselect', second[1] as Value, second[0] as Value, isHigh);
    const ofThird = f.operate('v128.bitselect', third[1] as Value, third[0] as Value, isHigh);
    return f.operate('v128.andnot', f.operate('v128.bitselect', ofThird, ofSecond, isThird), isZero);
  };
  put(s, to, [half(0), half(4)]);
};

/** Bytes of two halves by their numbers, 0 to 31. */
function chosenBytes(s: Semantics, [low, high]: readonly Value[], numbers: Value): Value {
  const { f } = s;
  const inHigh = f.operate('i8x16.sub', numbers, f.operate('i8x16.splat', s.constant(16)));
  const fromLow = f.operate('i8x16.swizzle', low as Value, numbers);
  return f.operate('v128.or', fromLow, f.operate('i8x16.swizzle', high as Value, inHigh));
}

/** Numbers of bytes from those of doublewords in each lane. */
function bytesOfDoublewords(s: Semantics, numbers: Value): Value {
  const { f } = s;
  const first4 = f.operate('i32x4.mul', numbers, f.v128(0x0404_0404_0404_0404n, 0x0404_0404_0404_0404n));
  return f.copy(f.operate('i8x16.add', first4, f.v128(0x0302_0100_0302_0100n, 0x0302_0100_0302_0100n)));
}

const SEVEN = 0x0000_0007_0000_0007n;
const THREE = 0x0000_0003_0000_0003n;

/** VPERMD, VPERMPS: the second operand has the numbers of doublewords of the third. */
const permuteDoublewords: UnitSemanticsFunction = (s, to, numbers, from) => {
  const source = vectors(s, from);
  const halves = vectors(s, numbers).map((half) => {
    const masked = s.f.operate('v128.and', half, s.f.v128(SEVEN, SEVEN));
    return chosenBytes(s, source, bytesOfDoublewords(s, masked));
  });
  put(s, to, halves);
};

/** VPERMQ, VPERMPD: two bits of the immediate for each quadword. */
const permuteQuadwords: UnitSemanticsFunction = (s, to, from) => {
  const { f } = s;
  const source = vectors(s, from);
  const selector = f.copy(s.immediate());
  const number = (n: number) => s.and(s.shrU(selector, 2 * n), 3);
  const half = (n: number) => {
    const pair = [number(n), number(n + 1)].map((chosen) => {
      const bytes = s.mul(chosen, s.constant(0x0808_0808));
      return [s.add(bytes, s.constant(0x0302_0100)), s.add(bytes, s.constant(0x0706_0504))];
    });
    const numbers = pair
      .flat()
      .reduce((vector, lane, at) => f.operateOnLane('i32x4.replace_lane', at, vector, lane), f.v128(0n, 0n));
    return chosenBytes(s, source, f.copy(numbers));
  };
  put(s, to, [half(0), half(2)]);
};

/** VPERMILPS with numbers in a vector; in VPERMILPD they are bit 1 of each quadword. */
const permuteSinglesInHalves = threeOperands((s, x, numbers) => {
  const masked = s.f.operate('v128.and', numbers, s.f.v128(THREE, THREE));
  return s.f.operate('i8x16.swizzle', x, bytesOfDoublewords(s, masked));
});
const permuteDoublesInHalves = threeOperands((s, x, numbers) => {
  const { f } = s;
  const isUpper = f.operate('i64x2.shr_s', f.operate('i64x2.shl', numbers, s.constant(62)), s.constant(63));
  return chooseDoubles(s, x, isUpper);
});

function chooseDoubles({ f }: Semantics, x: Value, isUpper: Value): Value {
  const [lower, upper] = [bytesOfLanes([0, 0], 8), bytesOfLanes([1, 1], 8)].map((bytes) => f.shuffle(x, x, bytes));
  return f.operate('v128.bitselect', upper as Value, lower as Value, isUpper);
}

/** The same with an immediate. */
const permuteSinglesByImmediate: UnitSemanticsFunction = (s, to, from) => {
  const { f } = s;
  const selector = f.copy(s.immediate());
  const numbers = [0, 1, 2, 3].reduce(
    (vector, lane) => {
      const number = s.and(s.shrU(selector, 2 * lane), 3);
      return f.operateOnLane('i32x4.replace_lane', lane, vector, number);
    },
    f.v128(0n, 0n),
  );
  const bytes = bytesOfDoublewords(s, f.copy(numbers));
  put(
    s,
    to,
    vectors(s, from).map((half) => f.operate('i8x16.swizzle', half, bytes)),
  );
};
const permuteDoublesByImmediate: UnitSemanticsFunction = (s, to, from) => {
  const { f } = s;
  const selector = f.copy(s.immediate());
  const halves = vectors(s, from).map((half, n) => {
    const lanes = [0, 1].reduce(
      (vector, lane) => {
        const bit = s.and(s.shrU(selector, 2 * n + lane), 1);
        return f.operateOnLane('i64x2.replace_lane', lane, vector, s.wideSigned(s.sub(s.constant(0), bit)));
      },
      f.v128(0n, 0n),
    );
    return chooseDoubles(s, half, f.copy(lanes));
  });
  put(s, to, halves);
};

/** Shifts of each lane by its own count; one beyond the lane gives zeros, or the sign. */
const shiftEach = (lanes: 'i32x4' | 'i64x2', kind: 'shl' | 'shrU' | 'shrS'): UnitSemanticsFunction =>
  threeOperands((s, x, counts) => {
    const { f } = s;
    const bits = lanes === 'i32x4' ? 32 : 64;
    const numbers = Array.from({ length: 128 / bits }, (_, lane) => lane);
    return numbers.reduce(
      (vector, lane) => {
        const count = f.copy(f.operateOnLane(`${lanes}.extract_lane`, lane, counts));
        const value = f.operateOnLane(`${lanes}.extract_lane`, lane, x);
        const most = f.like(count, BigInt(bits - 1));
        const isBeyond = f.binary('gtU', count, most);
        const limited = f.select(isBeyond, most, count);
        const shifted = f.binary(kind, value, kind === 'shrS' ? limited : count);
        const result = kind === 'shrS' ? shifted : f.select(isBeyond, f.like(count, 0n), shifted);
        return f.operateOnLane(`${lanes}.replace_lane`, lane, vector, result);
      },
      f.v128(0n, 0n),
    );
  });

const BLEND_STEP = 4;
const blendDoublewords = threeOperands((s, x, y, n) =>
  blended(2)(s, x, y, n === 0 ? s.immediate() : s.shrU(s.immediate(), BLEND_STEP)),
);

const both: readonly [CpuFeature, CpuFeature] = ['AVX', 'AVX'];
const avx2: readonly [CpuFeature, CpuFeature] = ['AVX2', 'AVX2'];
const long2: readonly [undefined, CpuFeature] = [undefined, 'AVX2'];

const shiftsOfLanes = (
  [
    ['45', 'PSRLVD', 'i32x4', 'shrU', 'W0'],
    ['45', 'PSRLVQ', 'i64x2', 'shrU', 'W1'],
    ['46', 'PSRAVD', 'i32x4', 'shrS', 'W0'],
    ['47', 'PSLLVD', 'i32x4', 'shl', 'W0'],
    ['47', 'PSLLVQ', 'i64x2', 'shl', 'W1'],
  ] as const
).flatMap(([opcode, name, lanes, kind, w]) =>
  vexRows(`66 0F 38 ${opcode}`, name, 'Vdq,Hdq,Wdq', shiftEach(lanes, kind), avx2, w),
);

export const avxPermutationRows: readonly InstructionRow[] = [
  vexRow256('66 0F 3A 18', 'VINSERTF128', 'Vqq,Hqq,Wdq,Ib', insertHalf, 'AVX'),
  vexRow256('66 0F 3A 38', 'VINSERTI128', 'Vqq,Hqq,Wdq,Ib', insertHalf, 'AVX2'),
  vexRow256('66 0F 3A 19', 'VEXTRACTF128', 'Wdq,Vqq,Ib', extractHalf, 'AVX'),
  vexRow256('66 0F 3A 39', 'VEXTRACTI128', 'Wdq,Vqq,Ib', extractHalf, 'AVX2'),
  vexRow256('66 0F 3A 06', 'VPERM2F128', 'Vqq,Hqq,Wqq,Ib', permuteHalves, 'AVX'),
  vexRow256('66 0F 3A 46', 'VPERM2I128', 'Vqq,Hqq,Wqq,Ib', permuteHalves, 'AVX2'),
  vexRow256('66 0F 38 36', 'VPERMD', 'Vqq,Hqq,Wqq', permuteDoublewords, 'AVX2'),
  vexRow256('66 0F 38 16', 'VPERMPS', 'Vqq,Hqq,Wqq', permuteDoublewords, 'AVX2'),
  ...vexRows('66 0F 3A 00', 'PERMQ', 'Vdq,Wdq,Ib', permuteQuadwords, long2, 'W1'),
  ...vexRows('66 0F 3A 01', 'PERMPD', 'Vdq,Wdq,Ib', permuteQuadwords, long2, 'W1'),
  ...vexRows('66 0F 38 0C', 'PERMILPS', 'Vdq,Hdq,Wdq', permuteSinglesInHalves, both, 'W0'),
  ...vexRows('66 0F 38 0D', 'PERMILPD', 'Vdq,Hdq,Wdq', permuteDoublesInHalves, both, 'W0'),
  ...vexRows('66 0F 3A 04', 'PERMILPS', 'Vdq,Wdq,Ib', permuteSinglesByImmediate, both, 'W0'),
  ...vexRows('66 0F 3A 05', 'PERMILPD', 'Vdq,Wdq,Ib', permuteDoublesByImmediate, both, 'W0'),
  ...vexRows('66 0F 3A 02', 'PBLENDD', 'Vdq,Hdq,Wdq,Ib', blendDoublewords, avx2, 'W0'),
  ...shiftsOfLanes,
];
