/** Moves, exchanges, extensions, addresses (SDM vol. 1 §5.1.1): a table. */
import { segmentSlots, slot } from '../../state/layout.ts';
import type { Value } from '../../wasm/function-builder.ts';
import { flagsOfDifference, flagsOfSum } from '../flags.ts';
import { type InstructionRow, row, type SemanticsFunction, systemRow } from '../instruction-row.ts';
import type { Operand, OperandBits } from '../operand.ts';
import type { Semantics } from '../semantics.ts';
import { loadPointerBy, moveToSegment } from './real-mode.ts';

const mov: SemanticsFunction = (s, dst, src) => {
  const { bits } = dst as Operand;
  s.write(dst as Operand, s.cut(s.read(src as Operand), bits));
};

/** In the register form the upper half of a 32-bit destination is cleared; memory always gets 16 bits. */
const movFromSegment: SemanticsFunction = (s, dst, src) => {
  const operand = dst as Operand;
  const selector = s.read(src as Operand);
  if (operand.kind === 'memory') s.write({ ...operand, bits: 16 }, selector);
  else s.write(operand, s.cut(selector, operand.bits));
};

const xchg: SemanticsFunction = (s, dst, src) => {
  const x = s.read(dst as Operand, true);
  const y = s.f.copy(s.read(src as Operand));
  s.write(dst as Operand, y);
  s.write(src as Operand, x);
};

/** The source gets its value before the destination does, which decides where both are one register. */
const xadd: SemanticsFunction = (s, dst, src) => {
  const { bits } = dst as Operand;
  const x = s.read(dst as Operand, true);
  const y = s.f.copy(s.read(src as Operand));
  const sum = s.f.copy(s.add(x, y));
  s.write(src as Operand, x);
  s.write(dst as Operand, s.cut(sum, bits));
  flagsOfSum(s, x, y, sum, bits);
};

/** Memory is written either way, with its own value if the accumulator's is another; of registers only one is written. */
const cmpxchg: SemanticsFunction = (s, dst, src) => {
  const { bits } = dst as Operand;
  const x = s.read(dst as Operand, true);
  const y = s.f.copy(s.read(src as Operand));
  const accumulator = s.f.copy(s.readRegister(slot.EAX, bits));
  const isEqual = s.f.copy(s.eq(accumulator, x));
  if ((dst as Operand).kind === 'memory') s.write(dst as Operand, s.select(isEqual, y, x));
  s.if(
    isEqual,
    () => (dst as Operand).kind === 'memory' || s.write(dst as Operand, y),
    () => s.writeRegister(slot.EAX, bits, x),
  );
  flagsOfDifference(s, accumulator, x, s.sub(accumulator, x), bits);
};

/** Of a 16-bit register, which the manual leaves undefined, processors make 0. */
const bswap: SemanticsFunction = (s, dst) => {
  if ((dst as Operand).bits === 16) {
    s.write(dst as Operand, s.constant(0));
    return;
  }
  s.write(dst as Operand, byteSwapped(s, s.read(dst as Operand), (dst as Operand).bits));
};

/** The bytes of a value of 16, 32 or 64 bits in the other order. */
export function byteSwapped(s: Semantics, x: Value, bits: OperandBits): Value {
  if (bits === 32) return swapped(s, x);
  if (bits < 32) return s.shrU(swapped(s, x), 16);
  const upper = s.wideUnsigned(swapped(s, s.low(x)));
  const lower = s.wideUnsigned(swapped(s, s.low(s.shrU(x, 32))));
  return s.or(s.shl(upper, 32), lower);
}

/** The bytes of an i32 in the other order. */
function swapped(s: Semantics, x: Value): Value {
  const outer = s.or(s.shl(x, 24), s.shrU(x, 24));
  const inner = s.or(s.shl(s.and(x, 0xff00), 8), s.and(s.shrU(x, 8), 0xff00));
  return s.or(outer, inner);
}

const lea: SemanticsFunction = (s, dst) => {
  s.write(dst as Operand, s.cut(s.effectiveAddress(), (dst as Operand).bits));
};

const extend =
  (signed: boolean): SemanticsFunction =>
  (s, dst, src) => {
    const from = (src as Operand).bits;
    const value = s.read(src as Operand);
    const { bits } = dst as Operand;
    s.write(dst as Operand, s.cut(signed ? s.signExtended(value, from, bits) : value, bits));
  };

/** CBW, CWDE and CDQE. */
const convertInAccumulator: SemanticsFunction = (s) => {
  const bits = s.operandSize;
  const half = bits === 16 ? 8 : bits === 32 ? 16 : 32;
  s.writeRegister(slot.EAX, bits, s.signExtended(s.readRegister(slot.EAX, half), half, bits));
};

/** CWD, CDQ and CQO. */
const convertToDouble: SemanticsFunction = (s) => {
  const value = s.signed(s.readRegister(slot.EAX, s.operandSize), s.operandSize);
  s.writeRegister(slot.EDX, s.operandSize, s.shrS(value, s.operandSize === 64 ? 63 : 31));
};

const xlat: SemanticsFunction = (s) => {
  const table = s.readRegister(slot.EBX, s.addressBits);
  const offset = s.cutAddress(s.add(table, s.cut(s.readRegister(slot.EAX, 8), s.addressBits)));
  s.writeRegister(slot.EAX, 8, s.load('instruction', offset, 8));
};

const nop: SemanticsFunction = () => {};

const ES_FIRST = segmentSlots[0] as number;
const SEGMENT_STRIDE = (segmentSlots[1] as number) - ES_FIRST;

/** Slot of the selector that ModR/M's reg field names; used where decoded records are made. */
export function selectorSlot(segment: number): number {
  return ES_FIRST + segment * SEGMENT_STRIDE;
}

export const dataTransferRows: readonly InstructionRow[] = [
  row('88', 'MOV', 'Eb,Gb', mov),
  row('89', 'MOV', 'Ev,Gv', mov),
  row('8A', 'MOV', 'Gb,Eb', mov),
  row('8B', 'MOV', 'Gv,Ev', mov),
  row('8C', 'MOV', 'Ev,Sw', movFromSegment),
  systemRow('8E', 'MOV_SREG_RM', 'Sw,Ew', { endsBlock: true, inline: moveToSegment, inlineIn: 'real' }),
  row('A0', 'MOV', 'AL,Ob', mov),
  row('A1', 'MOV', 'eAX,Ov', mov),
  row('A2', 'MOV', 'Ob,AL', mov),
  row('A3', 'MOV', 'Ov,eAX', mov),
  row('B0+r', 'MOV', 'Zb,Ib', mov),
  row('B8+r', 'MOV', 'Zv,Iv', mov),
  row('C6 /0', 'MOV', 'Eb,Ib', mov),
  row('C7 /0', 'MOV', 'Ev,Iz', mov),
  row('86', 'XCHG', 'Eb,Gb', xchg, { lockable: true }),
  row('87', 'XCHG', 'Ev,Gv', xchg, { lockable: true }),
  row('90+r', 'XCHG', 'Zv,eAX', xchg),
  row('90', 'NOP', '', nop),
  row('0F B0', 'CMPXCHG', 'Eb,Gb', cmpxchg, { lockable: true, feature: '486' }),
  row('0F B1', 'CMPXCHG', 'Ev,Gv', cmpxchg, { lockable: true, feature: '486' }),
  row('0F C0', 'XADD', 'Eb,Gb', xadd, { lockable: true, feature: '486' }),
  row('0F C1', 'XADD', 'Ev,Gv', xadd, { lockable: true, feature: '486' }),
  row('0F C8+r', 'BSWAP', 'Zv', bswap, { feature: '486' }),
  row('8D', 'LEA', 'Gv,M', lea),
  row('0F B6', 'MOVZX', 'Gv,Eb', extend(false)),
  row('0F B7', 'MOVZX', 'Gv,Ew', extend(false)),
  row('0F BE', 'MOVSX', 'Gv,Eb', extend(true)),
  row('0F BF', 'MOVSX', 'Gv,Ew', extend(true)),
  row('63', 'MOVSXD', 'Gv,Ed', extend(true), { mode: 'o64' }),
  row('98', 'CBW', '', convertInAccumulator),
  row('99', 'CWD', '', convertToDouble),
  row('D7', 'XLAT', '', xlat),
  systemRow('C4', 'LES', 'Gv,Mp', { endsBlock: true, inline: loadPointerBy.LES, inlineIn: 'real', mode: 'i64' }),
  systemRow('C5', 'LDS', 'Gv,Mp', { endsBlock: true, inline: loadPointerBy.LDS, inlineIn: 'real', mode: 'i64' }),
  systemRow('0F B2', 'LSS', 'Gv,Mp', { endsBlock: true }),
  systemRow('0F B4', 'LFS', 'Gv,Mp', { endsBlock: true, inline: loadPointerBy.LFS, inlineIn: 'real' }),
  systemRow('0F B5', 'LGS', 'Gv,Mp', { endsBlock: true, inline: loadPointerBy.LGS, inlineIn: 'real' }),
];
