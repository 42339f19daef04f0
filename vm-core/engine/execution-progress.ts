/** How far an execution has come, as the performance counters ask (cpu/performance): exact in the middle of a block, too. */
import { type ExecutionProgress, PerformanceCounters } from '../cpu/performance/performance-counters.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { internal } from '../state/layout.ts';
import type { InstructionPlace } from './instruction-place.ts';
import { raisePerformanceInterrupt } from './performance-interrupt.ts';
import type { Processor } from './processor.ts';
import * as record from './record.ts';

/** Makes the performance counters of a processor. */
export function createCounters(processor: Processor, place: InstructionPlace): PerformanceCounters {
  return new PerformanceCounters(processor.state, {
    model: processor.model,
    progress: new Progress(processor.state, place),
    interrupt: () => raisePerformanceInterrupt(processor),
    wake: () => processor.requestExit(),
  });
}

class Progress implements ExecutionProgress {
  readonly #state: CpuState;
  readonly #place: InstructionPlace;

  constructor(state: CpuState, place: InstructionPlace) {
    this.#state = state;
    this.#place = place;
  }

  get isInside(): boolean {
    return this.#place.current !== 0;
  }

  executed(): number {
    return this.#place.executed();
  }

  repeats(): number {
    return this.#state.read32(internal.REPEATS);
  }

  branches(withCurrent: boolean): number {
    const noted = this.#state.read32(internal.BRANCHES);
    const { current } = this.#place;
    if (current === 0) return noted;
    let found = 0;
    for (let at = this.#place.firstRecord(); at < current; at += record.RECORD_SIZE) if (this.#isBranch(at)) found++;
    return noted + found + (withCurrent && this.#isBranch(current) ? 1 : 0);
  }

  /** Behind a branch that was taken the block is at its end. */
  taken(withCurrent: boolean): number {
    const noted = this.#state.read32(internal.BRANCHES_TAKEN);
    return noted + (withCurrent && this.#isBranch(this.#place.current) ? 1 : 0);
  }

  left(): number {
    return this.#place.left();
  }

  get keepsNotes(): boolean {
    return this.#state.read32(internal.COUNTS) !== 0;
  }

  set keepsNotes(on: boolean) {
    this.#state.write32(internal.COUNTS, on ? 1 : 0);
  }

  /** Generated code leaves changes of the level to TypeScript. */
  get hearsLevels(): boolean {
    return this.#state.read32(internal.LEVELS_HEARD) !== 0;
  }

  set hearsLevels(yes: boolean) {
    this.#state.write32(internal.LEVELS_HEARD, yes ? 1 : 0);
  }

  /** The next execution begins to count anew. */
  restart(): void {
    for (const field of [internal.REPEATS, internal.BRANCHES, internal.BRANCHES_TAKEN]) this.#state.write32(field, 0);
  }

  #isBranch(at: number): boolean {
    return (this.#state.view.getUint8(at + record.RECORD_FLAGS) & record.FLAG_BRANCH) !== 0;
  }
}
