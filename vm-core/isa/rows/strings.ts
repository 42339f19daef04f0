/** String instructions (SDM vol. 1 §5.1.8): a table. A row's semantics is one iteration; `repeat` makes the loop. */
import { slot } from '../../state/layout.ts';
import { flagsOfDifference, zeroFlag } from '../flags.ts';
import {
  type InstructionRow,
  row,
  type SemanticsFunction,
  type StringElements,
  systemRow,
} from '../instruction-row.ts';
import type { OperandBits } from '../operand.ts';
import type { SegmentChoice, Semantics } from '../semantics.ts';
import { RUN_MIN, type RunKind, stringRun } from '../string-runs.ts';
import type { Value } from '../../wasm/function-builder.ts';

/** From one element to the next, in the direction that DF gives. */
function stepOf(s: Semantics, bits: OperandBits): Value {
  const bytes = bits / 8;
  return s.sub(s.constant(bytes), s.mul(s.bit(s.readSystemFlags(), 10), s.constant(2 * bytes)));
}

/** Moves SI or DI by so many bytes. */
function moveBy(s: Semantics, register: number, bytes: Value): void {
  const moved = s.add(s.readAddressRegister(register), s.signExtended(bytes, 32, s.addressBits));
  s.writeAddressRegister(register, s.cutAddress(moved));
}

/** By one element. */
function advance(s: Semantics, register: number, bits: OperandBits): void {
  moveBy(s, register, stepOf(s, bits));
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

interface StringEnd {
  readonly register: number;
  readonly segment: SegmentChoice;
}

const SOURCE: StringEnd = { register: slot.ESI, segment: 'instruction' };
const DESTINATION: StringEnd = { register: slot.EDI, segment: 'ES' };

/** Which places in memory an element has. */
const ENDS: Readonly<Record<RunKind, readonly StringEnd[]>> = {
  move: [SOURCE, DESTINATION],
  compare: [SOURCE, DESTINATION],
  store: [DESTINATION],
  scan: [DESTINATION],
};

/**
 * The loop that a REP prefix makes around one iteration. The count goes down after each iteration, so a fault in the
 * middle leaves exact registers. Many iterations are done at once where that is all the same; each run of them is
 * followed by one iteration, so that flags and what has to be asked are those of an iteration. A pause takes time, as the guest
 * can see; to leave elsewhere takes none, as it may be for decoded code that was written over, of which the guest knows nothing.
 */
export function repeated(
  s: Semantics,
  iteration: () => void,
  { repeat, elements }: Pick<InstructionRow, 'repeat' | 'elements'>,
  prefix: 0xf2 | 0xf3,
): void {
  const whileZero = repeat === 'rep' ? undefined : prefix === 0xf3;
  const mask = s.f.copy(s.sub(s.repeatMax(), s.constant(1)));
  s.block((done) => {
    s.branchIf(s.isZero(s.readAddressRegister(slot.ECX)), done);
    s.loop((again) => {
      if (elements) manyAtOnce(s, elements, mask, whileZero);
      iteration();
      const left = s.cutAddress(s.sub(s.readAddressRegister(slot.ECX), s.constant(1)));
      s.writeAddressRegister(slot.ECX, left);
      s.branchIf(s.isZero(left), done);
      if (whileZero !== undefined) s.branchIf(s.ne(zeroFlag(s), whileZero ? 1 : 0), done);
      // Where it pauses depends on the count alone, so that an instruction that was stopped and begun again pauses there too.
      const isPause = s.isZero(s.and(s.low(left), mask));
      s.branchIf(s.and(s.isZero(isPause), s.isZero(s.exitRequested())), again);
      s.repeat(again, isPause);
    });
  });
}

/** At most as many as come before the last, or before the next pause. */
function manyAtOnce(s: Semantics, elements: StringElements, mask: Value, whileZero: boolean | undefined): void {
  const { kind, bits = s.operandSize } = elements;
  const most = s.f.copy(s.and(s.low(s.sub(s.readAddressRegister(slot.ECX), s.constant(1))), mask));
  const ends = ENDS[kind];
  s.if(s.gtU(most, RUN_MIN), () => {
    const places = ends.flatMap((end) => [s.readAddressRegister(end.register), s.segmentEntry(end.segment)]);
    const value = kind === 'store' || kind === 'scan' ? [s.readRegister(slot.EAX, bits)] : [];
    const run = stringRun(kind, bits, s.addressBits, whileZero);
    const done = s.f.callShared(run, s.cpuAddress(), most, s.addressMask(), ...places, ...value);
    // Before the first element nothing may change: a fault leaves the upper halves of 64-bit registers, too.
    s.if(done, () => {
      for (const { register } of ends) moveBy(s, register, s.mul(done, stepOf(s, bits)));
      const left = s.sub(s.readAddressRegister(slot.ECX), s.addressBits === 64 ? s.wideUnsigned(done) : done);
      s.writeAddressRegister(slot.ECX, s.cutAddress(left));
    });
  });
}

const rep = { repeat: 'rep' } as const;
const repe = { repeat: 'repe' } as const;

export const stringRows: readonly InstructionRow[] = [
  row('A4', 'MOVSB', '', movs(8), { ...rep, elements: { kind: 'move', bits: 8 } }),
  row('A5', 'MOVS', '', movs(undefined), { ...rep, elements: { kind: 'move' } }),
  row('A6', 'CMPSB', '', cmps(8), { ...repe, elements: { kind: 'compare', bits: 8 } }),
  row('A7', 'CMPS', '', cmps(undefined), { ...repe, elements: { kind: 'compare' } }),
  row('AA', 'STOSB', '', stos(8), { ...rep, elements: { kind: 'store', bits: 8 } }),
  row('AB', 'STOS', '', stos(undefined), { ...rep, elements: { kind: 'store' } }),
  row('AC', 'LODSB', '', lods(8), rep),
  row('AD', 'LODS', '', lods(undefined), rep),
  row('AE', 'SCASB', '', scas(8), { ...repe, elements: { kind: 'scan', bits: 8 } }),
  row('AF', 'SCAS', '', scas(undefined), { ...repe, elements: { kind: 'scan' } }),
  systemRow('6C', 'INS', '', { detail: 1 }),
  systemRow('6D', 'INS', ''),
  systemRow('6E', 'OUTS', '', { detail: 1 }),
  systemRow('6F', 'OUTS', ''),
];
