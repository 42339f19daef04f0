/**
 * Memory by linear address, the slow way: translation, devices, pages with code, watched places (DESIGN §4). Fills the
 * TLB so that the next access of the page is fast, where nothing has to be noticed.
 *
 * Linear addresses are unsigned in the modes where they have 32 bits, and signed in 64-bit mode. Within this file they are
 * numbers: those for which numbers are not exact are the beginning of a page, and `low` is the distance from there.
 */
import { type Address, offsetInPage, pageStart, plus } from '../state/address.ts';
import { PAGE_SIZE } from './layout.ts';
import { ACCESS_FETCH, ACCESS_IMPLICIT, ACCESS_WRITE } from './page-access.ts';
import { LEVELS_LONG } from './paging-rules.ts';
import { type MemoryWindow, type PhysicalMap, readView } from './physical-map.ts';
import type { Tlb } from './tlb.ts';
import type { Translator } from './translator.ts';

/** Of an access, in bytes; others do not come. */
type Size = 1 | 2 | 4;

/** Who has to know of accesses. */
export interface AccessObserver {
  /** Address of the code map of a physical page that holds decoded code; 0 if it holds none. */
  codeMapOf(physicalAddress: number): number;
  /** Called after RAM with decoded code was written. */
  codeWritten(physicalAddress: number, size: number): void;
  /** Called before RAM is written by an instruction that can be stopped in the middle. */
  overwrites(physicalAddress: number, size: 1 | 2 | 4): void;
  /** True if any place of the page is watched: it gets no TLB entry that serves for all of it. */
  isWatched(linearAddress: number, physicalAddress: number): boolean;
  /** Where a map of the page's watched bytes is, if all others may be accessed without a call of `accessed`; 0 otherwise. */
  watchMapOf(linearAddress: number, physicalAddress: number): number;
  /** Called for each access to a watched page, before it is made; it does not cross the page. */
  accessed(linearAddress: Address, physicalAddress: number, size: number, kind: 'read' | 'write'): void;
  /** Called for each access of an instruction first; raises the fault of one that is not aligned as it must be. */
  checkAlignment(linearAddress: Address, size: number): void;
  /** True while some accesses are checked. */
  checksAlignment(): boolean;
  /** True if the addresses of instructions have 64 bits. */
  is64BitMode(): boolean;
}

export class LinearMemory {
  /** A page of the processor's own, which stands before whatever else is at its physical address. */
  ownPage: MemoryWindow | undefined;
  readonly #map: PhysicalMap;
  readonly #tlb: Tlb;
  readonly #translator: Translator;
  readonly #observer: AccessObserver;
  #mayLieAnywhere = false;

  constructor(map: PhysicalMap, tlb: Tlb, translator: Translator, observer: AccessObserver) {
    this.#map = map;
    this.#tlb = tlb;
    this.#translator = translator;
    this.#observer = observer;
  }

  /** The physical address that an instruction is fetched from; raises a page fault where that is not allowed. */
  translateFetch(linear: Address): number {
    return this.#translator.translate(startOf(linear), this.#translator.ordinaryAccess | ACCESS_FETCH, lowOf(linear));
  }

  /** Makes accesses that may lie anywhere, whatever is asked of alignment. */
  unaligned<Result>(access: () => Result): Result {
    const before = this.#mayLieAnywhere;
    this.#mayLieAnywhere = true;
    try {
      return access();
    } finally {
      this.#mayLieAnywhere = before;
    }
  }

  #checkAlignment(linear: Address, size: number): void {
    if (!this.#mayLieAnywhere) this.#observer.checkAlignment(linear, size);
  }

  /** False where an instruction's access raises a page fault before anything else, with this error code. */
  isMapped(linear: Address, isWrite: boolean): boolean {
    if (this.#observer.checksAlignment()) return true;
    const access = this.#translator.ordinaryAccess;
    return this.#translator.find(startOf(linear), isWrite ? access | ACCESS_WRITE : access, lowOf(linear)) >= 0;
  }

  get faultCode(): number {
    return this.#translator.faultCode;
  }

  /** Loads as instructions do, at the current privilege. */
  read(linear: Address, size: number): number {
    this.#checkAlignment(linear, size);
    return this.#read(startOf(linear), lowOf(linear), size, this.#translator.ordinaryAccess);
  }

  write(linear: Address, size: number, value: number): void {
    this.#checkAlignment(linear, size);
    this.#write(startOf(linear), lowOf(linear), size, value, this.#translator.ordinaryAccess | ACCESS_WRITE);
  }

  /** Reads what will be written: everything that can forbid the write is found now. */
  readForWrite(linear: Address, size: number): number {
    this.requireWritable(linear, size);
    return this.read(linear, size);
  }

  /** Finds everything that forbids a read of so many bytes, at most a page, before a device is asked for a part of them. */
  requireReadable(linear: Address, size: number): void {
    this.#checkAlignment(linear, size);
    const [at, low] = [startOf(linear), lowOf(linear)];
    if (!crosses(at, low, size)) return;
    const access = this.#translator.ordinaryAccess;
    this.#translator.translate(at, access, low);
    this.#translator.translate(this.#nextPage(at, access), access);
  }

  /** Finds everything that forbids a write of so many bytes, at most a page. */
  requireWritable(linear: Address, size: number): void {
    this.#checkAlignment(linear, size);
    const access = this.#translator.ordinaryAccess | ACCESS_WRITE;
    const [at, low] = [startOf(linear), lowOf(linear)];
    this.#translator.translate(at, access, low);
    if (crosses(at, low, size)) this.#translator.translate(this.#nextPage(at, access), access);
  }

  /** Forgets where a range of host addresses is reached without asking. */
  dropHosts(start: number, end: number): void {
    this.#tlb.dropHosts(start, end);
  }

  /** Reads descriptor tables and task state: as the supervisor, whoever runs. */
  readSystem(linear: Address, size: number): number {
    return this.#read(startOf(linear), lowOf(linear), size, ACCESS_IMPLICIT);
  }

  writeSystem(linear: Address, size: number, value: number): void {
    this.#write(startOf(linear), lowOf(linear), size, value, ACCESS_IMPLICIT | ACCESS_WRITE);
  }

  #read(linear: number, low: number, size: number, access: number): number {
    const physical = this.#translator.translate(linear, access, low);
    if (crosses(linear, low, size)) return this.#readAcross(linear, low, physical, size, access);
    return this.#readPage(linear, low, physical, size, access);
  }

  /** An access that does not cross a page. */
  #readPage(linear: number, low: number, physical: number, size: number, access: number): number {
    if (this.#isOwn(physical)) return this.#accessOwn(linear, low, physical, size);
    const plain = this.#map.hostAddress(physical);
    const host = plain >= 0 ? plain : this.#map.directAddress(physical, false);
    if (this.#observer.isWatched(linear, physical)) {
      this.#observer.accessed(plus(linear, low), physical, size, 'read');
      const watchMap = this.#watchMapOf(linear, physical, access);
      if (plain >= 0 && watchMap !== 0) this.#tlb.allowUnwatchedReads(linear, plain - low, watchMap);
    } else if (host >= 0 && (access & ACCESS_IMPLICIT) === 0) this.#tlb.allowReads(linear, host - low);
    else if (host >= 0) this.#tlb.allowSystemReads(linear, host - low);
    return host >= 0 ? readView(this.#map.view, host, size as Size) : this.#map.read(physical, size as Size);
  }

  #write(linear: number, low: number, size: number, value: number, access: number): void {
    const physical = this.#translator.translate(linear, access, low);
    if (!crosses(linear, low, size)) {
      this.#writePage(linear, low, physical, size, value, access);
      return;
    }
    const second = this.#nextPage(linear, access);
    const secondPhysical = this.#translator.translate(second, access);
    const left = PAGE_SIZE - (linear & (PAGE_SIZE - 1)) - low;
    for (let n = 0; n < size; n++) {
      const byte = (value >>> (8 * n)) & 0xff;
      if (n < left) this.#writePage(linear, low + n, physical + n, 1, byte, access);
      else this.#writePage(second, n - left, secondPhysical + n - left, 1, byte, access);
    }
  }

  #writePage(linear: number, low: number, physical: number, size: number, value: number, access: number): void {
    if (this.#isOwn(physical)) {
      this.#accessOwn(linear, low, physical, size, value);
      return;
    }
    const watched = this.#observer.isWatched(linear, physical);
    if (watched) this.#observer.accessed(plus(linear, low), physical, size, 'write');
    if (!this.#map.isRam(physical)) {
      const direct = watched || (access & ACCESS_IMPLICIT) !== 0 ? -1 : this.#map.directAddress(physical, true);
      if (direct >= 0) this.#tlb.allowWrites(linear, direct - low, 0);
      this.#map.write(physical, size as Size, value);
      return;
    }
    const host = this.#map.hostAddress(physical);
    const codeMap = this.#observer.codeMapOf(physical);
    const watchMap = watched && codeMap === 0 ? this.#watchMapOf(linear, physical, access) : 0;
    if (watchMap !== 0) this.#tlb.allowWrites(linear, host - low, watchMap);
    else if (!watched && (access & ACCESS_IMPLICIT) === 0) this.#tlb.allowWrites(linear, host - low, codeMap);
    else if (!watched) this.#tlb.allowSystemWrites(linear, host - low, codeMap);
    if (this.#map.accesses.isOpen) this.#observer.overwrites(physical, size as Size);
    this.#map.writeRam(physical, size as Size, value);
    if (codeMap !== 0) this.#observer.codeWritten(physical, size);
    else this.#map.markPlain(physical);
  }

  #watchMapOf(linear: number, physical: number, access: number): number {
    return (access & ACCESS_IMPLICIT) === 0 ? this.#observer.watchMapOf(linear, physical) : 0;
  }

  #isOwn(physical: number): boolean {
    const own = this.ownPage;
    return own !== undefined && physical >= own.start && physical < own.start + own.size;
  }

  /** Reads the processor's own page, or writes a value there. */
  #accessOwn(linear: number, low: number, physical: number, size: number, value?: number): number {
    const own = this.ownPage as MemoryWindow;
    const kind = value === undefined ? 'read' : 'write';
    if (this.#observer.isWatched(linear, physical)) this.#observer.accessed(plus(linear, low), physical, size, kind);
    const offset = physical - own.start;
    if (value === undefined) return this.#map.readWindow(own, offset, size as Size, 'data');
    this.#map.writeWindow(own, offset, size as Size, value, 'data');
    return 0;
  }

  #readAcross(linear: number, low: number, physical: number, size: number, access: number): number {
    const second = this.#nextPage(linear, access);
    const secondPhysical = this.#translator.translate(second, access);
    const left = PAGE_SIZE - (linear & (PAGE_SIZE - 1)) - low;
    let value = 0;
    for (let n = 0; n < size; n++) {
      const byte =
        n < left
          ? this.#readPage(linear, low + n, physical + n, 1, access)
          : this.#readPage(second, n - left, secondPhysical + n - left, 1, access);
      value += byte * 2 ** (8 * n);
    }
    return value;
  }

  /**
   * The beginning of the next page. The address space of 32 bits has no end, neither has that of compatibility mode, where
   * the accesses that the processor makes by itself have 64 bits.
   */
  #nextPage(linear: number, access: number): number {
    const next = linear - (linear & (PAGE_SIZE - 1)) + PAGE_SIZE;
    const isShort = (access & ACCESS_IMPLICIT) === 0 && !this.#observer.is64BitMode();
    return isShort || this.#translator.rules.levels < LEVELS_LONG ? next >>> 0 : next;
  }
}

function crosses(linear: number, low: number, size: number): boolean {
  return (linear & (PAGE_SIZE - 1)) + low + size > PAGE_SIZE;
}

/** An address as a number: itself, or the beginning of its page where it is not exact. */
function startOf(linear: Address): number {
  return typeof linear === 'number' ? linear : pageStart(linear);
}

/** What that leaves of it. */
function lowOf(linear: Address): number {
  return typeof linear === 'number' ? 0 : offsetInPage(linear);
}
