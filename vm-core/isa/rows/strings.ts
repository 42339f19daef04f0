/** String instructions (SDM vol. 1 §5.1.8): a table. A row's semantics is one iteration; `repeat` makes the loop. */
import { slot } from '../../state/layout.ts';
import type { Value } from '../../wasm/function-builder.ts';
import { flagsOfDifference, zeroFlag } from '../flags.ts';
import { type InstructionRow, row, type SemanticsFunction, systemRow } from '../instruction-row.ts';
import type { OperandBits } from '../operand.ts';
import type { Semantics } from '../semantics.ts';

function index(s: Semantics, register: number): Value {
  return s.and(s.readRegister(register, 32), s.addressMask());
}

/** Moves SI or DI by one element, in the direction that DF gives. */
function advance(s: Semantics, register: number, bits: OperandBits): void {
  const mask = s.addressMask();
  const bytes = bits / 8;
  const down = s.and(s.shrU(s.readSystemFlags(), 10), 1);
  const step = s.sub(s.constant(bytes), s.mul(down, s.constant(2 * bytes)));
  const old = s.readRegister(register, 32);
  s.writeRegister(register, 32, s.or(s.and(old, s.not(mask)), s.and(s.add(old, step), mask)));
}

const movs =
  (size: OperandBits | undefined): SemanticsFunction =>
  (s) => {
    const bits = size ?? s.operandSize;
    s.store('ES', index(s, slot.EDI), bits, s.load('instruction', index(s, slot.ESI), bits));
    advance(s, slot.ESI, bits);
    advance(s, slot.EDI, bits);
  };

const cmps =
  (size: OperandBits | undefined): SemanticsFunction =>
  (s) => {
    const bits = size ?? s.operandSize;
    const x = s.load('instruction', index(s, slot.ESI), bits);
    const y = s.load('ES', index(s, slot.EDI), bits);
    advance(s, slot.ESI, bits);
    advance(s, slot.EDI, bits);
    flagsOfDifference(s, x, y, s.sub(x, y), bits);
  };

const stos =
  (size: OperandBits | undefined): SemanticsFunction =>
  (s) => {
    const bits = size ?? s.operandSize;
    s.store('ES', index(s, slot.EDI), bits, s.readRegister(slot.EAX, bits));
    advance(s, slot.EDI, bits);
  };

const lods =
  (size: OperandBits | undefined): SemanticsFunction =>
  (s) => {
    const bits = size ?? s.operandSize;
    s.writeRegister(slot.EAX, bits, s.load('instruction', index(s, slot.ESI), bits));
    advance(s, slot.ESI, bits);
  };

const scas =
  (size: OperandBits | undefined): SemanticsFunction =>
  (s) => {
    const bits = size ?? s.operandSize;
    const x = s.readRegister(slot.EAX, bits);
    const y = s.load('ES', index(s, slot.EDI), bits);
    advance(s, slot.EDI, bits);
    flagsOfDifference(s, x, y, s.sub(x, y), bits);
  };

/**
 * The loop that a REP prefix makes around one iteration. The count goes down after each iteration, so a fault in the
 * middle leaves exact registers. `whileZero` is the value of ZF that goes on; undefined for a plain REP.
 */
export function repeated(s: Semantics, iteration: () => void, whileZero: 0 | 1 | undefined): void {
  const mask = s.addressMask();
  const turns = s.variable(s.repeatMax());
  s.block((done) => {
    s.branchIf(s.isZero(s.and(s.readRegister(slot.ECX, 32), mask)), done);
    s.loop((again) => {
      iteration();
      const old = s.readRegister(slot.ECX, 32);
      const left = s.and(s.sub(old, s.constant(1)), mask);
      s.writeRegister(slot.ECX, 32, s.or(s.and(old, s.not(mask)), left));
      s.branchIf(s.isZero(left), done);
      if (whileZero !== undefined) s.branchIf(s.ne(zeroFlag(s), whileZero), done);
      s.set(turns, s.sub(turns, s.constant(1)));
      s.branchIf(s.and(s.ne(turns, 0), s.isZero(s.exitRequested())), again);
      s.repeat();
    });
  });
}

const rep = { repeat: 'rep' } as const;
const repe = { repeat: 'repe' } as const;

export const stringRows: readonly InstructionRow[] = [
  row('A4', 'MOVSB', '', movs(8), rep),
  row('A5', 'MOVS', '', movs(undefined), rep),
  row('A6', 'CMPSB', '', cmps(8), repe),
  row('A7', 'CMPS', '', cmps(undefined), repe),
  row('AA', 'STOSB', '', stos(8), rep),
  row('AB', 'STOS', '', stos(undefined), rep),
  row('AC', 'LODSB', '', lods(8), rep),
  row('AD', 'LODS', '', lods(undefined), rep),
  row('AE', 'SCASB', '', scas(8), repe),
  row('AF', 'SCAS', '', scas(undefined), repe),
  systemRow('6C', 'INS', '', { detail: 1 }),
  systemRow('6D', 'INS', ''),
  systemRow('6E', 'OUTS', '', { detail: 1 }),
  systemRow('6F', 'OUTS', ''),
];
