/** BMI1, BMI2, ADX, POPCNT and the counts of zeros (SDM vol. 1 §5.1.16, §5.20; vol. 2): a table. */
import { slot } from '../../state/layout.ts';
import type { Value } from '../../wasm/function-builder.ts';
import { carryFlag, flagsOfLogic, overflowFlag, setCarryAndOverflow, setFlagsFromByte } from '../flags.ts';
import { type InstructionRow, row, type SemanticsFunction } from '../instruction-row.ts';
import type { Operand, OperandBits } from '../operand.ts';
import type { Semantics } from '../semantics.ts';
import { VECTOR_UD } from '../vectors.ts';
import { product128 } from '../wide-arithmetic.ts';

const PROTECTED_MODE = 1;
const VIRTUAL_8086_MODE = 1 << 17;

/** Instructions with a VEX prefix are there in protected mode only. */
const vex =
  (semantics: SemanticsFunction): SemanticsFunction =>
  (s, ...operands) => {
    s.if(s.isZero(s.and(s.readControl0(), PROTECTED_MODE)), () => s.raise(VECTOR_UD));
    s.if(s.and(s.readSystemFlags(), VIRTUAL_8086_MODE), () => s.raise(VECTOR_UD));
    semantics(s, ...operands);
  };

const bitsOf = (operand: Operand | undefined): OperandBits => (operand as Operand).bits;

function readBoth(s: Semantics, first: Operand | undefined, second: Operand | undefined): readonly [Value, Value] {
  return [s.f.copy(s.read(first as Operand)), s.f.copy(s.read(second as Operand))];
}

/** Zero and sign by the result, the carry as given (0 or 1), no overflow. */
function flagsWithCarry(s: Semantics, result: Value, carry: Value, bits: OperandBits): void {
  flagsOfLogic(s, result, bits);
  setCarryAndOverflow(s, carry, s.constant(0));
}

const andn: SemanticsFunction = (s, dst, first, second) => {
  const [x, y] = readBoth(s, first, second);
  const result = s.and(s.not(x), y);
  s.write(dst as Operand, result);
  flagsOfLogic(s, result, bitsOf(dst));
};

/** The low `count` bits set, where `count` is less than the size. */
function lowBits(s: Semantics, count: Value): Value {
  return s.sub(s.shl(s.f.like(count, 1), count), s.f.like(count, 1));
}

const bextr: SemanticsFunction = (s, dst, src, control) => {
  const bits = bitsOf(dst);
  const [x, how] = readBoth(s, src, control);
  const start = s.and(how, 0xff);
  const length = s.and(s.shrU(how, 8), 0xff);
  const shifted = s.select(s.ltU(start, bits), s.shrU(x, start), s.f.like(x, 0));
  const mask = s.select(s.ltU(length, bits), lowBits(s, length), s.f.like(x, -1));
  const result = s.f.copy(s.and(shifted, mask));
  s.write(dst as Operand, result);
  flagsOfLogic(s, result, bits);
};

const bzhi: SemanticsFunction = (s, dst, src, index) => {
  const bits = bitsOf(dst);
  const [x, from] = readBoth(s, src, index);
  const count = s.and(from, 0xff);
  const inside = s.ltU(count, bits);
  const result = s.f.copy(s.select(inside, s.and(x, lowBits(s, count)), x));
  s.write(dst as Operand, result);
  flagsWithCarry(s, result, s.xor(inside, 1), bits);
};

/** BLSR, BLSMSK and BLSI: something with the lowest bit that is set. */
const lowestBit =
  (combine: (s: Semantics, x: Value) => Value, carryWhenZero: boolean): SemanticsFunction =>
  (s, dst, src) => {
    const x = s.f.copy(s.read(src as Operand));
    const result = combine(s, x);
    s.write(dst as Operand, result);
    flagsWithCarry(s, result, carryWhenZero ? s.isZero(x) : s.ne(x, 0), bitsOf(dst));
  };

const resetLowest = lowestBit((s, x) => s.and(x, s.sub(x, s.f.like(x, 1))), true);
const maskToLowest = lowestBit((s, x) => s.xor(x, s.sub(x, s.f.like(x, 1))), true);
const isolateLowest = lowestBit((s, x) => s.and(x, s.sub(s.f.like(x, 0), x)), false);

/** Where both destinations are one register it keeps the upper half. */
const mulx: SemanticsFunction = (s, high, low, src) => {
  const bits = bitsOf(high);
  const y = s.f.copy(s.read(src as Operand));
  const x = s.readRegister(slot.EDX, bits);
  if (bits === 64) {
    const product = product128(s, x, y, false);
    s.write(low as Operand, product.low);
    s.write(high as Operand, product.high);
    return;
  }
  const product = s.mul(s.wideUnsigned(x), s.wideUnsigned(y));
  s.write(low as Operand, s.low(product));
  s.write(high as Operand, s.low(s.shrU(product, 32)));
};

/** Goes through the bits that are set in `mask`, from the lowest, beside a bit that moves up by one each time. */
function eachBit(s: Semantics, mask: Value, visit: (maskBit: Value, countBit: Value) => void): void {
  const left = s.variable(mask);
  const counted = s.variable(s.f.like(mask, 1));
  s.block((done) => {
    s.loop((again) => {
      s.branchIf(s.isZero(left), done);
      visit(s.f.copy(s.and(left, s.sub(s.f.like(mask, 0), left))), counted);
      s.set(left, s.and(left, s.sub(left, s.f.like(mask, 1))));
      s.set(counted, s.shl(counted, 1));
      s.branch(again);
    });
  });
}

const depositOrExtract =
  (deposits: boolean): SemanticsFunction =>
  (s, dst, src, mask) => {
    const [x, chosen] = readBoth(s, src, mask);
    const result = s.variable(s.f.like(x, 0));
    eachBit(s, chosen, (maskBit, countBit) => {
      const [from, to] = deposits ? [countBit, maskBit] : [maskBit, countBit];
      s.if(s.ne(s.and(x, from), 0), () => s.set(result, s.or(result, to)));
    });
    s.write(dst as Operand, result);
  };

const rorx: SemanticsFunction = (s, dst, src) => {
  const x = s.read(src as Operand);
  const bits = bitsOf(dst);
  const count = s.and(s.sub(s.constant(bits), s.immediate()), bits - 1);
  s.write(dst as Operand, s.rotl(x, count));
};

const shiftBy =
  (shift: (s: Semantics, x: Value, count: Value) => Value): SemanticsFunction =>
  (s, dst, src, count) => {
    const [x, by] = readBoth(s, src, count);
    s.write(dst as Operand, shift(s, x, s.and(by, bitsOf(dst) - 1)));
  };

/** ADCX and ADOX: an addition whose carry goes into and comes out of one flag alone. */
const addWith =
  (flag: 'carry' | 'overflow'): SemanticsFunction =>
  (s, dst, src) => {
    const bits = bitsOf(dst);
    const [x, y] = readBoth(s, dst, src);
    const sum = s.f.copy(s.add(s.add(x, y), s.cut(flag === 'carry' ? carryFlag(s) : overflowFlag(s), bits)));
    const carries = s.or(s.and(x, y), s.and(s.or(x, y), s.not(sum)));
    const out = s.topBit(carries, bits);
    if (flag === 'carry') setCarryAndOverflow(s, out, overflowFlag(s));
    else setCarryAndOverflow(s, carryFlag(s), out);
    s.write(dst as Operand, sum);
  };

const popcnt: SemanticsFunction = (s, dst, src) => {
  const x = s.f.copy(s.read(src as Operand));
  s.write(dst as Operand, s.f.unary('popcnt', x));
  setFlagsFromByte(s, s.shl(s.isZero(x), 6), s.constant(0));
};

/** Of zero the count is the operand's size, and the carry is set. */
const countZeros =
  (operation: 'ctz' | 'clz'): SemanticsFunction =>
  (s, dst, src) => {
    const bits = bitsOf(dst);
    const x = s.f.copy(s.read(src as Operand));
    const narrow = bits === 16;
    const counted =
      operation === 'ctz'
        ? s.f.unary('ctz', narrow ? s.or(x, 0x1_0000) : x)
        : s.sub(s.f.unary('clz', x), s.f.like(x, narrow ? 16 : 0));
    const count = s.f.copy(counted);
    s.write(dst as Operand, count);
    flagsWithCarry(s, count, s.isZero(x), bits);
  };

export const bmiRows: readonly InstructionRow[] = [
  row('F3 0F B8', 'POPCNT', 'Gv,Ev', popcnt, { feature: 'POPCNT' }),
  row('F3 0F BC', 'TZCNT', 'Gv,Ev', countZeros('ctz'), { feature: 'BMI1' }),
  row('F3 0F BD', 'LZCNT', 'Gv,Ev', countZeros('clz'), { feature: 'LZCNT' }),
  row('66 0F 38 F6', 'ADCX', 'Gy,Ey', addWith('carry'), { feature: 'ADX' }),
  row('F3 0F 38 F6', 'ADOX', 'Gy,Ey', addWith('overflow'), { feature: 'ADX' }),
  row('VEX.0F38 F2', 'ANDN', 'Gy,By,Ey', vex(andn), { feature: 'BMI1' }),
  row('VEX.0F38 F3 /1', 'BLSR', 'By,Ey', vex(resetLowest), { feature: 'BMI1' }),
  row('VEX.0F38 F3 /2', 'BLSMSK', 'By,Ey', vex(maskToLowest), { feature: 'BMI1' }),
  row('VEX.0F38 F3 /3', 'BLSI', 'By,Ey', vex(isolateLowest), { feature: 'BMI1' }),
  row('VEX.0F38 F7', 'BEXTR', 'Gy,Ey,By', vex(bextr), { feature: 'BMI1' }),
  row('VEX.0F38 F5', 'BZHI', 'Gy,Ey,By', vex(bzhi), { feature: 'BMI2' }),
  row('VEX.F3.0F38 F5', 'PEXT', 'Gy,By,Ey', vex(depositOrExtract(false)), { feature: 'BMI2' }),
  row('VEX.F2.0F38 F5', 'PDEP', 'Gy,By,Ey', vex(depositOrExtract(true)), { feature: 'BMI2' }),
  row('VEX.F2.0F38 F6', 'MULX', 'Gy,By,Ey', vex(mulx), { feature: 'BMI2' }),
  row('VEX.F2.0F3A F0', 'RORX', 'Gy,Ey,Ib', vex(rorx), { feature: 'BMI2' }),
  row('VEX.F3.0F38 F7', 'SARX', 'Gy,Ey,By', vex(shiftBy((s, x, count) => s.shrS(x, count))), { feature: 'BMI2' }),
  row('VEX.66.0F38 F7', 'SHLX', 'Gy,Ey,By', vex(shiftBy((s, x, count) => s.shl(x, count))), { feature: 'BMI2' }),
  row('VEX.F2.0F38 F7', 'SHRX', 'Gy,Ey,By', vex(shiftBy((s, x, count) => s.shrU(x, count))), { feature: 'BMI2' }),
];
