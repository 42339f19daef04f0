/**
 * The one place that hears of each taken branch: jumps, calls and returns, far transfers, interrupts and exceptions. The
 * newest are kept in a ring in the vCPU's area, which generated code writes for instructions (branch-stage.ts) and this
 * for events. Those who hear of them: the debugger's own record, of which the guest sees nothing, the end of a run at the
 * next branch, and what the guest has turned on for itself (cpu/branches).
 */
import type { GuestBranches } from '../cpu/branches/guest-branches.ts';
import type { ToldBranch } from '../cpu/branches/told-branch.ts';
import { EXIT } from '../cpu/cpu.ts';
import { codeAddressOf, is64BitMode, privilegeLevel } from '../cpu/mode.ts';
import type { BranchKind, BranchRecord } from '../machine/branch-record.ts';
import { BRANCH_RING, BRANCH_RING_SIZE } from '../memory/layout.ts';
import { addressFrom, highHalf, lowHalf } from '../state/address.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { CS, internal, SEGMENT_BASE, segmentSlots } from '../state/layout.ts';
import * as entry from './branch-entry.ts';
import { branchKinds, fixedVectors } from './branch-kinds.ts';
import type { InstructionPlace } from './instruction-place.ts';
import type { Processor } from './processor.ts';
import { RECORD_LENGTH } from './record.ts';

const CODE_BASE = (segmentSlots[CS] as number) + SEGMENT_BASE;

export class BranchRing {
  readonly #state: CpuState;
  readonly #view: DataView;
  readonly #place: InstructionPlace;
  readonly #guest: GuestBranches;
  /** One object serves all branches that the guest records. */
  readonly #told: { -readonly [name in keyof ToldBranch]: ToldBranch[name] } = {
    ...{ kind: 'jump', fromLow: 0, fromHigh: 0, fromBase: 0, fromLevel: 0 },
    ...{ toLow: 0, toHigh: 0, toBase: 0, toLevel: 0, isToNext: false },
  };
  #isOn = false;
  #stopsAtNext = false;
  #isReached = false;
  #guestListens = false;
  #hasBranched = false;
  /** Where the processor was before an event. */
  #from = { low: 0, high: 0, base: 0, level: 0 };

  constructor(processor: Processor, place: InstructionPlace, guest: GuestBranches) {
    this.#state = processor.state;
    this.#view = processor.state.view;
    this.#place = place;
    this.#guest = guest;
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
    return this.#isOn || this.#isHeard;
  }

  get #isHeard(): boolean {
    return this.#stopsAtNext || this.#guestListens;
  }

  /** A run begins, which may have to end at the next branch. */
  runBegins(untilBranch: boolean): void {
    this.#stopsAtNext = untilBranch;
    this.#isReached = false;
    this.refresh();
  }

  /** Reads again what the guest wants to hear. */
  refresh(): void {
    this.#guestListens = this.#guest.isOn;
    this.#state.write32(internal.BRANCHES_HEARD, this.#isHeard ? 1 : 0);
  }

  /** True if the branch at which the run has to end was taken. */
  get isReached(): boolean {
    return this.#isReached;
  }

  /** A single step of the guest begins. */
  stepBegins(): void {
    this.#hasBranched = false;
  }

  /** False where a single step ends only with a branch, and none was taken since it began. */
  get endsStep(): boolean {
    return this.#hasBranched || !this.#guest.stepsBranches;
  }

  /** The instruction of a record has branched, and the ring has it: the bits to leave with. */
  branched(record: number): number {
    if (this.#guestListens) this.#tellGuestOf(record);
    this.#hasBranched = true;
    if (this.#stopsAtNext) this.#isReached = true;
    return this.#stopsAtNext ? EXIT : this.#state.read32(internal.EXIT_REQUEST);
  }

  /** An event is about to be delivered. */
  leaves(): void {
    if (!this.isTold) return;
    const state = this.#state;
    const at = codeAddressOf(state, state.rip);
    const from = this.#from;
    from.low = lowHalf(at);
    from.high = highHalf(at);
    from.base = codeBase(state);
    from.level = privilegeLevel(state);
  }

  /** It was delivered. INT n is an instruction and tells of itself. */
  entered(kind: 'exception' | 'external', vector: number): void {
    if (!this.isTold) return;
    const [state, view, from] = [this.#state, this.#view, this.#from];
    const next = state.read32(internal.BRANCH_NEXT);
    const at = this.#ring + next;
    const to = codeAddressOf(state, state.rip);
    view.setInt32(at + entry.BRANCH_FROM, from.low, true);
    view.setInt32(at + entry.BRANCH_FROM + 4, from.high, true);
    view.setInt32(at + entry.BRANCH_TO, lowHalf(to), true);
    view.setInt32(at + entry.BRANCH_TO + 4, highHalf(to), true);
    view.setInt32(at + entry.BRANCH_BASE, from.base, true);
    view.setInt32(at + entry.BRANCH_IMMEDIATE, vector, true);
    view.setUint16(at + entry.BRANCH_ROW, 0, true);
    view.setUint8(at + entry.BRANCH_CAUSE, kind === 'exception' ? entry.CAUSE_EXCEPTION : entry.CAUSE_EXTERNAL);
    view.setUint8(at + entry.BRANCH_LEVEL, from.level);
    state.write32(internal.BRANCH_NEXT, (next + entry.BRANCH_ENTRY_SIZE) & (BRANCH_RING_SIZE - 1));
    if (this.#guestListens) this.#tellGuest(0);
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

  #tellGuestOf(record: number): void {
    const place = this.#place;
    const at = this.#entry(1) + entry.BRANCH_FROM;
    place.current = record;
    place.branchedFrom = addressFrom(this.#view.getInt32(at + 4, true), this.#view.getUint32(at, true));
    this.#tellGuest(this.#view.getUint8(record + RECORD_LENGTH));
    place.branchedFrom = undefined;
    place.current = 0;
  }

  /** Of the newest entry; an instruction has a length. */
  #tellGuest(length: number): void {
    const [state, view, told] = [this.#state, this.#view, this.#told];
    const at = this.#entry(1);
    const cause = view.getUint8(at + entry.BRANCH_CAUSE);
    told.kind = this.#kindOf(at, cause);
    told.fromLow = view.getInt32(at + entry.BRANCH_FROM, true);
    told.fromHigh = view.getInt32(at + entry.BRANCH_FROM + 4, true);
    told.toLow = view.getInt32(at + entry.BRANCH_TO, true);
    told.toHigh = view.getInt32(at + entry.BRANCH_TO + 4, true);
    told.fromBase = view.getInt32(at + entry.BRANCH_BASE, true);
    told.fromLevel = view.getUint8(at + entry.BRANCH_LEVEL);
    told.toBase = codeBase(state);
    told.toLevel = privilegeLevel(state);
    told.isToNext = length > 0 && ((told.toLow - told.fromLow) | 0) === length;
    this.#guest.told(told);
  }

  /** The entry so many places from the next one; undefined where nothing was written yet. */
  #read(back: number): BranchRecord | undefined {
    const view = this.#view;
    const at = this.#entry(back);
    const cause = view.getUint8(at + entry.BRANCH_CAUSE);
    if (cause === entry.CAUSE_NONE) return undefined;
    const from = Number(view.getBigInt64(at + entry.BRANCH_FROM, true));
    const to = Number(view.getBigInt64(at + entry.BRANCH_TO, true));
    const immediate = view.getInt32(at + entry.BRANCH_IMMEDIATE, true);
    const kind = this.#kindOf(at, cause);
    if (cause !== entry.CAUSE_INSTRUCTION) return { from, to, kind, vector: immediate };
    const row = view.getUint16(at + entry.BRANCH_ROW, true);
    const vector = kind === 'software-interrupt' ? (fixedVectors.get(row) ?? immediate) : undefined;
    return { from, to, kind, vector };
  }

  #kindOf(at: number, cause: number): BranchKind {
    if (cause === entry.CAUSE_EXCEPTION) return 'exception';
    if (cause === entry.CAUSE_EXTERNAL) return 'interrupt';
    return branchKinds[this.#view.getUint16(at + entry.BRANCH_ROW, true)] ?? 'far';
  }

  #entry(back: number): number {
    const next = this.#state.read32(internal.BRANCH_NEXT);
    return this.#ring + ((next - back * entry.BRANCH_ENTRY_SIZE) & (BRANCH_RING_SIZE - 1));
  }

  #clear(): void {
    new Uint8Array(this.#view.buffer, this.#ring, BRANCH_RING_SIZE).fill(0);
  }

  get #ring(): number {
    return this.#state.base + BRANCH_RING;
  }
}

function codeBase(state: CpuState): number {
  return is64BitMode(state) ? 0 : state.read32(CODE_BASE);
}
