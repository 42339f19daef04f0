/**
 * Branch records in memory, as the DS save area says (SDM vol. 3B §17.4.9): in a ring, or until the buffer is full with an
 * interrupt on the way there.
 */
import { type Address, addressFrom, highHalf, lowHalf, plus } from '../../state/address.ts';
import type { CpuState } from '../../state/cpu-state.ts';
import { offsetOf } from '../../state/register-table.ts';
import { isLongMode } from '../mode.ts';
import type { BranchLayout } from './branch-layout.ts';
import { isNear, type ToldBranch } from './told-branch.ts';

const AREA = offsetOf('IA32_DS_AREA');

/** Fields at the beginning of the area, in this order. */
const BASE = 0;
const INDEX = 1;
const MAXIMUM = 2;
const THRESHOLD = 3;
/** Of a record: from, to, flags. */
const RECORD_FIELDS = 3;
const PREDICTED = 1 << 4;

/** Memory as the store reaches it, as the supervisor: aligned words of RAM that are mapped. */
export interface TraceMemory {
  /** Whether all of a range can be written. */
  isWritable(linear: Address, bytes: number): boolean;
  readWord(linear: Address): number;
  writeWord(linear: Address, value: number): void;
}

export class BranchTraceStore {
  readonly #state: CpuState;
  readonly #layout: BranchLayout;
  readonly #memory: TraceMemory;
  readonly #interrupt: () => void;
  /** There is no memory for a record. */
  readonly #isLost: () => void;

  constructor(
    state: CpuState,
    layout: BranchLayout,
    memory: TraceMemory,
    { interrupt, isLost }: { readonly interrupt: () => void; readonly isLost: () => void },
  ) {
    this.#state = state;
    this.#layout = layout;
    this.#memory = memory;
    this.#interrupt = interrupt;
    this.#isLost = isLost;
  }

  /** Stores a branch. A record for which there is no memory is lost. */
  store(branch: ToldBranch, interrupts: boolean): void {
    const isWide = this.#layout.isAreaWide || isLongMode(this.#state);
    const size = isWide ? 8 : 4;
    const area = this.#state.readExact(AREA);
    if (!this.#memory.isWritable(area, (THRESHOLD + 1) * size)) {
      this.#isLost();
      return;
    }
    const field = (index: number): Address => this.#readField(plus(area, index * size), isWide);
    const maximum = field(MAXIMUM);
    const length = RECORD_FIELDS * size;
    const index = field(INDEX);
    const isFull = plus(index, length) > maximum;
    if (isFull && interrupts) return;
    const at = isFull ? field(BASE) : index;
    if (!this.#memory.isWritable(at, length)) {
      this.#isLost();
      return;
    }
    this.#writeRecord(at, branch, isWide);
    const next = plus(at, length);
    const isAtEnd = !interrupts && plus(next, length) > maximum;
    this.#writeField(plus(area, INDEX * size), isAtEnd ? field(BASE) : next, isWide);
    if (!interrupts) return;
    const threshold = field(THRESHOLD);
    if (at < threshold && next >= threshold) this.#interrupt();
  }

  #writeRecord(at: Address, branch: ToldBranch, isWide: boolean): void {
    const size = isWide ? 8 : 4;
    this.#writeHalves(at, branch.fromLow, branch.fromHigh, isWide);
    this.#writeHalves(plus(at, size), branch.toLow, branch.toHigh, isWide);
    this.#writeHalves(plus(at, 2 * size), isNear(branch.kind) ? PREDICTED : 0, 0, isWide);
  }

  #readField(at: Address, isWide: boolean): Address {
    const low = this.#memory.readWord(at);
    if (!isWide) return low >>> 0;
    return addressFrom(this.#memory.readWord(plus(at, 4)) | 0, low >>> 0);
  }

  #writeField(at: Address, value: Address, isWide: boolean): void {
    this.#memory.writeWord(at, lowHalf(value));
    if (isWide) this.#memory.writeWord(plus(at, 4), highHalf(value));
  }

  #writeHalves(at: Address, low: number, high: number, isWide: boolean): void {
    this.#memory.writeWord(at, low);
    if (isWide) this.#memory.writeWord(plus(at, 4), high);
  }
}
