/**
 * The 16 MiB of video memory that linear pictures lie in: plain bytes, reached as a whole through the region `linear` or
 * 64 KiB at a time through the VGA's window. Pages that were never written do not exist yet and read as zeros.
 */
import type { Region } from '../device.ts';
import type { PictureChanges } from './picture-changes.ts';
import type { VgaState } from './vga-state.ts';

export const LINEAR_MEMORY_SIZE = 0x1000000;
export const LINEAR_PAGE_SIZE = 0x10000;
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

/** Writes up to four bytes; an access does not cross a page. */
export function writeLinear(
  state: VgaState,
  changes: PictureChanges,
  offset: number,
  size: number,
  value: number,
): void {
  if (readLinear(state, offset, size) === value) return;
  const page = pageForWrite(state, offset >>> PAGE_SHIFT);
  const at = offset & PAGE_MASK;
  page[at] = value;
  if (size > 1) page[at + 1] = value >>> 8;
  if (size > 2) {
    page[at + 2] = value >>> 16;
    page[at + 3] = value >>> 24;
  }
  changes.linearChanged(offset);
}

function pageForWrite(state: VgaState, index: number): Uint8Array {
  const page = state.linearPages[index] as Uint8Array;
  if (page.length !== 0) return page;
  const made = new Uint8Array(LINEAR_PAGE_SIZE);
  state.linearPages[index] = made;
  return made;
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
export function createLinearRegion(state: VgaState, changes: PictureChanges): Region {
  return {
    size: LINEAR_MEMORY_SIZE,
    width: 32,
    read: (offset, size) => readLinear(state, offset, size),
    peek: (offset) => readLinear(state, offset, 1),
    write: (offset, size, value) => writeLinear(state, changes, offset, size, value),
  };
}
