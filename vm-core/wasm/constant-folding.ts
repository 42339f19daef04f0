/** Arithmetic that is done while a function is built. */
import type { Value } from './function-builder.ts';
import type { BinaryOperation, UnaryOperation } from './opcodes.ts';

/** Operations in which a zero on the right changes nothing. */
const NEUTRAL_ZERO: ReadonlySet<BinaryOperation> = new Set(['add', 'sub', 'or', 'xor', 'shl', 'shrU', 'shrS', 'rotl']);

/** What an operation on two operands of one type gives where that is known when the function is built. */
export function foldBinary(operation: BinaryOperation, left: Value, right: Value): Value | undefined {
  const x = left.constant;
  const y = right.constant;
  if (y === undefined) return undefined;
  if (typeof x === 'number' && typeof y === 'number') return known(foldInt32(operation, x, y));
  if (typeof x === 'bigint' && typeof y === 'bigint') return known(foldInt64(operation, x, y));
  const isNeutral = operation === 'and' ? keepsAll(left, y) : Number(y) === 0 && NEUTRAL_ZERO.has(operation);
  return isNeutral && !('mutable' in left) ? left : undefined;
}

/** Behind how many bits there are only zeros in what an operation on two i32 gives; undefined where there may be any. */
export function bitsOfResult(operation: BinaryOperation, left: Value, right: Value): number | undefined {
  if (left.type !== 'i32') return undefined;
  const [x, y] = [bitsOf(left), bitsOf(right)];
  if (operation === 'and') return shorter(Math.min(x, y));
  if (operation === 'or' || operation === 'xor') return shorter(Math.max(x, y));
  if (operation === 'shrU' && typeof right.constant === 'number')
    return shorter(Math.max(x - (right.constant & 31), 0));
  return undefined;
}

function bitsOf({ constant, bits }: Value): number {
  return typeof constant === 'number' ? 32 - Math.clz32(constant) : (bits ?? 32);
}

function shorter(bits: number): number | undefined {
  return bits < 32 ? bits : undefined;
}

/** True for a mask in which all bits are set that the value may have. */
function keepsAll({ bits = 32 }: Value, mask: number | bigint): boolean {
  return Number(mask) === -1 || (typeof mask === 'number' && bits < 32 && (~mask & ((1 << bits) - 1)) === 0);
}

/** The same for an operation on one int32. */
export function foldUnary(operation: UnaryOperation, { constant }: Value): Value | undefined {
  if (typeof constant !== 'number') return undefined;
  if (operation === 'extend8S') return known((constant << 24) >> 24);
  return operation === 'extend16S' ? known((constant << 16) >> 16) : undefined;
}

function known(constant: number | bigint | undefined): Value | undefined {
  if (constant === undefined) return undefined;
  return { type: typeof constant === 'bigint' ? 'i64' : 'i32', local: -1, constant };
}

function foldInt32(operation: BinaryOperation, x: number, y: number): number | undefined {
  switch (operation) {
    case 'add':
      return (x + y) | 0;
    case 'sub':
      return (x - y) | 0;
    case 'and':
      return x & y;
    case 'or':
      return x | y;
    case 'xor':
      return x ^ y;
    case 'shl':
      return x << y;
    case 'shrU':
      return (x >>> y) | 0;
    case 'shrS':
      return x >> y;
    case 'eq':
      return x === y ? 1 : 0;
    case 'ne':
      return x === y ? 0 : 1;
    case 'gtU':
      return x >>> 0 > y >>> 0 ? 1 : 0;
    case 'ltU':
      return x >>> 0 < y >>> 0 ? 1 : 0;
    default:
      return undefined;
  }
}

function foldInt64(operation: BinaryOperation, x: bigint, y: bigint): bigint | undefined {
  switch (operation) {
    case 'add':
      return BigInt.asIntN(64, x + y);
    case 'sub':
      return BigInt.asIntN(64, x - y);
    case 'and':
      return BigInt.asIntN(64, x & y);
    case 'or':
      return BigInt.asIntN(64, x | y);
    case 'xor':
      return BigInt.asIntN(64, x ^ y);
    default:
      return undefined;
  }
}
