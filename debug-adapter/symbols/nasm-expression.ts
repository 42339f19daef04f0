/**
 * Values of the simple constant expressions that stand in `org`, `vstart=` and `equ` (NASM manual §3.4 and §3.5):
 * numbers in every notation, names already known, and the integer operators, with 64 bits as NASM has them. Whatever else
 * appears has no value here.
 */

const TOKEN = /\s*(?:([A-Za-z_.?$@][\w.?$@~#]*)|(\d\w*)|(<<|>>|[-+*/%&|^~()]))/y;

const unsigned = (value: bigint): bigint => BigInt.asUintN(64, value);
/** Undefined for division by zero. */
const divided = (left: bigint, right: bigint): bigint | undefined =>
  right === 0n ? undefined : unsigned(left) / unsigned(right);

/** Operators by how loosely they bind, loosest first. Division and shifts are unsigned. */
const LEVELS: readonly Readonly<Record<string, (left: bigint, right: bigint) => bigint | undefined>>[] = [
  { '|': (left, right) => left | right },
  { '^': (left, right) => left ^ right },
  { '&': (left, right) => left & right },
  {
    '<<': (left, right) => (unsigned(right) > 63n ? 0n : left << right),
    '>>': (left, right) => (unsigned(right) > 63n ? 0n : unsigned(left) >> right),
  },
  { '+': (left, right) => left + right, '-': (left, right) => left - right },
  {
    '*': (left, right) => left * right,
    '/': divided,
    '%': (left, right) => (right === 0n ? undefined : unsigned(left) % unsigned(right)),
  },
];

/**
 * The value as a signed number of 64 bits, as addresses are; undefined if the text is not an expression of known names, or
 * too large for a number.
 */
export function evaluateNasmExpression(
  text: string,
  valueOfName: (name: string) => number | undefined,
): number | undefined {
  const tokens = tokenize(text);
  if (tokens === undefined) return undefined;
  let at = 0;

  const applied = (value: bigint | undefined, apply: (value: bigint) => bigint): bigint | undefined =>
    value === undefined ? undefined : apply(value);
  const named = (token: string): bigint | undefined => {
    const value = valueOfName(token);
    return value === undefined ? undefined : BigInt(value);
  };
  const primary = (): bigint | undefined => {
    const token = tokens[at++];
    if (token === undefined) return undefined;
    if (token === '(') {
      const value = binary(0);
      return tokens[at++] === ')' ? value : undefined;
    }
    if (token === '-') return applied(primary(), (value) => -value);
    if (token === '+') return primary();
    if (token === '~') return applied(primary(), (value) => ~value);
    return parseNasmNumber(token) ?? named(token);
  };
  const binary = (level: number): bigint | undefined => {
    const operators = LEVELS[level];
    if (operators === undefined) return primary();
    let value = binary(level + 1);
    for (;;) {
      const token = tokens[at];
      const operator = token !== undefined && Object.hasOwn(operators, token) ? operators[token] : undefined;
      if (operator === undefined) return value;
      at += 1;
      const right = binary(level + 1);
      if (value === undefined || right === undefined) return undefined;
      value = applied(operator(value, right), (result) => BigInt.asIntN(64, result));
    }
  };

  const value = applied(binary(0), (result) => BigInt.asIntN(64, result));
  if (at !== tokens.length || value === undefined) return undefined;
  return Number.isSafeInteger(Number(value)) ? Number(value) : undefined;
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
const PREFIXES: Readonly<Record<number, string>> = { 2: '0b', 8: '0o', 10: '', 16: '0x' };
const DIGITS: Readonly<Record<number, RegExp>> = { 2: /^[01]+$/, 8: /^[0-7]+$/, 10: /^\d+$/, 16: /^[\da-f]+$/ };

/** A NASM integer: `0x7c00`, `7C00h`, `$07c00`, `0b1010`, `777o`, `10_000` … */
export function parseNasmNumber(token: string): bigint | undefined {
  const text = token.replaceAll('_', '').toLowerCase();
  const parse = (digits: string, radix: number): bigint | undefined =>
    DIGITS[radix]?.test(digits) === true ? BigInt(PREFIXES[radix] + digits) : undefined;
  const prefixed = /^(?:\$|0([a-z]))([\da-f]+)$/.exec(text);
  const suffixed = /^(\d[\da-f]*)([a-z])$/.exec(text);
  if (text.startsWith('$')) return /^\$\d/.test(text) ? parse(text.slice(1), 16) : undefined;
  const bySuffix = suffixed === null ? undefined : parse(suffixed[1] ?? '', RADIX_BY_SUFFIX[suffixed[2] ?? ''] ?? 0);
  if (suffixed !== null && suffixed[2] === 'h') return bySuffix;
  const byPrefix = prefixed === null ? undefined : parse(prefixed[2] ?? '', RADIX_BY_SUFFIX[prefixed[1] ?? ''] ?? 0);
  return byPrefix ?? bySuffix ?? parse(text, 10);
}
