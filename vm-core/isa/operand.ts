/**
 * Operands of an instruction row in the notation of the manual's opcode map (SDM vol. 2D appendix A.2), and what they
 * become once operand size and ModR/M form are chosen.
 */
import { slot } from '../state/layout.ts';

/**
 * Notation of the opcode map. `Zb`/`Zv`: register in the opcode's low three bits. `sIb`: sign-extended byte. `y`: 32 bits,
 * or 64; `R`: ModR/M must name a register; `B`: the register in VEX.vvvv.
 */
export type OperandCode =
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
  | '1';

export type OperandSize = 16 | 32 | 64;
export type OperandBits = 8 | 16 | 32 | 64;

/** An operand of one form of an instruction. `memory` operands are known to be memory, `register` ones to be not. */
export type Operand =
  | { readonly kind: 'register'; readonly field: 'rm' | 'reg' | 'vvvv'; readonly bits: OperandBits }
  | { readonly kind: 'memory'; readonly bits: OperandBits }
  | { readonly kind: 'fixed'; readonly slot: number; readonly bits: OperandBits }
  /** `whole`: all 64 bits are in the instruction; others are extended with their sign. */
  | { readonly kind: 'immediate'; readonly bits: OperandBits; readonly whole: boolean }
  | { readonly kind: 'constant'; readonly value: number; readonly bits: OperandBits };

/** How many bytes of immediate an operand code adds, at an operand size (and an address size for the offset forms). */
export function immediateSize(code: OperandCode, operandSize: OperandSize, addressSize: OperandSize): number {
  switch (code) {
    case 'Ib':
    case 'sIb':
    case 'Jb':
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
  return MODRM_CODES.includes(code);
}

/** True for the codes that ModR/M can make either a register or memory. */
export function isRegisterOrMemory(code: OperandCode): boolean {
  return code === 'Eb' || code === 'Ew' || code === 'Ed' || code === 'Ev' || code === 'Ey';
}

/** True for the codes that must be memory; with a register in ModR/M the instruction is invalid. */
export function isMemoryOnly(code: OperandCode): boolean {
  return code === 'M' || code === 'Ma' || code === 'Mp' || code === 'Ms' || code === 'My';
}

/** True for the codes with which ModR/M must name a register. */
export function isRegisterOnly(code: OperandCode): boolean {
  return code === 'Ry' || code === 'Rv';
}

/** True where no operand has 16 bits at an operand size of 16: the doubleword and quadword codes are the only ones. */
export function hasNo16BitForm(codes: readonly OperandCode[]): boolean {
  return codes.some((code) => code.endsWith('y')) && !codes.some((code) => code.endsWith('v'));
}

function bitsOf(code: OperandCode, operandSize: OperandSize): OperandBits {
  if (code.endsWith('b') && code !== 'sIb' && code !== 'Jb') return 8;
  if (code.endsWith('w')) return 16;
  if (code === 'Ed') return operandSize === 16 ? 16 : 32;
  if (code.endsWith('y') && operandSize === 16) return 32;
  return operandSize;
}

/** The operand that a code stands for in one form of an instruction. */
export function resolveOperand(code: OperandCode, operandSize: OperandSize, memoryForm: boolean): Operand {
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
