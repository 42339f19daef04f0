/**
 * Memory by linear address, the slow way: translation, devices, pages with code, watched places (DESIGN §4). Fills the
 * TLB so that the next access of the page is fast, where nothing has to be noticed.
 *
 * Linear addresses are unsigned in the modes where they have 32 bits, and signed in 64-bit mode.
 */
import { PAGE_SIZE } from './layout.ts';
import { ACCESS_FETCH, ACCESS_IMPLICIT, ACCESS_WRITE } from './page-access.ts';
import { LEVELS_LONG } from './paging-rules.ts';
import { type PhysicalMap, readView } from './physical-map.ts';
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
  /** True if any place of the page is watched: it gets no TLB entry. */
  isWatched(linearAddress: number, physicalAddress: number): boolean;
  /** Called for each access to a watched page, before it is made; it does not cross the page. */
  accessed(linearAddress: number, physicalAddress: number, size: number, kind: 'read' | 'write'): void;
  /** Called for each access of an instruction first; raises the fault of one that is not aligned as it must be. */
  checkAlignment(linearAddress: number, size: number): void;
}

export class LinearMemory {
  readonly #map: PhysicalMap;
  readonly #tlb: Tlb;
  readonly #translator: Translator;
  readonly #observer: AccessObserver;

  constructor(map: PhysicalMap, tlb: Tlb, translator: Translator, observer: AccessObserver) {
    this.#map = map;
    this.#tlb = tlb;
    this.#translator = translator;
    this.#observer = observer;
  }

  /** The physical address that an instruction is fetched from; raises a page fault where that is not allowed. */
  translateFetch(linear: number): number {
    return this.#translator.translate(linear, this.#translator.ordinaryAccess | ACCESS_FETCH);
  }

  /** Loads as instructions do, at the current privilege. */
  read(linear: number, size: number): number {
    this.#observer.checkAlignment(linear, size);
    return this.#read(linear, size, this.#translator.ordinaryAccess);
  }

  write(linear: number, size: number, value: number): void {
    this.#observer.checkAlignment(linear, size);
    this.#write(linear, size, value, this.#translator.ordinaryAccess | ACCESS_WRITE);
  }

  /** Reads what will be written: everything that can forbid the write is found now. */
  readForWrite(linear: number, size: number): number {
    this.requireWritable(linear, size);
    return this.read(linear, size);
  }

  /** Finds what forbids an access of so many bytes that is not aligned to them. */
  requireAligned(linear: number, size: number): void {
    this.#observer.checkAlignment(linear, size);
  }

  /** Finds everything that forbids a write of so many bytes, at most a page. */
  requireWritable(linear: number, size: number): void {
    this.requireAligned(linear, size);
    const access = this.#translator.ordinaryAccess | ACCESS_WRITE;
    this.#translator.translate(linear, access);
    if (crosses(linear, size)) this.#translator.translate(this.#nextPage(linear), access);
  }

  /** Forgets where a range of host addresses is reached without asking. */
  dropHosts(start: number, end: number): void {
    this.#tlb.dropHosts(start, end);
  }

  /** Reads descriptor tables and task state: as the supervisor, whoever runs. */
  readSystem(linear: number, size: number): number {
    return this.#read(linear, size, ACCESS_IMPLICIT);
  }

  writeSystem(linear: number, size: number, value: number): void {
    this.#write(linear, size, value, ACCESS_IMPLICIT | ACCESS_WRITE);
  }

  #read(linear: number, size: number, access: number): number {
    const physical = this.#translator.translate(linear, access);
    if (crosses(linear, size)) return this.#readAcross(linear, physical, size, access);
    return this.#readPage(linear, physical, size, access);
  }

  /** An access that does not cross a page. */
  #readPage(linear: number, physical: number, size: number, access: number): number {
    const plain = this.#map.hostAddress(physical);
    const host = plain >= 0 ? plain : this.#map.directAddress(physical, false);
    if (this.#observer.isWatched(linear, physical)) this.#observer.accessed(linear, physical, size, 'read');
    else if (host >= 0 && (access & ACCESS_IMPLICIT) === 0) this.#tlb.allowReads(linear, host);
    return host >= 0 ? readView(this.#map.view, host, size as Size) : this.#map.read(physical, size as Size);
  }

  #write(linear: number, size: number, value: number, access: number): void {
    const physical = this.#translator.translate(linear, access);
    if (!crosses(linear, size)) {
      this.#writePage(linear, physical, size, value, access);
      return;
    }
    const second = this.#nextPage(linear);
    const secondPhysical = this.#translator.translate(second, access);
    const left = PAGE_SIZE - (linear & (PAGE_SIZE - 1));
    for (let n = 0; n < size; n++) {
      const byte = (value >>> (8 * n)) & 0xff;
      if (n < left) this.#writePage(linear + n, physical + n, 1, byte, access);
      else this.#writePage(second + n - left, secondPhysical + n - left, 1, byte, access);
    }
  }

  #writePage(linear: number, physical: number, size: number, value: number, access: number): void {
    const watched = this.#observer.isWatched(linear, physical);
    if (watched) this.#observer.accessed(linear, physical, size, 'write');
    if (!this.#map.isRam(physical)) {
      const direct = watched || (access & ACCESS_IMPLICIT) !== 0 ? -1 : this.#map.directAddress(physical, true);
      if (direct >= 0) this.#tlb.allowWrites(linear, direct, 0);
      this.#map.write(physical, size as Size, value);
      return;
    }
    const host = this.#map.hostAddress(physical);
    const codeMap = this.#observer.codeMapOf(physical);
    if (!watched && (access & ACCESS_IMPLICIT) === 0) this.#tlb.allowWrites(linear, host, codeMap);
    this.#map.writeRam(physical, size as Size, value);
    if (codeMap !== 0) this.#observer.codeWritten(physical, size);
  }

  #readAcross(linear: number, physical: number, size: number, access: number): number {
    const second = this.#nextPage(linear);
    const secondPhysical = this.#translator.translate(second, access);
    const left = PAGE_SIZE - (linear & (PAGE_SIZE - 1));
    let value = 0;
    for (let n = 0; n < size; n++) {
      const byte =
        n < left
          ? this.#readPage(linear + n, physical + n, 1, access)
          : this.#readPage(second + n - left, secondPhysical + n - left, 1, access);
      value += byte * 2 ** (8 * n);
    }
    return value;
  }

  /** The beginning of the next page; the address space of 32 bits has no end. */
  #nextPage(linear: number): number {
    const next = linear - (linear & (PAGE_SIZE - 1)) + PAGE_SIZE;
    return this.#translator.rules.levels >= LEVELS_LONG ? next : next >>> 0;
  }
}

function crosses(linear: number, size: number): boolean {
  return (linear & (PAGE_SIZE - 1)) + size > PAGE_SIZE;
}
