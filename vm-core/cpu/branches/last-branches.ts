/**
 * The registers in which a guest finds its last branches (SDM vol. 3B §17.4.8, §17.4.9, §17.9–17.13; AMD64 manual vol. 2
 * §13.1.1.2): how a branch is written there, and which are not.
 */
import type { BranchKind } from '../../machine/branch-record.ts';
import type { CpuState } from '../../state/cpu-state.ts';
import { offsetOf, SLOT_SIZE } from '../../state/register-table.ts';
import { type BranchLayout, FORMAT_FLAGS, FORMAT_INFO, FORMAT_LINEAR, FORMAT_TRANSACTIONS } from './branch-layout.ts';
import { entersHandler, type ToldBranch } from './told-branch.ts';

const TOP = offsetOf('MSR_LASTBRANCH_TOS');
const SELECT = offsetOf('MSR_LBR_SELECT');
const FROM = offsetOf('MSR_LASTBRANCH_0_FROM_IP');
const TO = offsetOf('MSR_LASTBRANCH_0_TO_IP');
const INFO = offsetOf('MSR_LBR_INFO_0');
const UPDATED = offsetOf('LBR_UPDATED');
const PACKED = [0, 1, 2, 3].map((n) => offsetOf(`MSR_LASTBRANCH_${n}`));
const BEFORE_FROM = offsetOf('MSR_LER_FROM_LIP');
const BEFORE_TO = offsetOf('MSR_LER_TO_LIP');
const LAST_FROM = offsetOf('LASTBRANCHFROMIP');
const LAST_TO = offsetOf('LASTBRANCHTOIP');
const INTERRUPT_FROM = offsetOf('LASTINTFROMIP');
const INTERRUPT_TO = offsetOf('LASTINTTOIP');

const NOT_IN_SYSTEM = 1 << 0;
const NOT_IN_USER = 1 << 1;
const CALL_STACK = 1 << 9;
const CYCLES_MAX = 0xffff;
const TWO_32 = 0x1_0000_0000;

/** The bit of MSR_LBR_SELECT with which branches of a kind are not recorded; all others are far. */
const kindBits: Readonly<Partial<Record<BranchKind, number>>> = {
  conditional: 1 << 2,
  call: 1 << 3,
  'indirect-call': 1 << 4,
  return: 1 << 5,
  'indirect-jump': 1 << 6,
  jump: 1 << 7,
};
const FAR = 1 << 8;

/** What is left of the upper half of a source address below the flags of a format. */
const sourceMasks: Readonly<Record<number, number>> = {
  [FORMAT_FLAGS]: 0x7fff_ffff,
  [FORMAT_TRANSACTIONS]: 0x1fff_ffff,
};

export class LastBranches {
  readonly #state: CpuState;
  readonly #layout: BranchLayout;
  readonly #now: () => number;
  readonly #isLinear: boolean;
  readonly #sourceMask: number;

  /** `now` gives virtual time. */
  constructor(state: CpuState, layout: BranchLayout, now: () => number) {
    this.#state = state;
    this.#layout = layout;
    this.#now = now;
    const { format } = layout;
    this.#isLinear = format === FORMAT_LINEAR || layout.records === 'packed';
    this.#sourceMask = sourceMasks[format] ?? 0xffff_ffff;
  }

  record(branch: ToldBranch): void {
    if (this.#layout.records === 'pair') this.#recordPair(branch);
    else if (this.#layout.records === 'packed') this.#recordPacked(branch);
    else this.#recordOnStack(branch);
  }

  #recordPair(branch: ToldBranch): void {
    if (entersHandler(branch.kind)) {
      this.#copy(LAST_FROM, INTERRUPT_FROM);
      this.#copy(LAST_TO, INTERRUPT_TO);
    }
    this.#writeFrom(LAST_FROM, branch);
    this.#writeTo(LAST_TO, branch);
  }

  #recordPacked(branch: ToldBranch): void {
    const state = this.#state;
    if (entersHandler(branch.kind)) {
      const newest = PACKED[this.#top] as number;
      this.#write(BEFORE_FROM, state.read32(newest), 0);
      this.#write(BEFORE_TO, state.read32(newest + 4), 0);
    }
    this.#write(PACKED[this.#push()] as number, branch.fromLow, branch.toLow);
  }

  #recordOnStack(branch: ToldBranch): void {
    if (entersHandler(branch.kind)) {
      const newest = this.#top * SLOT_SIZE;
      this.#copy(FROM + newest, BEFORE_FROM);
      this.#copy(TO + newest, BEFORE_TO);
    }
    if (!this.#isWanted(branch)) return;
    if (!this.#isCallStack) this.#add(branch);
    else if (branch.kind === 'return') this.#pop();
    else if (!branch.isToNext) this.#add(branch);
  }

  #add(branch: ToldBranch): void {
    const place = this.#push() * SLOT_SIZE;
    this.#writeFrom(FROM + place, branch);
    this.#writeTo(TO + place, branch);
    if (this.#layout.format === FORMAT_INFO) this.#write(INFO + place, this.#cycles(), 0);
  }

  /** A debugger can have written anything there. */
  get #top(): number {
    return this.#state.read32(TOP) & (this.#layout.depth - 1);
  }

  /** Makes room for a record, and gives its number. */
  #push(): number {
    const next = (this.#top + 1) & (this.#layout.depth - 1);
    this.#write(TOP, next, 0);
    return next;
  }

  /** What has returned is not on the stack any more. */
  #pop(): void {
    const newest = this.#top;
    const place = newest * SLOT_SIZE;
    this.#write(FROM + place, 0, 0);
    this.#write(TO + place, 0, 0);
    if (this.#layout.hasInfo) this.#write(INFO + place, 0, 0);
    this.#write(TOP, (newest - 1) & (this.#layout.depth - 1), 0);
  }

  #isWanted({ kind, toLevel }: ToldBranch): boolean {
    if (!this.#layout.hasSelect) return true;
    const unwanted = this.#state.read32(SELECT);
    const level = toLevel === 0 ? NOT_IN_SYSTEM : NOT_IN_USER;
    return (unwanted & (level | (kindBits[kind] ?? FAR))) === 0;
  }

  get #isCallStack(): boolean {
    return this.#layout.hasCallStack && (this.#state.read32(SELECT) & CALL_STACK) !== 0;
  }

  /** Ticks since the record before. */
  #cycles(): number {
    const state = this.#state;
    const now = this.#now();
    const since = now - (state.read32(UPDATED + 4) * TWO_32 + state.read32(UPDATED));
    this.#write(UPDATED, now, Math.floor(now / TWO_32));
    return since >= 0 && since < CYCLES_MAX ? since : CYCLES_MAX;
  }

  #writeFrom(offset: number, { fromLow, fromHigh, fromBase }: ToldBranch): void {
    const low = this.#isLinear ? fromLow : fromLow - fromBase;
    this.#write(offset, low, fromHigh & this.#sourceMask);
  }

  #writeTo(offset: number, { toLow, toHigh, toBase }: ToldBranch): void {
    this.#write(offset, this.#isLinear ? toLow : toLow - toBase, toHigh);
  }

  #copy(from: number, to: number): void {
    this.#write(to, this.#state.read32(from), this.#state.read32(from + 4));
  }

  #write(offset: number, low: number, high: number): void {
    this.#state.write32(offset, low);
    this.#state.write32(offset + 4, high);
  }
}
