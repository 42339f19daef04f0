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
  ADDRESS_SPACES,
  CONTEXT_MAX,
  ENTRY_ADDEND,
  ENTRY_CODE_MAP,
  ENTRY_TAG_HIGH,
  PAGE_SHIFT,
  READ_NUMBERS,
  TAG_CODE_PAGE,
  TLB_ENTRIES,
  TLB_ENTRY_SIZE,
  TLB_READ,
  TLB_WRITE,
  WRITE_NUMBERS,
} from './layout.ts';

const PAGE_MASK = ~0xfff;

/** Accesses of the supervisor, of user code, and of the supervisor with EFLAGS.AC set while SMAP is on. */
export type PrivilegeClass = 0 | 1 | 2;
/** Contexts of an address space. */
export const CLASSES = 4;
/** The last number that a context may get. */
export const SPACES_MAX: number = Math.floor((CONTEXT_MAX + 1) / CLASSES) - 1;

/** The number of the address space without paging; others have their process-context identifier. */
export const SPACE_UNPAGED: number = ADDRESS_SPACES - 1;

/** Where the state has the last number that was given, and the last one that was forgotten together with all before it. */
interface NumberFields {
  readonly last: number;
  readonly floor: number;
}

/** Small numbers for address spaces, in the order in which they appear. Generated code gives numbers, too. */
class ContextNumbers {
  readonly #onRestart: () => void;
  readonly #numbers: Uint16Array;
  readonly #state: CpuState;
  readonly #fields: NumberFields;

  /** The numbers lie at a distance from the state; `onRestart` makes everything that carries one invalid. */
  constructor(state: CpuState, numbers: number, fields: NumberFields, onRestart: () => void) {
    this.#state = state;
    this.#numbers = new Uint16Array(state.view.buffer, state.base + numbers, ADDRESS_SPACES);
    this.#fields = fields;
    this.#onRestart = onRestart;
  }

  of(space: number): number {
    const known = this.#numbers[space] as number;
    if (known > this.#state.read32(this.#fields.floor)) return known;
    let last = this.#state.read32(this.#fields.last);
    if (last === SPACES_MAX) {
      this.#numbers.fill(0);
      this.#state.write32(this.#fields.floor, 0);
      last = 0;
      this.#onRestart();
    }
    this.#numbers[space] = ++last;
    this.#state.write32(this.#fields.last, last);
    return last;
  }

  forget(space: number): void {
    this.#numbers[space] = 0;
  }

  forgetAll(): void {
    this.#state.write32(this.#fields.floor, this.#state.read32(this.#fields.last));
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

  constructor(state: CpuState) {
    this.#state = state;
    const { buffer } = state.view;
    this.#writeWords = new Int32Array(buffer, state.base + TLB_WRITE, (TLB_ENTRIES * TLB_ENTRY_SIZE) / 4);
    const reads = { last: internal.TLB_READ_NUMBER, floor: internal.TLB_READ_FLOOR };
    this.#reads = new ContextNumbers(state, READ_NUMBERS, reads, () => {
      this.#clear(TLB_READ);
      this.onRestart();
    });
    const writes = { last: internal.TLB_WRITE_NUMBER, floor: internal.TLB_WRITE_FLOOR };
    this.#writes = new ContextNumbers(state, WRITE_NUMBERS, writes, () => this.#clear(TLB_WRITE));
    this.enter(0, 0);
  }

  /** Makes an address space and a privilege the current ones. */
  enter(space: number, privilege: PrivilegeClass): void {
    this.#state.write32(internal.TLB_SPACE, space);
    this.#state.write32(internal.TLB_SYSTEM_WRITE_GENERATION, this.#writes.of(space) * CLASSES);
    this.#state.write32(internal.TLB_SYSTEM_GENERATION, this.#reads.of(space) * CLASSES);
    this.enterPrivilege(privilege);
  }

  /** Generated code goes to another space by itself. */
  get #space(): number {
    return this.#state.read32(internal.TLB_SPACE);
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
