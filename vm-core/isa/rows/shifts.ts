/** Shifts, rotates and double shifts (SDM vol. 1 §5.1.5): a table. Counts are taken modulo 32. */
import type { Value } from '../../wasm/function-builder.ts';
import { carryFlag, flagsOfShift, setCarryAndOverflow } from '../flags.ts';
import { type InstructionRow, row, type SemanticsFunction } from '../instruction-row.ts';
import type { Operand, OperandBits } from '../operand.ts';
import type { Semantics } from '../semantics.ts';

/** What a shift leaves: the result cut to the operand, carry and overflow as 0 or 1. */
interface Shifted {
  readonly result: Value;
  readonly carry: Value;
  readonly overflow: Value;
}

/** `count` is 1 to 31. */
type Shift = (s: Semantics, x: Value, count: Value, bits: OperandBits) => Shifted;

const bitOfWide = (s: Semantics, wide: Value, bit: number): Value => s.and(s.low(s.shrU(wide, bit)), 1);

const shl: Shift = (s, x, count, bits) => {
  const wide = s.shl(s.wideUnsigned(x), s.wideUnsigned(count));
  const result = s.cut(s.low(wide), bits);
  const carry = bitOfWide(s, wide, bits);
  return { result, carry, overflow: s.xor(s.topBit(result, bits), carry) };
};

const shr: Shift = (s, x, count, bits) => ({
  result: s.shrU(x, count),
  carry: s.and(s.shrU(x, s.sub(count, s.constant(1))), 1),
  overflow: s.xor(s.topBit(s.shrU(x, count), bits), s.topBit(s.shrU(x, s.sub(count, s.constant(1))), bits)),
});

const sar: Shift = (s, x, count, bits) => {
  const value = s.signed(x, bits);
  return {
    result: s.cut(s.shrS(value, count), bits),
    carry: s.and(s.shrS(value, s.sub(count, s.constant(1))), 1),
    overflow: s.constant(0),
  };
};

const rol: Shift = (s, x, count, bits) => {
  const turn = s.and(count, bits - 1);
  const result = rotated(s, x, turn, bits);
  const carry = s.and(result, 1);
  return { result, carry, overflow: s.xor(s.topBit(result, bits), carry) };
};

const ror: Shift = (s, x, count, bits) => {
  const turn = s.and(s.sub(s.constant(bits), s.and(count, bits - 1)), bits - 1);
  const result = rotated(s, x, turn, bits);
  const top = s.topBit(result, bits);
  return { result, carry: top, overflow: s.xor(top, s.and(s.shrU(result, bits - 2), 1)) };
};

/** Rotates left; `turn` is below `bits`. */
function rotated(s: Semantics, x: Value, turn: Value, bits: OperandBits): Value {
  if (bits === 32) return s.f.binary('rotl', x, turn);
  return s.cut(s.or(s.shl(x, turn), s.shrU(x, s.sub(s.constant(bits), turn))), bits);
}

/** Rotates the operand with the carry above it left by `turn` (0 to `bits`). */
function rotatedThroughCarry(s: Semantics, x: Value, turn: Value, bits: OperandBits): Shifted {
  const wide = s.or(s.wideUnsigned(x), s.shl(s.wideUnsigned(carryFlag(s)), bits));
  const wideTurn = s.wideUnsigned(turn);
  const back = s.sub(s.f.i64(BigInt(bits + 1)), wideTurn);
  const turned = s.or(s.shl(wide, wideTurn), s.shrU(wide, back));
  const result = s.cut(s.low(turned), bits);
  const carry = bitOfWide(s, turned, bits);
  return { result, carry, overflow: s.xor(s.topBit(result, bits), carry) };
}

const rcl: Shift = (s, x, count, bits) => {
  const turn = bits === 32 ? count : s.f.binary('remU', count, s.constant(bits + 1));
  return rotatedThroughCarry(s, x, turn, bits);
};

const rcr: Shift = (s, x, count, bits) => {
  const right = bits === 32 ? count : s.f.binary('remU', count, s.constant(bits + 1));
  const full = s.constant(bits + 1);
  const left = s.select(s.isZero(right), s.constant(0), s.sub(full, right));
  const turned = rotatedThroughCarry(s, x, left, bits);
  const nextToTop = s.and(s.shrU(turned.result, bits - 2), 1);
  return { ...turned, overflow: s.xor(s.topBit(turned.result, bits), nextToTop) };
};

/** A row's semantics: nothing changes when the count is 0. Rotates keep the flags that shifts set by the result. */
const shift =
  (apply: Shift, isRotate: boolean): SemanticsFunction =>
  (s, dst, amount) => {
    const operand = dst as Operand;
    const count = s.and(s.read(amount as Operand), 31);
    const x = s.read(operand, true);
    const always = (amount as Operand).kind === 'constant';
    const perform = () => {
      const { result, carry, overflow } = apply(s, x, count, operand.bits);
      s.write(operand, result);
      if (isRotate) setCarryAndOverflow(s, carry, overflow);
      else flagsOfShift(s, result, carry, overflow, operand.bits);
    };
    if (always) perform();
    else s.if(s.ne(count, 0), perform);
  };

/** SHLD and SHRD on a 64-bit pair. For 16-bit operands counts above 16 shift the pair's other half in again. */
const doubleShift =
  (left: boolean): SemanticsFunction =>
  (s, dst, src, amount) => {
    const operand = dst as Operand;
    const bits = operand.bits;
    const count = s.and(s.read(amount as Operand), 31);
    const y = s.read(src as Operand);
    const x = s.read(operand, true);
    s.if(s.ne(count, 0), () => {
      const { result, carry } = left ? doubleLeft(s, x, y, count, bits) : doubleRight(s, x, y, count, bits);
      s.write(operand, result);
      flagsOfShift(s, result, carry, s.xor(s.topBit(result, bits), s.topBit(x, bits)), bits);
    });
  };

function doubleLeft(s: Semantics, x: Value, y: Value, count: Value, bits: OperandBits) {
  const high = s.shl(s.wideUnsigned(x), 32);
  const filler = bits === 16 ? s.or(s.shl(s.wideUnsigned(y), 16), s.wideUnsigned(x)) : s.wideUnsigned(y);
  const shifted = s.shl(s.or(high, filler), s.wideUnsigned(count));
  const result = s.cut(s.low(s.shrU(shifted, 32)), bits);
  const position = s.wideUnsigned(s.sub(s.constant(bits), count));
  const carry16 = s.low(s.shrU(shifted, 32 + 16));
  const carry = bits === 16 ? s.and(carry16, 1) : s.and(s.low(s.shrU(s.wideUnsigned(x), position)), 1);
  return { result, carry };
}

function doubleRight(s: Semantics, x: Value, y: Value, count: Value, bits: OperandBits) {
  const above =
    bits === 16 ? s.or(s.shl(s.wideUnsigned(x), 32), s.shl(s.wideUnsigned(y), 16)) : s.shl(s.wideUnsigned(y), 32);
  const pair = s.or(above, s.wideUnsigned(x));
  const result = s.cut(s.low(s.shrU(pair, s.wideUnsigned(count))), bits);
  const carry = s.and(s.low(s.shrU(pair, s.wideUnsigned(s.sub(count, s.constant(1))))), 1);
  return { result, carry };
}

const shifts: readonly { readonly name: string; readonly semantics: SemanticsFunction }[] = [
  { name: 'ROL', semantics: shift(rol, true) },
  { name: 'ROR', semantics: shift(ror, true) },
  { name: 'RCL', semantics: shift(rcl, true) },
  { name: 'RCR', semantics: shift(rcr, true) },
  { name: 'SHL', semantics: shift(shl, false) },
  { name: 'SHR', semantics: shift(shr, false) },
  { name: 'SHL', semantics: shift(shl, false) },
  { name: 'SAR', semantics: shift(sar, false) },
];

const shld = doubleShift(true);
const shrd = doubleShift(false);

export const shiftRows: readonly InstructionRow[] = [
  ...shifts.flatMap(({ name, semantics }, n) => [
    row(`C0 /${n}`, name, 'Eb,Ib', semantics),
    row(`C1 /${n}`, name, 'Ev,Ib', semantics),
    row(`D0 /${n}`, name, 'Eb,1', semantics),
    row(`D1 /${n}`, name, 'Ev,1', semantics),
    row(`D2 /${n}`, name, 'Eb,CL', semantics),
    row(`D3 /${n}`, name, 'Ev,CL', semantics),
  ]),
  row('0F A4', 'SHLD', 'Ev,Gv,Ib', shld),
  row('0F A5', 'SHLD', 'Ev,Gv,CL', shld),
  row('0F AC', 'SHRD', 'Ev,Gv,Ib', shrd),
  row('0F AD', 'SHRD', 'Ev,Gv,CL', shrd),
];
