/** Instructions of the units besides the integer unit in regions: which are compiled, when they may be used, what they call. */
import type { InstructionRow } from '../../isa/instruction-row.ts';
import { hasVectorIndex, type OperandCode, vectorLetter } from '../../isa/operand.ts';
import { internal } from '../../state/layout.ts';
import type { FunctionBuilder, Value } from '../../wasm/function-builder.ts';
import type { SharedFunction } from '../../wasm/module-builder.ts';
import { forbiddingBits } from '../units.ts';
import type { CompiledInstruction } from './compiled-instruction.ts';
import { CompiledVectors } from './compiled-vectors.ts';
import { CompiledX87 } from './compiled-x87.ts';
import type { Region } from './region-graph.ts';

/** True for an instruction of another unit than the integer unit that is not left to the interpreter's handler. */
export function isUnitCompiled(row: InstructionRow): boolean {
  return row.semantics !== undefined && !row.operands.some(hasVectorIndex);
}

/** Instructions of the x87 that have a part in the vector registers, too. */
const savesVectors: ReadonlySet<string> = new Set(['FXSAVE', 'FXRSTOR']);

/** True for a called instruction that leaves the vector registers alone. */
function keepsVectors({ unit, name }: InstructionRow): boolean {
  return (unit === 'x87' || unit === 'MMX') && !savesVectors.has(name);
}

/** True for operands in MMX registers, with which the x87 changes. */
function isOfMmx(code: OperandCode): boolean {
  const letter = vectorLetter(code);
  return letter === 'P' || letter === 'Q' || letter === 'N';
}

/** The compiled instructions of a region that are not the integer unit's: most regions have none. */
function instructionsOfUnits({ nodes }: Region): readonly CompiledInstruction[] {
  const found: CompiledInstruction[] = [];
  for (const { instructions } of nodes.values()) {
    for (const instruction of instructions) if (instruction.form && instruction.row.unit) found.push(instruction);
  }
  return found;
}

/** Gives the place of a function over numbers in the table. */
export type FunctionPlace = (definition: SharedFunction) => number;

export class CompiledUnits {
  readonly vectors: CompiledVectors;
  /** In regions that use it. */
  readonly x87: CompiledX87 | undefined;
  readonly #f: FunctionBuilder;
  readonly #cpu: Value;
  readonly #functionPlace: FunctionPlace;
  /** What of the state's word of units must be 0. */
  readonly #forbidding: number;

  constructor(f: FunctionBuilder, cpu: Value, region: Region, functionPlace: FunctionPlace) {
    const instructions = instructionsOfUnits(region);
    this.vectors = new CompiledVectors(f, cpu, instructions);
    this.#f = f;
    this.#cpu = cpu;
    this.#functionPlace = functionPlace;
    const usesX87 = instructions.some(
      ({ row }) => row.unit === 'x87' || row.operands.some(isOfMmx) || row.name === 'EMMS',
    );
    this.x87 = usesX87 ? new CompiledX87(f, cpu) : undefined;
    this.#forbidding = instructions.reduce((bits, { row }) => bits | (row.unit ? forbiddingBits(row.unit) : 0), 0);
  }

  /** At the beginning of the region, and behind a call that may have changed what is kept here. */
  load(row?: InstructionRow): void {
    if (!row || !keepsVectors(row)) this.vectors.load();
    this.x87?.load();
  }

  /** In front of the call of an instruction. */
  storeFor(row: InstructionRow): void {
    if (!keepsVectors(row)) this.vectors.storeAll();
    this.x87?.store();
  }

  /** Where the region ends behind a call. */
  storeBehind(row: InstructionRow): void {
    if (keepsVectors(row)) this.vectors.storeAll();
  }

  /** At the end of the region, when all of it is written. */
  store(): void {
    this.vectors.store();
    this.x87?.store();
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
