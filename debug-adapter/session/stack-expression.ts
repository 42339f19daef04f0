/** `st0` to `st7` as expressions of their own: the registers of the x87's stack by their distance from its top. */
import { parseFloatText } from '../expressions/float-text.ts';
import { wholePart } from '../expressions/register-parts.ts';
import { localized } from '../protocol/localized.ts';
import type { Guest } from './guest.ts';
import { stackRegisters, type StackRegister } from './register-lanes.ts';
import { UserError } from './user-error.ts';
import { writeRegister } from './write-register.ts';

const NAME = /^\s*st\(?([0-7])\)?\s*$/i;
const ASSIGNMENT = /^\s*(st\(?[0-7]\)?)\s*=(?!=)(.*)$/is;

/** The register that a text names; undefined for any other text, for a label of that name, and without an x87. */
export function stackRegisterOf(guest: Guest, text: string): StackRegister | undefined {
  const [, number] = NAME.exec(text) ?? [];
  if (number === undefined || guest.symbols.label(text.trim()) !== undefined) return undefined;
  return stackRegisters(guest)[Number(number)];
}

/** Sets a register of the stack to a number. Throws a UserError for what is none. */
export function setStackRegister(guest: Guest, { name, register }: StackRegister, text: string): void {
  const bits = parseFloatText(text.trim(), 'extended');
  if (bits === undefined || !writeRegister(guest, wholePart(register), bits))
    throw new UserError('not-writable', localized('{0} cannot be set to {1}', name, text.trim()));
}

/** Carries out `st0 = 1.5`; gives the register as it is then, or undefined for any other text. */
export function assignStackRegister(guest: Guest, text: string): StackRegister | undefined {
  const [, name, value] = ASSIGNMENT.exec(text) ?? [];
  const register = name === undefined ? undefined : stackRegisterOf(guest, name);
  if (name === undefined || value === undefined || !register) return undefined;
  setStackRegister(guest, register, value);
  return stackRegisterOf(guest, name);
}
