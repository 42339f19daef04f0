/**
 * The one place that hears of each taken branch: jumps, calls and returns, far transfers, interrupts and exceptions. The
 * newest are kept in a ring in the vCPU's area, which generated code writes for instructions (branch-stage.ts) and this
 * for events. It is heard by the debugger's own record; nothing of the guest depends on that.
 */
import { EXIT, NEXT } from '../cpu/cpu.ts';
import { codeAddressOf, is64BitMode } from '../cpu/mode.ts';
import type { BranchRecord } from '../machine/branch-record.ts';
import { BRANCH_RING, BRANCH_RING_SIZE } from '../memory/layout.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { CS, internal, SEGMENT_BASE, segmentSlots } from '../state/layout.ts';
import * as entry from './branch-entry.ts';
import { branchKinds, fixedVectors } from './branch-kinds.ts';

const CODE_BASE = (segmentSlots[CS] as number) + SEGMENT_BASE;

export class BranchRing {
  readonly #state: CpuState;
  readonly #view: DataView;
  #isOn = false;
  #stopsAtNext = false;
  #isReached = false;
  /** Where the processor was before an event. */
  #from = 0n;
  #base = 0;

  constructor(state: CpuState) {
    this.#state = state;
    this.#view = state.view;
  }

  /** Whether the debugger keeps a record. */
  get isOn(): boolean {
    return this.#isOn;
  }

  /** Turned on, it begins anew. */
  set isOn(on: boolean) {
    if (on && !this.#isOn) this.#clear();
    this.#isOn = on;
  }

  /** Whether branches have to be told at all. */
  get isTold(): boolean {
    return this.#isOn || this.#stopsAtNext;
  }

  /** A run begins, which may have to end at the next branch. */
  runBegins(untilBranch: boolean): void {
    this.#stopsAtNext = untilBranch;
    this.#isReached = false;
    this.#state.write32(internal.BRANCHES_HEARD, untilBranch ? 1 : 0);
  }

  /** True if the branch at which the run has to end was taken. */
  get isReached(): boolean {
    return this.#isReached;
  }

  /** An instruction has branched, and the ring has it: the bits to leave with, if somebody wants to see it. */
  branched(): number {
    if (!this.#stopsAtNext) return NEXT;
    this.#isReached = true;
    return EXIT;
  }

  /** An event is about to be delivered. */
  leaves(): void {
    if (!this.isTold) return;
    const state = this.#state;
    this.#from = BigInt.asUintN(64, BigInt(codeAddressOf(state, state.rip)));
    this.#base = is64BitMode(state) ? 0 : state.read32(CODE_BASE);
  }

  /** It was delivered. INT n is an instruction and tells of itself. */
  entered(kind: 'exception' | 'external', vector: number): void {
    if (!this.isTold) return;
    const [state, view] = [this.#state, this.#view];
    const next = state.read32(internal.BRANCH_NEXT);
    const at = this.#ring + next;
    view.setBigUint64(at + entry.BRANCH_FROM, this.#from, true);
    view.setBigInt64(at + entry.BRANCH_TO, BigInt(codeAddressOf(state, state.rip)), true);
    view.setInt32(at + entry.BRANCH_BASE, this.#base, true);
    view.setInt32(at + entry.BRANCH_IMMEDIATE, vector, true);
    view.setUint16(at + entry.BRANCH_ROW, 0, true);
    const cause = kind === 'exception' ? entry.CAUSE_EXCEPTION : entry.CAUSE_EXTERNAL;
    view.setUint8(at + entry.BRANCH_CAUSE, cause);
    state.write32(internal.BRANCH_NEXT, (next + entry.BRANCH_ENTRY_SIZE) & (BRANCH_RING_SIZE - 1));
    if (this.#stopsAtNext) this.#isReached = true;
  }

  /** The newest branches, oldest first. */
  records(max: number = entry.BRANCH_ENTRIES): readonly BranchRecord[] {
    const found: BranchRecord[] = [];
    if (!this.#isOn) return found;
    for (let back = 1; back <= entry.BRANCH_ENTRIES && found.length < max; back++) {
      const record = this.#read(back);
      if (!record) break;
      found.push(record);
    }
    return found.reverse();
  }

  /** The newest branch of all. */
  newest(): BranchRecord {
    const record = this.#read(1);
    if (!record) throw new Error('no branch was told');
    return record;
  }

  /** The entry so many places from the next one; undefined where nothing was written yet. */
  #read(back: number): BranchRecord | undefined {
    const view = this.#view;
    const next = this.#state.read32(internal.BRANCH_NEXT);
    const at = this.#ring + ((next - back * entry.BRANCH_ENTRY_SIZE) & (BRANCH_RING_SIZE - 1));
    const cause = view.getUint8(at + entry.BRANCH_CAUSE);
    if (cause === entry.CAUSE_NONE) return undefined;
    const from = Number(view.getBigInt64(at + entry.BRANCH_FROM, true));
    const to = Number(view.getBigInt64(at + entry.BRANCH_TO, true));
    const immediate = view.getInt32(at + entry.BRANCH_IMMEDIATE, true);
    if (cause === entry.CAUSE_EXCEPTION) return { from, to, kind: 'exception', vector: immediate };
    if (cause === entry.CAUSE_EXTERNAL) return { from, to, kind: 'interrupt', vector: immediate };
    const row = view.getUint16(at + entry.BRANCH_ROW, true);
    const kind = branchKinds[row] ?? 'far';
    const vector = kind === 'software-interrupt' ? (fixedVectors.get(row) ?? immediate) : undefined;
    return { from, to, kind, vector };
  }

  #clear(): void {
    new Uint8Array(this.#view.buffer, this.#ring, BRANCH_RING_SIZE).fill(0);
  }

  get #ring(): number {
    return this.#state.base + BRANCH_RING;
  }
}
