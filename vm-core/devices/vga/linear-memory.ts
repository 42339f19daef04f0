/**
 * The 16 MiB of video memory that linear pictures lie in: plain bytes, reached as a whole through the region `linear` or
 * 64 KiB at a time through the VGA's window. Pages that were never written do not exist yet and read as zeros.
 */
import type { DirectMemory, Region } from '../device.ts';
import type { PictureChanges } from './picture-changes.ts';
import type { VgaState } from './vga-state.ts';

export const LINEAR_MEMORY_SIZE = 0x1000000;
export const LINEAR_PAGE_SIZE = 0x10000;
/** What is given to the processor at a time. */
const DIRECT_PAGE_SIZE = 0x1000;
const PAGE_SHIFT = 16;
const PAGE_MASK: number = LINEAR_PAGE_SIZE - 1;

/** Reads up to four bytes; an access does not cross a page. */
export function readLinear(state: VgaState, offset: number, size: number): number {
  const page = state.linearPages[offset >>> PAGE_SHIFT];
  if (page === undefined || page.length === 0) return 0;
  const at = offset & PAGE_MASK;
  let value = page[at] as number;
  if (size > 1) value |= (page[at + 1] as number) << 8;
  if (size > 2) value |= ((page[at + 2] as number) << 16) | ((page[at + 3] as number) << 24);
  return value >>> 0;
}

/** Where the pages come from, and who is told of writes. */
export class LinearStorage {
  readonly #state: VgaState;
  readonly #changes: PictureChanges;
  readonly #direct: DirectMemory | undefined;
  /** The processor may reach some page without asking. */
  #given = false;

  constructor(state: VgaState, changes: PictureChanges, direct: DirectMemory | undefined) {
    this.#state = state;
    this.#changes = changes;
    this.#direct = direct;
    changes.onLook = () => this.#revoke();
  }

  /** Writes up to four bytes; an access does not cross a page. */
  write(offset: number, size: number, value: number): void {
    if (readLinear(this.#state, offset, size) === value) return;
    const page = this.#pageForWrite(offset >>> PAGE_SHIFT);
    const at = offset & PAGE_MASK;
    page[at] = value;
    if (size > 1) page[at + 1] = value >>> 8;
    if (size > 2) {
      page[at + 2] = value >>> 16;
      page[at + 3] = value >>> 24;
    }
    this.#changes.linearChanged(offset);
  }

  /** As `Region.direct`. Pages that do not exist yet are made by their first write. */
  direct(offset: number, willWrite: boolean): number {
    if (!this.#direct) return -1;
    if (willWrite) this.#changes.linearChanged(offset & ~(DIRECT_PAGE_SIZE - 1), DIRECT_PAGE_SIZE);
    const page = willWrite ? this.#pageForWrite(offset >>> PAGE_SHIFT) : this.#state.linearPages[offset >>> PAGE_SHIFT];
    if (page === undefined || page.length === 0) return -1;
    this.#given = true;
    return page.byteOffset + (offset & PAGE_MASK);
  }

  /** The state's pages are others: they move to where the processor reaches them. */
  restored(): void {
    const { linearPages } = this.#state;
    this.#revoke();
    if (!this.#direct) return;
    linearPages.forEach((page, index) => {
      if (page.length === 0) return;
      const place = this.#placeOf(index);
      place.set(page);
      linearPages[index] = place;
    });
  }

  #revoke(): void {
    if (!this.#given) return;
    this.#given = false;
    this.#direct?.revoke();
  }

  #pageForWrite(index: number): Uint8Array {
    const page = this.#state.linearPages[index] as Uint8Array;
    if (page.length !== 0) return page;
    const made = this.#direct ? this.#placeOf(index).fill(0) : new Uint8Array(LINEAR_PAGE_SIZE);
    this.#state.linearPages[index] = made;
    return made;
  }

  #placeOf(index: number): Uint8Array {
    const start = index * LINEAR_PAGE_SIZE;
    return (this.#direct as DirectMemory).bytes.subarray(start, start + LINEAR_PAGE_SIZE);
  }
}

/** Copies bytes out, over pages; the memory goes round at its end. */
export function copyLinear(state: VgaState, offset: number, target: Uint8Array): void {
  for (let done = 0; done < target.length; ) {
    const at = (offset + done) % LINEAR_MEMORY_SIZE;
    const inPage = at & PAGE_MASK;
    const count = Math.min(target.length - done, LINEAR_PAGE_SIZE - inPage);
    const page = state.linearPages[at >>> PAGE_SHIFT] as Uint8Array;
    if (page.length === 0) target.fill(0, done, done + count);
    else target.set(page.subarray(inPage, inPage + count), done);
    done += count;
  }
}

/** The memory region `linear` of the device. */
export function createLinearRegion(state: VgaState, storage: LinearStorage): Region {
  return {
    size: LINEAR_MEMORY_SIZE,
    width: 32,
    read: (offset, size) => readLinear(state, offset, size),
    peek: (offset) => readLinear(state, offset, 1),
    write: (offset, size, value) => storage.write(offset, size, value),
    direct: (offset, willWrite) => storage.direct(offset, willWrite),
  };
}
