/** The words of the debugger's expression language, with their places, so that an error can point at one. */
import { localized } from '../protocol/localized.ts';

/** What is wrong with an expression, and where: `position` is an index into its text. */
export class ExpressionError extends Error {
  readonly position: number;

  constructor(message: string, position: number) {
    super(message);
    this.name = 'ExpressionError';
    this.position = position;
  }
}

export interface Token {
  /** `bare`: hexadecimal digits without a mark, which are a number only in `segment:offset`. */
  readonly kind: 'number' | 'bare' | 'name' | 'operator' | 'end';
  /** As written; for a name without the `$` that escapes it. */
  readonly text: string;
  readonly value: bigint;
  /** True for `$name`, which is a label even if a register has that name. */
  readonly escaped: boolean;
  readonly position: number;
}

/** Longer operators stand before the ones they begin with. */
const OPERATORS = [
  ...['<<', '>>', '<=', '>=', '==', '!=', '&&', '||'],
  ...['+', '-', '*', '/', '%', '&', '|', '^', '~', '!', '<', '>', '=', '?', ':', '(', ')', '[', ']', ','],
];

/** A lane of a vector, `xmm0.f32[1]`, is one name. */
const NAME = /^(?:[xy]?mm\d+\.[uif]\d+\[\d+\]|\$?[a-z_.@][\w.@#$]*)/i;
const NUMBER = /^[0-9][0-9A-Za-z_]*/;
const CHARACTER = /^'([^'])'/;

/** Number forms by pattern; the first that matches decides. `1010b` is binary, `0b1h` hexadecimal. */
const NUMBER_FORMS: readonly { readonly pattern: RegExp; readonly prefix: string }[] = [
  { pattern: /^0x([0-9a-f]+)$/, prefix: '0x' },
  { pattern: /^([0-9][0-9a-f]*)h$/, prefix: '0x' },
  { pattern: /^0b([01]+)$/, prefix: '0b' },
  { pattern: /^([01]+)b$/, prefix: '0b' },
  { pattern: /^0o([0-7]+)$/, prefix: '0o' },
  { pattern: /^([0-9]+)d?$/, prefix: '' },
];

/** Splits an expression; the last token is always of kind `end`. */
export function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let position = 0;
  while (position < text.length) {
    const rest = text.slice(position);
    const space = /^\s+/.exec(rest);
    if (space) {
      position += space[0].length;
      continue;
    }
    const token = tokenAt(rest, position);
    tokens.push(token.token);
    position += token.length;
  }
  tokens.push({ kind: 'end', text: '', value: 0n, escaped: false, position });
  return tokens;
}

function tokenAt(rest: string, position: number): { readonly token: Token; readonly length: number } {
  const plain = { value: 0n, escaped: false, position };
  const number = NUMBER.exec(rest)?.[0];
  if (number !== undefined) {
    return { token: numberToken(number, position), length: number.length };
  }
  const name = NAME.exec(rest)?.[0];
  if (name !== undefined) {
    const escaped = name.startsWith('$');
    return { token: { ...plain, kind: 'name', text: escaped ? name.slice(1) : name, escaped }, length: name.length };
  }
  const character = CHARACTER.exec(rest);
  if (character) {
    const value = BigInt((character[1] as string).charCodeAt(0));
    return { token: { ...plain, kind: 'number', text: character[0], value }, length: character[0].length };
  }
  const operator = OPERATORS.find((candidate) => rest.startsWith(candidate));
  if (operator === undefined)
    throw new ExpressionError(localized('unexpected character {0}', JSON.stringify(rest.charAt(0))), position);
  return { token: { ...plain, kind: 'operator', text: operator }, length: operator.length };
}

function numberToken(text: string, position: number): Token {
  const token = { text, escaped: false, position };
  const lower = text.toLowerCase().replaceAll('_', '');
  for (const { pattern, prefix } of NUMBER_FORMS) {
    const digits = pattern.exec(lower)?.[1];
    if (digits === undefined) continue;
    const value = BigInt(prefix + digits);
    if (value > 0xffff_ffff_ffff_ffffn)
      throw new ExpressionError(localized('{0} does not fit in 64 bits', text), position);
    return { ...token, kind: 'number', value };
  }
  if (BARE_HEX.test(text)) return { ...token, kind: 'bare', value: BigInt(`0x${text}`) };
  throw new ExpressionError(localized('{0} is not a number', text), position);
}

const BARE_HEX = /^[0-9a-f]{1,16}$/i;

/** The value of a word that can be read as hexadecimal digits without a mark, at most so many; undefined of others. */
export function bareHexadecimal({ kind, text, escaped }: Token, digitsMax: number): bigint | undefined {
  const isWord = (kind === 'number' || kind === 'bare' || kind === 'name') && !escaped;
  return isWord && text.length <= digitsMax && BARE_HEX.test(text) ? BigInt(`0x${text}`) : undefined;
}
