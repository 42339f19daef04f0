/**
 * The two translation tables that compiled code looks into (DESIGN §4). An entry lets loads or stores of a page go
 * straight to RAM; whatever must be noticed simply has no entry.
 */
import { internal } from '../state/layout.ts';
import type { CpuState } from '../state/cpu-state.ts';
import {
  ENTRY_ADDEND,
  ENTRY_CODE_MAP,
  ENTRY_TAG_HIGH,
  GENERATION_MAX,
  PAGE_SHIFT,
  TAG_CODE_PAGE,
  TLB_ENTRIES,
  TLB_ENTRY_SIZE,
  TLB_READ,
  TLB_WRITE,
} from './layout.ts';

const PAGE_MASK = ~0xfff;

export class Tlb {
  readonly #state: CpuState;
  #generation = 1;

  constructor(state: CpuState) {
    this.#state = state;
    this.#publish();
  }

  get generation(): number {
    return this.#generation;
  }

  /** Forgets all translations: a new generation. */
  flush(): void {
    this.#generation++;
    if (this.#generation > GENERATION_MAX) {
      this.#clear();
      this.#generation = 1;
    }
    this.#publish();
  }

  /**
   * Lets loads from the page of `linear` go to host memory; `host` is the host address of `linear` itself. A linear
   * address of 64-bit mode is a signed number.
   */
  allowReads(linear: number, host: number): void {
    this.#fill(TLB_READ, linear, host, 0, 0);
  }

  /** The same for stores. On pages with code, `codeMap` tells which granules must not be stored to. */
  allowWrites(linear: number, host: number, codeMap: number): void {
    this.#fill(TLB_WRITE, linear, host, codeMap === 0 ? 0 : TAG_CODE_PAGE, codeMap);
  }

  /** Takes back the permission to store to the host page; called when a page gets its first decoded code. */
  forbidWritesTo(hostPage: number): void {
    const { view, base } = this.#state;
    for (let n = 0; n < TLB_ENTRIES; n++) {
      const entry = base + TLB_WRITE + n * TLB_ENTRY_SIZE;
      const tag = view.getInt32(entry, true);
      const host = (tag & PAGE_MASK) + view.getInt32(entry + ENTRY_ADDEND, true);
      if (tag !== 0 && ((host ^ hostPage) & PAGE_MASK) === 0) view.setInt32(entry, 0, true);
    }
  }

  #fill(table: number, linear: number, host: number, flag: number, codeMap: number): void {
    const { view, base } = this.#state;
    const entry = base + table + ((linear >>> PAGE_SHIFT) & (TLB_ENTRIES - 1)) * TLB_ENTRY_SIZE;
    view.setInt32(entry, (linear & PAGE_MASK) | flag | this.#generation, true);
    view.setInt32(entry + ENTRY_TAG_HIGH, Math.floor(linear / 0x100000000), true);
    view.setInt32(entry + ENTRY_ADDEND, host - linear, true);
    view.setInt32(entry + ENTRY_CODE_MAP, codeMap, true);
  }

  #clear(): void {
    const { view, base } = this.#state;
    const start = base + TLB_READ;
    new Uint8Array(view.buffer, start, TLB_WRITE - TLB_READ + TLB_ENTRIES * TLB_ENTRY_SIZE).fill(0);
  }

  #publish(): void {
    this.#state.write32(internal.TLB_GENERATION, this.#generation);
  }
}
