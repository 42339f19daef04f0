/**
 * Turns a parsed expression into a closure, so that a breakpoint's condition costs a few calls each time it is reached.
 * Values are unsigned 32-bit integers: arithmetic wraps, comparisons and shifts are unsigned, `eax == -1` holds for
 * FFFFFFFFh.
 */
import { localized } from '../protocol/localized.ts';
import type { CpuState } from '../../vm-core/index.ts';
import {
  type AddressNode,
  type BinaryOperator,
  type IsName,
  type Node,
  parseAddress,
  parseExpression,
} from './parse.ts';
import { findRegisterPart, isWide, type RegisterPart, readExact, readPart } from './register-parts.ts';
import { ExpressionError } from './tokens.ts';

/** What expressions read and write. */
export interface ExpressionContext {
  readonly state: CpuState;
  /** Writes a register or a part of one; false if the debugger may not. */
  writeRegister(part: RegisterPart, value: number): boolean;
  /** Linear memory, little-endian, unsigned; undefined where nothing is mapped. */
  readMemory(linearAddress: number, size: 1 | 2 | 4): number | undefined;
  /** False where nothing is mapped. */
  writeMemory(linearAddress: number, size: 1 | 2 | 4, value: number): boolean;
  /** Names that only this expression knows, by lower case: what a watchpoint or an event tells. `$name` is still a label. */
  readonly variables?: Readonly<Record<string, Evaluate>>;
  /** Linear address of a label. */
  label(name: string): number | undefined;
  /** Base of the segment a selector value names: real-mode or from its descriptor; undefined when there is none. */
  segmentBase(selector: number): number | undefined;
  /** Physical address of a linear one; undefined where nothing is mapped. */
  translate(linearAddress: number): number | undefined;
}

export type Evaluate = () => number;

/** An expression ready to run. Evaluating throws ExpressionError for unmapped memory and division by zero. */
export interface CompiledExpression {
  readonly evaluate: Evaluate;
  /** Width of the value in bits: that of the register, field or memory; 32 for anything computed. */
  readonly width: number;
  /** The linear address of what was named: of memory, of a label, of `linear(…)`. */
  readonly address: Evaluate | undefined;
  /** The value of a register or part that is wider than what expressions compute with. */
  readonly exact?: () => bigint;
  /** Changes what the expression names; undefined for values that are no place. */
  readonly assign: ((value: number) => void) | undefined;
  /** True when evaluating it writes: `place = value`. */
  readonly assigns: boolean;
}

/** Compiles an expression; with `assignment` also `place = value`, which evaluates to the value assigned. */
export function compileExpression(
  text: string,
  context: ExpressionContext,
  options: { readonly assignment?: boolean } = {},
): CompiledExpression {
  const { node, assigned } = parseExpression(text, namesOf(context));
  const place = compileNode(node, context);
  if (!assigned) return place;
  const { assign } = place;
  if (!options.assignment)
    throw new ExpressionError(localized('an assignment is not allowed here; write == to compare'), node.position);
  if (!assign) throw new ExpressionError(whyNotAssigned(node), node.position);
  const { evaluate: value } = compileNode(assigned, context);
  const { exact: _, ...rest } = place;
  return {
    ...rest,
    assigns: true,
    evaluate: () => {
      assign(value());
      return place.evaluate();
    },
  };
}

function whyNotAssigned(node: Node): string {
  if (node.kind !== 'name') return 'this cannot be assigned to';
  return `${node.name} is an address and cannot be assigned to; write byte[${node.name}] or word[${node.name}]`;
}

/** Compiles `expression` or `segment:offset` to a closure that gives the linear address. */
export function compileAddress(text: string, context: ExpressionContext): Evaluate {
  return compileAddressNode(parseAddress(text, namesOf(context)), context);
}

function namesOf(context: ExpressionContext): IsName {
  return (word) =>
    findRegisterPart(word) !== undefined ||
    ownProperty(context.variables, word.toLowerCase()) !== undefined ||
    context.label(word) !== undefined;
}

function computed(evaluate: Evaluate, address?: Evaluate): CompiledExpression {
  return { evaluate, width: 32, address, assign: undefined, assigns: false };
}

function compileNode(node: Node, context: ExpressionContext): CompiledExpression {
  switch (node.kind) {
    case 'number':
      return computed(() => node.value);
    case 'name':
      return compileName(node, context);
    case 'memory':
      return compileMemory(node, context);
    case 'call':
      return compileCall(node, context);
    case 'unary':
      return computed(compileUnary(node, context));
    case 'binary':
      return computed(compileBinary(node, context));
    case 'conditional': {
      const condition = compileNode(node.condition, context).evaluate;
      const whenTrue = compileNode(node.whenTrue, context).evaluate;
      const whenFalse = compileNode(node.whenFalse, context).evaluate;
      return computed(() => (condition() !== 0 ? whenTrue() : whenFalse()));
    }
  }
}

function compileName(node: Extract<Node, { kind: 'name' }>, context: ExpressionContext): CompiledExpression {
  const part = node.escaped ? undefined : findRegisterPart(node.name);
  if (part) return compileRegister(part, node.position, context);
  const variable = node.escaped ? undefined : ownProperty(context.variables, node.name.toLowerCase());
  if (variable) return computed(variable);
  if (context.label(node.name) === undefined) {
    throw new ExpressionError(localized('no register, flag or label is called {0}', node.name), node.position);
  }
  // Looked up each time: labels move when the guest is assembled again.
  const address = (): number => context.label(node.name) ?? 0;
  return computed(address, address);
}

function ownProperty<Value>(record: Readonly<Record<string, Value>> = {}, name: string): Value | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

function compileRegister(part: RegisterPart, position: number, context: ExpressionContext): CompiledExpression {
  const { state } = context;
  return {
    evaluate: isWide(part) ? () => readNarrow(state, part, position) : () => readPart(state, part),
    width: part.width,
    address: undefined,
    assigns: false,
    ...(isWide(part) ? { exact: () => readExact(state, part) } : {}),
    assign: (value) => {
      if (!context.writeRegister(part, value))
        throw new ExpressionError(localized('{0} cannot be set to that', part.name), position);
    },
  };
}

/** The value of a wide part where it happens to fit. */
function readNarrow(state: CpuState, part: RegisterPart, position: number): number {
  const value = readPart(state, part);
  if (value <= 0xffffffff) return value;
  const shown = `0x${readExact(state, part).toString(16)}`;
  throw new ExpressionError(localized('{0} is {1}: expressions compute with 32 bits', part.name, shown), position);
}

function compileMemory(node: Extract<Node, { kind: 'memory' }>, context: ExpressionContext): CompiledExpression {
  const { size, position } = node;
  const address = compileAddressNode(node.address, context);
  const unmapped = (at: number): ExpressionError =>
    new ExpressionError(localized('nothing is mapped at linear address 0x{0}', at.toString(16)), position);
  return {
    evaluate: () => {
      const at = address();
      const value = context.readMemory(at, size);
      if (value === undefined) throw unmapped(at);
      return value;
    },
    width: size * 8,
    address,
    assigns: false,
    assign: (value) => {
      const at = address();
      if (!context.writeMemory(at, size, value)) throw unmapped(at);
    },
  };
}

function compileCall(node: Extract<Node, { kind: 'call' }>, context: ExpressionContext): CompiledExpression {
  const address = compileAddressNode(node.address, context);
  if (node.function === 'linear') return computed(address, address);
  return computed(() => {
    const at = address();
    const physical = context.translate(at);
    if (physical !== undefined) return physical;
    throw new ExpressionError(localized('nothing is mapped at linear address 0x{0}', at.toString(16)), node.position);
  });
}

function compileAddressNode(node: AddressNode, context: ExpressionContext): Evaluate {
  const offset = compileNode(node.offset, context).evaluate;
  if (!node.segment) return offset;
  const base = compileSegmentBase(node.segment, context);
  return () => (base() + offset()) >>> 0;
}

/** A segment register stands for its cached base, so that big real mode and flat segments come out right. */
function compileSegmentBase(node: Node, context: ExpressionContext): Evaluate {
  if (node.kind === 'name' && !node.escaped && findRegisterPart(node.name)?.register.set === 'segment') {
    const base = findRegisterPart(`${node.name}.base`);
    if (base) return () => readPart(context.state, base);
  }
  const selector = compileNode(node, context).evaluate;
  return () => {
    const value = selector() & 0xffff;
    const base = context.segmentBase(value);
    if (base !== undefined) return base;
    throw new ExpressionError(localized('selector 0x{0} names no segment', value.toString(16)), node.position);
  };
}

function compileUnary(node: Extract<Node, { kind: 'unary' }>, context: ExpressionContext): Evaluate {
  const operand = compileNode(node.operand, context).evaluate;
  switch (node.operator) {
    case '-':
      return () => -operand() >>> 0;
    case '+':
      return operand;
    case '~':
      return () => ~operand() >>> 0;
    case '!':
      return () => (operand() === 0 ? 1 : 0);
  }
}

/** Operators whose operands are always both evaluated. */
const ARITHMETIC: Readonly<
  Record<Exclude<BinaryOperator, '&&' | '||' | '/' | '%'>, (left: number, right: number) => number>
> = {
  '*': (left, right) => Math.imul(left, right) >>> 0,
  '+': (left, right) => (left + right) >>> 0,
  '-': (left, right) => (left - right) >>> 0,
  '<<': (left, right) => (right > 31 ? 0 : (left << right) >>> 0),
  '>>': (left, right) => (right > 31 ? 0 : left >>> right),
  '<': (left, right) => (left < right ? 1 : 0),
  '<=': (left, right) => (left <= right ? 1 : 0),
  '>': (left, right) => (left > right ? 1 : 0),
  '>=': (left, right) => (left >= right ? 1 : 0),
  '==': (left, right) => (left === right ? 1 : 0),
  '!=': (left, right) => (left !== right ? 1 : 0),
  '&': (left, right) => (left & right) >>> 0,
  '^': (left, right) => (left ^ right) >>> 0,
  '|': (left, right) => (left | right) >>> 0,
};

function compileBinary(node: Extract<Node, { kind: 'binary' }>, context: ExpressionContext): Evaluate {
  const left = compileNode(node.left, context).evaluate;
  const right = compileNode(node.right, context).evaluate;
  const { operator, position } = node;
  switch (operator) {
    case '&&':
      return () => (left() !== 0 && right() !== 0 ? 1 : 0);
    case '||':
      return () => (left() !== 0 || right() !== 0 ? 1 : 0);
    case '/':
    case '%':
      return () => {
        const divisor = right();
        if (divisor === 0) throw new ExpressionError(localized('division by zero'), position);
        return operator === '/' ? Math.floor(left() / divisor) : left() % divisor;
      };
    default: {
      const apply = ARITHMETIC[operator];
      return () => apply(left(), right());
    }
  }
}
