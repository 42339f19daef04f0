/** Where this machine's processor is Intel's and does otherwise than ours, or than AMD's, whose ways ours has there. */
import { Decoder } from '../../vm-core/isa/decoder.ts';
import { ARITHMETIC_FLAGS, RF } from '../../vm-core/state/lazy-flags.ts';
import { longGeneralSlots } from '../../vm-core/state/layout.ts';
import { STATUS, XMM, YMM } from '../../scripts/differential/unit-state.ts';
import type { Case, Outcome } from './case.ts';
import { bothFault, bothStop, type Explained, isFault, isRepeatedString, NO_END, vector } from './explained-facts.ts';

const ADDRESS_SIZE = 0x67;
const ERROR_SUMMARY = 0x80;
/** The longest access. */
const ACCESS_MAX = 32n;
const [FLAT_END, CANONICAL_END] = [1n << 32n, 1n << 47n];
const decoder = new Decoder('max');

/** The offsets at which an instruction may access memory: of its operand, and of what string and stack instructions use. */
function offsetsOf({ mode, code, general }: Case): readonly bigint[] {
  const { memoryForm, baseSlot, indexSlot, scale, displacement } = decoder.decode((at) => code[at] ?? 0, mode);
  const value = (slot: number) => general[longGeneralSlots.indexOf(slot)] ?? 0n;
  const operand = value(baseSlot) + value(indexSlot) * BigInt(1 << scale) + BigInt(displacement);
  const [rBP, rSI, rDI] = [5, 6, 7] as const;
  return [...(memoryForm ? [operand] : []), ...[rBP, rSI, rDI].map((n) => general[n] as bigint)];
}

/** Whether an access may go beyond the end of a segment of 4 GiB, or of the lower half of the canonical addresses. */
function mayPassEnd(test: Case): boolean {
  const [bits, end] = test.mode === 64 ? ([64, CANONICAL_END] as const) : ([32, FLAT_END] as const);
  return offsetsOf(test).some((offset) => {
    const left = end - BigInt.asUintN(bits, offset);
    return left > 0n && left < ACCESS_MAX;
  });
}

/** The vector registers in lanes of 32 bits. */
function lanesOf({ state }: Outcome): readonly number[] {
  const view = new DataView(state.buffer, state.byteOffset);
  return [XMM, YMM].flatMap((at) => Array.from({ length: 64 }, (_, n) => view.getUint32(at + n * 4, true)));
}

const isNotNumber = (lane: number) => (lane & 0x7fff_ffff) > 0x7f80_0000;

/** Whether vector registers are the same but for lanes of which both hold no number. */
function areNumbersEqual(native: Outcome, ours: Outcome): boolean {
  const own = lanesOf(ours);
  return lanesOf(native).every((lane, n) => lane === own[n] || (isNotNumber(lane) && isNotNumber(own[n] as number)));
}

/** Whether general registers are the same but for upper halves. */
function areLowHalvesEqual(native: Outcome, ours: Outcome): boolean {
  return native.general.every((value, n) => BigInt.asUintN(32, value ^ (ours.general[n] as bigint)) === 0n);
}

/** Whether memory is the same but for bytes that the processor has left and ours has made zero. */
function leavesZeros({ memory }: Case, native: Outcome, ours: Outcome): boolean {
  return native.memory.every((byte, n) => byte === ours.memory[n] || (byte === memory[n] && ours.memory[n] === 0));
}

export const explainedForIntel: readonly Explained[] = [
  {
    reason:
      'an access that goes beyond the end of a segment of 4 GiB may fault or not (SDM vol. 3A §5.3); whether alignment or the end of the canonical addresses is looked at first',
    applies: (test, native, ours) => bothFault(test, native, ours) && mayPassEnd(test),
  },
  {
    reason: 'AMD checks the alignment of vectors of 128 and 256 bits, Intel does not (SDM vol. 2A table 2-21)',
    applies: ({ row }, native, ours) =>
      row.operands.some((code) => /^(W|M)(dq|qq)$/.test(code)) &&
      native.vector === vector.AC &&
      ours.vector !== vector.AC,
  },
  {
    reason: 'Intel writes 16 bits where a selector is pushed, AMD the whole operand (SDM vol. 2B PUSH)',
    applies: (test, native, ours) => {
      if (!test.row.name.startsWith('PUSH_SREG')) return false;
      const isNarrower = isFault(ours, test, ours.rip) && native.rip !== test.rip;
      return isNarrower || (native.vector === ours.vector && leavesZeros(test, native, ours));
    },
  },
  {
    reason:
      'what a gather that stops has made of its mask, and of the upper halves of its registers: AMD leaves them (SDM vol. 2C VPGATHERDD: the mask is all ones or zero from the start)',
    applies: (test, native, ours) => test.row.name.includes('GATHER') && bothStop(test, native, ours),
  },
  {
    reason:
      'which of several operands that are no numbers the sum of a dot product is (SDM vol. 2A DPPS says no order)',
    applies: ({ row }, native, ours) =>
      /^V?DPP[SD]$/.test(row.name) && native.vector === ours.vector && areNumbersEqual(native, ours),
  },
  {
    reason: 'Intel has made an MMX state of the x87 state where the store to memory then faults',
    applies: (test, native, ours) =>
      test.row.operands.some((code) => /^[PN][dq]$/.test(code)) && test.form.memory && bothFault(test, native, ours),
  },
  {
    reason:
      'Intel sets RF where a trap comes between two repetitions (SDM vol. 3B §17.3.1.1), and has the flags of before the instruction where CMPS or SCAS stops between them (SDM vol. 2B REP); AMD and ours have those of the last one',
    applies: (test, native, ours) =>
      isRepeatedString(test) &&
      bothStop(test, native, ours) &&
      ((native.flags ^ ours.flags) & ~(RF | (/^(CMPS|SCAS)/.test(test.row.name) ? ARITHMETIC_FLAGS : 0))) === 0,
  },
  {
    reason:
      'Intel has made the addresses of a repeated instruction 32 bits long, if the instruction says so, even where no element was reached',
    applies: (test, native, ours) =>
      test.mode === 64 &&
      isRepeatedString(test) &&
      test.code.includes(ADDRESS_SIZE) &&
      native.vector === ours.vector &&
      native.rip === ours.rip &&
      areLowHalvesEqual(native, ours),
  },
  {
    reason:
      'whether VCVTPS2PH computes, with the exceptions that come of it, before memory is looked at or behind that',
    applies: ({ row, rip }, native, ours) =>
      row.name === 'VCVTPS2PH' &&
      native.rip === rip &&
      ours.rip === rip &&
      (native.vector === ours.vector || native.vector === vector.XM || native.vector === vector.PF),
  },
  {
    reason:
      'Intel does not look at memory where an exception that is not masked keeps a number of the x87 from it (SDM vol. 2A FST says no order)',
    applies: (test, native, ours) =>
      /^(FST|FSTP|FIST|FISTP|FISTTP|FBSTP)$/.test(test.row.name) &&
      native.rip !== test.rip &&
      ((native.state[STATUS] as number) & ERROR_SUMMARY) !== 0 &&
      isFault(ours, test, ours.rip),
  },
  {
    reason:
      'Intel checks the alignment of the frame of IRET by the AC that it has just read; Linux takes that for a split lock and repeats the instruction without end',
    applies: ({ row, mode }, native) => row.name === 'IRET' && mode === 64 && native.vector === NO_END,
  },
];
