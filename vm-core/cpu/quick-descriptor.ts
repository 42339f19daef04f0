/**
 * A descriptor on the quick way of interrupts and returns: read where compiled code could read it, kept in an object that
 * serves many, and loaded into a segment register only if that holds something else. (SDM vol. 3A §3.4.5)
 */
import { isExact } from '../state/address.ts';
import { ATTRIBUTE_GRANULARITY, type CpuState } from '../state/cpu-state.ts';
import { slot } from '../state/layout.ts';
import { loadSegmentCache } from './segment-cache.ts';

/**
 * Memory that compiled code reaches without asking. Each gives the host address of so many bytes, or 0: then the access has
 * to be made in the ordinary way, which notices whatever there is to notice. The first two are at the current privilege,
 * the others are the processor's own accesses, as the supervisor.
 */
export interface QuickMemory {
  readPlace(linearAddress: number, size: number): number;
  writePlace(linearAddress: number, size: number): number;
  systemReadPlace(linearAddress: number, size: number): number;
  systemWritePlace(linearAddress: number, size: number): number;
}

/** Present, a segment, code, conforming, accessed: bits of the high half that tell code which the quick way enters. */
const CODE_MASK = 0x9d00;
const CODE = 0x9900;
/** Present, a segment, code, expand-down, writable, accessed. */
const STACK_MASK = 0x9f00;
const STACK = 0x9300;
const LONG_AND_BIG = 0x60_0000;
const LONG = 0x20_0000;
const BIG = 0x40_0000;

export class QuickDescriptor {
  low = 0;
  high = 0;
  readonly #state: CpuState;
  readonly #memory: QuickMemory;

  constructor(state: CpuState, memory: QuickMemory) {
    this.#state = state;
    this.#memory = memory;
  }

  /** Reads eight bytes at a linear address; false where they cannot be read at once. */
  read(linearAddress: number): boolean {
    const host = this.#memory.systemReadPlace(linearAddress, 8);
    if (host === 0) return false;
    this.low = this.#state.view.getUint32(host, true);
    this.high = this.#state.view.getUint32(host + 4, true);
    return true;
  }

  /** Reads what a selector of the GDT names; false for any other selector. */
  find(selector: number): boolean {
    if ((selector & 4) !== 0 || (selector & 0xfff8) === 0) return false;
    if ((selector | 7) > this.#state.read16(slot.GDTR_LIMIT)) return false;
    const base = this.#state.readAddress(slot.GDTR_BASE);
    return isExact(base) && this.read(base + (selector & 0xfff8));
  }

  get level(): number {
    return (this.high >>> 13) & 3;
  }

  get limit(): number {
    const limit = (this.high & 0xf_0000) | (this.low & 0xffff);
    return (this.#attributes & ATTRIBUTE_GRANULARITY) === 0 ? limit : ((limit << 12) | 0xfff) >>> 0;
  }

  get base(): number {
    return ((this.high & 0xff00_0000) | ((this.high & 0xff) << 16) | (this.low >>> 16)) >>> 0;
  }

  get #attributes(): number {
    return ((this.high >>> 8) & 0xff) | ((this.high >>> 12) & 0xf00);
  }

  /** Code that is present, not conforming, and has been used before. */
  get isCode(): boolean {
    return (this.high & CODE_MASK) === CODE;
  }

  get isLongCode(): boolean {
    return (this.high & CODE_MASK) === CODE && (this.high & LONG_AND_BIG) === LONG;
  }

  /** Writable data that is present, does not expand down, and has been used before. */
  get isStack(): boolean {
    return (this.high & STACK_MASK) === STACK;
  }

  get isBig(): boolean {
    return (this.high & BIG) !== 0;
  }

  /** Loads a segment register. What is derived from it stays good where nothing else changes. */
  load(index: number, selector: number): void {
    loadSegmentCache(this.#state, index, selector, this.base, this.limit, this.#attributes);
  }
}
