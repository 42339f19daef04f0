/** Lists of numbers and ranges that stand where a condition could: `6,13`, `10h, 13h`, `1F0h-1F7h`. */
import { ExpressionError, tokenize } from '../expressions/tokens.ts';

/** Tells whether a number is in the list; undefined for text that is no list. */
export function compileNumberList(text: string): ((value: number) => boolean) | undefined {
  const ranges = text.split(',').map(parseRange);
  if (!ranges.every((range) => range !== undefined)) return undefined;
  return (value) => ranges.some(([first, last]) => value >= first && value <= last);
}

function parseRange(text: string): readonly [number, number] | undefined {
  const [first, last, ...more] = text.split('-').map(parseNumber);
  if (first === undefined || more.length > 0) return undefined;
  if (!text.includes('-')) return [first, first];
  return last === undefined ? undefined : [first, last];
}

function parseNumber(text: string): number | undefined {
  try {
    const [token, end] = tokenize(text);
    return token?.kind === 'number' && end?.kind === 'end' ? Number(token.value) : undefined;
  } catch (error) {
    if (error instanceof ExpressionError) return undefined;
    throw error;
  }
}
