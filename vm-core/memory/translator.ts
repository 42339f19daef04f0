/**
 * Linear to physical addresses (SDM vol. 3A chapter 4): the walk, the accessed and dirty flags, page faults, and what is
 * kept of translations, with the A20 gate behind all of it.
 */
import { type Address, lowHalf, offsetInPage, pageStart, plus } from '../state/address.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { internal } from '../state/layout.ts';
import {
  ACCESS_UNCHECKED,
  ACCESS_USER,
  ACCESS_WRITE,
  pageFaultOf,
  type PageRights,
  rightsFaultOf,
} from './page-access.ts';
import { ENTRY_ACCESSED, ENTRY_DIRTY, PageWalk, type TableReader, walkTables } from './page-walk.ts';
import { LEVELS_NONE, type PagingFeatures, PagingRegisters, type PagingRules } from './paging-rules.ts';
import type { PhysicalMap } from './physical-map.ts';
import { type PrivilegeClass, SPACE_UNPAGED, type Tlb } from './tlb.ts';
import { TranslationCache } from './translation-cache.ts';
import { PAGE_SHIFT, PAGE_SIZE } from './layout.ts';

/** Who has to know what translation does. */
export interface TranslationObserver {
  /** The walk has written an entry of a table: four bytes of RAM. */
  tableWritten(physicalAddress: number): void;
  /** Raises a page fault; does not return. */
  pageFault(linearAddress: Address, errorCode: number): never;
  /** The translation of a page of 4 KiB is gone while its context stays. */
  pageDropped(linearAddress: number): void;
}

export class Translator {
  readonly cache: TranslationCache;
  readonly #map: PhysicalMap;
  readonly #state: CpuState;
  readonly #tlb: Tlb;
  readonly #observer: TranslationObserver;
  readonly #walk = new PageWalk();
  readonly #peekWalk = new PageWalk();
  readonly #rights: { -readonly [name in keyof PageRights]: PageRights[name] } = {
    user: false,
    writable: false,
    executable: false,
    key: 0,
  };
  readonly #readTable: TableReader;
  readonly #peekTable: TableReader;
  readonly #rules: PagingRegisters;
  /** The error code of the page fault that `find` told of last. */
  faultCode = 0;

  constructor(map: PhysicalMap, state: CpuState, tlb: Tlb, features: PagingFeatures, observer: TranslationObserver) {
    this.#map = map;
    this.#state = state;
    this.#tlb = tlb;
    this.#observer = observer;
    this.#readTable = (physicalAddress) => map.read(this.#gated(physicalAddress), 4, 'tables');
    const holder = {
      holds: (linear: number) => tlb.holds(linear),
      dropped: (linear: number, shift: number) => this.#forgetPieces(linear, shift),
    };
    this.cache = new TranslationCache(holder, state.view.buffer as ArrayBuffer, state.base);
    this.#peekTable = (physicalAddress) => map.peek32(this.#gated(physicalAddress));
    this.#rules = new PagingRegisters(features, state);
    state.write32(internal.PLAIN_RAM, map.ramSize);
    this.rulesChanged();
  }

  get rules(): PagingRules {
    return this.#rules;
  }

  /** Access bits of ordinary loads and stores: who makes them. */
  get ordinaryAccess(): number {
    const privilege = this.#privilege;
    return privilege === 0 ? 0 : privilege === 1 ? ACCESS_USER : ACCESS_UNCHECKED;
  }

  /** Generated code that changes the privilege notes it by itself. */
  get #privilege(): PrivilegeClass {
    return this.#state.read32(internal.PRIVILEGE) as PrivilegeClass;
  }

  /**
   * Control registers have changed: reads them again. What is cached stays, as far as it was not checked by old rules and
   * the paging mode is the same.
   */
  rulesChanged(): void {
    const { levels } = this.#rules;
    if (this.#rules.read()) this.#tlb.forgetAll();
    this.#state.write32(internal.PAGING, this.#rules.quick);
    this.#state.write32(internal.RESERVED_HIGH, this.#rules.unusualHigh);
    if (levels !== this.#rules.levels) this.flushAll();
    this.#enter();
  }

  /** The privilege level or EFLAGS.AC may have changed. */
  privilegeChanged(privilege: PrivilegeClass): void {
    if (privilege === this.#privilege) return;
    this.#state.write32(internal.PRIVILEGE, privilege);
    if (this.#rules.levels !== LEVELS_NONE) this.#tlb.enterPrivilege(privilege);
  }

  #enter(): void {
    const { levels, pcid } = this.#rules;
    this.cache.enter(pcid);
    if (levels === LEVELS_NONE) this.#tlb.enter(SPACE_UNPAGED, 0);
    else this.#tlb.enter(pcid, this.#privilege);
  }

  /**
   * Everything that compiled code reaches by itself is asked for again, as there is more to notice; the translations stay
   * as the guest knows them.
   */
  forgetShortcuts(): void {
    this.#tlb.forgetAll();
  }

  /** Forgets everything, global pages too. */
  flushAll(): void {
    this.cache.flushAll();
    this.#tlb.forgetAll();
  }

  /** Forgets the pages of a process context that are not global; the current one's by default. */
  flushContext(pcid: number = this.#rules.pcid): void {
    this.cache.flushContext(pcid);
    this.#tlb.forget(pcid);
  }

  /** Forgets all pages that are not global. */
  flushContexts(): void {
    this.cache.flushContexts();
    this.#tlb.forgetAll();
  }

  /** Forgets the translations of one page: INVLPG, and INVPCID, which leaves global ones. */
  invalidatePage(address: Address, pcid: number = this.#rules.pcid, global = true): void {
    const linear = pageStart(address);
    this.cache.drop(linear, pcid, global);
    this.#forgetPieces(linear, PAGE_SHIFT);
  }

  /** Four bytes of physical memory as the processor reads them by itself. */
  readPhysical(physicalAddress: number): number {
    return this.#readTable(physicalAddress);
  }

  /** The same for a debugger, without side effects of devices. */
  peekPhysical(physicalAddress: number): number {
    return this.#peekTable(physicalAddress);
  }

  /**
   * The physical address for an access that does not cross a page; raises a page fault where it is not allowed. `low` is
   * added: where numbers are not exact, the linear address is the beginning of the page.
   */
  translate(linear: number, access: number, low = 0): number {
    const physical = this.find(linear, access, low);
    return physical >= 0 ? physical : this.#observer.pageFault(plus(linear, low), this.faultCode);
  }

  /** As `translate`; -1 with a `faultCode` instead of the fault. */
  find(linear: number, access: number, low = 0): number {
    const rules = this.#rules;
    // Without page tables there are 32 bits, whatever a debugger has put into the registers of long mode.
    if (rules.levels === LEVELS_NONE) return this.#gated((linear + low) >>> 0);
    const at = this.cache.find(linear, rules.pcid);
    if (at >= 0 && ((access & ACCESS_WRITE) === 0 || this.cache.isDirtyAt(at))) {
      this.cache.readRights(at, this.#rights);
      if (rightsFaultOf(rules, this.#rights, access) < 0) {
        return this.#gated(this.cache.frameAt(at) + offsetIn(linear, this.cache.shiftAt(at)) + low);
      }
    }
    return this.#walkFor(linear, access, low);
  }

  /** The physical address without side effects; undefined where nothing is mapped. Any privilege will do. */
  peek(address: Address): number | undefined {
    if (this.#rules.levels === LEVELS_NONE) return this.#gated(lowHalf(address) >>> 0);
    const walk = this.#peekWalk;
    const linear = pageStart(address);
    walkTables(walk, this.#rules, this.#peekTable, linear);
    const offset = offsetIn(linear, walk.shift) + offsetInPage(address);
    return walk.end === 'mapped' ? this.#gated(walk.frame + offset) : undefined;
  }

  #walkFor(linear: number, access: number, low: number): number {
    const rules = this.#rules;
    const walk = this.#walk;
    walkTables(walk, rules, this.#readTable, linear);
    const error = pageFaultOf(rules, walk, access);
    if (error >= 0) {
      this.invalidatePage(linear);
      this.faultCode = error;
      return -1;
    }
    const dirty = walk.dirty || (access & ACCESS_WRITE) !== 0;
    this.#markUsed(walk, dirty);
    this.cache.fill(linear, rules.pcid, walk, walk.global && rules.globalPages, dirty);
    return this.#gated(walk.frame + offsetIn(linear, walk.shift) + low);
  }

  /** Sets the accessed flag of every entry, and the dirty flag of the last. */
  #markUsed(walk: PageWalk, dirty: boolean): void {
    for (let n = 0; n < walk.count; n++) {
      const low = walk.low[n] as number;
      const flags = ENTRY_ACCESSED | (dirty && n === walk.count - 1 ? ENTRY_DIRTY : 0);
      if ((low & flags) === flags) continue;
      const address = this.#gated(walk.addresses[n] as number);
      this.#map.write(address, 4, (low | flags) >>> 0, 'tables');
      this.#observer.tableWritten(address);
    }
  }

  /** Compiled code may have any piece of a large page; of a small one it has one entry. */
  #forgetPieces(linear: number, shift: number): void {
    if (shift !== PAGE_SHIFT) {
      this.#tlb.forgetAll();
      return;
    }
    this.#tlb.dropPage(linear);
    this.#observer.pageDropped(linear);
  }

  /** The address as the A20 gate lets it through. */
  #gated(address: number): number {
    return this.#map.throughGate(address);
  }
}

/** Distance from the beginning of the page of a size. */
function offsetIn(linear: number, shift: number): number {
  if (shift === PAGE_SHIFT) return linear & (PAGE_SIZE - 1);
  return linear & (2 ** shift - 1);
}
