/**
 * Halves of vector registers as locals of a region (SDM vol. 1 §14.1): those that its instructions name. All others stay in
 * the state, where the instructions that are called find them.
 */
import { resolveOperand, type VectorField } from '../../isa/operand.ts';
import type { FunctionBuilder, Value, Variable } from '../../wasm/function-builder.ts';
import { halves } from '../vector-stage.ts';
import type { CompiledInstruction } from './compiled-instruction.ts';

export class CompiledVectors {
  readonly #f: FunctionBuilder;
  readonly #cpu: Value;
  /** By the slots of the halves. */
  readonly #locals = new Map<number, Variable>();
  readonly #written = new Set<number>();

  /** Of a region with such compiled instructions of other units than the integer unit. */
  constructor(f: FunctionBuilder, cpu: Value, instructions: readonly CompiledInstruction[]) {
    this.#f = f;
    this.#cpu = cpu;
    for (const instruction of instructions) {
      for (const half of namedBy(instruction)) {
        if (!this.#locals.has(half)) this.#locals.set(half, f.local('v128'));
      }
    }
  }

  /** The half that lies at a slot, as it is now. */
  read(half: number): Value {
    const local = this.#locals.get(half);
    return local ? this.#f.copy(local) : this.#f.loadVector(128, this.#cpu, half);
  }

  write(half: number, vector: Value): void {
    const local = this.#locals.get(half);
    if (!local) {
      this.#f.storeVector(this.#cpu, half, vector);
      return;
    }
    this.#written.add(half);
    this.#f.set(local, vector);
  }

  /** What may not be written on all ways must have its value to be written back. */
  load(): void {
    for (const [half, local] of this.#locals) this.#f.set(local, this.#f.loadVector(128, this.#cpu, half));
  }

  /** At the end of the region, when all of it is known. */
  store(): void {
    for (const half of this.#written) this.#f.storeVector(this.#cpu, half, this.#locals.get(half) as Variable);
  }

  /** Before the end, as what comes later may be behind a way back. */
  storeAll(): void {
    for (const half of this.#locals.keys()) this.#written.add(half);
    this.store();
  }
}

/** Slots of the halves that a compiled instruction reads or writes by their names. */
function namedBy(instruction: CompiledInstruction): readonly number[] {
  const { row, form } = instruction;
  if (!form) return [];
  const isMemoryForm = form.addressing !== undefined;
  return row.operands.flatMap((code, n) => {
    const operand = resolveOperand(code, form.operandSize, isMemoryForm);
    if (operand.kind !== 'vector') return [];
    const at = slotOfField(instruction, operand.field);
    // What has a VEX prefix clears the rest of what it writes.
    return halves(n === 0 && row.unit === 'AVX' ? 256 : operand.bits).map((half) => at + half);
  });
}

/** Where the register lies that a field of an instruction names. */
export function slotOfField(
  instruction: Pick<CompiledInstruction, 'rmSlot' | 'regSlot' | 'immediate' | 'immediate2'>,
  field: VectorField,
): number {
  const { rmSlot, regSlot, immediate, immediate2 } = instruction;
  if (field === 'index') throw new Error('vectors of indices are not compiled');
  return { rm: rmSlot, reg: regSlot, vvvv: immediate2, is4: immediate }[field];
}
