/**
 * The branch recording that a guest has turned on in its debug control register: what hears of branches, and what debug
 * exceptions and the interrupts of the performance counters do to it (SDM vol. 3B §17.4).
 */
import type { CpuModelFacts } from '../../isa/cpu-model.ts';
import type { CpuState } from '../../state/cpu-state.ts';
import { controlSlots } from '../performance/counter-facts.ts';
import { type BranchLayout, branchLayout, CONTROL_BTF, CONTROL_LBR } from './branch-layout.ts';
import { BranchTraceStore, type TraceMemory } from './branch-trace-store.ts';
import { LastBranches } from './last-branches.ts';
import type { ToldBranch } from './told-branch.ts';

/** What the recording needs of its processor. */
export interface BranchSurroundings {
  readonly memory: TraceMemory;
  /** Virtual time. */
  now(): number;
  /** The interrupt of the performance counters, which a full buffer uses too. */
  interrupt(): void;
  log(message: string): void;
}

export class GuestBranches {
  readonly #state: CpuState;
  readonly #layout: BranchLayout | undefined;
  readonly #last: LastBranches | undefined;
  readonly #store: BranchTraceStore | undefined;

  constructor(state: CpuState, model: CpuModelFacts, around: BranchSurroundings) {
    this.#state = state;
    const layout = branchLayout(model);
    this.#layout = layout;
    if (!layout) return;
    this.#last = new LastBranches(state, layout, () => around.now());
    if (layout.store === 0) return;
    this.#store = new BranchTraceStore(state, layout, around.memory, {
      interrupt: () => around.interrupt(),
      isLost: () => around.log('the guest stores branches where it has no memory for them: records are lost'),
    });
  }

  /** Whether branches have to be told. */
  get isOn(): boolean {
    const layout = this.#layout;
    if (!layout) return false;
    const control = this.#state.read32(layout.control);
    return (control & (CONTROL_LBR | CONTROL_BTF)) !== 0 || this.#stores(layout, control);
  }

  /** Whether a single step ends only with a branch. */
  get stepsBranches(): boolean {
    return this.#layout !== undefined && (this.#state.read32(this.#layout.control) & CONTROL_BTF) !== 0;
  }

  told(branch: ToldBranch): void {
    const layout = this.#layout;
    if (!layout) return;
    const control = this.#state.read32(layout.control);
    if ((control & CONTROL_LBR) !== 0 && !this.#isFrozen(layout)) this.#last?.record(branch);
    if (!this.#stores(layout, control)) return;
    const unwanted = branch.fromLevel === 0 ? layout.storeNotSystem : layout.storeNotUser;
    if ((control & unwanted) === 0) this.#store?.store(branch, (control & layout.storeInterrupt) !== 0);
  }

  /** Until software clears the bit, on processors that have it. */
  #isFrozen({ freezesByStatus }: BranchLayout): boolean {
    return freezesByStatus && (this.#state.read64(controlSlots.STATUS) & RECORDS_FROZEN) !== 0n;
  }

  #stores({ trace, store }: BranchLayout, control: number): boolean {
    return store !== 0 && (control & trace) !== 0 && (control & store) !== 0;
  }
}

/** Of IA32_PERF_GLOBAL_STATUS. */
const RECORDS_FROZEN = 1n << 58n;

/** The performance counters interrupt, which may end recording; true if it stops the counters, too. */
export function interruptStops(state: CpuState, model: CpuModelFacts): boolean {
  const layout = branchLayout(model);
  if (!layout) return false;
  const control = state.read32(layout.control);
  if ((control & layout.freezeRecords) !== 0) {
    if (layout.freezesByStatus) state.write64(controlSlots.STATUS, state.read64(controlSlots.STATUS) | RECORDS_FROZEN);
    else state.write32(layout.control, control & ~CONTROL_LBR);
  }
  return (control & layout.freezeCounters) !== 0;
}

/** A debug exception is entered: recording ends, what was recorded stays, and the next single step is an ordinary one. */
export function endRecording(state: CpuState, model: CpuModelFacts): void {
  const layout = branchLayout(model);
  if (!layout) return;
  state.write32(layout.control, state.read32(layout.control) & ~(CONTROL_LBR | CONTROL_BTF));
}
