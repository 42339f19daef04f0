/** Expressions that a user typed, evaluated once; what is wrong with one becomes the request's error, with its place. */
import { localized } from '../protocol/localized.ts';
import { type CompiledExpression, compileExpression } from '../expressions/compile.ts';
import { ExpressionError } from '../expressions/tokens.ts';
import { findRegisterPart, isWide } from '../expressions/register-parts.ts';
import { writeRegister } from './write-register.ts';
import type { Guest } from './guest.ts';
import { UserError } from './user-error.ts';

/** The value of an expression. */
export function evaluateText(guest: Guest, text: string): number {
  return reportingPosition(text, () => compileExpression(text, guest.expressions).evaluate());
}

const LITERAL = /^\s*(?:(0x[0-9a-f]+|\d+)|([0-9][0-9a-f]*)h)\s*$/i;

/** The value that a user typed for a register: a number of any width, or an expression. */
export function evaluateInput(guest: Guest, text: string): number | bigint {
  const [, plain, hexadecimal] = LITERAL.exec(text) ?? [];
  const literal = plain ?? (hexadecimal === undefined ? undefined : `0x${hexadecimal}`);
  return literal === undefined ? evaluateText(guest, text) : BigInt(literal);
}

/** An expression with its value; with `assignment` it may write what it names. */
export function evaluateCompiled(
  guest: Guest,
  text: string,
  options: { readonly assignment?: boolean } = {},
): { readonly value: number | bigint; readonly address: number | undefined; readonly compiled: CompiledExpression } {
  return reportingPosition(text, () => {
    const compiled = compileExpression(text, guest.expressions, options);
    const address = compiled.address?.();
    return { value: compiled.exact?.() ?? compiled.evaluate(), address, compiled };
  });
}

/** Writes what an expression names. */
export function assignText(guest: Guest, text: string, value: number | bigint): void {
  reportingPosition(text, () => {
    const part = findRegisterPart(text.trim());
    if (part && isWide(part)) {
      if (writeRegister(guest, part, value)) return;
      throw new UserError('not-writable', localized('{0} cannot be set to that', part.name));
    }
    const { assign } = compileExpression(text, guest.expressions);
    if (!assign) {
      const isLabel = guest.expressions.label(text.trim()) !== undefined;
      const what = isLabel
        ? `an address; write byte[${text}] or word[${text}]`
        : 'a value, not a place that can be written';
      throw new UserError('not-writable', localized('{0} is {1}', text, what));
    }
    assign(toNumber(value));
  });
}

function reportingPosition<Result>(text: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    throw new UserError('bad-expression', localized('{0}: {1} (column {2})', text, error.message, error.position + 1));
  }
}

/** What expressions and all but wide registers compute with. */
function toNumber(value: number | bigint): number {
  if (value <= 0xffffffff) return Number(value);
  throw new UserError('bad-argument', localized('0x{0} does not fit into 32 bits', value.toString(16)));
}
