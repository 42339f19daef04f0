/** Shifts, rotates and double shifts (SDM vol. 1 §5.1.5): a table. Counts are taken modulo 32, those of 64-bit operands modulo 64. */
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

/** `count` is an i32 of 1 to 31, with 64-bit operands to 63. */
type Shift = (s: Semantics, x: Value, count: Value, bits: OperandBits) => Shifted;

/** How far the bits above a count lie. */
const rest = (s: Semantics, count: Value, bits: OperandBits): Value => s.sub(s.constant(bits), count);
const before = (s: Semantics, count: Value): Value => s.sub(count, s.constant(1));

const shl: Shift = (s, x, count, bits) => {
  const shifted = s.shl(x, count);
  const carry = bits >= 32 ? s.bit(x, rest(s, count, bits)) : s.bit(shifted, bits);
  const result = s.cut(shifted, bits);
  return { result, carry, overflow: s.xor(s.topBit(result, bits), carry) };
};

const shr: Shift = (s, x, count, bits) => ({
  result: s.shrU(x, count),
  carry: s.bit(x, before(s, count)),
  overflow: s.xor(s.topBit(s.shrU(x, count), bits), s.topBit(s.shrU(x, before(s, count)), bits)),
});

const sar: Shift = (s, x, count, bits) => {
  const value = s.signed(x, bits);
  return {
    result: s.cut(s.shrS(value, count), bits),
    carry: s.and(s.low(s.shrS(value, before(s, count))), 1),
    overflow: s.constant(0),
  };
};

const rol: Shift = (s, x, count, bits) => {
  const turn = s.and(count, bits - 1);
  const result = rotated(s, x, turn, bits);
  const carry = s.bit(result, 0);
  return { result, carry, overflow: s.xor(s.topBit(result, bits), carry) };
};

const ror: Shift = (s, x, count, bits) => {
  const turn = s.and(s.sub(s.constant(bits), s.and(count, bits - 1)), bits - 1);
  const result = rotated(s, x, turn, bits);
  const top = s.topBit(result, bits);
  return { result, carry: top, overflow: s.xor(top, s.bit(result, bits - 2)) };
};

/** Rotates left; `turn` is below `bits`. */
function rotated(s: Semantics, x: Value, turn: Value, bits: OperandBits): Value {
  if (bits >= 32) return s.rotl(x, turn);
  return s.cut(s.or(s.shl(x, turn), s.shrU(x, s.sub(s.constant(bits), turn))), bits);
}

/** Rotates the operand with the carry above it left by `turn` (0 to `bits`). */
function rotatedThroughCarry(s: Semantics, x: Value, turn: Value, bits: OperandBits): Shifted {
  const wide = s.or(s.wideUnsigned(x), s.shl(s.wideUnsigned(carryFlag(s)), bits));
  const wideTurn = s.wideUnsigned(turn);
  const back = s.sub(s.f.i64(BigInt(bits + 1)), wideTurn);
  const turned = s.or(s.shl(wide, wideTurn), s.shrU(wide, back));
  const result = s.cut(s.low(turned), bits);
  const carry = s.bit(turned, bits);
  return { result, carry, overflow: s.xor(s.topBit(result, bits), carry) };
}

/** Of 64 bits with the carry: two shifts each way, as one by 64 would be none. */
function rotated65(s: Semantics, x: Value, count: Value, left: boolean): Shifted {
  const carryIn = s.wideUnsigned(carryFlag(s));
  const back = rest(s, count, 64);
  const [near, far] = left
    ? [s.shl(x, count), s.shrU(s.shrU(x, 1), back)]
    : [s.shrU(x, count), s.shl(s.shl(x, 1), back)];
  const result = s.or(s.or(near, far), s.shl(carryIn, left ? before(s, count) : back));
  const carry = s.bit(x, left ? back : before(s, count));
  const neighbour = left ? carry : s.bit(result, 62);
  return { result, carry, overflow: s.xor(s.topBit(result, 64), neighbour) };
}

const rcl: Shift = (s, x, count, bits) => {
  if (bits === 64) return rotated65(s, x, count, true);
  const turn = bits === 32 ? count : s.f.binary('remU', count, s.constant(bits + 1));
  return rotatedThroughCarry(s, x, turn, bits);
};

const rcr: Shift = (s, x, count, bits) => {
  if (bits === 64) return rotated65(s, x, count, false);
  const right = bits === 32 ? count : s.f.binary('remU', count, s.constant(bits + 1));
  const full = s.constant(bits + 1);
  const left = s.select(s.isZero(right), s.constant(0), s.sub(full, right));
  const turned = rotatedThroughCarry(s, x, left, bits);
  const nextToTop = s.bit(turned.result, bits - 2);
  return { ...turned, overflow: s.xor(s.topBit(turned.result, bits), nextToTop) };
};

function countMask({ bits }: Operand): number {
  return bits === 64 ? 63 : 31;
}

/** A shift by 0 in 64-bit mode leaves all of a 32-bit register but its upper half. */
function clearUpperHalf(s: Semantics, operand: Operand, x: Value): void {
  if (s.addressBits === 64 && operand.bits === 32 && operand.kind === 'register') s.write(operand, x);
}

/** A row's semantics: nothing else changes when the count is 0. Rotates keep the flags that shifts set by the result. */
const shift =
  (apply: Shift, isRotate: boolean): SemanticsFunction =>
  (s, dst, amount) => {
    const operand = dst as Operand;
    const count = s.and(s.read(amount as Operand), countMask(operand));
    const x = s.read(operand, true);
    const always = (amount as Operand).kind === 'constant';
    const perform = () => {
      const { result, carry, overflow } = apply(s, x, count, operand.bits);
      s.write(operand, result);
      if (isRotate) setCarryAndOverflow(s, carry, overflow);
      else flagsOfShift(s, result, carry, overflow, operand.bits);
    };
    if (always) perform();
    else s.if(s.ne(count, 0), perform, () => clearUpperHalf(s, operand, x));
  };

/** SHLD and SHRD on a 64-bit pair. For 16-bit operands counts above 16 shift the pair's other half in again. */
const doubleShift =
  (left: boolean): SemanticsFunction =>
  (s, dst, src, amount) => {
    const operand = dst as Operand;
    const bits = operand.bits;
    const count = s.and(s.read(amount as Operand), countMask(operand));
    const y = s.read(src as Operand);
    const x = s.read(operand, true);
    const perform = () => {
      const { result, carry } = left ? doubleLeft(s, x, y, count, bits) : doubleRight(s, x, y, count, bits);
      s.write(operand, result);
      flagsOfShift(s, result, carry, s.xor(s.topBit(result, bits), s.topBit(x, bits)), bits);
    };
    s.if(s.ne(count, 0), perform, () => clearUpperHalf(s, operand, x));
  };

function doubleLeft(s: Semantics, x: Value, y: Value, count: Value, bits: OperandBits) {
  if (bits === 64) {
    const back = rest(s, count, 64);
    return { result: s.or(s.shl(x, count), s.shrU(y, back)), carry: s.bit(x, back) };
  }
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
  if (bits === 64) {
    const result = s.or(s.shrU(x, count), s.shl(y, rest(s, count, 64)));
    return { result, carry: s.bit(x, before(s, count)) };
  }
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
