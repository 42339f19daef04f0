/**
 * The walk of the page tables for one linear address (SDM vol. 3A §4.3–§4.5): finds the entries and what they say
 * together, or where the walk ends and why. It reads memory and changes nothing.
 */
import { LEVELS_32_BIT, LEVELS_PAE, type PagingRules } from './paging-rules.ts';
import { PAGE_SHIFT, PAGE_SIZE } from './layout.ts';

export const ENTRY_PRESENT = 1 << 0;
export const ENTRY_WRITABLE = 1 << 1;
export const ENTRY_USER = 1 << 2;
export const ENTRY_ACCESSED = 1 << 5;
export const ENTRY_DIRTY = 1 << 6;
export const ENTRY_LARGE = 1 << 7;
export const ENTRY_GLOBAL = 1 << 8;
/** In the high half of an entry of eight bytes. */
export const ENTRY_HIGH_NO_EXECUTE = 0x8000_0000;

const LEVELS_MAX = 5;
const TABLE_LOW = 0xffff_f000;
/** Bits 32–51: what the high half of an entry may hold of a physical address. */
const FRAME_HIGH = 0xf_ffff;
const HIGH_HALF = 2 ** 32;
/** Powers of two, which take longer to compute. */
const POWERS: readonly number[] = Array.from({ length: 64 }, (_, n) => 2 ** n);
/** Bits 52–62 of an entry of eight bytes; PAE paging reserves them. */
const PAE_RESERVED_HIGH = 0x7ff0_0000;
/** Bits 59–62 hold the protection key. */
const KEY_SHIFT = 27;

/** How a walk ended. */
export type WalkEnd = 'mapped' | 'not present' | 'reserved bit';

/** Reads four aligned bytes of physical memory, unsigned. */
export type TableReader = (physicalAddress: number) => number;

/** The result of a walk; one object serves many. Entries are in order, the first table's first. */
export class PageWalk {
  end: WalkEnd = 'not present';
  /** Entries read, those of PAE's pointer registers not included. */
  count = 0;
  readonly addresses: Float64Array = new Float64Array(LEVELS_MAX);
  readonly low: Uint32Array = new Uint32Array(LEVELS_MAX);
  readonly high: Uint32Array = new Uint32Array(LEVELS_MAX);
  /** Bits of the linear address that the last entry leaves: 12, 21, 22, 30. */
  shift = PAGE_SHIFT;
  /** Physical address of the page; all of what follows only if it is mapped. */
  frame = 0;
  /** What all entries together allow. */
  writable = false;
  user = false;
  executable = false;
  global = false;
  dirty = false;
  key = 0;
}

/** Walks the tables for a linear address; in the modes of 32-bit addresses it is unsigned, in the others signed. */
export function walkTables(walk: PageWalk, rules: PagingRules, read: TableReader, linear: number): void {
  walk.count = 0;
  walk.writable = true;
  walk.user = true;
  walk.executable = true;
  const walkMode = rules.levels === LEVELS_32_BIT ? walk32 : walkWide;
  walk.end = walkMode(walk, rules, read, linear);
}

/** Two levels of entries of four bytes. */
function walk32(walk: PageWalk, rules: PagingRules, read: TableReader, linear: number): WalkEnd {
  const directory = enter32(walk, read, rules.root + (linear >>> 22) * 4);
  if ((directory & ENTRY_PRESENT) === 0) return 'not present';
  if (rules.largePages && (directory & ENTRY_LARGE) !== 0) {
    if ((directory & reservedOfLargePage32(rules)) !== 0) return 'reserved bit';
    return map(walk, 22, frameOfLargePage32(rules, directory));
  }
  const table = (directory & TABLE_LOW) >>> 0;
  const entry = enter32(walk, read, table + ((linear >>> 12) & 0x3ff) * 4);
  if ((entry & ENTRY_PRESENT) === 0) return 'not present';
  return map(walk, PAGE_SHIFT, (entry & TABLE_LOW) >>> 0);
}

/** Bits 13–20 are bits 32–39 of the frame as far as there are so many; bit 21 is reserved. */
function reservedOfPse36(physicalBits: number): number {
  const used = Math.min(Math.max(physicalBits - 32, 0), 8);
  return 0x20_0000 | (0x1f_e000 & ~((2 ** used - 1) << 13));
}

/** Reserved bits of the entry of a page of 4 MiB. */
export function reservedOfLargePage32({ pse36, physicalBits }: PagingRules): number {
  return pse36 ? reservedOfPse36(physicalBits) : 0x3f_e000;
}

export function frameOfLargePage32({ pse36 }: PagingRules, low: number): number {
  const frameHigh = pse36 ? (low >>> 13) & 0xff : 0;
  return frameHigh * HIGH_HALF + ((low & 0xffc0_0000) >>> 0);
}

function enter32(walk: PageWalk, read: TableReader, address: number): number {
  const n = walk.count++;
  const entry = read(address);
  walk.addresses[n] = address;
  walk.low[n] = entry;
  walk.high[n] = 0;
  restrict(walk, entry);
  return entry;
}

/** Two to five levels of entries of eight bytes in memory. */
function walkWide(walk: PageWalk, rules: PagingRules, read: TableReader, linear: number): WalkEnd {
  const pae = rules.levels === LEVELS_PAE;
  let table = rules.root;
  let level = rules.levels as number;
  if (pae) {
    const pointer = (linear >>> 30) * 2;
    const low = rules.pointers[pointer] as number;
    if ((low & ENTRY_PRESENT) === 0) return 'not present';
    table = frameOf(low, rules.pointers[pointer + 1] as number);
    level--;
  }
  const page = Math.floor(linear / PAGE_SIZE);
  for (; ; level--) {
    const shift = 9 * (level - 1);
    const n = walk.count++;
    const address = table + (Math.floor(page / (POWERS[shift] as number)) & 0x1ff) * 8;
    const low = read(address);
    const high = read(address + 4);
    walk.addresses[n] = address;
    walk.low[n] = low;
    walk.high[n] = high;
    if ((low & ENTRY_PRESENT) === 0) return 'not present';
    const isPage = level === 1 || ((low & ENTRY_LARGE) !== 0 && mayBeLarge(rules, level));
    if (hasReservedBit(rules, low, high, level, isPage)) return 'reserved bit';
    restrict(walk, low);
    if (rules.noExecute && (high & ENTRY_HIGH_NO_EXECUTE) !== 0) walk.executable = false;
    if (isPage) return map(walk, shift + PAGE_SHIFT, frameOf(low, high, shift + PAGE_SHIFT));
    table = frameOf(low, high);
  }
}

/** Whether a table of a level may hold pages: of 4 MiB by CR4.PSE, of 2 MiB always, of 1 GiB by the processor's model. */
export function mayBeLarge(rules: PagingRules, level: number): boolean {
  if (level === 2) return rules.largePages;
  return level === 3 && rules.gigabytePages && rules.levels !== LEVELS_PAE;
}

/** Of an entry of eight bytes that is present. */
export function hasReservedBit(rules: PagingRules, low: number, high: number, level: number, isPage: boolean): boolean {
  let reservedHigh = FRAME_HIGH & ~((POWERS[Math.max(rules.physicalBits - 32, 0)] as number) - 1);
  if (rules.levels === LEVELS_PAE) reservedHigh |= PAE_RESERVED_HIGH;
  if (!rules.noExecute) reservedHigh |= ENTRY_HIGH_NO_EXECUTE;
  if ((high & reservedHigh) !== 0) return true;
  if (!isPage) return level > 1 && (low & ENTRY_LARGE) !== 0;
  // Above bit 12, which is a PAT bit, the frame of a large page is aligned.
  if (level === 2) return (low & 0x1f_e000) !== 0;
  return level === 3 && (low & 0x3fff_e000) !== 0;
}

/** What an entry of eight bytes holds of a physical address, down to a page of that shift. */
export function frameOf(low: number, high: number, shift: number = PAGE_SHIFT): number {
  const mask = -(POWERS[shift] as number) | 0;
  return (high & FRAME_HIGH) * HIGH_HALF + ((low & mask) >>> 0);
}

function restrict(walk: PageWalk, low: number): void {
  if ((low & ENTRY_WRITABLE) === 0) walk.writable = false;
  if ((low & ENTRY_USER) === 0) walk.user = false;
}

function map(walk: PageWalk, shift: number, frame: number): WalkEnd {
  const last = walk.count - 1;
  const low = walk.low[last] as number;
  walk.shift = shift;
  walk.frame = frame;
  walk.global = (low & ENTRY_GLOBAL) !== 0;
  walk.dirty = (low & ENTRY_DIRTY) !== 0;
  walk.key = ((walk.high[last] as number) >>> KEY_SHIFT) & 0xf;
  return 'mapped';
}
