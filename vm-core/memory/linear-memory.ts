/**
 * Memory by linear address, the slow way: translation, the A20 gate, devices, pages with code, watched places
 * (DESIGN §4). Fills the TLB so that the next access of the page is fast, where nothing has to be noticed.
 */
import { PAGE_SIZE } from './layout.ts';
import { type PhysicalMap, writeView, readView } from './physical-map.ts';
import type { Tlb } from './tlb.ts';

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
}

export class LinearMemory {
  readonly #map: PhysicalMap;
  readonly #tlb: Tlb;
  readonly #observer: AccessObserver;

  constructor(map: PhysicalMap, tlb: Tlb, observer: AccessObserver) {
    this.#map = map;
    this.#tlb = tlb;
    this.#observer = observer;
  }

  /** The physical address of a linear one. Without paging only the A20 gate is in between. */
  translate(linear: number): number {
    return (linear & this.#map.a20Mask) >>> 0;
  }

  read(linear: number, size: Size): number {
    if ((linear & (PAGE_SIZE - 1)) + size > PAGE_SIZE) return this.#readAcross(linear, size);
    const physical = this.translate(linear);
    const host = this.#map.hostAddress(physical);
    if (this.#observer.isWatched(linear, physical)) this.#observer.accessed(linear, physical, size, 'read');
    else if (host >= 0) this.#tlb.allowReads(linear, host);
    return host >= 0 ? readView(this.#map.view, host, size) : this.#map.read(physical, size);
  }

  write(linear: number, size: Size, value: number): void {
    if ((linear & (PAGE_SIZE - 1)) + size > PAGE_SIZE) {
      for (let n = 0; n < size; n++) this.write((linear + n) >>> 0, 1, (value >>> (8 * n)) & 0xff);
      return;
    }
    const physical = this.translate(linear);
    const watched = this.#observer.isWatched(linear, physical);
    if (watched) this.#observer.accessed(linear, physical, size, 'write');
    if (!this.#map.isRam(physical)) {
      this.#map.write(physical, size, value);
      return;
    }
    const host = this.#map.hostAddress(physical);
    const codeMap = this.#observer.codeMapOf(physical);
    if (!watched) this.#tlb.allowWrites(linear, host, codeMap);
    writeView(this.#map.view, host, size, value);
    if (codeMap !== 0) this.#observer.codeWritten(physical, size);
  }

  #readAcross(linear: number, size: Size): number {
    let value = 0;
    for (let n = 0; n < size; n++) value += this.read((linear + n) >>> 0, 1) * 2 ** (8 * n);
    return value;
  }
}
