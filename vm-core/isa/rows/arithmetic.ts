/** Binary arithmetic and logic (SDM vol. 1 §5.1.2, §5.1.4): a table. */
import {
  carryFlag,
  flagsKeepingCarry,
  flagsOfBorrowedDifference,
  flagsOfCarriedSum,
  flagsOfDifference,
  flagsOfLogic,
  flagsOfSum,
  setCarryAndOverflow,
} from '../flags.ts';
import { hexByte, type InstructionRow, row, type SemanticsFunction } from '../instruction-row.ts';
import type { Operand, OperandBits } from '../operand.ts';
import type { Semantics } from '../semantics.ts';
import { slot } from '../../state/layout.ts';
import type { Value } from '../../wasm/function-builder.ts';
import { VECTOR_DE } from '../vectors.ts';
import { product128, remainderOf, signedQuotient128, unsignedQuotient128 } from '../wide-arithmetic.ts';

const add: SemanticsFunction = (s, dst, src) => {
  const [x, y] = readBoth(s, dst, src);
  const sum = s.add(x, y);
  s.write(dst as Operand, s.cut(sum, bitsOf(dst)));
  flagsOfSum(s, x, y, sum, bitsOf(dst));
};

const adc: SemanticsFunction = (s, dst, src) => {
  const [x, y] = readBoth(s, dst, src);
  const sum = s.add(s.add(x, y), s.cut(carryFlag(s), bitsOf(dst)));
  s.write(dst as Operand, s.cut(sum, bitsOf(dst)));
  flagsOfCarriedSum(s, x, y, sum, bitsOf(dst));
};

const sub: SemanticsFunction = (s, dst, src) => {
  const [x, y] = readBoth(s, dst, src);
  const difference = s.sub(x, y);
  s.write(dst as Operand, s.cut(difference, bitsOf(dst)));
  flagsOfDifference(s, x, y, difference, bitsOf(dst));
};

const sbb: SemanticsFunction = (s, dst, src) => {
  const [x, y] = readBoth(s, dst, src);
  const difference = s.sub(s.sub(x, y), s.cut(carryFlag(s), bitsOf(dst)));
  s.write(dst as Operand, s.cut(difference, bitsOf(dst)));
  flagsOfBorrowedDifference(s, x, y, difference, bitsOf(dst));
};

const cmp: SemanticsFunction = (s, dst, src) => {
  const x = s.read(dst as Operand);
  const y = readSource(s, dst, src);
  flagsOfDifference(s, x, y, s.sub(x, y), bitsOf(dst));
};

const logic =
  (combine: (s: Semantics, x: Value, y: Value) => Value): SemanticsFunction =>
  (s, dst, src) => {
    const [x, y] = readBoth(s, dst, src);
    const result = combine(s, x, y);
    s.write(dst as Operand, result);
    flagsOfLogic(s, result, bitsOf(dst));
  };

const and = logic((s, x, y) => s.and(x, y));
const or = logic((s, x, y) => s.or(x, y));
const xor = logic((s, x, y) => s.xor(x, y));

const test: SemanticsFunction = (s, dst, src) => {
  const x = s.read(dst as Operand);
  flagsOfLogic(s, s.and(x, readSource(s, dst, src)), bitsOf(dst));
};

const increment =
  (up: boolean): SemanticsFunction =>
  (s, dst) => {
    const x = s.read(dst as Operand, true);
    const result = s.cut(s.add(x, s.constant(up ? 1 : -1)), bitsOf(dst));
    s.write(dst as Operand, result);
    flagsKeepingCarry(s, x, result, bitsOf(dst), up);
  };

const not: SemanticsFunction = (s, dst) => {
  s.write(dst as Operand, s.cut(s.not(s.read(dst as Operand, true)), bitsOf(dst)));
};

const neg: SemanticsFunction = (s, dst) => {
  const x = s.read(dst as Operand, true);
  const difference = s.sub(s.constant(0), x);
  s.write(dst as Operand, s.cut(difference, bitsOf(dst)));
  flagsOfDifference(s, s.constant(0), x, difference, bitsOf(dst));
};

/** The product goes to AX, DX:AX or EDX:EAX; CF and OF tell whether the upper half says more than the lower. */
const multiply =
  (signed: boolean): SemanticsFunction =>
  (s, src) => {
    const bits = bitsOf(src);
    if (bits === 64) {
      multiplyWide(s, src as Operand, signed);
      return;
    }
    const extend = (x: Value) => (signed ? s.wideSigned(s.signed(x, bits)) : s.wideUnsigned(x));
    const x = s.readRegister(slot.EAX, bits);
    const product = s.mul(extend(x), extend(s.read(src as Operand)));
    const low = s.cut(s.low(product), bits);
    if (bits === 8) s.writeRegister(slot.EAX, 16, s.low(product));
    else {
      s.writeRegister(slot.EAX, bits, low);
      s.writeRegister(slot.EDX, bits, s.low(s.shrU(product, bits)));
    }
    const overflow = s.ne(product, extend(low));
    flagsOfLogic(s, low, bits);
    setCarryAndOverflow(s, overflow, overflow);
  };

const multiplyWide = (s: Semantics, src: Operand, signed: boolean): void => {
  const { low, high } = product128(s, s.readRegister(slot.EAX, 64), s.read(src), signed);
  s.writeRegister(slot.EAX, 64, low);
  s.writeRegister(slot.EDX, 64, high);
  const overflow = s.ne(high, signed ? s.shrS(low, 63) : 0);
  flagsOfLogic(s, low, 64);
  setCarryAndOverflow(s, overflow, overflow);
};

const multiplyInto = (s: Semantics, dst: Operand, x: Value, y: Value): void => {
  const bits = dst.bits;
  if (bits === 64) {
    const { low, high } = product128(s, x, y, true);
    s.write(dst, low);
    const overflow = s.ne(high, s.shrS(low, 63));
    flagsOfLogic(s, low, 64);
    setCarryAndOverflow(s, overflow, overflow);
    return;
  }
  const product = s.mul(s.wideSigned(s.signed(x, bits)), s.wideSigned(s.signed(y, bits)));
  const low = s.cut(s.low(product), bits);
  s.write(dst, low);
  const overflow = s.ne(product, s.wideSigned(s.signed(low, bits)));
  flagsOfLogic(s, low, bits);
  setCarryAndOverflow(s, overflow, overflow);
};

const imul2: SemanticsFunction = (s, dst, src) =>
  multiplyInto(s, dst as Operand, s.read(dst as Operand), s.read(src as Operand));

const imul3: SemanticsFunction = (s, dst, src, immediate) =>
  multiplyInto(s, dst as Operand, s.read(src as Operand), s.cut(s.read(immediate as Operand), bitsOf(dst)));

/** The dividend of operands of at most 32 bits as an i64: AX, DX:AX or EDX:EAX. */
function dividend(s: Semantics, bits: OperandBits, signed: boolean): Value {
  if (bits === 8) {
    const x = s.readRegister(slot.EAX, 16);
    return signed ? s.wideSigned(s.signed(x, 16)) : s.wideUnsigned(x);
  }
  const high = s.readRegister(slot.EDX, bits);
  const wideHigh = signed ? s.wideSigned(s.signed(high, bits)) : s.wideUnsigned(high);
  return s.or(s.shl(wideHigh, bits), s.wideUnsigned(s.readRegister(slot.EAX, bits)));
}

function writeQuotient(s: Semantics, bits: OperandBits, quotient: Value, remainder: Value): void {
  if (bits === 8) {
    const low = s.and(s.low(quotient), 0xff);
    s.writeRegister(slot.EAX, 16, s.or(s.shl(s.and(s.low(remainder), 0xff), 8), low));
    return;
  }
  s.writeRegister(slot.EAX, bits, s.low(quotient));
  s.writeRegister(slot.EDX, bits, s.low(remainder));
}

const div: SemanticsFunction = (s, src) => {
  const bits = bitsOf(src);
  if (bits === 64) {
    divideWide(s, src as Operand, false);
    return;
  }
  const divisor = s.wideUnsigned(s.read(src as Operand));
  s.if(s.isZero(divisor), () => s.raise(VECTOR_DE));
  const x = dividend(s, bits, false);
  const quotient = s.f.binary('divU', x, divisor);
  s.if(s.ne(s.shrU(quotient, bits), 0), () => s.raise(VECTOR_DE));
  writeQuotient(s, bits, quotient, remainderOf(s, x, quotient, divisor));
};

const idiv: SemanticsFunction = (s, src) => {
  const bits = bitsOf(src);
  if (bits === 64) {
    divideWide(s, src as Operand, true);
    return;
  }
  const divisor = s.wideSigned(s.signed(s.read(src as Operand), bits));
  s.if(s.isZero(divisor), () => s.raise(VECTOR_DE));
  const x = dividend(s, bits, true);
  const mostNegative = s.f.binary('eq', x, s.f.i64(-(1n << 63n)));
  s.if(s.and(mostNegative, s.eq(divisor, -1)), () => s.raise(VECTOR_DE));
  const quotient = s.f.binary('divS', x, divisor);
  const cutQuotient = s.shrS(s.shl(quotient, 64 - bits), 64 - bits);
  s.if(s.f.binary('ne', cutQuotient, quotient), () => s.raise(VECTOR_DE));
  writeQuotient(s, bits, quotient, remainderOf(s, x, quotient, divisor));
};

/** RDX:RAX by the operand; #DE by zero, and where the quotient does not fit. */
function divideWide(s: Semantics, src: Operand, signed: boolean): void {
  const divisor = s.read(src);
  s.if(s.isZero(divisor), () => s.raise(VECTOR_DE));
  const low = s.readRegister(slot.EAX, 64);
  const high = s.readRegister(slot.EDX, 64);
  const divide = signed ? signedQuotient128 : unsignedQuotient128;
  const { quotient, remainder } = divide(s, high, low, divisor);
  s.writeRegister(slot.EAX, 64, quotient);
  s.writeRegister(slot.EDX, 64, remainder);
}

function bitsOf(operand: Operand | undefined): OperandBits {
  return (operand as Operand).bits;
}

/** The source operand; immediates come sign-extended and are cut to the destination's size. */
function readSource(s: Semantics, dst: Operand | undefined, src: Operand | undefined): Value {
  return s.cut(s.read(src as Operand), bitsOf(dst));
}

function readBoth(s: Semantics, dst: Operand | undefined, src: Operand | undefined): readonly [Value, Value] {
  const y = (src as Operand).kind === 'memory' ? readSource(s, dst, src) : undefined;
  const x = s.read(dst as Operand, true);
  return [x, y ?? readSource(s, dst, src)];
}

const twoOperand: readonly {
  readonly name: string;
  readonly semantics: SemanticsFunction;
  readonly lockable: boolean;
}[] = [
  { name: 'ADD', semantics: add, lockable: true },
  { name: 'OR', semantics: or, lockable: true },
  { name: 'ADC', semantics: adc, lockable: true },
  { name: 'SBB', semantics: sbb, lockable: true },
  { name: 'AND', semantics: and, lockable: true },
  { name: 'SUB', semantics: sub, lockable: true },
  { name: 'XOR', semantics: xor, lockable: true },
  { name: 'CMP', semantics: cmp, lockable: false },
];

/** The eight operations share one layout: opcodes n*8 … n*8+5, and /n of the groups 80, 81, 82 and 83. */
const twoOperandRows: readonly InstructionRow[] = twoOperand.flatMap(({ name, semantics, lockable }, n) => [
  row(hexByte(n * 8), name, 'Eb,Gb', semantics, { lockable }),
  row(hexByte(n * 8 + 1), name, 'Ev,Gv', semantics, { lockable }),
  row(hexByte(n * 8 + 2), name, 'Gb,Eb', semantics),
  row(hexByte(n * 8 + 3), name, 'Gv,Ev', semantics),
  row(hexByte(n * 8 + 4), name, 'AL,Ib', semantics),
  row(hexByte(n * 8 + 5), name, 'eAX,Iz', semantics),
  row(`80 /${n}`, name, 'Eb,Ib', semantics, { lockable }),
  row(`81 /${n}`, name, 'Ev,Iz', semantics, { lockable }),
  row(`82 /${n}`, name, 'Eb,Ib', semantics, { lockable, mode: 'i64' }),
  row(`83 /${n}`, name, 'Ev,sIb', semantics, { lockable }),
]);

export const arithmeticRows: readonly InstructionRow[] = [
  ...twoOperandRows,
  row('84', 'TEST', 'Eb,Gb', test),
  row('85', 'TEST', 'Ev,Gv', test),
  row('A8', 'TEST', 'AL,Ib', test),
  row('A9', 'TEST', 'eAX,Iz', test),
  row('F6 /0', 'TEST', 'Eb,Ib', test),
  row('F6 /1', 'TEST', 'Eb,Ib', test),
  row('F7 /0', 'TEST', 'Ev,Iz', test),
  row('F7 /1', 'TEST', 'Ev,Iz', test),
  row('40+r', 'INC', 'Zv', increment(true), { mode: 'i64' }),
  row('48+r', 'DEC', 'Zv', increment(false), { mode: 'i64' }),
  row('FE /0', 'INC', 'Eb', increment(true), { lockable: true }),
  row('FE /1', 'DEC', 'Eb', increment(false), { lockable: true }),
  row('FF /0', 'INC', 'Ev', increment(true), { lockable: true }),
  row('FF /1', 'DEC', 'Ev', increment(false), { lockable: true }),
  row('F6 /2', 'NOT', 'Eb', not, { lockable: true }),
  row('F7 /2', 'NOT', 'Ev', not, { lockable: true }),
  row('F6 /3', 'NEG', 'Eb', neg, { lockable: true }),
  row('F7 /3', 'NEG', 'Ev', neg, { lockable: true }),
  row('F6 /4', 'MUL', 'Eb', multiply(false)),
  row('F7 /4', 'MUL', 'Ev', multiply(false)),
  row('F6 /5', 'IMUL', 'Eb', multiply(true)),
  row('F7 /5', 'IMUL', 'Ev', multiply(true)),
  row('0F AF', 'IMUL', 'Gv,Ev', imul2),
  row('69', 'IMUL', 'Gv,Ev,Iz', imul3),
  row('6B', 'IMUL', 'Gv,Ev,sIb', imul3),
  row('F6 /6', 'DIV', 'Eb', div),
  row('F7 /6', 'DIV', 'Ev', div),
  row('F6 /7', 'IDIV', 'Eb', idiv),
  row('F7 /7', 'IDIV', 'Ev', idiv),
];
