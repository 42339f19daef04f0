/** Expressions that a user typed, evaluated once; what is wrong with one becomes the request's error, with its place. */
import { type CompiledExpression, compileExpression } from '../expressions/compile.ts';
import { ExpressionError } from '../expressions/tokens.ts';
import type { Guest } from './guest.ts';
import { UserError } from './user-error.ts';

/** The value of an expression. */
export function evaluateText(guest: Guest, text: string): number {
  return evaluateCompiled(guest, text).value;
}

/** An expression with its value; with `assignment` it may write what it names. */
export function evaluateCompiled(
  guest: Guest,
  text: string,
  options: { readonly assignment?: boolean } = {},
): { readonly value: number; readonly address: number | undefined; readonly compiled: CompiledExpression } {
  return reportingPosition(text, () => {
    const compiled = compileExpression(text, guest.expressions, options);
    const address = compiled.address?.();
    return { value: compiled.evaluate(), address, compiled };
  });
}

/** Writes what an expression names. */
export function assignText(guest: Guest, text: string, value: number): void {
  reportingPosition(text, () => {
    const { assign } = compileExpression(text, guest.expressions);
    if (!assign) {
      const isLabel = guest.expressions.label(text.trim()) !== undefined;
      const what = isLabel
        ? `an address; write byte[${text}] or word[${text}]`
        : 'a value, not a place that can be written';
      throw new UserError('not-writable', `${text} is ${what}`);
    }
    assign(value);
  });
}

function reportingPosition<Result>(text: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    throw new UserError('bad-expression', `${text}: ${error.message} (column ${error.position + 1})`);
  }
}
