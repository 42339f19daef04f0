/**
 * Values of expressions on their way to closures, and the operators over them. A value is 32 or 64 bits wide. An operator
 * computes with 64 bits if one of its operands is that wide, and then everything below it does, down to comparisons,
 * `!`, `&&`, `||` and shift counts, which stand for themselves; so `rax == -1` compares with 64 ones, `eax == -1` with 32.
 */
import { localized } from '../protocol/localized.ts';
import type { BinaryOperator, UnaryOperator } from './parse.ts';
import { ExpressionError } from './tokens.ts';

/** A value of 32 bits, unsigned. */
export type Evaluate = () => number;
/** A value of 64 bits, unsigned. */
export type EvaluateWide = () => bigint;

/** A value that has not been compiled yet: its user decides with how many bits. */
export interface Operand {
  /** True if it needs 64 bits; then there is no `narrow`. */
  readonly isWide: boolean;
  readonly narrow: () => Evaluate;
  readonly wide: () => EvaluateWide;
}

/** A value of 32 bits that is extended with zeros where 64 are wanted. */
export function narrowOperand(evaluate: Evaluate): Operand {
  return { isWide: false, narrow: () => evaluate, wide: () => () => BigInt(evaluate()) };
}

/** A value of 64 bits. */
export function wideOperand(evaluate: EvaluateWide): Operand {
  return { isWide: true, narrow: mustBeWide, wide: () => evaluate };
}

function mustBeWide(): never {
  throw new Error('a value of 64 bits was asked for with 32');
}

/** The closure of a value with the bits that it needs. */
export function evaluatorOf(operand: Operand): Evaluate | EvaluateWide {
  return operand.isWide ? operand.wide() : operand.narrow();
}

/** Whether a value is not 0. */
function truthOf(operand: Operand): () => boolean {
  if (operand.isWide) {
    const evaluate = operand.wide();
    return () => evaluate() !== 0n;
  }
  const evaluate = operand.narrow();
  return () => evaluate() !== 0;
}

/** `condition ? whenTrue : whenFalse`. */
export function conditionalOperand(condition: Operand, whenTrue: Operand, whenFalse: Operand): Operand {
  const holds = truthOf(condition);
  return {
    isWide: whenTrue.isWide || whenFalse.isWide,
    narrow: () => choose(holds, whenTrue.narrow(), whenFalse.narrow()),
    wide: () => choose(holds, whenTrue.wide(), whenFalse.wide()),
  };
}

function choose<Value>(holds: () => boolean, whenTrue: () => Value, whenFalse: () => Value): () => Value {
  return () => (holds() ? whenTrue() : whenFalse());
}

/** An operator in front of a value. */
export function unaryOperand(operator: UnaryOperator, operand: Operand): Operand {
  if (operator === '+') return operand;
  if (operator === '!') {
    const holds = truthOf(operand);
    return narrowOperand(() => (holds() ? 0 : 1));
  }
  return {
    isWide: operand.isWide,
    narrow: () => {
      const evaluate = operand.narrow();
      return operator === '-' ? () => -evaluate() >>> 0 : () => ~evaluate() >>> 0;
    },
    wide: () => {
      const evaluate = operand.wide();
      return operator === '-' ? () => BigInt.asUintN(64, -evaluate()) : () => BigInt.asUintN(64, ~evaluate());
    },
  };
}

type Comparison = '<' | '<=' | '>' | '>=' | '==' | '!=';
type Shift = '<<' | '>>';
type Arithmetic = Exclude<BinaryOperator, Comparison | Shift | '&&' | '||' | '/' | '%'>;

const ARITHMETIC: Readonly<Record<Arithmetic, (left: number, right: number) => number>> = {
  '*': (left, right) => Math.imul(left, right) >>> 0,
  '+': (left, right) => (left + right) >>> 0,
  '-': (left, right) => (left - right) >>> 0,
  '&': (left, right) => (left & right) >>> 0,
  '^': (left, right) => (left ^ right) >>> 0,
  '|': (left, right) => (left | right) >>> 0,
};

const WIDE_ARITHMETIC: Readonly<Record<Arithmetic, (left: bigint, right: bigint) => bigint>> = {
  '*': (left, right) => BigInt.asUintN(64, left * right),
  '+': (left, right) => BigInt.asUintN(64, left + right),
  '-': (left, right) => BigInt.asUintN(64, left - right),
  '&': (left, right) => left & right,
  '^': (left, right) => left ^ right,
  '|': (left, right) => left | right,
};

/** They compare numbers and `bigint` alike, both sides of one kind. */
const COMPARISONS: Readonly<
  Record<Comparison, <Side extends number | bigint>(left: () => Side, right: () => Side) => Evaluate>
> = {
  '<': (left, right) => () => (left() < right() ? 1 : 0),
  '<=': (left, right) => () => (left() <= right() ? 1 : 0),
  '>': (left, right) => () => (left() > right() ? 1 : 0),
  '>=': (left, right) => () => (left() >= right() ? 1 : 0),
  '==': (left, right) => () => (left() === right() ? 1 : 0),
  '!=': (left, right) => () => (left() !== right() ? 1 : 0),
};

/** Two values with an operator between them, which stands at `position`. */
export function binaryOperand(operator: BinaryOperator, left: Operand, right: Operand, position: number): Operand {
  switch (operator) {
    case '&&':
    case '||':
      return logical(operator, truthOf(left), truthOf(right));
    case '<<':
    case '>>':
      return shift(operator, left, countOf(right));
    case '/':
    case '%':
      return division(operator, left, right, position);
    case '<':
    case '<=':
    case '>':
    case '>=':
    case '==':
    case '!=': {
      const compare = COMPARISONS[operator];
      const isWide = left.isWide || right.isWide;
      return narrowOperand(isWide ? compare(left.wide(), right.wide()) : compare(left.narrow(), right.narrow()));
    }
    default:
      return arithmetic(operator, left, right);
  }
}

function logical(operator: '&&' | '||', left: () => boolean, right: () => boolean): Operand {
  return narrowOperand(operator === '&&' ? () => (left() && right() ? 1 : 0) : () => (left() || right() ? 1 : 0));
}

function arithmetic(operator: Arithmetic, left: Operand, right: Operand): Operand {
  return {
    isWide: left.isWide || right.isWide,
    narrow: () => applied(ARITHMETIC[operator], left.narrow(), right.narrow()),
    wide: () => applied(WIDE_ARITHMETIC[operator], left.wide(), right.wide()),
  };
}

function applied<Value>(
  apply: (left: Value, right: Value) => Value,
  left: () => Value,
  right: () => Value,
): () => Value {
  return () => apply(left(), right());
}

/** A shift count; all that leave nothing of 64 bits are one. */
function countOf(operand: Operand): Evaluate {
  if (!operand.isWide) return operand.narrow();
  const evaluate = operand.wide();
  return () => {
    const count = evaluate();
    return count > 63n ? 64 : Number(count);
  };
}

function shift(operator: Shift, operand: Operand, count: Evaluate): Operand {
  return {
    isWide: operand.isWide,
    narrow: () => {
      const apply: (left: number, right: number) => number =
        operator === '<<'
          ? (left, right) => (right > 31 ? 0 : (left << right) >>> 0)
          : (left, right) => (right > 31 ? 0 : left >>> right);
      return applied(apply, operand.narrow(), count);
    },
    wide: () => {
      const evaluate = operand.wide();
      return () => {
        const value = evaluate();
        const bits = count();
        if (bits > 63) return 0n;
        return operator === '<<' ? BigInt.asUintN(64, value << BigInt(bits)) : value >> BigInt(bits);
      };
    },
  };
}

function division(operator: '/' | '%', left: Operand, right: Operand, position: number): Operand {
  const byZero = (): ExpressionError => new ExpressionError(localized('division by zero'), position);
  return {
    isWide: left.isWide || right.isWide,
    narrow: () => {
      const dividend = left.narrow();
      const by = right.narrow();
      return () => {
        const divisor = by();
        if (divisor === 0) throw byZero();
        return operator === '/' ? Math.floor(dividend() / divisor) : dividend() % divisor;
      };
    },
    wide: () => {
      const dividend = left.wide();
      const by = right.wide();
      return () => {
        const divisor = by();
        if (divisor === 0n) throw byZero();
        return operator === '/' ? dividend() / divisor : dividend() % divisor;
      };
    },
  };
}
