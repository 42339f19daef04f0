/** Conditions that compare a register with a number: the machine can try them without asking. */
import type { BreakpointFilter } from '../../vm-core/index.ts';
import { isCpuIndex } from './compile.ts';
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

/** What the machine can try by itself of a condition. Where one of these does not hold, the condition does not. */
export interface ConditionFilters {
  /** Index of the only processor for which it may hold. */
  readonly cpu: number | undefined;
  /**
   * Of `==` with 64 bits it tells the lower half; all others hold exactly where their part of the condition does.
   */
  readonly register: BreakpointFilter | undefined;
}

/**
 * What a condition that is a comparison begins with, or one with others behind `&&`: up to the first part that is something
 * else and might fail, which the user is to hear of. With `isLong` the processor has registers of 64 bits.
 */
export function filtersOf(text: string, isLong: boolean): ConditionFilters {
  const { node, assigned } = parseExpression(text, isCpuIndex);
  let filters: ConditionFilters = { cpu: undefined, register: undefined };
  for (const part of assigned ? [] : partsOf(node)) {
    const cpu = cpuOf(part);
    const register = cpu === undefined ? comparisonOf(part, isLong) : undefined;
    if (cpu === undefined && register === undefined) break;
    filters = { cpu: filters.cpu ?? cpu, register: filters.register ?? register };
  }
  return filters;
}

function partsOf(node: Node): readonly Node[] {
  if (node.kind !== 'binary' || node.operator !== '&&') return [node];
  return [...partsOf(node.left), ...partsOf(node.right)];
}

/** The number in `cpu == 1`. */
function cpuOf(node: Node): number | undefined {
  if (node.kind !== 'binary' || node.operator !== '==') return undefined;
  const [name, number] = node.left.kind === 'name' ? [node.left, node.right] : [node.right, node.left];
  if (name.kind !== 'name' || name.escaped || !isCpuIndex(name.name) || number.kind !== 'number') return undefined;
  return Number(number.value);
}

function comparisonOf(node: Node, isLong: boolean): BreakpointFilter | undefined {
  if (node.kind !== 'binary' || !isComparison(node.operator)) return undefined;
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
