/** A set of interrupt vectors in eight registers of the local APIC: ISR, TMR, IRR (SDM vol. 3A §11.8.4). */
import type { CpuState } from '../../state/cpu-state.ts';
import { SLOT_SIZE } from '../../state/register-table.ts';

export class VectorSet {
  readonly #state: CpuState;
  readonly #first: number;

  /** `first` is the slot of the register with vectors 0 to 31. */
  constructor(state: CpuState, first: number) {
    this.#state = state;
    this.#first = first;
  }

  /** The highest vector, or -1. */
  highest(): number {
    for (let n = 7; n >= 0; n--) {
      const word = this.#state.read32(this.#first + n * SLOT_SIZE);
      if (word !== 0) return n * 32 + 31 - Math.clz32(word);
    }
    return -1;
  }

  has(vector: number): boolean {
    return (this.#state.read32(this.#slotOf(vector)) & (1 << (vector & 31))) !== 0;
  }

  add(vector: number): void {
    const at = this.#slotOf(vector);
    this.#state.write32(at, (this.#state.read32(at) | (1 << (vector & 31))) >>> 0);
  }

  remove(vector: number): void {
    const at = this.#slotOf(vector);
    this.#state.write32(at, (this.#state.read32(at) & ~(1 << (vector & 31))) >>> 0);
  }

  #slotOf(vector: number): number {
    return this.#first + (vector >>> 5) * SLOT_SIZE;
  }
}
