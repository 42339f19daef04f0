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

/** The comparison that an expression is, or undefined; it holds exactly where the expression is not 0. */
export function asComparison(text: string): BreakpointFilter | undefined {
  const { node, assigned } = parseExpression(text);
  if (assigned || node.kind !== 'binary' || !isComparison(node.operator)) return undefined;
  const { left, right, operator } = node;
  return compared(left, operator, right) ?? compared(right, exchanged[operator], left);
}

function isComparison(operator: string): operator is BreakpointFilter['comparison'] {
  return Object.hasOwn(exchanged, operator);
}

function compared(place: Node, comparison: BreakpointFilter['comparison'], number: Node): BreakpointFilter | undefined {
  const value = constantOf(number);
  if (value === undefined || place.kind !== 'name' || place.escaped) return undefined;
  const part = findRegisterPart(place.name);
  // The flags are not kept as the bits that they are shown as.
  if (!part || part.register.name.endsWith('FLAGS') || part.low + part.width > 32) return undefined;
  const { register, low, width } = part;
  return { register, low, width, comparison, value };
}

function constantOf(node: Node): number | undefined {
  if (node.kind === 'unary' && node.operator === '-' && node.operand.kind === 'number')
    return -node.operand.value >>> 0;
  return node.kind === 'number' && node.value >>> 0 === node.value ? node.value : undefined;
}
