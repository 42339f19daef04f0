/** The call records of stacks that the processor has left and may come back to, found by where their tops were. */
import { CALL_ENTRY_SIZE } from './call-entry.ts';

/** A stack that was left, with its entries of the call shadow, the outermost first. */
export interface SuspendedStack {
  /** Linear address of its top when it was left. */
  readonly pointer: number;
  /** Where it begins; infinite if that is not known. */
  readonly begin: number;
  readonly entries: Uint8Array;
}

/** A guest that leaves more stacks, or deeper ones, loses those that it left first. */
const STACKS_MAX = 256;
const ENTRIES_MAX = 0x4000;

export class SuspendedStacks {
  readonly #stacks = new Map<number, SuspendedStack>();
  #size = 0;

  add(stack: SuspendedStack): void {
    this.#remove(stack.pointer);
    this.#stacks.set(stack.pointer, stack);
    this.#size += stack.entries.length;
    for (const { pointer } of this.#stacks.values()) {
      if (this.#stacks.size <= STACKS_MAX && this.#size <= ENTRIES_MAX * CALL_ENTRY_SIZE) break;
      this.#remove(pointer);
    }
  }

  /** The stack whose top was exactly there. */
  at(pointer: number): SuspendedStack | undefined {
    return this.#stacks.get(pointer);
  }

  /** Takes the stack whose top was there, or else one that reaches over the place. */
  take(pointer: number): SuspendedStack | undefined {
    const found = this.#stacks.get(pointer) ?? this.#around(pointer);
    if (found) this.#remove(found.pointer);
    return found;
  }

  clear(): void {
    this.#stacks.clear();
    this.#size = 0;
  }

  #around(place: number): SuspendedStack | undefined {
    for (const stack of this.#stacks.values()) {
      if (stack.pointer < place && place <= stack.begin && stack.begin !== Number.POSITIVE_INFINITY) return stack;
    }
    return undefined;
  }

  #remove(pointer: number): void {
    const stack = this.#stacks.get(pointer);
    if (!stack) return;
    this.#size -= stack.entries.length;
    this.#stacks.delete(pointer);
  }
}
