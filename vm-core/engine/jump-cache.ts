/**
 * The jump cache of one vCPU: which block code at a linear address is in, and which physical page code of a linear page is
 * on, for generated code (DESIGN §3).
 */
import { type Address, highHalf, lowHalf, offsetInPage, pageStart } from '../state/address.ts';
import { INSTRUCTION_LENGTH_MAX } from '../isa/decoder.ts';
import {
  CODE_PAGES,
  CODE_PAGES_ENTRIES,
  CODE_PAGES_ENTRY_SIZE,
  JUMP_CACHE,
  JUMP_CACHE_ENTRIES,
  JUMP_CACHE_ENTRY_SIZE,
  PAGE_SIZE,
} from '../memory/layout.ts';
import type { CpuState } from '../state/cpu-state.ts';
import type { FunctionBuilder, Value } from '../wasm/function-builder.ts';
import { BLOCK_BYTES } from './record.ts';

/** Places in an entry. */
export const JUMP_LINEAR = 0;
export const JUMP_MODE = 8;
export const JUMP_BLOCK = 12;
/** What leads to the second place of an entry, where it lies until it is asked for again (events/find-code.ts). */
export const JUMP_BESIDE: number = JUMP_CACHE_ENTRY_SIZE;
/** Higher bits of an address have a say, too: routines begin at round addresses, and programs are larger than the cache. */
const FOLD_SHIFT = 14;

/** In an entry of a page; the linear address is at its beginning. */
export const PAGE_MODE = 8;
export const PAGE_PHYSICAL = 12;

export class JumpCache {
  readonly #view: DataView;
  readonly #base: number;
  readonly #start: number;
  /** Linear pages that there may be code on. */
  readonly #pages = new Set<number>();
  /** The one of them that was entered last. */
  #lastPage: number | undefined;

  constructor({ view, base }: CpuState) {
    this.#view = view;
    this.#base = base;
    this.#start = base + JUMP_CACHE;
  }

  /** Address of the block at a linear address, which may have been dropped; 0 without one. */
  known(linear: Address, modeKey: number, bytesToLimit: number): number {
    const view = this.#view;
    const entry = this.#entryOf(linear);
    if (!this.#isAt(entry, lowHalf(linear), highHalf(linear))) return 0;
    if (view.getInt32(entry + JUMP_MODE, true) !== modeKey) return 0;
    const block = view.getInt32(entry + JUMP_BLOCK, true);
    return view.getInt32(block + BLOCK_BYTES, true) <= bytesToLimit ? block : 0;
  }

  /** Enters a block that is kept, and its page. Another block that has its place gets the one beside it. */
  enter(linear: Address, physical: number, modeKey: number, block: number): void {
    const entry = this.#entryOf(linear);
    if (!this.#isAt(entry, lowHalf(linear), highHalf(linear))) this.#moveAside(entry);
    const page = linearPageOf(linear);
    if (page !== this.#lastPage) this.#pages.add(page);
    this.#lastPage = page;
    this.#enterPage(linear, physical, modeKey);
    this.#view.setInt32(entry + JUMP_LINEAR, lowHalf(linear), true);
    this.#view.setInt32(entry + JUMP_LINEAR + 4, highHalf(linear), true);
    this.#view.setInt32(entry + JUMP_MODE, modeKey, true);
    this.#view.setInt32(entry + JUMP_BLOCK, block, true);
  }

  /** Code is found by its physical address again: what linear addresses mean has changed. */
  forget(): void {
    this.#pages.clear();
    this.#lastPage = undefined;
    new Uint8Array(this.#view.buffer, this.#start, JUMP_CACHE_ENTRIES * JUMP_CACHE_ENTRY_SIZE).fill(0);
    const pages = this.#base + CODE_PAGES;
    new Uint8Array(this.#view.buffer, pages, CODE_PAGES_ENTRIES * CODE_PAGES_ENTRY_SIZE).fill(0);
  }

  /** The same for one linear page; an instruction on the page before may reach into it. */
  forgetPage(linear: number): void {
    const page = linearPageOf(linear);
    const start = lowHalf(pageStart(linear));
    const place = this.#base + codePagePlace(linear);
    if (this.#view.getInt32(place, true) === start) this.#view.setInt32(place + PAGE_MODE, 0, true);
    if (page === this.#lastPage) this.#lastPage = undefined;
    if (this.#pages.delete(page)) this.#forgetFrom(start, start + PAGE_SIZE);
    if (this.#pages.has(page - 1)) this.#forgetFrom(start - INSTRUCTION_LENGTH_MAX, start);
  }

  /** Visits the blocks of all entries. */
  visit(visitor: (block: number) => void): void {
    const end = this.#start + JUMP_CACHE_ENTRIES * JUMP_CACHE_ENTRY_SIZE;
    for (let entry = this.#start; entry < end; entry += JUMP_CACHE_ENTRY_SIZE) {
      if (this.#view.getInt32(entry + JUMP_MODE, true) !== 0) visitor(this.#view.getInt32(entry + JUMP_BLOCK, true));
    }
  }

  #enterPage(linear: Address, physical: number, modeKey: number): void {
    const place = this.#base + codePagePlace(linear);
    const start = pageStart(linear);
    this.#view.setInt32(place, lowHalf(start), true);
    this.#view.setInt32(place + 4, highHalf(start), true);
    this.#view.setInt32(place + PAGE_MODE, modeKey, true);
    this.#view.setInt32(place + PAGE_PHYSICAL, Math.floor(physical / PAGE_SIZE), true);
  }

  /** By the lower halves of the addresses. */
  #forgetFrom(start: number, end: number): void {
    for (let linear = start; linear < end; linear++) {
      const entry = this.#entryOf(linear);
      for (const at of [entry, entry ^ JUMP_BESIDE]) {
        if (this.#view.getInt32(at + JUMP_LINEAR, true) === (linear | 0)) this.#view.setInt32(at + JUMP_MODE, 0, true);
      }
    }
  }

  #isAt(entry: number, low: number, high: number): boolean {
    const view = this.#view;
    return view.getInt32(entry + JUMP_LINEAR, true) === low && view.getInt32(entry + JUMP_LINEAR + 4, true) === high;
  }

  /** What is only a guest in the place makes room for good. */
  #moveAside(entry: number): void {
    const view = this.#view;
    if (this.#entryOf(view.getInt32(entry + JUMP_LINEAR, true)) !== entry) return;
    for (let n = 0; n < JUMP_CACHE_ENTRY_SIZE; n += 4) {
      view.setInt32((entry ^ JUMP_BESIDE) + n, view.getInt32(entry + n, true), true);
    }
  }

  #entryOf(linear: Address): number {
    return this.#start + jumpPlaceOf(linear);
  }
}

/** Distance of the entry of a linear address from the cache's beginning. */
export function jumpPlaceOf(linear: Address): number {
  const low = lowHalf(linear);
  return ((low ^ (low >>> FOLD_SHIFT)) & (JUMP_CACHE_ENTRIES - 1)) * JUMP_CACHE_ENTRY_SIZE;
}

/** What generated code adds to the vCPU's base, and `JUMP_CACHE`, for the entry of a linear address. */
export function jumpEntryOf(f: FunctionBuilder, linear: Value): Value {
  const low = f.narrow(linear);
  const folded = f.binary('xor', low, f.binary('shrU', low, f.i32(FOLD_SHIFT)));
  return f.binary('shl', f.binary('and', folded, f.i32(JUMP_CACHE_ENTRIES - 1)), f.i32(4));
}

/** The number of the page that a linear address lies on. */
export function linearPageOf(linear: Address): number {
  return pageStart(linear) / PAGE_SIZE;
}

/** Distance of the entry of an address's page from a vCPU's base. Neighbours and pages some megabytes apart have different ones. */
export function codePagePlace(linear: Address): number {
  const page = lowHalf(linear) >>> 12;
  return CODE_PAGES + ((page ^ (page >>> 10)) & (CODE_PAGES_ENTRIES - 1)) * CODE_PAGES_ENTRY_SIZE;
}

/** The physical address of code at a linear one, if code was found on its page while the mode key was the same. */
export function codeAddressAt({ view, base }: CpuState, linear: Address, modeKey: number): number | undefined {
  const place = base + codePagePlace(linear);
  const start = pageStart(linear);
  if (view.getInt32(place, true) !== lowHalf(start) || view.getInt32(place + 4, true) !== highHalf(start))
    return undefined;
  if (view.getInt32(place + PAGE_MODE, true) !== modeKey) return undefined;
  return view.getInt32(place + PAGE_PHYSICAL, true) * PAGE_SIZE + offsetInPage(linear);
}
