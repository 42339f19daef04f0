/** String instructions (SDM vol. 1 §5.1.8): a table. A row's semantics is one iteration; `repeat` makes the loop. */
import { slot } from '../../state/layout.ts';
import { flagsOfDifference, zeroFlag } from '../flags.ts';
import { type InstructionRow, row, type SemanticsFunction, systemRow } from '../instruction-row.ts';
import type { OperandBits } from '../operand.ts';
import type { Semantics } from '../semantics.ts';

/** Moves SI or DI by one element, in the direction that DF gives. */
function advance(s: Semantics, register: number, bits: OperandBits): void {
  const bytes = bits / 8;
  const step = s.sub(s.constant(bytes), s.mul(s.bit(s.readSystemFlags(), 10), s.constant(2 * bytes)));
  const moved = s.add(s.readAddressRegister(register), s.signExtended(step, 32, s.addressBits));
  s.writeAddressRegister(register, s.cutAddress(moved));
}

const movs =
  (size: OperandBits | undefined): SemanticsFunction =>
  (s) => {
    const bits = size ?? s.operandSize;
    s.store('ES', s.readAddressRegister(slot.EDI), bits, s.load('instruction', s.readAddressRegister(slot.ESI), bits));
    advance(s, slot.ESI, bits);
    advance(s, slot.EDI, bits);
  };

const cmps =
  (size: OperandBits | undefined): SemanticsFunction =>
  (s) => {
    const bits = size ?? s.operandSize;
    const x = s.load('instruction', s.readAddressRegister(slot.ESI), bits);
    const y = s.load('ES', s.readAddressRegister(slot.EDI), bits);
    advance(s, slot.ESI, bits);
    advance(s, slot.EDI, bits);
    flagsOfDifference(s, x, y, s.sub(x, y), bits);
  };

const stos =
  (size: OperandBits | undefined): SemanticsFunction =>
  (s) => {
    const bits = size ?? s.operandSize;
    s.store('ES', s.readAddressRegister(slot.EDI), bits, s.readRegister(slot.EAX, bits));
    advance(s, slot.EDI, bits);
  };

const lods =
  (size: OperandBits | undefined): SemanticsFunction =>
  (s) => {
    const bits = size ?? s.operandSize;
    s.writeRegister(slot.EAX, bits, s.load('instruction', s.readAddressRegister(slot.ESI), bits));
    advance(s, slot.ESI, bits);
  };

const scas =
  (size: OperandBits | undefined): SemanticsFunction =>
  (s) => {
    const bits = size ?? s.operandSize;
    const x = s.readRegister(slot.EAX, bits);
    const y = s.load('ES', s.readAddressRegister(slot.EDI), bits);
    advance(s, slot.EDI, bits);
    flagsOfDifference(s, x, y, s.sub(x, y), bits);
  };

/**
 * The loop that a REP prefix makes around one iteration. The count goes down after each iteration, so a fault in the
 * middle leaves exact registers. `whileZero` is the value of ZF that goes on; undefined for a plain REP.
 */
export function repeated(s: Semantics, iteration: () => void, whileZero: 0 | 1 | undefined): void {
  const mask = s.f.copy(s.sub(s.repeatMax(), s.constant(1)));
  s.block((done) => {
    s.branchIf(s.isZero(s.readAddressRegister(slot.ECX)), done);
    s.loop((again) => {
      iteration();
      const left = s.cutAddress(s.sub(s.readAddressRegister(slot.ECX), s.constant(1)));
      s.writeAddressRegister(slot.ECX, left);
      s.branchIf(s.isZero(left), done);
      if (whileZero !== undefined) s.branchIf(s.ne(zeroFlag(s), whileZero), done);
      // Where it pauses depends on the count alone, so that an instruction that was stopped and begun again pauses there too.
      const isPause = s.isZero(s.and(s.low(left), mask));
      s.branchIf(s.and(s.isZero(isPause), s.isZero(s.exitRequested())), again);
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
