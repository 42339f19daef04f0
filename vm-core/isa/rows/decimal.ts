/** Decimal adjustment (SDM vol. 1 §5.1.3): a table. */
import { slot } from '../../state/layout.ts';
import type { Value } from '../../wasm/function-builder.ts';
import { adjustFlag, carryFlag, flagsOfLogic } from '../flags.ts';
import { type InstructionRow, row, type SemanticsFunction } from '../instruction-row.ts';
import type { Semantics } from '../semantics.ts';
import { AUX_ADJUST } from '../../state/lazy-flags.ts';
import { VECTOR_DE } from '../vectors.ts';

/** Flags of an adjusted byte: sign, zero, parity of it; AF and CF as given (0 or 1), OF clear. */
function flagsOfAdjusted(s: Semantics, result: Value, adjust: Value, carry: Value): void {
  flagsOfLogic(s, result, 8);
  const carryPair = s.or(s.shl(carry, 31), s.shl(carry, 30));
  s.writeFlagsAux(s.or(carryPair, s.mul(adjust, s.constant(AUX_ADJUST))));
}

/** DAA (`up`) and DAS. */
const decimalAdjust =
  (up: boolean): SemanticsFunction =>
  (s) => {
    const old = s.readRegister(slot.EAX, 8);
    const adjust = s.or(s.gtU(s.and(old, 0xf), 9), adjustFlag(s));
    const carry = s.or(s.gtU(old, 0x99), carryFlag(s));
    const correction = s.add(s.mul(adjust, s.constant(6)), s.mul(carry, s.constant(0x60)));
    const result = s.cut(up ? s.add(old, correction) : s.sub(old, correction), 8);
    const borrow = s.and(adjust, s.ltU(old, 6));
    s.writeRegister(slot.EAX, 8, result);
    flagsOfAdjusted(s, result, adjust, up ? carry : s.or(carry, borrow));
  };

/** AAA (`up`) and AAS: AX as a whole takes the correction, as processors since the 80286 do. */
const asciiAdjust =
  (up: boolean): SemanticsFunction =>
  (s) => {
    const old = s.readRegister(slot.EAX, 16);
    const adjust = s.or(s.gtU(s.and(old, 0xf), 9), adjustFlag(s));
    const correction = s.mul(adjust, s.constant(0x106));
    const corrected = s.and(up ? s.add(old, correction) : s.sub(old, correction), 0xff0f);
    s.writeRegister(slot.EAX, 16, corrected);
    flagsOfAdjusted(s, s.and(corrected, 0xff), adjust, adjust);
  };

const asciiAfterMultiply: SemanticsFunction = (s) => {
  const base = s.and(s.immediate(), 0xff);
  s.if(s.isZero(base), () => s.raise(VECTOR_DE));
  const al = s.readRegister(slot.EAX, 8);
  const low = s.f.binary('remU', al, base);
  s.writeRegister(slot.EAX, 16, s.or(s.shl(s.f.binary('divU', al, base), 8), low));
  flagsOfLogic(s, low, 8);
};

const asciiBeforeDivide: SemanticsFunction = (s) => {
  const ah = s.readRegister(slot.EAX + 1, 8);
  const sum = s.cut(s.add(s.readRegister(slot.EAX, 8), s.mul(ah, s.and(s.immediate(), 0xff))), 8);
  s.writeRegister(slot.EAX, 16, sum);
  flagsOfLogic(s, sum, 8);
};

export const decimalRows: readonly InstructionRow[] = [
  row('27', 'DAA', '', decimalAdjust(true), { mode: 'i64' }),
  row('2F', 'DAS', '', decimalAdjust(false), { mode: 'i64' }),
  row('37', 'AAA', '', asciiAdjust(true), { mode: 'i64' }),
  row('3F', 'AAS', '', asciiAdjust(false), { mode: 'i64' }),
  row('D4', 'AAM', 'Ib', asciiAfterMultiply, { mode: 'i64' }),
  row('D5', 'AAD', 'Ib', asciiBeforeDivide, { mode: 'i64' }),
];
