/** PCMPESTRI, PCMPESTRM, PCMPISTRI, PCMPISTRM: strings of explicit or implicit length (SDM vol. 2B §4.1). */
import { slot } from '../../state/layout.ts';
import type { Value } from '../../wasm/function-builder.ts';
import { setFlagsFromByte } from '../flags.ts';
import { type InstructionRow, type UnitSemanticsFunction, unitRow } from '../instruction-row.ts';
import { type Operand, type UnitOperand, XMM0 } from '../operand.ts';
import { maskOf, places } from '../packed/lanes.ts';
import { compareStrings } from '../packed/string-comparisons.ts';
import type { Semantics } from '../semantics.ts';

/** Bits of the immediate byte. */
const WORDS = 1;
const NEGATED = 0x10;
const ONLY_VALID = 0x20;
/** The index is the highest; the mask is of whole elements. */
const HIGHEST = 0x40;

const [CARRY, ZERO, SIGN] = [0, 6, 7];

/** Elements before the first that is 0. */
function lengthToZero(s: Semantics, x: Value, count: Value, areWords: Value): Value {
  const { f } = s;
  const zero = f.v128(0n, 0n);
  const ofWords = f.operate('i16x8.bitmask', f.operate('i16x8.eq', x, zero));
  const ofBytes = f.operate('i8x16.bitmask', f.operate('i8x16.eq', x, zero));
  const zeros = s.select(areWords, ofWords, ofBytes);
  return f.unary('ctz', s.or(zeros, s.shl(s.constant(1), count)));
}

/** The absolute value of a register, at most all elements. */
function lengthFrom(s: Semantics, operand: UnitOperand | undefined, count: Value): Value {
  const value = s.read(operand as Operand);
  const absolute = s.select(s.ltS(value, 0), s.sub(s.f.like(value, 0), value), value);
  return s.f.copy(
    s.select(s.gtU(absolute, absolute.type === 'i64' ? s.wideUnsigned(count) : count), count, s.low(absolute)),
  );
}

/** The bits of the comparison, and how many elements there are. */
function compared(s: Semantics, operands: readonly UnitOperand[]): { readonly bits: Value; readonly count: Value } {
  const [first, second, , ofFirst, ofSecond] = operands;
  const { f } = s;
  const y = s.readVector(second as UnitOperand)[0] as Value;
  const x = s.readVector(first as UnitOperand)[0] as Value;
  const control = s.immediate();
  const areWords = s.and(control, WORDS);
  const count = s.shrU(s.constant(16), areWords);
  const lengthOf = (vector: Value, register: UnitOperand | undefined) =>
    register ? lengthFrom(s, register, count) : lengthToZero(s, vector, count, areWords);
  const [lengthX, lengthY] = [lengthOf(x, ofFirst), lengthOf(y, ofSecond)];
  const ones = (length: Value) => s.sub(s.shl(s.constant(1), length), s.constant(1));
  const changed = s.select(s.and(control, ONLY_VALID), ones(lengthY), ones(count));
  const negated = s.select(s.and(control, NEGATED), changed, s.constant(0));
  const bits = s.xor(f.callShared(compareStrings, x, y, lengthX, lengthY, control), negated);
  const flags = [
    s.shl(s.ne(bits, 0), CARRY),
    s.shl(s.ne(lengthY, count), ZERO),
    s.shl(s.ne(lengthX, count), SIGN),
  ].reduce((a, b) => s.or(a, b));
  setFlagsFromByte(s, flags, s.and(bits, 1));
  return { bits, count };
}

const index: UnitSemanticsFunction = (s, ...operands) => {
  const { bits, count } = compared(s, operands);
  const { f } = s;
  const highest = s.sub(s.constant(31), f.unary('clz', bits));
  const found = s.select(s.and(s.immediate(), HIGHEST), highest, f.unary('ctz', bits));
  s.writeRegister(slot.ECX, 32, s.select(bits, found, count));
};

const mask: UnitSemanticsFunction = (s, ...operands) => {
  const { bits } = compared(s, operands);
  const { f } = s;
  const eight = places(0, 8);
  const ofWords = maskOf(s, s.and(bits, 0xff), eight);
  const ofBytes = f.operate('i8x16.narrow_i16x8_s', ofWords, maskOf(s, s.shrU(bits, 8), eight));
  const whole = s.select(s.and(s.immediate(), WORDS), ofWords, ofBytes);
  const plain = f.operateOnLane('i32x4.replace_lane', 0, f.v128(0n, 0n), bits);
  s.writeVector(XMM0, [s.select(s.and(s.immediate(), HIGHEST), whole, plain)]);
};

const sse42 = { feature: 'SSE4.2' } as const;

export const vectorStringRows: readonly InstructionRow[] = [
  unitRow('SSE', '66 0F 3A 60', 'PCMPESTRM', 'Vdq,Wdq,Ib,Ay,Dy', mask, sse42),
  unitRow('SSE', '66 0F 3A 61', 'PCMPESTRI', 'Vdq,Wdq,Ib,Ay,Dy', index, sse42),
  unitRow('SSE', '66 0F 3A 62', 'PCMPISTRM', 'Vdq,Wdq,Ib', mask, sse42),
  unitRow('SSE', '66 0F 3A 63', 'PCMPISTRI', 'Vdq,Wdq,Ib', index, sse42),
];
