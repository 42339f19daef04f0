/**
 * The two translation tables that compiled code looks into (DESIGN §4). An entry lets loads or stores of a page go
 * straight to RAM; whatever must be noticed simply has no entry.
 *
 * Entries carry a context: an address space together with the privilege that the access was checked for. Contexts are
 * numbered as they appear; to forget an address space is to give it new numbers, and a change of privilege is a change
 * of the current number. The two tables have numbers of their own, so that all pages can lose the permission to be stored
 * to at once while loads go on.
 */
import { internal } from '../state/layout.ts';
import type { CpuState } from '../state/cpu-state.ts';
import {
  CONTEXT_MAX,
  ENTRY_ADDEND,
  ENTRY_CODE_MAP,
  ENTRY_TAG_HIGH,
  PAGE_SHIFT,
  TAG_CODE_PAGE,
  TLB_ENTRIES,
  TLB_ENTRY_SIZE,
  TLB_READ,
  TLB_WRITE,
} from './layout.ts';

const PAGE_MASK = ~0xfff;

/** Accesses of the supervisor, of user code, and of the supervisor with EFLAGS.AC set while SMAP is on. */
export type PrivilegeClass = 0 | 1 | 2;
/** Contexts of an address space. */
export const CLASSES = 4;
/** The last number that a context may get. */
export const SPACES_MAX: number = Math.floor((CONTEXT_MAX + 1) / CLASSES) - 1;

/** Small numbers for address spaces, in the order in which they appear. */
class ContextNumbers {
  readonly #onRestart: () => void;
  readonly #numbers = new Map<number, number>();
  readonly #state: CpuState;
  /** Where the state has the last number; generated code takes numbers, too. */
  readonly #field: number;

  /** `onRestart` makes everything that carries a number invalid. */
  constructor(state: CpuState, field: number, onRestart: () => void) {
    this.#state = state;
    this.#field = field;
    this.#onRestart = onRestart;
  }

  /** A space has another number. */
  set(space: number, number: number): void {
    if (this.#numbers.has(space)) this.#numbers.set(space, number);
  }

  of(space: number): number {
    const known = this.#numbers.get(space);
    if (known !== undefined) return known;
    let last = this.#state.read32(this.#field);
    if (last === SPACES_MAX) {
      this.#numbers.clear();
      last = 0;
      this.#onRestart();
    }
    this.#numbers.set(space, ++last);
    this.#state.write32(this.#field, last);
    return last;
  }

  forget(space: number): void {
    this.#numbers.delete(space);
  }

  forgetAll(): void {
    this.#numbers.clear();
  }
}

export class Tlb {
  /** Called when the current context has another number. */
  onContext: () => void = () => {};
  /** Called when the numbers of contexts begin anew: what is kept by `TLB_GENERATION` elsewhere is void. */
  onRestart: () => void = () => {};
  readonly #state: CpuState;
  readonly #reads: ContextNumbers;
  readonly #writes: ContextNumbers;
  /** The table for stores, by words: every new page of code goes through it. */
  readonly #writeWords: Int32Array;
  #space = 0;

  constructor(state: CpuState) {
    this.#state = state;
    const { buffer } = state.view;
    this.#writeWords = new Int32Array(buffer, state.base + TLB_WRITE, (TLB_ENTRIES * TLB_ENTRY_SIZE) / 4);
    this.#reads = new ContextNumbers(state, internal.TLB_READ_NUMBER, () => {
      this.#clear(TLB_READ);
      this.onRestart();
    });
    this.#writes = new ContextNumbers(state, internal.TLB_WRITE_NUMBER, () => this.#clear(TLB_WRITE));
    this.enter(0, 0);
  }

  /** Makes an address space and a privilege the current ones. Spaces have any numbers. */
  enter(space: number, privilege: PrivilegeClass): void {
    this.#noteNumbers();
    this.#space = space;
    this.#state.write32(internal.TLB_SYSTEM_WRITE_GENERATION, this.#writes.of(space) * CLASSES);
    this.#state.write32(internal.TLB_SYSTEM_GENERATION, this.#reads.of(space) * CLASSES);
    this.enterPrivilege(privilege);
  }

  /** Generated code may have given the current space another number. */
  #noteNumbers(): void {
    this.#reads.set(this.#space, this.#systemContext / CLASSES);
    this.#writes.set(this.#space, this.#systemWriteContext / CLASSES);
  }

  /** Generated code that changes the privilege changes the context by itself. */
  get #class(): PrivilegeClass {
    return (this.#context & (CLASSES - 1)) as PrivilegeClass;
  }

  get #context(): number {
    return this.#state.read32(internal.TLB_GENERATION);
  }

  get #writeContext(): number {
    return this.#state.read32(internal.TLB_WRITE_GENERATION);
  }

  /** The contexts of the supervisor in this address space. */
  get #systemContext(): number {
    return this.#state.read32(internal.TLB_SYSTEM_GENERATION);
  }

  get #systemWriteContext(): number {
    return this.#state.read32(internal.TLB_SYSTEM_WRITE_GENERATION);
  }

  /** Another privilege in the same address space. */
  enterPrivilege(privilege: PrivilegeClass): void {
    this.#state.write32(internal.TLB_WRITE_GENERATION, this.#systemWriteContext + privilege);
    const context = this.#systemContext + privilege;
    if (context === this.#context) return;
    this.#state.write32(internal.TLB_GENERATION, context);
    this.onContext();
  }

  /** Forgets the translations of an address space. */
  forget(space: number): void {
    this.#reads.forget(space);
    this.#writes.forget(space);
    if (space === this.#space) this.enter(space, this.#class);
  }

  /** Forgets all translations. */
  forgetAll(): void {
    this.#reads.forgetAll();
    this.protectWrites();
  }

  /** Takes back all permissions to store; the first store to each page asks again. */
  protectWrites(): void {
    this.#writes.forgetAll();
    this.enter(this.#space, this.#class);
  }

  /** Forgets the translation of one page, whatever its context. */
  dropPage(linear: number): void {
    this.#dropFrom(TLB_READ, linear);
    this.#dropFrom(TLB_WRITE, linear);
  }

  /** True if a page has an entry, whatever its context. */
  holds(linear: number): boolean {
    return this.#entryOf(TLB_READ, linear) !== 0 || this.#entryOf(TLB_WRITE, linear) !== 0;
  }

  /**
   * Lets loads from the page of `linear` go to host memory; `host` is the host address of `linear` itself. A linear
   * address of 64-bit mode is a signed number.
   */
  allowReads(linear: number, host: number): void {
    this.#put(TLB_READ, linear, this.#context, host, 0);
  }

  /** As `allowReads`, of the bytes that a map has not. */
  allowUnwatchedReads(linear: number, host: number, watchMap: number): void {
    this.#put(TLB_READ, linear, this.#context | TAG_CODE_PAGE, host, watchMap);
  }

  /** The same for stores. Where `codeMap` is not 0, it tells which bytes are code or watched: they are not stored to. */
  allowWrites(linear: number, host: number, codeMap: number): void {
    this.#put(TLB_WRITE, linear, this.#writeContext | (codeMap === 0 ? 0 : TAG_CODE_PAGE), host, codeMap);
  }

  /** As `allowReads`, for the supervisor, whoever runs. */
  allowSystemReads(linear: number, host: number): void {
    this.#put(TLB_READ, linear, this.#systemContext, host, 0);
  }

  allowSystemWrites(linear: number, host: number, codeMap: number): void {
    this.#put(TLB_WRITE, linear, this.#systemWriteContext | (codeMap === 0 ? 0 : TAG_CODE_PAGE), host, codeMap);
  }

  /** Takes back the permission to store to the host page; called when a page gets its first decoded code. */
  forbidWritesTo(hostPage: number): void {
    const words = this.#writeWords;
    for (let n = 0; n < words.length; n += TLB_ENTRY_SIZE / 4) {
      const tag = (words[n] as number) | 0;
      if (tag === 0) continue;
      const host = (tag & PAGE_MASK) + ((words[n + ENTRY_ADDEND / 4] as number) | 0);
      if (((host ^ hostPage) & PAGE_MASK) === 0) words[n] = 0;
    }
  }

  /** Forgets every page whose host address lies in a range. */
  dropHosts(start: number, end: number): void {
    const { view, base } = this.#state;
    for (const table of [TLB_READ, TLB_WRITE]) {
      for (let entry = base + table; entry < base + table + TLB_ENTRIES * TLB_ENTRY_SIZE; entry += TLB_ENTRY_SIZE) {
        const tag = view.getInt32(entry, true);
        const host = ((tag & PAGE_MASK) + view.getInt32(entry + ENTRY_ADDEND, true)) >>> 0;
        if (tag !== 0 && host >= start && host < end) view.setInt32(entry, 0, true);
      }
    }
  }

  #clear(table: number): void {
    const { view, base } = this.#state;
    new Uint8Array(view.buffer, base + table, TLB_ENTRIES * TLB_ENTRY_SIZE).fill(0);
  }

  #put(table: number, linear: number, context: number, host: number, codeMap: number): void {
    const { view } = this.#state;
    const entry = this.#place(table, linear);
    view.setInt32(entry, (linear & PAGE_MASK) | context, true);
    view.setInt32(entry + ENTRY_TAG_HIGH, highHalf(linear), true);
    view.setInt32(entry + ENTRY_ADDEND, host - linear, true);
    view.setInt32(entry + ENTRY_CODE_MAP, codeMap, true);
  }

  #place(table: number, linear: number): number {
    return this.#state.base + table + ((linear >>> PAGE_SHIFT) & (TLB_ENTRIES - 1)) * TLB_ENTRY_SIZE;
  }

  /** Address of the page's entry if it has one, otherwise 0. */
  #entryOf(table: number, linear: number): number {
    const { view } = this.#state;
    const entry = this.#place(table, linear);
    const tag = view.getInt32(entry, true);
    const isIt =
      tag !== 0 &&
      ((tag ^ linear) & PAGE_MASK) === 0 &&
      view.getInt32(entry + ENTRY_TAG_HIGH, true) === highHalf(linear);
    return isIt ? entry : 0;
  }

  #dropFrom(table: number, linear: number): void {
    const entry = this.#entryOf(table, linear);
    if (entry !== 0) this.#state.view.setInt32(entry, 0, true);
  }
}

/** Bits 32–63 of a linear address. */
function highHalf(linear: number): number {
  return linear >= 0 && linear < 0x100000000 ? 0 : Math.floor(linear / 0x100000000) | 0;
}
