/** Vector operands of compiled instructions: registers are locals of the region, memory is reached as by other loads and stores. */
import { UPPER_HALF, type UnitOperand } from '../../isa/operand.ts';
import type { Semantics } from '../../isa/semantics.ts';
import type { RegionExit } from '../../machine/compiled-region.ts';
import type { Value } from '../../wasm/function-builder.ts';
import { halves, MMX_EXPONENT } from '../vector-stage.ts';
import type { CompiledInstruction } from './compiled-instruction.ts';
import type { CompiledMemory, CompiledPlace } from './compiled-memory.ts';
import { type CompiledVectors, slotOfField } from './compiled-vectors.ts';

/** What the operands of an instruction are reached with. */
export interface VectorOperandPlace {
  readonly s: Semantics;
  readonly instruction: CompiledInstruction;
  readonly vectors: CompiledVectors;
  readonly memory: CompiledMemory;
  /** The memory operand. */
  place(): CompiledPlace;
  bail(why: RegionExit): void;
}

type Alignment = 'aligned' | undefined;

/** The operand; memory that is not aligned as it must be is left to the interpreter. */
export function readVectorOperand(at: VectorOperandPlace, operand: UnitOperand, alignment: Alignment): Value[] {
  const { s, instruction, vectors, memory } = at;
  const { f } = s;
  switch (operand.kind) {
    case 'mmx':
      return [f.loadVector(64, s.cpuAddress(), slotOfField(instruction, operand.field))];
    case 'fixedVector':
      return [vectors.read(operand.slot)];
    case 'vector': {
      const slot = slotOfField(instruction, operand.field);
      return halves(operand.bits).map((half) => vectors.read(slot + half));
    }
    case 'memory':
    case 'vectorMemory': {
      const { bits } = operand;
      if (alignment && bits >= 128) requireAligned(at, bits / 8);
      const host = memory.readable(at.place(), bits / 8, at.bail);
      if (bits >= 128) return halves(bits).map((half) => f.loadVector(128, host, half));
      if (bits === 32 || bits === 64) return [f.loadVector(bits, host)];
      const integer = f.load('i32', bits === 8 ? 8 : 16, host);
      return [f.operateOnLane('i32x4.replace_lane', 0, f.v128(0n, 0n), integer)];
    }
    default:
      throw new Error(`${operand.kind} is no vector`);
  }
}

/** An operand and what is written to it, as `Semantics.writeVector` gets it. */
export type WrittenVector = readonly [
  operand: UnitOperand,
  values: readonly Value[],
  above?: 'keep' | 'clear',
  alignment?: Alignment,
];

/** Writes as many bits of memory as the operand has; of a register the vectors, above which it keeps what it has or gets 0. */
export function writeVectorOperand(
  at: VectorOperandPlace,
  ...[operand, values, above, alignment]: WrittenVector
): void {
  const { s, instruction, vectors, memory } = at;
  const { f } = s;
  const lowest = values[0] as Value;
  switch (operand.kind) {
    case 'mmx': {
      const slot = slotOfField(instruction, operand.field);
      f.store(64, s.cpuAddress(), slot, f.operateOnLane('i64x2.extract_lane', 0, lowest));
      f.store(16, s.cpuAddress(), slot + MMX_EXPONENT, f.i32(0xffff));
      return;
    }
    case 'fixedVector':
      vectors.write(operand.slot, lowest);
      return;
    case 'vector': {
      const slot = slotOfField(instruction, operand.field);
      for (const [n, value] of values.entries()) vectors.write(slot + n * UPPER_HALF, value);
      if (above === 'clear' && values.length === 1) vectors.write(slot + UPPER_HALF, f.v128(0n, 0n));
      return;
    }
    case 'memory':
    case 'vectorMemory': {
      const { bits } = operand;
      if (alignment && bits >= 128) requireAligned(at, bits / 8);
      const host = memory.writable(at.place(), bits / 8, at.bail);
      if (bits >= 128) for (const [n, value] of values.entries()) f.storeVector(host, n * UPPER_HALF, value);
      else if (bits === 64) f.store(64, host, 0, f.operateOnLane('i64x2.extract_lane', 0, lowest));
      else f.store(bits as 8 | 16 | 32, host, 0, f.operateOnLane('i32x4.extract_lane', 0, lowest));
      return;
    }
    default:
      throw new Error(`${operand.kind} is no vector`);
  }
}

function requireAligned({ s, bail }: VectorOperandPlace, bytes: number): void {
  s.if(s.misalignment(bytes), () => bail('exception'));
}
