/**
 * What the rows with a VEX prefix have in common (SDM vol. 2A §2.3): opcodes made from those without, operands of 128 or 256
 * bits, halves that are computed alike, and zeros above what is written.
 */
import type { Value } from '../wasm/function-builder.ts';
import type { CpuFeature } from './cpu-feature.ts';
import { type InstructionRow, type UnitSemanticsFunction, unitRow } from './instruction-row.ts';
import type { UnitOperand } from './operand.ts';
import type { Semantics } from './semantics.ts';

export type VexLength = '128' | '256' | 'LIG';

/** `66 0F 38 00` with VEX.L and VEX.W: `VEX.128.66.0F38.W0 00`. */
export function vexOpcode(opcode: string, length: VexLength, w?: 'W0' | 'W1'): string {
  const [, prefix, map, rest] = /^(66|NP|F2|F3) (0F(?: 38| 3A)?) (.+)$/.exec(opcode) ?? [];
  if (map === undefined) throw new Error(`${opcode} has no form with VEX`);
  return [
    ['VEX', length, ...(prefix === 'NP' ? [] : [prefix]), map.replace(' ', ''), ...(w ? [w] : [])].join('.'),
    rest,
  ].join(' ');
}

/** Reads an operand; each half can be used often, and after registers were written. */
export function vectors(s: Semantics, operand: UnitOperand | undefined, alignment?: 'aligned'): readonly Value[] {
  return s.readVector(operand as UnitOperand, alignment).map((half) => s.f.copy(half));
}

/** Writes a register, with zeros above, or memory. */
export function put(
  s: Semantics,
  operand: UnitOperand | undefined,
  halves: readonly Value[],
  alignment?: 'aligned',
): void {
  const computed = halves.map((half) => s.f.copy(half));
  s.writeVector(operand as UnitOperand, computed, 'clear', alignment);
}

/** What each half of a result is made of. */
export type HalfFunction = (s: Semantics, x: Value, y: Value, n: number) => Value;

/** The first operand from the second and third, half by half. */
export const threeOperands =
  (compute: HalfFunction): UnitSemanticsFunction =>
  (s, to, x, y) => {
    const second = vectors(s, y);
    const first = vectors(s, x);
    put(
      s,
      to,
      second.map((half, n) => compute(s, first[n] as Value, half, n)),
    );
  };

/** The first operand from the second, half by half. */
export const twoOperands =
  (compute: HalfFunction): UnitSemanticsFunction =>
  (s, to, y) => {
    const source = vectors(s, y);
    put(
      s,
      to,
      source.map((half, n) => compute(s, half, half, n)),
    );
  };

/** Operands of 256 bits where those of 128 are. */
export const wide = (operands: string): string => operands.replaceAll('dq', 'qq');

/** A row of 128 bits, and one of 256 if there is a feature that brings it. */
export function vexRows(
  opcode: string,
  name: string,
  operands: string,
  run: UnitSemanticsFunction,
  features: readonly [CpuFeature | undefined, CpuFeature | undefined],
  w?: 'W0' | 'W1',
): readonly InstructionRow[] {
  const rowOf = (length: '128' | '256', codes: string, feature: CpuFeature) =>
    unitRow('AVX', vexOpcode(opcode, length, w), `V${name}`, codes, run, { feature });
  const [short, long] = features;
  return [...(short ? [rowOf('128', operands, short)] : []), ...(long ? [rowOf('256', wide(operands), long)] : [])];
}

/** A row of 256 bits, with name and operands as they are written. */
export const vexRow256 = (
  opcode: string,
  name: string,
  operands: string,
  run: UnitSemanticsFunction,
  feature: CpuFeature,
): InstructionRow => unitRow('AVX', vexOpcode(opcode, '256', 'W0'), name, operands, run, { feature });
