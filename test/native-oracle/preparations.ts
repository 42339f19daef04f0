/** What instructions need beside their operands so that a case shows more than a fault: pointers, counts, frames, selectors. */
import * as world from './case.ts';
import { oneOf } from '../../scripts/differential/random.ts';
import { anyPlace, type Draft } from './cases.ts';

const [RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI] = [0, 1, 2, 3, 4, 5, 6, 7] as const;

type Preparation = (draft: Draft) => void;

/** Selectors of every kind. The one at 78h, which tells the number of the processor, is not among them. */
const SELECTORS = [
  ...[0x23, 0x33, 0x2b, 0x20, 0x2a, 0x10, 0x08, 0x18, 0x1b, 0x40, 0x50, 0x53, 0x63, 0, 3, 0x83, 0xfff8],
  ...[...world.LOCAL_SELECTORS, 0x05, 0x3f, 0x26],
];

function sometimes({ next }: Draft, often: number): boolean {
  return next() % often === 0;
}

function pointer(draft: Draft, register: number): void {
  const { form, next, general } = draft;
  const noise = form.mode === 64 && draft.encoded.bytes.includes(0x67) ? BigInt(next()) << 32n : 0n;
  general[register] = anyPlace(next, form.mode) + noise;
}

const count: Preparation = (draft) => {
  if (!sometimes(draft, 6)) draft.general[RCX] = BigInt(draft.next() % 12);
  else if (sometimes(draft, 2)) draft.general[RCX] = BigInt(draft.next() % 0x1000);
};

const strings: Preparation = (draft) => {
  pointer(draft, RSI);
  pointer(draft, RDI);
  count(draft);
};

/** Writes a number at a linear address, as far as it lies in the window. */
function poke({ memory }: Draft, at: bigint, size: number, value: bigint): void {
  for (let n = 0; n < size; n++) {
    const place = Number(at) + n - world.WINDOW;
    if (place >= 0 && place < memory.length) memory[place] = Number((value >> BigInt(8 * n)) & 0xffn);
  }
}

/** An offset in code: mostly one where HLT is. */
function codeOffset({ form, next }: Draft): bigint {
  const kind = next() % 12;
  if (kind === 0) return BigInt(oneOf(next, [0x7000, world.DATA, world.CODE + 0x1000, 0x10100]));
  if (kind === 1 && form.mode === 64)
    return oneOf(next, [1n << 47n, (1n << 47n) - 16n, 0xffff_8000_0000_0000n, 1n << 63n]);
  return BigInt(world.CODE + 0x100 + (next() % 0x600));
}

function stackSize({ form }: Draft): number {
  return form.size / 8;
}

/** Fills the stack from its top. */
function frame(draft: Draft, values: readonly bigint[], size: number): void {
  values.forEach((value, n) => {
    poke(draft, (draft.general[RSP] as bigint) + BigInt(n * size), size, value);
  });
}

const selector = ({ next }: Draft): bigint => BigInt(oneOf(next, SELECTORS));

const codeSelector = (draft: Draft): bigint =>
  sometimes(draft, 4) ? selector(draft) : BigInt(oneOf(draft.next, [0x23, 0x33, 0x27, 0x2f]));

const dataSelector = (draft: Draft): bigint =>
  sometimes(draft, 4) ? selector(draft) : BigInt(oneOf(draft.next, [0x2b, 0x2b, 0x17, 0x07]));

/** A register or memory operand gets a value of `size` bytes. */
function operand(draft: Draft, size: number, value: bigint): void {
  if (draft.form.memory) {
    if (draft.target !== undefined) poke(draft, draft.target, size, value);
  } else draft.general[draft.encoded.rm] = value;
}

/** An offset and a selector in memory. */
const farPointer =
  (select: (draft: Draft) => bigint): Preparation =>
  (draft) => {
    if (draft.target === undefined) return;
    const size = draft.form.size / 8;
    poke(draft, draft.target, size, codeOffset(draft));
    poke(draft, draft.target + BigInt(size), 2, select(draft));
  };

const selectorOperand: Preparation = (draft) => {
  const noise = BigInt(draft.next()) << 16n;
  operand(draft, 2, draft.form.memory ? selector(draft) : selector(draft) | noise);
};

/** Bit strings reach beyond their operand; most bit numbers stay small. */
const bitNumber: Preparation = (draft) => {
  if (!draft.form.row.operands.includes('Gv') || !draft.form.memory || sometimes(draft, 8)) return;
  draft.general[draft.encoded.reg] = BigInt.asUintN(64, BigInt((draft.next() % 1024) - 512));
};

/** Half of the divisions have a result. */
const division: Preparation = (draft) => {
  if (sometimes(draft, 2)) return;
  draft.general[RDX] = BigInt.asUintN(64, BigInt((draft.next() % 3) - 1));
  if (draft.form.row.operands[0] === 'Eb') draft.general[RAX] = BigInt(draft.next() % 0x400);
};

/** Half of the comparisons find what they look for. */
const comparedPair: Preparation = (draft) => {
  if (draft.target === undefined || sometimes(draft, 2)) return;
  const size = draft.form.size === 64 ? 8 : 4;
  draft.target -= draft.target % BigInt(size * 2);
  poke(draft, draft.target, size, draft.general[RAX] as bigint);
  poke(draft, draft.target + BigInt(size), size, draft.general[RDX] as bigint);
};

const compared: Preparation = (draft) => {
  if (sometimes(draft, 2)) operand(draft, draft.form.size / 8, draft.general[RAX] as bigint);
};

const farReturn: Preparation = (draft) => {
  const same = [codeOffset(draft), codeSelector(draft)];
  frame(draft, [...same, BigInt(world.MIDDLE), dataSelector(draft)], stackSize(draft));
};

/** Of level 3 for level 3; 64-bit mode takes the stack from the frame as well. */
const interruptReturn: Preparation = (draft) => {
  const { next } = draft;
  const flags = BigInt(next() & 0x3f_7fff & ~0x100);
  const stack = [BigInt(world.MIDDLE + (next() % 64)), dataSelector(draft)];
  frame(draft, [codeOffset(draft), codeSelector(draft), flags, ...stack], stackSize(draft));
};

/** INT 80h is a system call: the one number that must not be asked. */
const interruptNumber: Preparation = (draft) => {
  const { bytes, immediateAt } = draft.encoded;
  if (sometimes(draft, 3)) bytes[immediateAt] = oneOf(draft.next, [3, 4]);
  if (bytes[immediateAt] === 0x80) bytes[immediateAt] = 0x81;
};

/** A frame of a few bytes, of a few levels. */
const enter: Preparation = (draft) => {
  const { bytes, immediateAt } = draft.encoded;
  bytes[immediateAt] = draft.next() % 32;
  bytes[immediateAt + 1] = 0;
  if (!sometimes(draft, 4)) bytes[immediateAt + 2] = draft.next() % 5;
  if (!sometimes(draft, 4)) draft.general[RBP] = BigInt(world.MIDDLE + (draft.next() % 8) * 8);
};

const farImmediate: Preparation = (draft) => {
  const { bytes, immediateAt } = draft.encoded;
  const offset = Number(codeOffset(draft)) >>> 0;
  const size = draft.form.size / 8;
  for (let n = 0; n < size; n++) bytes[immediateAt + n] = (offset >>> (8 * n)) & 0xff;
  const code = Number(codeSelector(draft));
  bytes.splice(immediateAt + size, 2, code & 0xff, code >> 8);
};

const pointerInRbp: Preparation = (draft) => {
  draft.general[RBP] = anyPlace(draft.next, draft.form.mode);
};

const nearReturn: Preparation = (draft) => {
  frame(draft, [codeOffset(draft)], stackSize(draft));
  const { bytes, immediateAt } = draft.encoded;
  if (draft.form.row.operands.length > 0 && !sometimes(draft, 4)) bytes[immediateAt + 1] = 0;
};

const indirect: Preparation = (draft) => operand(draft, stackSize(draft), codeOffset(draft));

/** RDX:RAX, an index, or lower and upper bound around one. */
const bounds: Preparation = (draft) => {
  if (draft.target === undefined || sometimes(draft, 4)) return;
  const size = draft.form.size / 8;
  const index = draft.general[draft.encoded.reg] as bigint;
  poke(draft, draft.target, size, index - BigInt(draft.next() % 3));
  poke(draft, draft.target + BigInt(size), size, index + BigInt((draft.next() % 4) - 1));
};

const popSelector: Preparation = (draft) => frame(draft, [selector(draft)], stackSize(draft));

const popFlags: Preparation = (draft) => frame(draft, [BigInt(draft.next() & ~0x100)], stackSize(draft));

const table: Preparation = ({ general, next, form }) => {
  general[RBX] = anyPlace(next, form.mode) - (next() % 2 === 0 ? (general[RAX] as bigint) & 0xffn : 0n);
};

/** Bases that WRFSBASE takes, mostly. */
const base: Preparation = (draft) => {
  if (!sometimes(draft, 3))
    draft.general[draft.encoded.rm] = BigInt.asUintN(47, draft.general[draft.encoded.rm] as bigint);
};

const preparations: readonly (readonly [names: RegExp, preparation: Preparation])[] = [
  [/^(MOVS|CMPS|STOS|LODS|SCAS)B?$/, strings],
  [/^(INS|OUTS)$/, strings],
  [/^(LOOPN?E?|JCXZ)$/, count],
  [/^V?MASKMOV(Q|DQU)$/, (draft) => pointer(draft, RDI)],
  [/^XLAT$/, table],
  [/^LEAVE$/, pointerInRbp],
  [/^ENTER$/, enter],
  [/^RET$/, nearReturn],
  [/^RET_FAR(_POP)?$/, farReturn],
  [/^IRET$/, interruptReturn],
  [/^INT$/, interruptNumber],
  [/^(CALL|JMP)_FAR_MEMORY$/, farPointer(codeSelector)],
  [/^(CALL|JMP)_FAR_IMMEDIATE$/, farImmediate],
  [/^L[DEFGS]S$/, farPointer(dataSelector)],
  [/^(MOV_SREG_RM|LAR|LSL|VERR|VERW|ARPL|LLDT|LTR)$/, selectorOperand],
  [/^POP_SREG$/, popSelector],
  [/^POPF$/, popFlags],
  [/^BT[SRC]?$/, bitNumber],
  [/^I?DIV$/, division],
  [/^CMPXCHG8B$/, comparedPair],
  [/^CMPXCHG$/, compared],
  [/^BOUND$/, bounds],
  [/^WR[FG]SBASE$/, base],
];

/** Sets a draft up for its instruction. */
export function prepare(draft: Draft): void {
  const { name, operands } = draft.form.row;
  const isIndirect = (name === 'CALL' || name === 'JMP') && operands[0] === 'Ev';
  if (isIndirect) indirect(draft);
  for (const [names, preparation] of preparations) if (names.test(name)) preparation(draft);
}
