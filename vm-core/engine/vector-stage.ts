/** Operands of the vector units in the interpreter's staging: registers by the slots of a record, memory of all sizes. */
import { type OperandBits, UPPER_HALF, type UnitOperand, type VectorBits, type VectorField } from '../isa/operand.ts';
import type { Semantics } from '../isa/semantics.ts';
import { VECTOR_GP } from '../isa/vectors.ts';
import type { Value } from '../wasm/function-builder.ts';
import type { MemoryAccess } from './memory-access.ts';
import * as record from './record.ts';

/** Sign and exponent of the x87 register become all ones when an MMX register is written (SDM vol. 1 §9.5.1). */
export const MMX_EXPONENT = 8;

/** Where a record has the slot of a vector register. */
const REGISTER_PLACES: Readonly<Record<VectorField, { readonly at: number; readonly bits: 16 | 32 }>> = {
  rm: { at: record.RECORD_RM_SLOT, bits: 16 },
  reg: { at: record.RECORD_REG_SLOT, bits: 16 },
  vvvv: { at: record.RECORD_IMMEDIATE2, bits: 16 },
  index: { at: record.RECORD_INDEX_SLOT, bits: 16 },
  is4: { at: record.RECORD_IMMEDIATE, bits: 32 },
};

export class VectorStage {
  readonly #s: Semantics;
  readonly #memory: MemoryAccess;
  readonly #cpu: Value;
  readonly #record: Value;

  constructor(s: Semantics, memory: MemoryAccess, cpu: Value, record: Value) {
    this.#s = s;
    this.#memory = memory;
    this.#cpu = cpu;
    this.#record = record;
  }

  read(operand: UnitOperand, alignment: 'aligned' | undefined): readonly Value[] {
    const { f } = this.#s;
    if (operand.kind === 'mmx') return [f.loadVector(64, this.#address(operand.field))];
    if (operand.kind === 'fixedVector') return [f.loadVector(128, this.#cpu, operand.slot)];
    if (operand.kind === 'vector') {
      const address = this.#address(operand.field);
      return halves(operand.bits).map((at) => f.loadVector(128, address, at));
    }
    if (operand.kind !== 'memory' && operand.kind !== 'vectorMemory') throw new Error(`${operand.kind} is no vector`);
    const offset = this.#s.effectiveAddress();
    if (operand.bits < 128) return [this.#widened(this.#s.load('instruction', offset, operand.bits as OperandBits))];
    if (alignment) this.#requireAligned(offset, operand.bits / 8);
    return this.#memory.loadVector('instruction', offset, operand.bits === 256 ? 32 : 16);
  }

  write(
    operand: UnitOperand,
    vectors: readonly Value[],
    above: 'keep' | 'clear',
    alignment: 'aligned' | undefined,
  ): void {
    const { f } = this.#s;
    if (operand.kind === 'mmx') {
      const address = this.#address(operand.field);
      f.store(64, address, 0, f.operateOnLane('i64x2.extract_lane', 0, vectors[0] as Value));
      f.store(16, address, MMX_EXPONENT, f.i32(0xffff));
      return;
    }
    if (operand.kind === 'fixedVector') {
      f.storeVector(this.#cpu, operand.slot, vectors[0] as Value);
      return;
    }
    if (operand.kind === 'vector') {
      const address = this.#address(operand.field);
      vectors.forEach((vector, n) => {
        f.storeVector(address, n * UPPER_HALF, vector);
      });
      if (above === 'clear' && vectors.length === 1) f.storeVector(address, UPPER_HALF, f.v128(0n, 0n));
      return;
    }
    if (operand.kind !== 'memory' && operand.kind !== 'vectorMemory') throw new Error(`${operand.kind} is no vector`);
    const offset = this.#s.effectiveAddress();
    if (operand.bits >= 128) {
      if (alignment) this.#requireAligned(offset, operand.bits / 8);
      this.#memory.storeVector('instruction', offset, vectors);
      return;
    }
    const lane = operand.bits === 64 ? 'i64x2.extract_lane' : 'i32x4.extract_lane';
    const value = f.operateOnLane(lane, 0, vectors[0] as Value);
    this.#s.store('instruction', offset, operand.bits as OperandBits, value);
  }

  /** A vector whose lowest lane is an i32 or i64, with zeros above. */
  #widened(value: Value): Value {
    const { f } = this.#s;
    const lane = value.type === 'i64' ? 'i64x2.replace_lane' : 'i32x4.replace_lane';
    return f.operateOnLane(lane, 0, f.v128(0n, 0n), value);
  }

  #requireAligned(offset: Value, bytes: number): void {
    const linear = this.#memory.linearOf('instruction', offset);
    this.#s.if(this.#s.f.narrow(this.#s.and(linear, bytes - 1)), () => this.#s.raise(VECTOR_GP, 0));
  }

  #address(field: VectorField): Value {
    const { at, bits } = REGISTER_PLACES[field];
    return this.#s.add(this.#cpu, this.#s.f.load('i32', bits, this.#record, at));
  }
}

/** Distances of the halves of a register of so many bits. */
export function halves(bits: VectorBits): readonly number[] {
  return bits === 256 ? [0, UPPER_HALF] : [0];
}
