/** Conditions that compare a register with a number: the machine can try them without asking. */
import type { BreakpointFilter } from '../../vm-core/index.ts';
import { type Node, parseExpression } from './parse.ts';
import { findRegisterPart } from './register-parts.ts';

/** The comparison with its sides exchanged. */
const exchanged: Readonly<Record<BreakpointFilter['comparison'], BreakpointFilter['comparison']>> = {
  '==': '==',
  '!=': '!=',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
};

/**
 * A comparison that holds wherever the expression is not 0, or undefined. Of `==` with 64 bits it tells the lower half;
 * all others hold exactly where the expression does. With `isLong` the processor has registers of 64 bits.
 */
export function asComparison(text: string, isLong: boolean): BreakpointFilter | undefined {
  const { node, assigned } = parseExpression(text);
  if (assigned || node.kind !== 'binary' || !isComparison(node.operator)) return undefined;
  const { left, right, operator } = node;
  return compared(left, operator, right, isLong) ?? compared(right, exchanged[operator], left, isLong);
}

function isComparison(operator: string): operator is BreakpointFilter['comparison'] {
  return Object.hasOwn(exchanged, operator);
}

function compared(
  place: Node,
  comparison: BreakpointFilter['comparison'],
  number: Node,
  isLong: boolean,
): BreakpointFilter | undefined {
  if (place.kind !== 'name' || place.escaped) return undefined;
  const part = findRegisterPart(place.name);
  // The flags are not kept as the bits that they are shown as.
  if (!part || part.register.name.endsWith('FLAGS')) return undefined;
  const { register, low, width } = part;
  const isLengthened = isLong && register.longSize !== undefined && width === register.size * 8;
  const value = constantOf(number, low + width > 32 || isLengthened ? 64 : 32);
  if (value === undefined) return undefined;
  if (low + width <= 32 && !isLengthened && value <= 0xffff_ffffn)
    return { register, low, width, comparison, value: Number(value) };
  if (low > 0 || width < 32 || comparison !== '==') return undefined;
  return { register, low, width: 32, comparison, value: Number(BigInt.asUintN(32, value)) };
}

/** A number, negative ones in as many bits as the other side or they themselves have. */
function constantOf(node: Node, width: 32 | 64): bigint | undefined {
  if (node.kind === 'number') return node.value;
  if (node.kind !== 'unary' || node.operator !== '-' || node.operand.kind !== 'number') return undefined;
  return BigInt.asUintN(node.operand.value > 0xffff_ffffn ? 64 : width, -node.operand.value);
}
