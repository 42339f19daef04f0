/** Instructions of the units besides the integer unit in regions: which are compiled, when they may be used, what they call. */
import type { InstructionRow } from '../../isa/instruction-row.ts';
import { hasVectorIndex } from '../../isa/operand.ts';
import { internal } from '../../state/layout.ts';
import type { FunctionBuilder, Value } from '../../wasm/function-builder.ts';
import type { SharedFunction } from '../../wasm/module-builder.ts';
import { forbiddingBits } from '../units.ts';
import { CompiledVectors } from './compiled-vectors.ts';
import type { Region } from './region-graph.ts';

/** True for an instruction of another unit than the integer unit that is not left to the interpreter's handler. */
export function isUnitCompiled(row: InstructionRow): boolean {
  return row.semantics !== undefined && !row.operands.some(hasVectorIndex);
}

/** True for a called instruction that leaves the vector registers alone. */
export function keepsVectors({ unit }: InstructionRow): boolean {
  return unit === 'x87' || unit === 'MMX';
}

/** Gives the place of a function over numbers in the table. */
export type FunctionPlace = (definition: SharedFunction) => number;

export class CompiledUnits {
  readonly vectors: CompiledVectors;
  readonly #f: FunctionBuilder;
  readonly #cpu: Value;
  readonly #functionPlace: FunctionPlace;
  /** What of the state's word of units must be 0. */
  readonly #forbidding: number;

  constructor(f: FunctionBuilder, cpu: Value, region: Region, functionPlace: FunctionPlace) {
    this.vectors = new CompiledVectors(f, cpu, region);
    this.#f = f;
    this.#cpu = cpu;
    this.#functionPlace = functionPlace;
    const rows = [...region.nodes.values()].flatMap(({ instructions }) => instructions.filter(({ form }) => form));
    this.#forbidding = rows.reduce((bits, { row }) => bits | (row.unit ? forbiddingBits(row.unit) : 0), 0);
  }

  /** Not 0 where the units of the region's instructions may not be used. */
  areForbidden(): Value {
    if (this.#forbidding === 0) return this.#f.i32(0);
    return this.#f.binary('and', this.#f.load('i32', 32, this.#cpu, internal.UNITS), this.#f.i32(this.#forbidding));
  }

  /** Calls a function over numbers through the table. */
  call(definition: SharedFunction, operands: readonly Value[]): Value {
    return this.#f.callIndirect(definition.signature, this.#f.i32(this.#functionPlace(definition)), ...operands);
  }
}
