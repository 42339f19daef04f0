/** The registers that operands of the units besides the integer unit name, in a decoded instruction. */
import { internal, longGeneralSlots, mmxSlots, vectorSlots } from '../state/layout.ts';
import type { DecodedInstruction } from './decoded-instruction.ts';
import { type OperandCode, vectorLetter } from './operand.ts';

/** Bits of a REX prefix. */
export const REX_W = 8;
export const REX_R = 4;
export const REX_X = 2;
export const REX_B = 1;

/** `third` is the number of the register in VEX.vvvv. There are only eight MMX and x87 registers: REX changes none. */
export function nameUnitRegisters(
  result: DecodedInstruction,
  operands: readonly OperandCode[],
  modRm: number,
  rex: number,
  third: number,
): void {
  const rm = modRm & 7;
  const reg = (modRm >> 3) & 7;
  for (const code of operands) {
    const letter = vectorLetter(code);
    if (letter === 'V') result.regSlot = vectorSlots[(rex & REX_R) === 0 ? reg : reg + 8] as number;
    else if (letter === 'W' || letter === 'U') result.rmSlot = vectorSlots[(rex & REX_B) === 0 ? rm : rm + 8] as number;
    else if (letter === 'H') result.immediate2 = vectorSlots[third] as number;
    else if (letter === 'P') result.regSlot = mmxSlots[reg] as number;
    else if (letter === 'Q' || letter === 'N') result.rmSlot = mmxSlots[rm] as number;
    else if (code === 'STi') result.rmSlot = rm;
  }
}

/** The register that SIB names as the index is a vector; number 4, which otherwise means none, is one too. */
export function nameVectorIndex(result: DecodedInstruction): void {
  const number = result.indexSlot === internal.ZERO ? 4 : longGeneralSlots.indexOf(result.indexSlot);
  result.indexSlot = vectorSlots[number] as number;
}

/** Whether a gather has a SIB byte and three different registers (SDM vol. 2A §2.3.12, vol. 2C VPGATHERDD). */
export function isGather({ addressSize, regSlot, indexSlot, immediate2 }: DecodedInstruction, modRm: number): boolean {
  if (addressSize === 16 || (modRm & 7) !== 4) return false;
  return regSlot !== indexSlot && regSlot !== immediate2 && indexSlot !== immediate2;
}
