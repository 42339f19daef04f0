/**
 * Operands of an instruction row in the notation of the manual's opcode map (SDM vol. 2D appendix A.2), and what they
 * become once operand size and ModR/M form are chosen.
 */
import { slot, vectorSlots } from '../state/layout.ts';

/**
 * Notation of the opcode map. `Zb`/`Zv`: register in the opcode's low three bits. `sIb`: sign-extended byte. `y`: 32 bits,
 * or 64; `R`: ModR/M must name a register; `B`: the register in VEX.vvvv. Vector registers: `V` in ModR/M's reg field, `W`
 * register or memory, `U` a register, `H` in VEX.vvvv, `L` in the upper half of an immediate byte; those of MMX: `P`, `Q`,
 * `N`. How much of them an instruction uses, or reads from memory, stands behind: b, w, d, q, dq (128 bits), qq (256).
 * `Ay`, `Dy`: EAX and EDX, or RAX and RDX, that are not in the encoding.
 * `vm32x` to `vm64y`: memory at addresses whose indices of 32 or 64 bits are in an XMM or YMM register (SDM vol. 2A §2.3.12).
 * `STi`: an x87 register by its distance from the top of the stack, in ModR/M's low bits.
 */
export type OperandCode =
  | VectorCode
  | MemoryCode
  | IndexedCode
  | 'STi'
  | 'Eb'
  | 'Ew'
  | 'Ed'
  | 'Ev'
  | 'Ey'
  | 'Gb'
  | 'Gw'
  | 'Gv'
  | 'Gy'
  | 'By'
  | 'Ry'
  | 'Rv'
  | 'My'
  | 'Zb'
  | 'Zv'
  | 'M'
  | 'Ma'
  | 'Mp'
  | 'Ms'
  | 'Ib'
  | 'sIb'
  | 'Iw'
  | 'Iz'
  | 'Iv'
  | 'Jb'
  | 'Jz'
  | 'Ap'
  | 'Ob'
  | 'Ov'
  | 'Sw'
  | 'Cd'
  | 'Dd'
  | 'Td'
  | 'AL'
  | 'CL'
  | 'eAX'
  | 'Ay'
  | 'Dy'
  | '1';

type VectorCode =
  | `${'V' | 'W' | 'H' | 'U' | 'L'}${'b' | 'w' | 'd' | 'q' | 'dq' | 'qq'}`
  | `${'P' | 'Q' | 'N'}${'d' | 'q'}`;
/** Memory of a size that does not depend on the operand size. */
type MemoryCode = 'Mb' | 'Mw' | 'Md' | 'Mq' | 'Mt' | 'Mdq' | 'Mqq';

/** Memory addressed by a vector of indices. */
type IndexedCode = `vm${32 | 64}${'x' | 'y'}`;

export type OperandSize = 16 | 32 | 64;
export type OperandBits = 8 | 16 | 32 | 64;

/** Of a vector, or of what is read into or written from one. */
export type VectorBits = 8 | 16 | 32 | 64 | 80 | 128 | 256;
/** What names a vector register: ModR/M, VEX.vvvv, the upper half of an immediate byte, or the index of an address. */
export type VectorField = 'rm' | 'reg' | 'vvvv' | 'is4' | 'index';

const VECTOR_CODE = /^([VWHULPQN])(b|w|d|q|dq|qq)$/;
const VECTOR_BITS: Readonly<Record<string, VectorBits>> = { b: 8, w: 16, d: 32, q: 64, t: 80, dq: 128, qq: 256 };
const VECTOR_FIELDS: Readonly<Record<string, VectorField>> = {
  ...{ V: 'reg', P: 'reg', W: 'rm', U: 'rm', Q: 'rm', N: 'rm', H: 'vvvv', L: 'is4' },
};

/** What is asked for each instruction that is decoded is found once; '' for codes of no vector. */
const vectorLetters = new Map<OperandCode, string>();

/** A vector code's letter, or undefined for other codes. */
export function vectorLetter(code: OperandCode): string | undefined {
  let letter = vectorLetters.get(code);
  if (letter === undefined) {
    letter = VECTOR_CODE.exec(code)?.[1] ?? '';
    vectorLetters.set(code, letter);
  }
  return letter === '' ? undefined : letter;
}

/** An operand of one form of an instruction. `memory` operands are known to be memory, `register` ones to be not. */
export type Operand =
  | { readonly kind: 'register'; readonly field: 'rm' | 'reg' | 'vvvv'; readonly bits: OperandBits }
  | { readonly kind: 'memory'; readonly bits: OperandBits }
  | { readonly kind: 'fixed'; readonly slot: number; readonly bits: OperandBits }
  /** `whole`: all 64 bits are in the instruction; others are extended with their sign. */
  | { readonly kind: 'immediate'; readonly bits: OperandBits; readonly whole: boolean }
  | { readonly kind: 'constant'; readonly value: number; readonly bits: OperandBits };

/** An operand of an instruction of one of the other units. */
export type UnitOperand =
  | Operand
  /** A vector register, of which so many bits are meant. */
  | { readonly kind: 'vector'; readonly field: VectorField; readonly bits: VectorBits }
  /** The half of a register that lies at a slot, which the instruction does not name. */
  | { readonly kind: 'fixedVector'; readonly slot: number }
  /** An MMX register: the low 64 bits of an x87 register. */
  | { readonly kind: 'mmx'; readonly field: VectorField; readonly bits: 64 }
  | { readonly kind: 'vectorMemory'; readonly bits: VectorBits }
  /** ST(i), an x87 register: its distance from the top is where a register operand has its slot. */
  | { readonly kind: 'stack' };

/** What an operand code may stand for. */
type NamedOperand = Exclude<UnitOperand, { readonly kind: 'fixedVector' }>;

/** Bytes from a register's slot to the upper half of a YMM register. */
export const UPPER_HALF = 16;

/** XMM0, which some instructions use without naming it, and the other half of YMM0. */
export const XMM0: UnitOperand = { kind: 'fixedVector', slot: vectorSlots[0] as number };
export const UPPER_YMM0: UnitOperand = { kind: 'fixedVector', slot: (vectorSlots[0] as number) + UPPER_HALF };

/** How many bytes of immediate an operand code adds, at an operand size (and an address size for the offset forms). */
export function immediateSize(code: OperandCode, operandSize: OperandSize, addressSize: OperandSize): number {
  switch (code) {
    case 'Ib':
    case 'sIb':
    case 'Jb':
    case 'Ldq':
    case 'Lqq':
      return 1;
    case 'Iw':
      return 2;
    case 'Iz':
    case 'Jz':
      return Math.min(operandSize / 8, 4);
    case 'Iv':
      return operandSize / 8;
    case 'Ap':
      return operandSize / 8 + 2;
    case 'Ob':
    case 'Ov':
      return addressSize / 8;
    default:
      return 0;
  }
}

/** True for the codes whose immediate is sign-extended to the operand size. */
export function isSignedImmediate(code: OperandCode): boolean {
  return code === 'sIb' || code === 'Jb' || code === 'Jz';
}

const MODRM_CODES: readonly OperandCode[] = [
  'Eb',
  'Ew',
  'Ed',
  'Ev',
  'Ey',
  'Gb',
  'Gw',
  'Gv',
  'Gy',
  'Ry',
  'Rv',
  'M',
  'My',
  'Ma',
  'Mp',
  'Ms',
  'Sw',
  'Cd',
  'Dd',
  'Td',
];

export function needsModRm(code: OperandCode): boolean {
  const letter = vectorLetter(code);
  return (
    MODRM_CODES.includes(code) ||
    isFixedMemory(code) ||
    hasVectorIndex(code) ||
    (letter !== undefined && letter !== 'H' && letter !== 'L')
  );
}

/** True for memory at addresses whose indices are in a vector. */
export function hasVectorIndex(code: OperandCode): boolean {
  return code.startsWith('vm');
}

function isFixedMemory(code: OperandCode): boolean {
  return code[0] === 'M' && code.slice(1) in VECTOR_BITS;
}

/** True for the codes that ModR/M can make either a register or memory. */
export function isRegisterOrMemory(code: OperandCode): boolean {
  const letter = vectorLetter(code);
  if (letter !== undefined) return letter === 'W' || letter === 'Q';
  return code === 'Eb' || code === 'Ew' || code === 'Ed' || code === 'Ev' || code === 'Ey';
}

/** True for the codes that must be memory; with a register in ModR/M the instruction is invalid. */
export function isMemoryOnly(code: OperandCode): boolean {
  const isPlain = code === 'M' || code === 'Ma' || code === 'Mp' || code === 'Ms' || code === 'My';
  return isPlain || isFixedMemory(code) || hasVectorIndex(code);
}

/** True for the codes with which ModR/M must name a register. */
export function isRegisterOnly(code: OperandCode): boolean {
  const letter = vectorLetter(code);
  return code === 'Ry' || code === 'Rv' || letter === 'U' || letter === 'N';
}

/** True where no operand has 16 bits at an operand size of 16: the doubleword and quadword codes are the only ones. */
export function hasNo16BitForm(codes: readonly OperandCode[]): boolean {
  return codes.some((code) => code.endsWith('y')) && !codes.some((code) => code.endsWith('v'));
}

/** True if what a row does is the same at every operand size. */
export function ignoresOperandSize(codes: readonly OperandCode[]): boolean {
  const fixed = (code: OperandCode) =>
    vectorLetter(code) !== undefined ||
    isFixedMemory(code) ||
    hasVectorIndex(code) ||
    ['M', 'STi', 'Ib', 'Eb', 'Ew', 'Gb', 'Gw'].includes(code);
  return codes.every(fixed);
}

function bitsOf(code: OperandCode, operandSize: OperandSize): OperandBits {
  if (code.endsWith('b') && code !== 'sIb' && code !== 'Jb') return 8;
  if (code.endsWith('w')) return 16;
  if (code === 'Ed') return operandSize === 16 ? 16 : 32;
  if (code.endsWith('y') && operandSize === 16) return 32;
  return operandSize;
}

/** The operand that a code stands for in one form of an instruction. */
export function resolveOperand(code: OperandCode, operandSize: OperandSize, memoryForm: boolean): NamedOperand {
  if (code === 'STi') return { kind: 'stack' };
  if (vectorLetter(code) !== undefined) return resolveVector(code, memoryForm);
  if (hasVectorIndex(code)) return { kind: 'vector', field: 'index', bits: code.endsWith('y') ? 256 : 128 };
  if (isFixedMemory(code)) return resolveMemory(VECTOR_BITS[code.slice(1)] as VectorBits);
  const bits = bitsOf(code, operandSize);
  switch (code) {
    case 'Eb':
    case 'Ew':
    case 'Ed':
    case 'Ev':
    case 'Ey':
      return memoryForm ? { kind: 'memory', bits } : { kind: 'register', field: 'rm', bits };
    case 'M':
    case 'Ma':
    case 'Mp':
    case 'Ms':
    case 'My':
    case 'Ob':
    case 'Ov':
      return { kind: 'memory', bits };
    case 'AL':
      return { kind: 'fixed', slot: slot.EAX, bits: 8 };
    case 'CL':
      return { kind: 'fixed', slot: slot.ECX, bits: 8 };
    case 'eAX':
      return { kind: 'fixed', slot: slot.EAX, bits };
    case 'Ay':
      return { kind: 'fixed', slot: slot.EAX, bits };
    case 'Dy':
      return { kind: 'fixed', slot: slot.EDX, bits };
    case '1':
      return { kind: 'constant', value: 1, bits: 8 };
    case 'By':
      return { kind: 'register', field: 'vvvv', bits };
    case 'Zb':
    case 'Zv':
    case 'Rv':
    case 'Ry':
      return { kind: 'register', field: 'rm', bits };
    case 'Gb':
    case 'Gw':
    case 'Gv':
    case 'Gy':
    case 'Sw':
    case 'Cd':
    case 'Dd':
    case 'Td':
      return { kind: 'register', field: 'reg', bits };
    default:
      return { kind: 'immediate', bits, whole: code === 'Iv' && bits === 64 };
  }
}

function resolveVector(code: OperandCode, memoryForm: boolean): NamedOperand {
  const [, letter, size] = VECTOR_CODE.exec(code) as unknown as [string, string, string];
  const bits = VECTOR_BITS[size] as VectorBits;
  if (memoryForm && (letter === 'W' || letter === 'Q')) return { kind: 'vectorMemory', bits };
  if (letter === 'P' || letter === 'Q' || letter === 'N')
    return { kind: 'mmx', field: VECTOR_FIELDS[letter] as VectorField, bits: 64 };
  return { kind: 'vector', field: VECTOR_FIELDS[letter] as VectorField, bits };
}

function resolveMemory(bits: VectorBits): NamedOperand {
  return bits > 64 ? { kind: 'vectorMemory', bits } : { kind: 'memory', bits: bits as OperandBits };
}
