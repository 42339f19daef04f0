/** Lanes in and out of vectors, bits of all lanes, wider lanes, and stores by a mask (SDM vol. 2A, 2B). */
import { slot } from '../../state/layout.ts';
import type { Value } from '../../wasm/function-builder.ts';
import type { OperationName } from '../../wasm/vector-opcodes.ts';
import type { CpuFeature } from '../cpu-feature.ts';
import { setFlagsFromByte } from '../flags.ts';
import { type InstructionRow, type UnitSemanticsFunction, unitRow } from '../instruction-row.ts';
import { beginMmx, takeX87Registers, withMmx } from '../mmx.ts';
import { type Operand, type UnitOperand, XMM0 } from '../operand.ts';
import { insertSingle, laneOf, type LaneSize, withLane } from '../packed/places.ts';
import type { Semantics } from '../semantics.ts';

function vector(s: Semantics, operand: UnitOperand | undefined, alignment?: 'aligned'): Value {
  return s.readVector(operand as UnitOperand, alignment)[0] as Value;
}

function put(s: Semantics, operand: UnitOperand | undefined, value: Value): void {
  s.writeVector(operand as UnitOperand, [value]);
}

/** Writes a value of 32 bits or of the operand's size, with zeros above; memory as many bits as it has. */
function putGeneral(s: Semantics, operand: UnitOperand | undefined, value: Value): void {
  const place = operand as Operand;
  s.write(place, place.bits === 64 ? s.wideUnsigned(value) : s.low(value));
}

const extract =
  (size: LaneSize, count = 16 / size): UnitSemanticsFunction =>
  (s, to, from) =>
    putGeneral(s, to, laneOf(s, vector(s, from), s.immediate(), size, count));

const insert =
  (size: LaneSize, count = 16 / size): UnitSemanticsFunction =>
  (s, to, from) => {
    const value = s.read(from as Operand);
    const lane = size === 8 ? value : s.low(value);
    put(s, to, withLane(s, vector(s, to), lane, s.immediate(), { size, count }));
  };

/** PEXTRD and PINSRD are PEXTRQ and PINSRQ with 64-bit operands. */
const extractBySize: UnitSemanticsFunction = (s, ...operands) => extract(s.operandSize === 64 ? 8 : 4)(s, ...operands);
const insertBySize: UnitSemanticsFunction = (s, ...operands) => insert(s.operandSize === 64 ? 8 : 4)(s, ...operands);

/** INSERTPS takes lane 0 of memory, and of a register the one that two bits number. */
const insertPs: UnitSemanticsFunction = (s, to, from) => {
  const { f } = s;
  const y = vector(s, from);
  const selector = s.immediate();
  const isRegister = from?.kind === 'vector';
  const source = isRegister ? f.operate('i32x4.splat', laneOf(s, y, s.shrU(selector, 6), 4, 4)) : y;
  put(s, to, insertSingle(s, vector(s, to), source, selector));
};

/** The top bits of all lanes. */
const topBits =
  (name: OperationName): UnitSemanticsFunction =>
  (s, to, from) =>
    putGeneral(s, to, s.f.operate(name, vector(s, from)));

/** Lanes of a half, a quarter or an eighth of the source become lanes of twice the size, again and again. */
const widen =
  (names: readonly OperationName[]): UnitSemanticsFunction =>
  (s, to, from) =>
    put(
      s,
      to,
      names.reduce((x, name) => s.f.operate(name, x), vector(s, from)),
    );

const CARRY = 1;
const ZERO_BIT = 6;

/** PTEST: ZF tells that no bit is set in both, CF that none of the second is missing in the first. */
const test: UnitSemanticsFunction = (s, to, from) => {
  const { f } = s;
  const y = vector(s, from, 'aligned');
  const x = vector(s, to);
  const zero = s.isZero(f.operate('v128.any_true', f.operate('v128.and', x, y)));
  const carry = s.isZero(f.operate('v128.any_true', f.operate('v128.andnot', y, x)));
  setFlagsFromByte(s, s.or(s.shl(zero, ZERO_BIT), s.and(carry, CARRY)), s.constant(0));
};

/** PBLENDVB, BLENDVPS, BLENDVPD: where the top bit of a lane of XMM0 is set, the second operand. */
const blendByXmm0 =
  (lanes: 'i8x16' | 'i32x4' | 'i64x2', bits: number): UnitSemanticsFunction =>
  (s, to, from) => {
    const { f } = s;
    const y = vector(s, from, 'aligned');
    const mask = f.operate(`${lanes}.shr_s`, vector(s, XMM0), s.constant(bits - 1));
    put(s, to, f.operate('v128.bitselect', y, vector(s, to), mask));
  };

/**
 * MASKMOVQ, MASKMOVDQU: bytes whose mask has the top bit set go to [rDI]. All of them may fault on some processors
 * (SDM vol. 2A MASKMOVDQU), whatever the mask is, and so here; they are looked at eight by eight.
 */
const storeByMask =
  (count: 8 | 16): UnitSemanticsFunction =>
  (s, from, masks) => {
    const { f } = s;
    const bits = f.operate('i8x16.bitmask', vector(s, masks));
    const value = vector(s, from);
    const start = f.copy(s.readAddressRegister(slot.EDI));
    const offset = (n: number) => s.add(start, s.addressConstant(n));
    for (let n = 0; n < count; n += 8) s.requireWritable('instruction', offset(n), 8);
    for (let n = 0; n < count; n++) {
      const byte = f.operateOnLane('i8x16.extract_lane_u', n, value);
      s.if(s.bit(bits, n), () => s.store('instruction', offset(n), 8, byte));
    }
  };

/** The x87 registers are taken before memory is looked at. */
const storeByMaskMmx: UnitSemanticsFunction = (s, ...operands) => {
  beginMmx(s);
  takeX87Registers(s);
  storeByMask(8)(s, ...operands);
};

const sse = { feature: 'SSE' } as const;
const sse2 = { feature: 'SSE2' } as const;
const sse41 = { feature: 'SSE4.1' } as const;

/** PMOVSX and PMOVZX: from lanes of so many bits to those of so many. */
const widening: readonly (readonly [number: number, name: string, operand: string, steps: readonly string[]])[] = [
  [0, 'BW', 'Wq', ['i16x8.extend_low_i8x16']],
  [1, 'BD', 'Wd', ['i16x8.extend_low_i8x16', 'i32x4.extend_low_i16x8']],
  [2, 'BQ', 'Ww', ['i16x8.extend_low_i8x16', 'i32x4.extend_low_i16x8', 'i64x2.extend_low_i32x4']],
  [3, 'WD', 'Wq', ['i32x4.extend_low_i16x8']],
  [4, 'WQ', 'Wd', ['i32x4.extend_low_i16x8', 'i64x2.extend_low_i32x4']],
  [5, 'DQ', 'Wq', ['i64x2.extend_low_i32x4']],
];

const wideningRows = (['S', 'Z'] as const).flatMap((sign) =>
  widening.map(([number, suffix, operand, steps]) => {
    const names = steps.map((step) => `${step}_${sign === 'S' ? 's' : 'u'}` as OperationName);
    const opcode = `66 0F 38 ${sign === 'S' ? 2 : 3}${number}`;
    return unitRow('SSE', opcode, `PMOV${sign}X${suffix}`, `Vdq,${operand}`, widen(names), sse41);
  }),
);

const maskRow = (prefix: 'NP' | '66', name: string, lanes: OperationName, feature: CpuFeature) =>
  unitRow('SSE', `${prefix} 0F 50`, name, 'Gy,Udq', topBits(lanes), { feature });

export const vectorLaneRows: readonly InstructionRow[] = [
  maskRow('NP', 'MOVMSKPS', 'i32x4.bitmask', 'SSE'),
  maskRow('66', 'MOVMSKPD', 'i64x2.bitmask', 'SSE2'),
  unitRow('SSE', '66 0F D7', 'PMOVMSKB', 'Gy,Udq', topBits('i8x16.bitmask'), sse2),
  unitRow('MMX', 'NP 0F D7', 'PMOVMSKB', 'Gy,Nq', withMmx(topBits('i8x16.bitmask')), sse),
  unitRow('SSE', '66 0F C4', 'PINSRW', 'Vdq,Ry,Ib', insert(2), sse2),
  unitRow('SSE', '66 0F C4', 'PINSRW', 'Vdq,Mw,Ib', insert(2), sse2),
  unitRow('MMX', 'NP 0F C4', 'PINSRW', 'Pq,Ry,Ib', withMmx(insert(2, 4)), sse),
  unitRow('MMX', 'NP 0F C4', 'PINSRW', 'Pq,Mw,Ib', withMmx(insert(2, 4)), sse),
  unitRow('SSE', '66 0F C5', 'PEXTRW', 'Gy,Udq,Ib', extract(2), sse2),
  unitRow('MMX', 'NP 0F C5', 'PEXTRW', 'Gy,Nq,Ib', withMmx(extract(2, 4)), sse),
  unitRow('SSE', '66 0F 3A 14', 'PEXTRB', 'Ry,Vdq,Ib', extract(1), sse41),
  unitRow('SSE', '66 0F 3A 14', 'PEXTRB', 'Mb,Vdq,Ib', extract(1), sse41),
  unitRow('SSE', '66 0F 3A 15', 'PEXTRW', 'Ry,Vdq,Ib', extract(2), sse41),
  unitRow('SSE', '66 0F 3A 15', 'PEXTRW', 'Mw,Vdq,Ib', extract(2), sse41),
  unitRow('SSE', '66 0F 3A 16', 'PEXTRD', 'Ey,Vdq,Ib', extractBySize, sse41),
  unitRow('SSE', '66 0F 3A 17', 'EXTRACTPS', 'Ry,Vdq,Ib', extract(4), sse41),
  unitRow('SSE', '66 0F 3A 17', 'EXTRACTPS', 'Md,Vdq,Ib', extract(4), sse41),
  unitRow('SSE', '66 0F 3A 20', 'PINSRB', 'Vdq,Ry,Ib', insert(1), sse41),
  unitRow('SSE', '66 0F 3A 20', 'PINSRB', 'Vdq,Mb,Ib', insert(1), sse41),
  unitRow('SSE', '66 0F 3A 21', 'INSERTPS', 'Vdq,Wd,Ib', insertPs, sse41),
  unitRow('SSE', '66 0F 3A 22', 'PINSRD', 'Vdq,Ey,Ib', insertBySize, sse41),
  unitRow('SSE', '66 0F 38 10', 'PBLENDVB', 'Vdq,Wdq', blendByXmm0('i8x16', 8), sse41),
  unitRow('SSE', '66 0F 38 14', 'BLENDVPS', 'Vdq,Wdq', blendByXmm0('i32x4', 32), sse41),
  unitRow('SSE', '66 0F 38 15', 'BLENDVPD', 'Vdq,Wdq', blendByXmm0('i64x2', 64), sse41),
  unitRow('SSE', '66 0F 38 17', 'PTEST', 'Vdq,Wdq', test, sse41),
  unitRow('SSE', '66 0F F7', 'MASKMOVDQU', 'Vdq,Udq', storeByMask(16), sse2),
  unitRow('MMX', 'NP 0F F7', 'MASKMOVQ', 'Pq,Nq', storeByMaskMmx, sse),
  ...wideningRows,
];
