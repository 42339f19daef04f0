/** Arithmetic that is done while a function is built. */
import type { Value } from './function-builder.ts';
import type { BinaryOperation } from './opcodes.ts';

/** Folds what is known when the function is built: int32 constants, and operations that change nothing. */
export function foldInt32(operation: BinaryOperation, left: Value, right: Value): number | Value | undefined {
  const y = right.constant;
  if (typeof y !== 'number') return undefined;
  const x = left.constant;
  if (typeof x !== 'number') {
    const neutral = operation === 'and' ? -1 : 0;
    const isNeutral = y === neutral && ['add', 'sub', 'or', 'xor', 'and', 'shl', 'shrU', 'shrS'].includes(operation);
    return isNeutral && !('mutable' in left) ? left : undefined;
  }
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
    default:
      return undefined;
  }
}
