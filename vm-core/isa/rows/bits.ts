/** Bit tests, scans and SETcc (SDM vol. 1 §5.1.6): a table. */
import type { Value } from '../../wasm/function-builder.ts';
import { condition, flagsOfLogic, setCarry } from '../flags.ts';
import { hexByte, type InstructionRow, row, type SemanticsFunction } from '../instruction-row.ts';
import type { Operand } from '../operand.ts';
import type { Semantics } from '../semantics.ts';

type Change = (s: Semantics, x: Value, mask: Value) => Value;

/**
 * A bit string in memory is not bounded by the operand: a bit offset from a register moves the operand by whole
 * operand sizes, up or down. Offsets from an immediate are taken modulo the size.
 */
const bitTest =
  (change: Change | undefined): SemanticsFunction =>
  (s, base, offset) => {
    const operand = base as Operand;
    const bits = operand.bits;
    const bitOffset = s.read(offset as Operand);
    const fromRegister = (offset as Operand).kind === 'register';
    const operandBytes = bits / 8;
    const shift = bits === 16 ? 4 : bits === 32 ? 5 : 6;
    const place =
      operand.kind === 'memory' && fromRegister
        ? s.movedBy(
            operand,
            s.mul(s.shrS(s.signExtended(bitOffset, bits, s.addressBits), shift), s.constant(operandBytes)),
          )
        : operand;
    const index = s.and(bitOffset, bits - 1);
    const x = s.read(place, change !== undefined);
    if (change) s.write(place, s.cut(change(s, x, s.shl(s.cut(s.constant(1), bits), index)), bits));
    setCarry(s, s.bit(x, index));
  };

/** With a source of 0 only ZF is set and the destination is left alone, as processors since the 386 do. */
const bitScan =
  (operation: 'ctz' | 'clz'): SemanticsFunction =>
  (s, dst, src) => {
    const bits = (dst as Operand).bits;
    const x = s.read(src as Operand);
    s.if(s.ne(x, 0), () => {
      const count = s.f.unary(operation, x);
      s.write(dst as Operand, operation === 'ctz' ? count : s.sub(s.constant(bits === 64 ? 63 : 31), count));
    });
    flagsOfLogic(s, x, bits);
  };

const set =
  (code: number): SemanticsFunction =>
  (s, dst) =>
    s.write(dst as Operand, condition(s, code));

const tests: readonly { readonly name: string; readonly semantics: SemanticsFunction; readonly lockable: boolean }[] = [
  { name: 'BT', semantics: bitTest(undefined), lockable: false },
  { name: 'BTS', semantics: bitTest((s, x, mask) => s.or(x, mask)), lockable: true },
  { name: 'BTR', semantics: bitTest((s, x, mask) => s.and(x, s.not(mask))), lockable: true },
  { name: 'BTC', semantics: bitTest((s, x, mask) => s.xor(x, mask)), lockable: true },
];

const conditionNames = [
  'O',
  'NO',
  'B',
  'AE',
  'E',
  'NE',
  'BE',
  'A',
  'S',
  'NS',
  'P',
  'NP',
  'L',
  'GE',
  'LE',
  'G',
] as const;

/** The name of condition 0 to 15, as Jcc and SETcc have it. */
export function conditionName(code: number): string {
  return conditionNames[code] as string;
}

export const bitRows: readonly InstructionRow[] = [
  ...tests.flatMap(({ name, semantics, lockable }, n) => [
    row(`0F ${hexByte(0xa3 + n * 8)}`, name, 'Ev,Gv', semantics, { lockable }),
    row(`0F BA /${4 + n}`, name, 'Ev,Ib', semantics, { lockable }),
  ]),
  row('0F BC', 'BSF', 'Gv,Ev', bitScan('ctz')),
  row('0F BD', 'BSR', 'Gv,Ev', bitScan('clz')),
  ...conditionNames.map((name, code) => row(`0F ${hexByte(0x90 + code)}`, `SET${name}`, 'Eb', set(code))),
];
