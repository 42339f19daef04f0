/**
 * The grammar of the debugger's expression language: C's operators over registers, flags, labels, numbers and memory.
 *
 *   memory      byte[address]  word[address]  dword[address]  qword[address]
 *   address     expression (linear)  |  segment:offset; in 07C0:0000, as monitors print it, both are hexadecimal
 *   functions   linear(segment:offset)  physical(linear)
 *   whole line  segment:offset is short for linear(segment:offset)
 *   assignment  register, flag or memory = expression (where the caller allows it)
 */
import { localized } from '../protocol/localized.ts';
import { bareHexadecimal, ExpressionError, type Token, tokenize } from './tokens.ts';

export type UnaryOperator = '-' | '+' | '~' | '!';
export type BinaryOperator =
  | '*'
  | '/'
  | '%'
  | '+'
  | '-'
  | '<<'
  | '>>'
  | '<'
  | '<='
  | '>'
  | '>='
  | '=='
  | '!='
  | '&'
  | '^'
  | '|'
  | '&&'
  | '||';

/** A place in memory: a linear address, or an offset in a segment. */
export interface AddressNode {
  readonly segment: Node | undefined;
  readonly offset: Node;
}

export type Node =
  | { readonly kind: 'number'; readonly value: bigint; readonly position: number }
  | { readonly kind: 'name'; readonly name: string; readonly escaped: boolean; readonly position: number }
  | { readonly kind: 'memory'; readonly size: 1 | 2 | 4 | 8; readonly address: AddressNode; readonly position: number }
  | {
      readonly kind: 'call';
      readonly function: 'linear' | 'physical';
      readonly address: AddressNode;
      readonly position: number;
    }
  | { readonly kind: 'unary'; readonly operator: UnaryOperator; readonly operand: Node; readonly position: number }
  | {
      readonly kind: 'binary';
      readonly operator: BinaryOperator;
      readonly left: Node;
      readonly right: Node;
      readonly position: number;
    }
  | {
      readonly kind: 'conditional';
      readonly condition: Node;
      readonly whenTrue: Node;
      readonly whenFalse: Node;
      readonly position: number;
    };

/** Weakest first, as in C. */
const LEVELS: readonly (readonly BinaryOperator[])[] = [
  ['||'],
  ['&&'],
  ['|'],
  ['^'],
  ['&'],
  ['==', '!='],
  ['<', '<=', '>', '>='],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '/', '%'],
];

const MEMORY_SIZES: ReadonlyMap<string, 1 | 2 | 4 | 8> = new Map([
  ['byte', 1],
  ['word', 2],
  ['dword', 4],
  ['qword', 8],
]);

/** Hexadecimal digits of a selector and of an offset at most. */
const SELECTOR_DIGITS_MAX = 4;
const OFFSET_DIGITS_MAX = 16;

/** Nesting beyond this is refused: the text comes from outside and must not exhaust our stack. */
const DEPTH_MAX = 100;
/** A chain such as `1+1+1…` is as deep a tree as it has operators; this bounds it. */
const LENGTH_MAX = 2000;

/** A parsed line: an expression, with the value that is to be assigned to it if there is an `=`. */
export interface ParsedExpression {
  readonly node: Node;
  readonly assigned: Node | undefined;
}

/** Tells words that are registers or labels, even where they could be hexadecimal digits: `add:10`. */
export type IsName = (word: string) => boolean;

/** Parses one expression, optionally an assignment. Throws ExpressionError. */
export function parseExpression(text: string, isName: IsName = () => false): ParsedExpression {
  const parser = new Parser(text, isName);
  const node = parser.wholeLine();
  const assigned = parser.accept('=') ? parser.conditional() : undefined;
  parser.end();
  return { node, assigned };
}

/** Parses an address as it stands between brackets: `expression` or `segment:offset`. */
export function parseAddress(text: string, isName: IsName = () => false): AddressNode {
  const parser = new Parser(text, isName);
  const address = parser.address();
  parser.end();
  return address;
}

class Parser {
  readonly #tokens: Token[];
  readonly #isName: IsName;
  #next = 0;
  #depth = 0;

  constructor(text: string, isName: IsName) {
    this.#isName = isName;
    if (text.length > LENGTH_MAX)
      throw new ExpressionError(localized('longer than {0} characters', LENGTH_MAX), LENGTH_MAX);
    this.#tokens = [...tokenize(text)];
  }

  get #token(): Token {
    return this.#tokens[this.#next] as Token;
  }

  accept(operator: string): boolean {
    if (this.#token.kind !== 'operator' || this.#token.text !== operator) return false;
    this.#next++;
    return true;
  }

  end(): void {
    if (this.#token.kind !== 'end') throw this.#unexpected(localized('an operator'));
  }

  /** An expression, or `segment:offset` for the linear address that it leads to. */
  wholeLine(): Node {
    const { position } = this.#token;
    const address = this.address();
    return address.segment === undefined ? address.offset : { kind: 'call', function: 'linear', address, position };
  }

  address(): AddressNode {
    this.#readBareFar();
    const first = this.conditional();
    return this.accept(':') ? { segment: first, offset: this.conditional() } : { segment: undefined, offset: first };
  }

  /** Takes `07C0:0000` in front of us for two hexadecimal numbers, unless a register or label is called that. */
  #readBareFar(): void {
    const colon = this.#tokens[this.#next + 1];
    if (colon?.text !== ':' || !this.#readBare(this.#next, SELECTOR_DIGITS_MAX)) return;
    this.#readBare(this.#next + 2, OFFSET_DIGITS_MAX);
  }

  #readBare(index: number, digitsMax: number): boolean {
    const token = this.#tokens[index];
    const value = token && bareHexadecimal(token, digitsMax);
    if (token === undefined || value === undefined || (token.kind === 'name' && this.#isName(token.text))) return false;
    this.#tokens[index] = { ...token, kind: 'number', value };
    return true;
  }

  conditional(): Node {
    const { position } = this.#token;
    if (++this.#depth > DEPTH_MAX) throw new ExpressionError(localized('nested too deeply'), position);
    const condition = this.#binary(0);
    let result = condition;
    if (this.accept('?')) {
      const whenTrue = this.conditional();
      this.#expect(':');
      result = { kind: 'conditional', condition, whenTrue, whenFalse: this.conditional(), position };
    }
    this.#depth--;
    return result;
  }

  #binary(level: number): Node {
    const operators = LEVELS[level];
    if (!operators) return this.#unary();
    let left = this.#binary(level + 1);
    for (;;) {
      const { position } = this.#token;
      const operator = operators.find((candidate) => this.accept(candidate));
      if (operator === undefined) return left;
      left = { kind: 'binary', operator, left, right: this.#binary(level + 1), position };
    }
  }

  #unary(): Node {
    const { position } = this.#token;
    const operator = (['-', '+', '~', '!'] as const).find((candidate) => this.accept(candidate));
    if (operator === undefined) return this.#primary();
    if (++this.#depth > DEPTH_MAX) throw new ExpressionError(localized('nested too deeply'), position);
    const operand = this.#unary();
    this.#depth--;
    return { kind: 'unary', operator, operand, position };
  }

  #primary(): Node {
    const token = this.#token;
    const { position } = token;
    if (this.accept('(')) {
      const inner = this.conditional();
      this.#expect(')');
      return inner;
    }
    if (token.text === '[') {
      throw new ExpressionError(
        localized('say how much memory is meant: byte[…], word[…], dword[…] or qword[…]'),
        position,
      );
    }
    if (token.kind === 'bare') {
      const hint = `write 0x${token.text} or ${token.text}h for a hexadecimal number`;
      throw new ExpressionError(localized('{0} is not a number; {1}', token.text, hint), position);
    }
    if (token.kind !== 'number' && token.kind !== 'name') throw this.#unexpected(localized('a value'));
    this.#next++;
    if (token.kind === 'number') return { kind: 'number', value: token.value, position };
    return this.#named(token);
  }

  #named(token: Token): Node {
    const { position } = token;
    const lower = token.text.toLowerCase();
    const size = MEMORY_SIZES.get(lower);
    if (size !== undefined && this.accept('[')) {
      const address = this.address();
      this.#expect(']');
      return { kind: 'memory', size, address, position };
    }
    if ((lower === 'linear' || lower === 'physical') && this.accept('(')) {
      const address = this.address();
      this.#expect(')');
      return { kind: 'call', function: lower, address, position };
    }
    return { kind: 'name', name: token.text, escaped: token.escaped, position };
  }

  #expect(operator: string): void {
    if (!this.accept(operator)) throw this.#unexpected(`"${operator}"`);
  }

  #unexpected(expected: string): ExpressionError {
    const { kind, text, position } = this.#token;
    const found = kind === 'end' ? localized('the end') : `"${text}"`;
    return new ExpressionError(localized('expected {0}, found {1}', expected, found), position);
  }
}
