/** Messages of log points: text with expressions in braces. */
import { compileExpression, type ExpressionContext } from '../expressions/compile.ts';
import { formatValue, splitNotation } from '../expressions/format.ts';
import { ExpressionError } from '../expressions/tokens.ts';

/**
 * Compiles `text {expression} text {expression,d}`. What cannot be evaluated when the message is written stands in it as
 * its error. Throws ExpressionError for what cannot be parsed.
 */
export function compileLogMessage(template: string, context: ExpressionContext): () => string {
  const parts = template.split(/\{([^{}]*)\}/).map((part, index) => {
    if (index % 2 === 0) return () => part;
    const { expression, notation } = splitNotation(part);
    const compiled = compileExpression(expression, context);
    return () => formatOrError(compiled.evaluate, (value) => formatValue(value, compiled.width, notation));
  });
  return () => parts.map((part) => part()).join('');
}

function formatOrError(evaluate: () => number | bigint, format: (value: number | bigint) => string): string {
  try {
    return format(evaluate());
  } catch (error) {
    if (error instanceof ExpressionError) return `{${error.message}}`;
    throw error;
  }
}
