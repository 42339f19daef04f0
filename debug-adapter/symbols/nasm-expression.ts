/**
 * Values of the simple constant expressions that stand in `org`, `vstart=` and `equ` (NASM manual §3.4 and §3.5):
 * numbers in every notation, names already known, and the integer operators. Whatever else appears has no value here.
 */

const TOKEN = /\s*(?:([A-Za-z_.?$@][\w.?$@~#]*)|(\d\w*)|(<<|>>|[-+*/%&|^~()]))/y;

/** Operators by how loosely they bind, loosest first. */
const LEVELS: readonly Readonly<Record<string, (left: number, right: number) => number>>[] = [
  { '|': (left, right) => left | right },
  { '^': (left, right) => left ^ right },
  { '&': (left, right) => left & right },
  { '<<': (left, right) => left * 2 ** right, '>>': (left, right) => Math.floor(left / 2 ** right) },
  { '+': (left, right) => left + right, '-': (left, right) => left - right },
  {
    '*': (left, right) => left * right,
    '/': (left, right) => Math.trunc(left / right),
    '%': (left, right) => left % right,
  },
];

/** The value, or undefined if the text is not an expression of known names. */
export function evaluateNasmExpression(
  text: string,
  valueOfName: (name: string) => number | undefined,
): number | undefined {
  const tokens = tokenize(text);
  if (tokens === undefined) return undefined;
  let at = 0;

  const primary = (): number => {
    const token = tokens[at++];
    if (token === undefined) return Number.NaN;
    if (token === '(') {
      const value = binary(0);
      return tokens[at++] === ')' ? value : Number.NaN;
    }
    if (token === '-') return -primary();
    if (token === '+') return primary();
    if (token === '~') return ~primary();
    return parseNasmNumber(token) ?? valueOfName(token) ?? Number.NaN;
  };
  const binary = (level: number): number => {
    const operators = LEVELS[level];
    if (operators === undefined) return primary();
    let value = binary(level + 1);
    for (;;) {
      const token = tokens[at];
      const operator = token !== undefined && Object.hasOwn(operators, token) ? operators[token] : undefined;
      if (operator === undefined) return value;
      at += 1;
      value = operator(value, binary(level + 1));
    }
  };

  const value = binary(0);
  return at === tokens.length && Number.isSafeInteger(value) ? value : undefined;
}

/** Nesting is bounded so that a hostile listing cannot exhaust the stack. */
const TOKENS_MAX = 256;

function tokenize(text: string): string[] | undefined {
  const tokens: string[] = [];
  const source = text.trim();
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < source.length) {
    const match = TOKEN.exec(source);
    if (match === null || tokens.length === TOKENS_MAX) return undefined;
    tokens.push(match[1] ?? match[2] ?? match[3] ?? '');
  }
  return tokens;
}

const RADIX_BY_SUFFIX: Readonly<Record<string, number>> = { h: 16, x: 16, d: 10, t: 10, o: 8, q: 8, b: 2, y: 2 };
const DIGITS: Readonly<Record<number, RegExp>> = { 2: /^[01]+$/, 8: /^[0-7]+$/, 10: /^\d+$/, 16: /^[\da-f]+$/ };

/** A NASM integer: `0x7c00`, `7C00h`, `$07c00`, `0b1010`, `777o`, `10_000` … */
export function parseNasmNumber(token: string): number | undefined {
  const text = token.replaceAll('_', '').toLowerCase();
  const parse = (digits: string, radix: number): number | undefined =>
    DIGITS[radix]?.test(digits) === true ? Number.parseInt(digits, radix) : undefined;
  const prefixed = /^(?:\$|0([a-z]))([\da-f]+)$/.exec(text);
  const suffixed = /^(\d[\da-f]*)([a-z])$/.exec(text);
  if (text.startsWith('$')) return /^\$\d/.test(text) ? parse(text.slice(1), 16) : undefined;
  const bySuffix = suffixed === null ? undefined : parse(suffixed[1] ?? '', RADIX_BY_SUFFIX[suffixed[2] ?? ''] ?? 0);
  if (suffixed !== null && suffixed[2] === 'h') return bySuffix;
  const byPrefix = prefixed === null ? undefined : parse(prefixed[2] ?? '', RADIX_BY_SUFFIX[prefixed[1] ?? ''] ?? 0);
  return byPrefix ?? bySuffix ?? parse(text, 10);
}
