/**
 * Turns a parsed expression into a closure, so that a breakpoint's condition costs a few calls each time it is reached.
 * Values are unsigned integers of 32 or 64 bits (see operands.ts): arithmetic wraps, comparisons and shifts are unsigned,
 * `eax == -1` holds for FFFFFFFFh. Those of 32 bits are numbers, the others `bigint`.
 */
import { localized } from '../protocol/localized.ts';
import type { Address, CpuState } from '../../vm-core/index.ts';
import { addressOfBits, bitsOf } from './address.ts';
import {
  binaryOperand,
  conditionalOperand,
  type Evaluate,
  type EvaluateWide,
  evaluatorOf,
  narrowOperand,
  type Operand,
  unaryOperand,
  wideOperand,
} from './operands.ts';
import { type AddressNode, type IsName, type Node, parseAddress, parseExpression } from './parse.ts';
import { findRegisterPart, isWide, type RegisterPart, readExact, readPart } from './register-parts.ts';
import { ExpressionError } from './tokens.ts';

/** What expressions read and write. */
export interface ExpressionContext {
  readonly state: CpuState;
  /** Index of the processor whose state that is: what `cpu` stands for. */
  readonly cpu: number;
  /** The processor has 64-bit mode: some registers have 64 bits, whose upper half counts in that mode. */
  readonly isLong: boolean;
  /** It is in 64-bit mode now: addresses have 64 bits, and of the segments only FS and GS have a base. */
  is64Bit(): boolean;
  /** Writes a register or a part of one; false if the debugger may not. */
  writeRegister(part: RegisterPart, value: number | bigint): boolean;
  /** Linear memory, little-endian, unsigned; undefined where nothing is mapped. */
  readMemory(linearAddress: Address, size: 1 | 2 | 4): number | undefined;
  /** The same of eight bytes. */
  readQword(linearAddress: Address): bigint | undefined;
  /** False where nothing is mapped; bits of the value beyond the size are dropped. */
  writeMemory(linearAddress: Address, size: MemorySize, value: number | bigint): boolean;
  /** Names that only this expression knows, by lower case: what a watchpoint or an event tells. `$name` is still a label. */
  readonly variables?: Readonly<Record<string, Operand>>;
  /** Some labels lie where 32 bits do not reach. */
  readonly hasWideLabels: boolean;
  /** Linear address of a label, signed beyond 2^63. */
  label(name: string): number | undefined;
  /** Base of the segment a selector value names: real-mode or from its descriptor; undefined when there is none. */
  segmentBase(selector: number): number | undefined;
  /** Physical address of a linear one; undefined where nothing is mapped. */
  translate(linearAddress: Address): number | undefined;
}

/** Bytes of memory that an expression can name. */
export type MemorySize = 1 | 2 | 4 | 8;

/** An expression ready to run. Evaluating throws ExpressionError for unmapped memory and division by zero. */
export interface CompiledExpression {
  /** A number for 32 bits, `bigint` for 64. */
  readonly evaluate: () => number | bigint;
  /** Width in bits with which the value is shown now: of the register, field or memory, of addresses by the mode. */
  readonly width: number;
  /** The linear address of what was named: of memory, of a label, of `linear(…)`. */
  readonly address: (() => Address) | undefined;
  /** What the bits of a lane of a vector are; undefined for anything else. */
  readonly lane: RegisterPart['lane'];
  /** Changes what the expression names; undefined for values that are no place. */
  readonly assign: ((value: number | bigint) => void) | undefined;
  /** True when evaluating it writes: `place = value`. */
  readonly assigns: boolean;
}

/** What the compiler knows of a node. */
interface Place {
  readonly operand: Operand;
  readonly width: () => number;
  readonly address?: () => Address;
  readonly lane?: RegisterPart['lane'];
  readonly assign?: (value: number | bigint) => void;
}

export interface CompileOptions {
  /** `place = value` is allowed; it evaluates to the value assigned. */
  readonly assignment?: boolean;
  /** The value is for something that has so many bits: above 32 it is computed with 64. */
  readonly valueWidth?: number;
}

/** Compiles an expression. */
export function compileExpression(
  text: string,
  context: ExpressionContext,
  { assignment = false, valueWidth = 32 }: CompileOptions = {},
): CompiledExpression {
  const { node, assigned } = parseExpression(text, namesOf(context));
  const place = compileNode(node, context);
  const evaluate = valueWidth > 32 ? place.operand.wide() : evaluatorOf(place.operand);
  if (!assigned) return compiledOf(place, evaluate);
  if (!assignment)
    throw new ExpressionError(localized('an assignment is not allowed here; write == to compare'), node.position);
  const { assign } = place;
  if (!assign) throw new ExpressionError(whyNotAssigned(node), node.position);
  const source = compileNode(assigned, context).operand;
  const value = place.operand.isWide ? source.wide() : evaluatorOf(source);
  const compiled = compiledOf(place, () => {
    assign(value());
    return evaluate();
  });
  return Object.defineProperties(compiled, { assigns: { value: true } });
}

function compiledOf(place: Place, evaluate: CompiledExpression['evaluate']): CompiledExpression {
  return {
    evaluate,
    get width() {
      return place.width();
    },
    address: place.address,
    lane: place.lane,
    assign: place.assign,
    assigns: false,
  };
}

function whyNotAssigned(node: Node): string {
  if (node.kind !== 'name' || (!node.escaped && isCpuIndex(node.name))) return 'this cannot be assigned to';
  return `${node.name} is an address and cannot be assigned to; write byte[${node.name}] or word[${node.name}]`;
}

/** Compiles `expression` or `segment:offset` to a closure that gives the linear address. */
export function compileAddress(text: string, context: ExpressionContext): () => Address {
  return addressClosure(addressOperand(parseAddress(text, namesOf(context)), context));
}

function namesOf(context: ExpressionContext): IsName {
  return (word) =>
    findRegisterPart(word) !== undefined ||
    isCpuIndex(word) ||
    ownProperty(context.variables, word.toLowerCase()) !== undefined ||
    context.label(word) !== undefined;
}

/** The name that stands for the index of the processor that an expression is evaluated for. */
export const CPU_INDEX = 'cpu';

export function isCpuIndex(name: string): boolean {
  return name.toLowerCase() === CPU_INDEX;
}

/** A value that is no place. */
function computed(operand: Operand): Place {
  const width = operand.isWide ? 64 : 32;
  return { operand, width: () => width };
}

/** An address: shown as the mode has them. */
function addressPlace(operand: Operand, context: ExpressionContext): Place {
  return {
    operand,
    width: () => (operand.isWide || context.is64Bit() ? 64 : 32),
    address: addressClosure(operand),
  };
}

/** Addresses are unsigned values in expressions, and what the machine takes outside of them. */
function addressClosure(operand: Operand): () => Address {
  if (!operand.isWide) return operand.narrow();
  const evaluate = operand.wide();
  return () => addressOfBits(evaluate());
}

function compileNode(node: Node, context: ExpressionContext): Place {
  switch (node.kind) {
    case 'number':
      return computed(numberOperand(node.value));
    case 'name':
      return compileName(node, context);
    case 'memory':
      return compileMemory(node, context);
    case 'call':
      return compileCall(node, context);
    case 'unary':
      return computed(unaryOperand(node.operator, compileNode(node.operand, context).operand));
    case 'binary': {
      const left = compileNode(node.left, context).operand;
      const right = compileNode(node.right, context).operand;
      return computed(binaryOperand(node.operator, left, right, node.position));
    }
    case 'conditional': {
      const condition = compileNode(node.condition, context).operand;
      const whenTrue = compileNode(node.whenTrue, context).operand;
      const whenFalse = compileNode(node.whenFalse, context).operand;
      return computed(conditionalOperand(condition, whenTrue, whenFalse));
    }
  }
}

function numberOperand(value: bigint): Operand {
  if (value > 0xffff_ffffn) return wideOperand(() => value);
  const number = Number(value);
  return { isWide: false, narrow: () => () => number, wide: () => () => value };
}

function compileName(node: Extract<Node, { kind: 'name' }>, context: ExpressionContext): Place {
  const part = node.escaped ? undefined : findRegisterPart(node.name);
  if (part) return compileRegister(part, node.position, context);
  // A small number, which is shown as it is.
  if (!node.escaped && isCpuIndex(node.name)) return { operand: numberOperand(BigInt(context.cpu)), width: () => 1 };
  const variable = node.escaped ? undefined : ownProperty(context.variables, node.name.toLowerCase());
  if (variable) return computed(variable);
  if (context.label(node.name) === undefined) {
    throw new ExpressionError(localized('no register, flag or label is called {0}', node.name), node.position);
  }
  // Looked up each time: a local label depends on where the guest is.
  const address = (): number => context.label(node.name) ?? 0;
  const operand = context.hasWideLabels ? wideOperand(() => bitsOf(address())) : narrowOperand(address);
  return { ...addressPlace(operand, context), address };
}

function ownProperty<Value>(record: Readonly<Record<string, Value>> = {}, name: string): Value | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

function compileRegister(part: RegisterPart, position: number, context: ExpressionContext): Place {
  return {
    operand: registerOperand(part, context),
    lane: part.lane,
    width: () => (isLengthened(part, context) && context.is64Bit() ? 64 : part.width),
    assign: (value) => {
      if (!context.writeRegister(part, value))
        throw new ExpressionError(localized('{0} cannot be set to that', part.name), position);
    },
  };
}

function registerOperand(part: RegisterPart, context: ExpressionContext): Operand {
  const { state } = context;
  if (isLengthened(part, context)) return wideOperand(() => state.readRegister(part.register));
  return isWide(part) ? wideOperand(() => readExact(state, part)) : narrowOperand(() => readPart(state, part));
}

/** A whole register that has 64 bits in long mode and 32 before. */
function isLengthened({ register, width }: RegisterPart, { isLong }: ExpressionContext): boolean {
  return isLong && register.longSize !== undefined && width === register.size * 8;
}

function compileMemory(node: Extract<Node, { kind: 'memory' }>, context: ExpressionContext): Place {
  const { size, position } = node;
  const address = addressClosure(addressOperand(node.address, context));
  const mapped = <Value>(at: Address, value: Value | undefined): Value => {
    if (value === undefined) throw unmapped(at, position);
    return value;
  };
  const readNarrow = (): number => {
    const at = address();
    return mapped(at, context.readMemory(at, size as 1 | 2 | 4));
  };
  const readWide = (): bigint => {
    const at = address();
    return mapped(at, context.readQword(at));
  };
  return {
    operand: size === 8 ? wideOperand(readWide) : narrowOperand(readNarrow),
    width: () => size * 8,
    address,
    assign: (value) => {
      const at = address();
      if (!context.writeMemory(at, size, value)) throw unmapped(at, position);
    },
  };
}

function unmapped(at: Address, position: number): ExpressionError {
  const digits = (at < 0 ? bitsOf(at) : at).toString(16);
  return new ExpressionError(localized('nothing is mapped at linear address 0x{0}', digits), position);
}

function compileCall(node: Extract<Node, { kind: 'call' }>, context: ExpressionContext): Place {
  const operand = addressOperand(node.address, context);
  if (node.function === 'linear') return addressPlace(operand, context);
  const address = addressClosure(operand);
  const translate = (): number => {
    const at = address();
    const physical = context.translate(at);
    if (physical === undefined) throw unmapped(at, node.position);
    return physical;
  };
  // Page tables of long mode lead to addresses of 52 bits.
  const physical = context.isLong ? wideOperand(() => BigInt(translate())) : narrowOperand(translate);
  return { operand: physical, width: () => (context.isLong && translate() > 0xffff_ffff ? 64 : 32) };
}

function addressOperand(node: AddressNode, context: ExpressionContext): Operand {
  const offset = compileNode(node.offset, context).operand;
  if (!node.segment) return offset;
  const base = compileSegmentBase(node.segment, context);
  if (!offset.isWide && !base.isWide) {
    const [begin, distance] = [base.narrow(), offset.narrow()];
    return narrowOperand(() => (begin() + distance()) >>> 0);
  }
  const [begin, distance] = [base.wide(), offset.wide()];
  return wideOperand(() => BigInt.asUintN(context.is64Bit() ? 64 : 32, begin() + distance()));
}

/** A segment register stands for its cached base, so that big real mode and flat segments come out right. */
function compileSegmentBase(node: Node, context: ExpressionContext): Operand {
  if (node.kind === 'name' && !node.escaped && findRegisterPart(node.name)?.register.set === 'segment') {
    const base = findRegisterPart(`${node.name}.base`);
    if (base) return baseOperand(base, context);
  }
  const selector = compileNode(node, context).operand;
  const evaluate: Evaluate | EvaluateWide = evaluatorOf(selector);
  return narrowOperand(() => {
    const value = Number(evaluate()) & 0xffff;
    const base = context.segmentBase(value);
    if (base !== undefined) return base;
    throw new ExpressionError(localized('selector 0x{0} names no segment', value.toString(16)), node.position);
  });
}

function baseOperand(base: RegisterPart, context: ExpressionContext): Operand {
  if (!context.isLong) return narrowOperand(() => readPart(context.state, base));
  if (/^[FG]S\./i.test(base.name)) return wideOperand(() => context.state.readRegister(base.register));
  return narrowOperand(() => (context.is64Bit() ? 0 : readPart(context.state, base)));
}
