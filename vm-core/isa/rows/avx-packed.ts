/** Packed integers, shuffles and logic with VEX prefixes, from the tables of their forms without (SDM vol. 1 §14.3, §14.7). */
import type { Value } from '../../wasm/function-builder.ts';
import type { OperationName } from '../../wasm/vector-opcodes.ts';
import type { CpuFeature } from '../cpu-feature.ts';
import { setFlagsFromByte } from '../flags.ts';
import { type InstructionRow, type UnitSemanticsFunction, unitRow } from '../instruction-row.ts';
import type { Operand, UnitOperand } from '../operand.ts';
import { type PackedInstruction, packedInstructions } from '../packed/instructions.ts';
import { insertSingle, type LaneSize, laneOf, withLane } from '../packed/places.ts';
import { byBytes, type ShiftFunction } from '../packed/shifts.ts';
import type { Semantics } from '../semantics.ts';
import { put, threeOperands, twoOperands, vectors, vexOpcode, vexRows } from '../vex.ts';
import { packedShifts } from './packed.ts';

/** By how much the immediate is shifted for the upper half, of those that have bits for each half. */
const SELECTOR_STEPS: Readonly<Record<string, number>> = { SHUFPD: 2, BLENDPD: 2, BLENDPS: 4, MPSADBW: 3 };
const FORMS = {
  unary: 'Vdq,Wdq',
  binary: 'Vdq,Hdq,Wdq',
  'unary immediate': 'Vdq,Wdq,Ib',
  'binary immediate': 'Vdq,Hdq,Wdq,Ib',
} as const;

/** Integers of 256 bits came with AVX2. */
const longFeature = (name: string): CpuFeature => (/P[SD]$|DUP$/.test(name) ? 'AVX' : 'AVX2');

/** What has no form of 256 bits, features that brought those of others later, and what has none with VEX. */
const short: ReadonlySet<string> = new Set(['PHMINPOSUW', 'AESIMC', 'AESKEYGENASSIST']);
const lateLength: Partial<Readonly<Record<CpuFeature, CpuFeature>>> = { AESNI: 'VAES', PCLMULQDQ: 'VPCLMULQDQ' };
const withoutVex: ReadonlySet<CpuFeature> = new Set(['SHA']);

function rowsOf({ opcode, name, form, compute, feature }: PackedInstruction): readonly InstructionRow[] {
  if (withoutVex.has(feature)) return [];
  const step = SELECTOR_STEPS[name] ?? 0;
  const half = (s: Semantics, x: Value, y: Value, n: number) =>
    compute(s, x, y, n === 0 ? s.immediate() : s.shrU(s.immediate(), step));
  const run = form.startsWith('unary') ? twoOperands(half) : threeOperands(half);
  const long = short.has(name) ? undefined : (lateLength[feature] ?? longFeature(name));
  return vexRows(opcode, name, FORMS[form], run, ['AVX', long]);
}

const byVector =
  (shift: ShiftFunction): UnitSemanticsFunction =>
  (s, to, x, y) => {
    const count = s.f.operateOnLane('i64x2.extract_lane', 0, vectors(s, y)[0] as Value);
    put(
      s,
      to,
      vectors(s, x).map((half) => shift(s, half, count)),
    );
  };

const byImmediate =
  (shift: ShiftFunction): UnitSemanticsFunction =>
  (s, to, x) =>
    put(
      s,
      to,
      vectors(s, x).map((half) => shift(s, half, s.immediate())),
    );

const both = ['AVX', 'AVX2'] as const;

const shiftRows = packedShifts.flatMap(({ opcode, name, immediate, compute }) => [
  unitRow('AVX', vexOpcode(`66 ${opcode}`, '128'), `V${name}`, 'Vdq,Hdq,Wdq', byVector(compute), { feature: 'AVX' }),
  // The count has 128 bits with the longer vector, too.
  unitRow('AVX', vexOpcode(`66 ${opcode}`, '256'), `V${name}`, 'Vqq,Hqq,Wdq', byVector(compute), { feature: 'AVX2' }),
  ...vexRows(`66 ${immediate}`, name, 'Hdq,Udq,Ib', byImmediate(compute), both),
]);

/** Writes a value of 32 bits or of the operand's size, with zeros above; memory as many bits as it has. */
function putGeneral(s: Semantics, operand: UnitOperand | undefined, value: Value): void {
  const place = operand as Operand;
  s.write(place, place.bits === 64 ? s.wideUnsigned(value) : s.low(value));
}

const extract =
  (size: LaneSize): UnitSemanticsFunction =>
  (s, to, from) =>
    putGeneral(s, to, laneOf(s, vectors(s, from)[0] as Value, s.immediate(), size, 16 / size));

const insert =
  (size: LaneSize): UnitSemanticsFunction =>
  (s, to, x, from) => {
    const value = s.read(from as Operand);
    const lane = size === 8 ? value : s.low(value);
    const place = { size, count: 16 / size };
    put(s, to, [withLane(s, vectors(s, x)[0] as Value, lane, s.immediate(), place)]);
  };

const extractBySize: UnitSemanticsFunction = (s, ...operands) => extract(s.operandSize === 64 ? 8 : 4)(s, ...operands);
const insertBySize: UnitSemanticsFunction = (s, ...operands) => insert(s.operandSize === 64 ? 8 : 4)(s, ...operands);

/** Lane 0 of memory, of a register the one that two bits number. */
const insertPs: UnitSemanticsFunction = (s, to, x, from) => {
  const { f } = s;
  const y = vectors(s, from)[0] as Value;
  const selector = s.immediate();
  const isRegister = from?.kind === 'vector';
  const source = isRegister ? f.operate('i32x4.splat', laneOf(s, y, s.shrU(selector, 6), 4, 4)) : y;
  put(s, to, [insertSingle(s, vectors(s, x)[0] as Value, source, selector)]);
};

/** The top bits of all lanes. */
const topBits =
  (name: OperationName, lanes: number): UnitSemanticsFunction =>
  (s, to, from) => {
    const bits = vectors(s, from).map((half, n) => s.shl(s.f.operate(name, half), n * lanes));
    putGeneral(
      s,
      to,
      bits.reduce((all, part) => s.or(all, part)),
    );
  };

/** PMOVSX and PMOVZX of lanes in one vector: a shuffle brings those of each half to its beginning. */
const widen =
  (steps: readonly OperationName[], bytesOfHalf: number): UnitSemanticsFunction =>
  (s, to, from) => {
    const source = vectors(s, from)[0] as Value;
    const isLong = (to as { readonly bits: number }).bits === 256;
    const half = (n: number) => {
      const numbers = Array.from({ length: 16 }, (_, byte) => (byte + n * bytesOfHalf) & 15);
      return steps.reduce((x, name) => s.f.operate(name, x), s.f.shuffle(source, source, numbers));
    };
    put(s, to, isLong ? [half(0), half(1)] : [half(0)]);
  };

/** From lanes of so many bits to those of so many, with what 128 bits of the result need, and twice that. */
const widening: readonly (readonly [
  number: number,
  name: string,
  short: string,
  long: string,
  bytes: number,
  steps: readonly string[],
])[] = [
  [0, 'BW', 'Wq', 'Wdq', 8, ['i16x8.extend_low_i8x16']],
  [1, 'BD', 'Wd', 'Wq', 4, ['i16x8.extend_low_i8x16', 'i32x4.extend_low_i16x8']],
  [2, 'BQ', 'Ww', 'Wd', 2, ['i16x8.extend_low_i8x16', 'i32x4.extend_low_i16x8', 'i64x2.extend_low_i32x4']],
  [3, 'WD', 'Wq', 'Wdq', 8, ['i32x4.extend_low_i16x8']],
  [4, 'WQ', 'Wd', 'Wq', 4, ['i32x4.extend_low_i16x8', 'i64x2.extend_low_i32x4']],
  [5, 'DQ', 'Wq', 'Wdq', 8, ['i64x2.extend_low_i32x4']],
];

const wideningRows = (['S', 'Z'] as const).flatMap((sign) =>
  widening.flatMap(([number, suffix, short, long, bytes, steps]) => {
    const run = widen(
      steps.map((step) => `${step}_${sign === 'S' ? 's' : 'u'}` as OperationName),
      bytes,
    );
    const opcode = `66 0F 38 ${sign === 'S' ? 2 : 3}${number}`;
    const name = `VPMOV${sign}X${suffix}`;
    return [
      unitRow('AVX', vexOpcode(opcode, '128'), name, `Vdq,${short}`, run, { feature: 'AVX' }),
      unitRow('AVX', vexOpcode(opcode, '256'), name, `Vqq,${long}`, run, { feature: 'AVX2' }),
    ];
  }),
);

const CARRY = 1;
const ZERO_BIT = 6;

/** ZF tells that no bit is set in both, CF that none of the second is missing in the first; of the lanes' signs, or of all. */
const test =
  (sign?: 'i32x4' | 'i64x2'): UnitSemanticsFunction =>
  (s, to, from) => {
    const { f } = s;
    const seconds = vectors(s, from);
    const firsts = vectors(s, to);
    const isAny = (values: readonly Value[]) =>
      values
        .map((value) => (sign ? f.operate(`${sign}.bitmask`, value) : f.operate('v128.any_true', value)))
        .reduce((all, part) => s.or(all, part));
    const zero = s.isZero(isAny(seconds.map((y, n) => f.operate('v128.and', firsts[n] as Value, y))));
    const carry = s.isZero(isAny(seconds.map((y, n) => f.operate('v128.andnot', y, firsts[n] as Value))));
    setFlagsFromByte(s, s.or(s.shl(zero, ZERO_BIT), s.and(carry, CARRY)), s.constant(0));
  };

/** Where the top bit of a lane of the fourth operand is set, the third. */
const blend =
  (lanes: 'i8x16' | 'i32x4' | 'i64x2', bits: number): UnitSemanticsFunction =>
  (s, to, x, y, masks) => {
    const { f } = s;
    const [third, second, fourth] = [vectors(s, y), vectors(s, x), vectors(s, masks)];
    const result = third.map((half, n) => {
      const mask = f.operate(`${lanes}.shr_s`, fourth[n] as Value, s.constant(bits - 1));
      return f.operate('v128.bitselect', half, second[n] as Value, mask);
    });
    put(s, to, result);
  };

const onlyIn64BitMode = (row: InstructionRow): InstructionRow => ({ ...row, mode: 'o64' });
/** SDM vol. 2B PEXTRD, PINSRD note 2: outside of 64-bit mode the form with W1 is that with W0. AMD has none there. */
const wideAsNarrow = (row: InstructionRow): InstructionRow => ({ ...row, mode: 'i64', feature: 'VexW1As0' });
const only128 = ['AVX', undefined] as const;
const bothOfAvx = ['AVX', 'AVX'] as const;

export const avxPackedRows: readonly InstructionRow[] = [
  ...packedInstructions.flatMap(rowsOf),
  ...shiftRows,
  ...vexRows('66 0F 73 /3', 'PSRLDQ', 'Hdq,Udq,Ib', byImmediate(byBytes('right')), both),
  ...vexRows('66 0F 73 /7', 'PSLLDQ', 'Hdq,Udq,Ib', byImmediate(byBytes('left')), both),
  ...wideningRows,
  ...vexRows('NP 0F 50', 'MOVMSKPS', 'Gy,Udq', topBits('i32x4.bitmask', 4), bothOfAvx),
  ...vexRows('66 0F 50', 'MOVMSKPD', 'Gy,Udq', topBits('i64x2.bitmask', 2), bothOfAvx),
  ...vexRows('66 0F D7', 'PMOVMSKB', 'Gy,Udq', topBits('i8x16.bitmask', 16), both),
  ...vexRows('66 0F C4', 'PINSRW', 'Vdq,Hdq,Ry,Ib', insert(2), only128),
  ...vexRows('66 0F C4', 'PINSRW', 'Vdq,Hdq,Mw,Ib', insert(2), only128),
  ...vexRows('66 0F C5', 'PEXTRW', 'Gy,Udq,Ib', extract(2), only128),
  ...vexRows('66 0F 3A 14', 'PEXTRB', 'Ry,Vdq,Ib', extract(1), only128),
  ...vexRows('66 0F 3A 14', 'PEXTRB', 'Mb,Vdq,Ib', extract(1), only128),
  ...vexRows('66 0F 3A 15', 'PEXTRW', 'Ry,Vdq,Ib', extract(2), only128),
  ...vexRows('66 0F 3A 15', 'PEXTRW', 'Mw,Vdq,Ib', extract(2), only128),
  ...vexRows('66 0F 3A 16', 'PEXTRD', 'Ey,Vdq,Ib', extractBySize, only128, 'W0'),
  ...vexRows('66 0F 3A 16', 'PEXTRQ', 'Ey,Vdq,Ib', extractBySize, only128, 'W1').map(onlyIn64BitMode),
  ...vexRows('66 0F 3A 16', 'PEXTRD', 'Ey,Vdq,Ib', extract(4), only128, 'W1').map(wideAsNarrow),
  ...vexRows('66 0F 3A 17', 'EXTRACTPS', 'Ry,Vdq,Ib', extract(4), only128),
  ...vexRows('66 0F 3A 17', 'EXTRACTPS', 'Md,Vdq,Ib', extract(4), only128),
  ...vexRows('66 0F 3A 20', 'PINSRB', 'Vdq,Hdq,Ry,Ib', insert(1), only128),
  ...vexRows('66 0F 3A 20', 'PINSRB', 'Vdq,Hdq,Mb,Ib', insert(1), only128),
  ...vexRows('66 0F 3A 21', 'INSERTPS', 'Vdq,Hdq,Wd,Ib', insertPs, only128),
  ...vexRows('66 0F 3A 22', 'PINSRD', 'Vdq,Hdq,Ey,Ib', insertBySize, only128, 'W0'),
  ...vexRows('66 0F 3A 22', 'PINSRQ', 'Vdq,Hdq,Ey,Ib', insertBySize, only128, 'W1').map(onlyIn64BitMode),
  ...vexRows('66 0F 3A 22', 'PINSRD', 'Vdq,Hdq,Ey,Ib', insert(4), only128, 'W1').map(wideAsNarrow),
  ...vexRows('66 0F 38 17', 'PTEST', 'Vdq,Wdq', test(), bothOfAvx),
  ...vexRows('66 0F 38 0E', 'TESTPS', 'Vdq,Wdq', test('i32x4'), bothOfAvx, 'W0'),
  ...vexRows('66 0F 38 0F', 'TESTPD', 'Vdq,Wdq', test('i64x2'), bothOfAvx, 'W0'),
  ...vexRows('66 0F 3A 4A', 'BLENDVPS', 'Vdq,Hdq,Wdq,Ldq', blend('i32x4', 32), bothOfAvx, 'W0'),
  ...vexRows('66 0F 3A 4B', 'BLENDVPD', 'Vdq,Hdq,Wdq,Ldq', blend('i64x2', 64), bothOfAvx, 'W0'),
  ...vexRows('66 0F 3A 4C', 'PBLENDVB', 'Vdq,Hdq,Wdq,Ldq', blend('i8x16', 8), both, 'W0'),
];
