/** What a memory view shows, read from the guest: bytes, what is known of each, and where registers point. */
import {
  ADDRESS_MAX,
  type AddressWidths,
  BYTE_CHANGED,
  BYTE_DIFFERS,
  BYTE_MAPPED,
  type MemoryPointer,
  type MemorySpace,
  SHOWN_MAX,
} from '../protocol/memory.ts';
import type { Guest } from './guest.ts';
import type { MemoryMoment } from './memory-feed-moment.ts';
import { memoryPointers } from './memory-feed-pointers.ts';
import { type MemoryPages, PAGE_SIZE } from './memory-feed-pages.ts';
import { readPlace } from './places.ts';

/** What to read, and what to compare it with. */
export interface BlockOrder {
  readonly space: MemorySpace;
  readonly address: number;
  readonly length: number;
  readonly pages: MemoryPages;
  readonly kept: MemoryMoment | undefined;
  readonly running: boolean;
}

/** A block as it is sent, its buffers still ours. */
export interface ShownBlock {
  readonly space: MemorySpace;
  readonly address: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly marks: Uint8Array<ArrayBuffer>;
  readonly kept?: Uint8Array<ArrayBuffer>;
  readonly pointers: readonly MemoryPointer[];
  readonly widths: AddressWidths;
}

export function readBlock(guest: Guest, order: BlockOrder): ShownBlock {
  const { space, address, kept } = order;
  const length = Math.max(0, Math.min(order.length, SHOWN_MAX, endOf(guest, space, address) - address));
  const block: ShownBlock = {
    space,
    address,
    bytes: new Uint8Array(length),
    marks: new Uint8Array(length),
    ...(kept ? { kept: new Uint8Array(length) } : {}),
    // While the guest runs, registers would only flicker.
    pointers: order.running ? [] : memoryPointers(guest),
    widths: widthsOf(guest),
  };
  const end = address + length;
  for (let page = Math.floor(address / PAGE_SIZE) * PAGE_SIZE; page < end; page += PAGE_SIZE)
    readPart(guest, order, block, page);
  return block;
}

/** The end of the half of a space that an address lies in. */
function endOf(guest: Guest, space: MemorySpace, address: number): number {
  if (address < 0) return 0;
  const { linear, physical } = widthsOf(guest);
  return space === 'linear' && linear === 32 ? 2 ** 32 : space === 'physical' ? 2 ** physical : ADDRESS_MAX + 1;
}

function widthsOf(guest: Guest): AddressWidths {
  const { levels, physicalBits } = guest.vcpu.paging.rules;
  const linear = levels === 5 ? 57 : levels === 4 ? 48 : 32;
  return { linear, physical: Math.max(32, physicalBits), shown: guest.addressWidth };
}

/** The part of a block that lies in one page. */
function readPart(guest: Guest, { space, pages, kept, running }: BlockOrder, block: ShownBlock, page: number): void {
  const start = Math.max(page, block.address);
  const end = Math.min(page + PAGE_SIZE, block.address + block.bytes.length);
  pages.watch(guest, space, page);
  const bytes = readPlace(guest, { space, address: start }, end - start);
  const earlier = pages.earlier(guest, { space, address: page }, running);
  const physical = space === 'physical' ? page : guest.translate(page);
  const then = physical === undefined ? undefined : kept?.page(physical);
  const at = start - block.address;
  block.bytes.set(bytes, at);
  if (then) block.kept?.set(then.subarray(start - page, end - page), at);
  for (let index = 0; index < bytes.length; index++) {
    const inPage = start - page + index;
    const changed = earlier !== undefined && inPage < earlier.length && earlier[inPage] !== bytes[index];
    const differs = then !== undefined && then[inPage] !== bytes[index];
    block.marks[at + index] = BYTE_MAPPED | (changed ? BYTE_CHANGED : 0) | (differs ? BYTE_DIFFERS : 0);
  }
}

/** Whether two blocks would look the same. */
export function sameBlock(left: ShownBlock, right: ShownBlock): boolean {
  return (
    left.space === right.space &&
    left.address === right.address &&
    sameBytes(left.bytes, right.bytes) &&
    sameBytes(left.marks, right.marks) &&
    JSON.stringify([left.pointers, left.widths]) === JSON.stringify([right.pointers, right.widths])
  );
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index]);
}
