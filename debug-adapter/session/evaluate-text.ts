/** Expressions that a user typed, evaluated once; what is wrong with one becomes the request's error, with its place. */
import { localized } from '../protocol/localized.ts';
import type { Address } from '../../vm-core/index.ts';
import { type CompiledExpression, compileExpression } from '../expressions/compile.ts';
import { floatText, parseFloatText } from '../expressions/float-text.ts';
import { formatValue, type Notation } from '../expressions/format.ts';
import { ExpressionError } from '../expressions/tokens.ts';
import type { Guest } from './guest.ts';
import { UserError } from './user-error.ts';

/** The value that a user typed for something of so many bits. */
export function evaluateInput(guest: Guest, text: string, valueWidth: number): number | bigint {
  return reportingPosition(text, () => compileExpression(text, guest.expressions, { valueWidth }).evaluate());
}

/** An expression with its value; with `assignment` it may write what it names. */
export function evaluateCompiled(
  guest: Guest,
  text: string,
  options: { readonly assignment?: boolean } = {},
): {
  readonly value: number | bigint;
  readonly address: Address | undefined;
  readonly compiled: CompiledExpression;
} {
  return reportingPosition(text, () => {
    const compiled = compileExpression(text, guest.expressions, options);
    const address = compiled.address?.();
    return { value: compiled.evaluate(), address, compiled };
  });
}

/** The linear address that an expression names, if it does, whether anything is mapped there or not. */
export function namedPlace(
  guest: Guest,
  text: string,
): { readonly address: Address | undefined; readonly compiled: CompiledExpression } {
  return reportingPosition(text, () => {
    const compiled = compileExpression(text, guest.expressions);
    return { address: compiled.address?.(), compiled };
  });
}

/** Writes what an expression names: the value of another, computed with as many bits as the place has. */
export function assignText(guest: Guest, text: string, value: string): void {
  reportingPosition(text, () => {
    const { assign, width, lane } = compileExpression(text, guest.expressions);
    if (!assign) {
      const isLabel = guest.expressions.label(text.trim()) !== undefined;
      const what = isLabel
        ? `an address; write byte[${text}] or word[${text}]`
        : 'a value, not a place that can be written';
      throw new UserError('not-writable', localized('{0} is {1}', text, what));
    }
    const float = lane === 'single' || lane === 'double' ? parseFloatText(value, lane) : undefined;
    assign(float ?? evaluateInput(guest, value, width));
  });
}

/** A number assigned to a lane that holds one: expressions know only whole ones. */
const FLOAT_ASSIGNMENT = /^\s*([xy]mm\d+\.f(?:32|64)\[\d+\])\s*=(?!=)(.*)$/is;

/** Carries out `xmm0.f32[1] = 1.5`; gives the lane's name, or undefined for any other text. */
export function assignFloat(guest: Guest, text: string): string | undefined {
  const [, lane, value] = FLOAT_ASSIGNMENT.exec(text) ?? [];
  if (lane === undefined || value === undefined) return undefined;
  assignText(guest, lane, value.trim());
  return lane;
}

/** A value as what its expression names has it: lanes of vectors as the numbers that they hold. */
export function formatCompiled(
  value: number | bigint,
  { width, lane }: CompiledExpression,
  notation?: Notation,
): string {
  if (notation === undefined && (lane === 'single' || lane === 'double')) return floatText(BigInt(value), lane);
  if (notation === undefined && lane === 'signed') return String(BigInt.asIntN(width, BigInt(value)));
  return formatValue(value, width, notation);
}

function reportingPosition<Result>(text: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    throw new UserError('bad-expression', localized('{0}: {1} (column {2})', text, error.message, error.position + 1));
  }
}
