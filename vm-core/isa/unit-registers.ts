/** The registers that operands of the units besides the integer unit name, in a decoded instruction. */
import { mmxSlots, vectorSlots } from '../state/layout.ts';
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
