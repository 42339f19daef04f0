/**
 * Where QEMU 7.2 does something else with the units of the x87, MMX and SSE than the manuals say: a table, whose entries the
 * runs of `--mode units` are held against besides those of explained.ts.
 */
import { AF, OF, RF, SF } from '../../../vm-core/state/lazy-flags.ts';
import type { Comparison, Mismatch } from './compare.ts';
import { endsIn, isFrame } from './comparison-facts.ts';
import type { Explained } from './explained.ts';
import { DATA, DATA_SIZE, UNITS } from './layout.ts';

/** Fields of the area that FXSAVE writes, by their double words (SDM vol. 1 table 10-2). */
const [STATUS_AT, TAGS_AT, POINTERS_AT, POINTERS_END, MXCSR_AT] = [0, 4, 8, 0x18, 0x18];
const [STACK_AT, STACK_END, VECTORS_END] = [0x20, 0xa0, 0x1a0];
const [DE, UE, PE, C1, TOP] = [0x2n, 0x10n, 0x20n, 0x200n, 0x3800n];
const [CONDITIONS, STACK_FAULT, ES, BUSY] = [0x4700n, 0x40n, 0x80n, 0x8000n];
/** Precision control of 64 bits, and the bits of the control word that cannot be chosen. */
const [PRECISION, RESERVED, MASKS] = [0x300, 0xe0c0n, 0x3fn];
const [ALL_ONES, HALF] = [0xffffn, 16n];

/** Where in the state a difference is; undefined for others. */
const placeOf = ({ address }: Mismatch): number | undefined =>
  address !== undefined && address >= UNITS && address < UNITS + 0x200 ? address - UNITS : undefined;

const isStatus = (mismatch: Mismatch): boolean => placeOf(mismatch) === STATUS_AT;

const isStack = (mismatch: Mismatch): boolean => {
  const place = placeOf(mismatch);
  return place !== undefined && place >= STACK_AT && place < STACK_END;
};

const isOperand = ({ address }: Mismatch): boolean =>
  address !== undefined && address >= DATA - 0x200 && address < DATA + DATA_SIZE + 0x200;

const isVector = (mismatch: Mismatch): boolean => {
  const place = placeOf(mismatch);
  return place !== undefined && place >= STACK_END && place < VECTORS_END;
};

const isMxcsr = (mismatch: Mismatch): boolean => placeOf(mismatch) === MXCSR_AT;

/** Whether the x87 begins with less than its whole precision, or may come to it. */
const hasLessPrecision = ({ test, before }: Comparison): boolean =>
  (before(UNITS) & PRECISION) !== PRECISION || /FLDCW|FLDENV|RSTOR/.test(test.text);

/** Whether denormal operands are zeros, at the beginning or later. */
const hasDaz = ({ test, before }: Comparison): boolean =>
  (before(UNITS + MXCSR_AT) & 0x40) !== 0 || /LDMXCSR|XRSTOR/.test(test.text);

/** Whether an instruction of the units has an operand in memory. */
const hasOperand = ({ test: { patches } }: Comparison): boolean =>
  patches.some(({ at }) => at >= DATA && at < DATA + DATA_SIZE);

/** What an instruction of a case has put into memory or into AX of the state. */
const storesState = ({ test: { text } }: Comparison): boolean =>
  /NSTSW|NSTCW|NSTENV|NSAVE|FXSAVE|XSAVE|STMXCSR/.test(text);

/** Whether a difference is in what a case has made of the x87's state: AX by FNSTSW, or the flags by a comparison. */
const isToldOfX87 = ({ register }: Mismatch, { test: { text } }: Comparison): boolean =>
  (register === 'rax' && /NSTSW/.test(text)) || (register === 'rflags' && /FU?COMI/.test(text));

/** Whether two status words differ in some of these bits only; they lie in either half of what is stored. */
function differsIn(bits: bigint, mismatch: Mismatch, comparison: Comparison): boolean {
  const narrow = mismatch.register !== undefined && comparison.test.codeSize !== 64;
  const differing = BigInt.asUintN(narrow ? 32 : 64, mismatch.qemu ^ mismatch.ours);
  const reserved = /LDCW|LDENV|RSTOR/.test(comparison.test.text) ? RESERVED : 0n;
  if (isStatus(mismatch)) return (differing & ~((bits << HALF) | reserved)) === 0n;
  const isStored = isOperand(mismatch) || mismatch.register === 'rax';
  return isStored && storesState(comparison) && (differing & ~(bits | (bits << HALF) | reserved)) === 0n;
}

/** Whether a double word of a number is the other one, one unit in the last place further: a carry leaves zeros, or the top bit alone. */
const isNext = (x: bigint, y: bigint): boolean =>
  y === BigInt.asUintN(32, x + 1n) || (x === 0xffff_ffffn && y === 0x8000_0000n);

/** Whether what FNSTSW has put into AX differs in the top of the stack. */
const isTopInRegister = ({ register, qemu, ours }: Mismatch, comparison: Comparison): boolean =>
  register === 'rax' && has(comparison, /^FNSTSW$/) && ((qemu ^ ours) & ~TOP) === 0n;

/** The status word with which a case ends on ours. */
const statusOf = ({ ours, before }: Comparison): bigint => BigInt((ours.memory.get(UNITS) ?? before(UNITS)) >>> 16);

/** Bits of numbers that are not NaNs. */
const isNan = (bits: bigint): boolean => (bits & 0x7f80_0000n) === 0x7f80_0000n && (bits & 0x7f_ffffn) !== 0n;

/** Whether a double word of the stack is that of a NaN or an infinity. */
function isStackNan({ address }: Mismatch, { ours, before }: Comparison): boolean {
  const exponentAt = ((address ?? 0) & ~15) + 8;
  return ((ours.memory.get(exponentAt) ?? before(exponentAt)) & 0x7fff) === 0x7fff;
}

/** What reads OF, SF or AF. */
const READS_FLAGS = /^(J|SET|CMOV)N?[OSLG]|^(PUSHF|LAHF|AA[AS]|DA[AS])/;

/** Floating-point arithmetic of SSE. */
const FLOATS = /^(ADD|SUB|MUL|DIV|SQRT|MIN|MAX|HADD|HSUB|ADDSUB|DP|ROUND)[PS][SD]|^CVT/;

/** Names of the instructions of a case. */
const has = ({ test: { text } }: Comparison, names: RegExp): boolean =>
  text
    .replace(/^.*?: /, '')
    .split(', ')
    .some((name) => names.test(name));

/** x87 instructions that precision control does not concern (SDM vol. 1 §8.1.5.2). */
const WHOLE_PRECISION = /^F(?!(ADDP?|I?SUBR?P?|I?MULP?|I?DIVR?P?|IADD|SQRT)$)/;

export const explainedInUnits: readonly Explained[] = [
  {
    reason: 'QEMU does not write the exponents of the registers that MMX instructions write',
    section: 'SDM vol. 1 §9.2.2 (bits 64 to 79 are all ones)',
    explains: (mismatch) => {
      const place = placeOf(mismatch);
      return isStack(mismatch) && place !== undefined && (place & 15) === 8 && mismatch.ours === ALL_ONES;
    },
  },
  {
    reason:
      'QEMU writes zeros for the pointers of the last x87 instruction in FXSAVE and XSAVE, and leaves its opcode alone',
    section: 'SDM vol. 1 §8.1.8, §10.5.1',
    explains: (mismatch) => {
      const place = placeOf(mismatch);
      return place !== undefined && place >= POINTERS_AT && place < POINTERS_END && mismatch.qemu === 0n;
    },
  },
  {
    reason: 'QEMU neither clears C1 nor tells by it which way was rounded; it does not tell of denormal operands',
    section: 'SDM vol. 1 §8.1.3, §8.5.2',
    explains: (mismatch, comparison) =>
      differsIn(C1 | DE, mismatch, comparison) ||
      (isMxcsr(mismatch) && (mismatch.qemu ^ mismatch.ours) === DE && (mismatch.ours & DE) !== 0n),
  },
  {
    reason: 'QEMU does not notice that the x87 finds a register empty, or none free',
    section: 'SDM vol. 1 §8.5.1.1',
    explains: (_, comparison) => (statusOf(comparison) & STACK_FAULT) !== 0n,
  },
  {
    reason: 'FCOMI and its like leave OF, SF and AF in QEMU',
    section: 'SDM vol. 2A, FCOMI (they are cleared)',
    explains: ({ register, address, qemu, ours }, comparison) =>
      has(comparison, /^FU?COMIP?$/) &&
      (has(comparison, READS_FLAGS) ||
        ((register === 'rflags' || isFrame(address, comparison)) &&
          ((qemu ^ ours) & ~BigInt(OF | SF | AF | RF)) === 0n)),
  },
  {
    reason: 'FLDCW, FLDENV, FRSTOR and XRSTOR load reserved bits of the control word in QEMU, and leave the opcode',
    section: 'SDM vol. 1 §8.1.5 (bit 6 is always set, the others are not), §8.1.10',
    explains: (mismatch, comparison) =>
      has(comparison, /^F?X?(LDCW|LDENV|RSTOR)$/) &&
      ((isStatus(mismatch) && ((mismatch.qemu ^ mismatch.ours) & ~(RESERVED | ((C1 | DE) << HALF))) === 0n) ||
        (placeOf(mismatch) === TAGS_AT && mismatch.qemu === (mismatch.ours & 0xffffn))),
  },
  {
    reason:
      'images of FNSTENV and FNSAVE: QEMU counts FNSTENV itself as the last instruction, and writes zeros in reserved places',
    section: 'SDM vol. 1 §8.1.8 (control instructions do not change the pointers), §8.1.10',
    explains: (mismatch, comparison) => isOperand(mismatch) && has(comparison, /^FN(STENV|SAVE)$/),
  },
  {
    reason:
      'images of FXSAVE and XSAVE: QEMU does not write what is reserved, and says of all states that they are in use',
    section: 'SDM vol. 1 §10.5.1, §13.6 (XINUSE)',
    explains: (mismatch, comparison) => isOperand(mismatch) && has(comparison, /^F?XSAVE/),
  },
  {
    reason:
      'condition codes of FSQRT, and of FPREM and FPREM1 with a NaN or with operands that are invalid: QEMU changes them; it loses bits of the quotient of FPREM1',
    section: 'SDM vol. 2A, FSQRT, FPREM (undefined, or of a remainder that there is not), FPREM1',
    explains: (mismatch, comparison) =>
      has(comparison, /^F(SQRT|PREM1?)$/) && differsIn(CONDITIONS | DE, mismatch, comparison),
  },
  {
    reason: 'F2XM1 and FYL2XP1 of what lies outside of their ranges have no defined result',
    section: 'SDM vol. 2A, F2XM1, FYL2XP1',
    explains: (mismatch, comparison) =>
      has(comparison, /^(F2XM1|FYL2XP1)$/) &&
      (isStatus(mismatch) || isStack(mismatch) || isOperand(mismatch) || isToldOfX87(mismatch, comparison)),
  },
  {
    reason: 'results of F2XM1, FYL2X, FYL2XP1 and FPATAN may differ by one unit in the last place',
    section: 'SDM vol. 1 §8.3.10',
    explains: (mismatch, comparison) =>
      has(comparison, /^F(2XM1|YL2X|YL2XP1|PATAN)$/) &&
      isStack(mismatch) &&
      (isNext(mismatch.qemu, mismatch.ours) || isNext(mismatch.ours, mismatch.qemu)),
  },
  {
    reason: 'QEMU keeps ES and B as FLDENV and FRSTOR load them, whatever the exceptions are',
    section: 'SDM vol. 1 §8.1.3.3 (they tell of exceptions that are not masked)',
    explains: (mismatch, comparison) =>
      has(comparison, /^(FLDENV|FRSTOR)$/) &&
      isStatus(mismatch) &&
      ((mismatch.qemu ^ mismatch.ours) & ~(((ES | BUSY) << HALF) | RESERVED)) === 0n,
  },
  {
    reason: 'EMMS leaves the top of the stack in QEMU',
    section: 'SDM vol. 3A table 12-1 (TOS is 0)',
    explains: (mismatch, comparison) =>
      has(comparison, /^EMMS$/) &&
      (isStatus(mismatch) ||
        isStack(mismatch) ||
        placeOf(mismatch) === TAGS_AT ||
        differsIn(TOP | C1 | DE, mismatch, comparison)),
  },
  {
    reason: 'QEMU rounds to the precision of the control word what is not concerned by it',
    section: 'SDM vol. 1 §8.1.5.2 (addition, subtraction, multiplication, division, square root)',
    explains: (mismatch, comparison) =>
      hasLessPrecision(comparison) &&
      (has(comparison, WHOLE_PRECISION) || hasOperand(comparison)) &&
      (isStack(mismatch) ||
        differsIn(CONDITIONS | DE | UE | PE, mismatch, comparison) ||
        (isOperand(mismatch) && has(comparison, /^FI?ST/)) ||
        has(comparison, /^(MOV[DQ]|MOVNTQ|MOVQ2DQ|MOVDQ2Q|PEXTRW|PMOVMSKB|MASKMOVQ)$/)),
  },
  {
    reason: 'QEMU chooses another NaN of two operands of SSE, or makes one quiet that is not',
    section: 'SDM vol. 1 table 4-7 (the first operand)',
    explains: (mismatch, comparison) =>
      isVector(mismatch) &&
      ((isNan(mismatch.qemu) && isNan(mismatch.ours)) || (comparison.test.hasNans === true && has(comparison, FLOATS))),
  },
  {
    reason:
      'QEMU makes a signaling NaN of 32 or 64 bits quiet before an operation of the x87 chooses between two; FSCALE chooses another',
    section:
      'SDM vol. 1 table 4-7 (of two signaling ones that with the larger significand, the quiet one before one that is not)',
    explains: (mismatch, comparison) => isStack(mismatch) && isStackNan(mismatch, comparison),
  },
  {
    reason: 'CVTPI2PD: QEMU takes the x87 for integers in memory, too',
    section: 'SDM vol. 2A, CVTPI2PD',
    explains: (mismatch, comparison) =>
      has(comparison, /^CVTPI2P[SD]$/) &&
      (isStatus(mismatch) ||
        isStack(mismatch) ||
        placeOf(mismatch) === TAGS_AT ||
        isTopInRegister(mismatch, comparison)),
  },
  {
    reason: 'FNSTENV leaves exceptions unmasked in QEMU',
    section: 'SDM vol. 2A, FSTENV (all of them are masked then)',
    explains: (mismatch, comparison) =>
      has(comparison, /^FNSTENV$/) &&
      isStatus(mismatch) &&
      ((mismatch.qemu ^ mismatch.ours) & ~(MASKS | RESERVED)) === 0n,
  },
  {
    reason: 'QEMU looks at neither CR0.EM nor CR0.TS for EMMS and for what moves between the registers of MMX and SSE',
    section: 'SDM vol. 3A table 2-2; vol. 2, EMMS, CVTPI2PS, MOVQ2DQ',
    explains: (_, comparison) =>
      has(comparison, /^(EMMS|CVTT?P[SDI]2P[SDI]|MOVQ2DQ|MOVDQ2Q|MASKMOVQ)$/) && endsIn(comparison.ours, 6, 7, 8),
  },
  {
    reason: 'with both CR0.EM and CR0.TS QEMU raises #NM for instructions of MMX and SSE',
    section: 'SDM vol. 3A table 2-2 (#UD)',
    explains: (_, { test, ours, qemu }) => (test.cr0 & 12) === 12 && endsIn(qemu, 7) && !endsIn(ours, 7),
  },
  {
    reason: 'MINPS, MAXPS and their like give a denormal operand back with MXCSR.DAZ in QEMU',
    section: 'SDM vol. 1 §10.2.3.4 (it is zero)',
    explains: (mismatch, comparison) =>
      isVector(mismatch) && has(comparison, /^(MIN|MAX)[PS][SD]$/) && hasDaz(comparison),
  },
  {
    reason: 'PCMPESTRI and PCMPESTRM with lengths of 64 bits: QEMU cuts them to 32 bits',
    section: 'SDM vol. 2B, PCMPESTRI (the length saturates)',
    explains: (_, comparison) => has(comparison, /^PCMPESTR[IM]$/) && comparison.test.codeSize === 64,
  },
  {
    reason: 'LDMXCSR, FXRSTOR and XRSTOR of reserved bits of MXCSR: QEMU loads them',
    section: 'SDM vol. 2A, LDMXCSR (#GP)',
    explains: (_, comparison) => has(comparison, /^(LDMXCSR|F?XRSTOR)$/) && endsIn(comparison.ours, 8, 13),
  },
  {
    reason: 'which byte of MASKMOVQ and MASKMOVDQU faults first, and whether one that is not written does, is not said',
    section: 'SDM vol. 2B, MASKMOVQ',
    explains: ({ register }, comparison) =>
      has(comparison, /^MASKMOV/) &&
      (register === 'cr2' || (endsIn(comparison.ours, 14) && !endsIn(comparison.qemu, 14))),
  },
  {
    reason: 'FBLD of what are no decimal digits has no defined result, which FBSTP then stores',
    section: 'SDM vol. 2A, FBLD',
    explains: (mismatch, comparison) => has(comparison, /^FBLD$/) && has(comparison, /^FBSTP$/) && isOperand(mismatch),
  },
  {
    reason: 'which part of an operand of 80 bits faults first is not said',
    section: 'SDM vol. 2A, FBLD, FBSTP, FLD, FST',
    explains: (_, comparison) =>
      has(comparison, /^F(BLD|BSTP|LD|STP)$/) &&
      endsIn(comparison.ours, 8, 13, 14) &&
      endsIn(comparison.qemu, 8, 13, 14),
  },
  {
    reason: 'QEMU makes the x87 one of MMX before an operand in memory faults',
    section: 'SDM vol. 3A §6.5 (faults leave the state as it was)',
    explains: (mismatch, { ours }) =>
      endsIn(ours, 6, 7, 12, 13, 14) &&
      (isStatus(mismatch) || isStack(mismatch) || placeOf(mismatch) === TAGS_AT) &&
      (ours.memory.get(UNITS + TAGS_AT) ?? -1) !== 0xff,
  },
  {
    reason:
      'QEMU does not check that operands of SSE in memory are aligned, or does it after it has looked at the page',
    section: 'SDM vol. 1 §4.1.1; vol. 2, exceptions type 2 and 4',
    explains: (_, { test, ours }) => test.isMisaligned === true && endsIn(ours, 8, 13, 14),
  },
  {
    reason: 'QEMU raises exceptions of the x87 that are not masked only with FWAIT, and none of SSE',
    section: 'SDM vol. 1 §8.7, §11.5.2',
    explains: (_, { ours }) => endsIn(ours, 16, 19),
  },
  {
    reason: 'XRSTOR of AVX without SSE leaves MXCSR in QEMU, and so the rounding of what follows',
    section: 'SDM vol. 1 §13.8.1 (MXCSR is loaded with either)',
    explains: (mismatch, comparison) => (isMxcsr(mismatch) || isVector(mismatch)) && has(comparison, /^XRSTOR$/),
  },
  {
    reason: 'QEMU tells by XGETBV that all states are in use',
    section: 'SDM vol. 2D, XGETBV (with 1: XCR0 and XINUSE)',
    explains: ({ register }, comparison) => has(comparison, /^XGETBV$/) && register === 'rax',
  },
  {
    reason: 'XSAVE and XRSTOR raise no #NM in QEMU, FXSAVE and FXRSTOR raise it after #GP',
    section: 'SDM vol. 2D, XSAVE, XRSTOR (#NM with CR0.TS)',
    explains: (_, comparison) => has(comparison, /^F?X(SAVE|RSTOR)/) && endsIn(comparison.ours, 7, 8),
  },
];
