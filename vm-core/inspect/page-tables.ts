/**
 * The page tables as a debugger shows them (SDM vol. 3A §4.3–§4.5): the entries of one table, and what of the linear
 * address space is mapped, in merged ranges. Everything is read without side effects.
 */
import { LEVELS_32_BIT, LEVELS_LONG, LEVELS_NONE, LEVELS_PAE, type PagingRules } from '../memory/paging-rules.ts';
import {
  ENTRY_ACCESSED,
  ENTRY_DIRTY,
  ENTRY_GLOBAL,
  ENTRY_HIGH_NO_EXECUTE,
  ENTRY_LARGE,
  ENTRY_PRESENT,
  ENTRY_USER,
  ENTRY_WRITABLE,
  frameOf,
  frameOfLargePage32,
  hasReservedBit,
  mayBeLarge,
  reservedOfLargePage32,
  type TableReader,
} from '../memory/page-walk.ts';

import type { ShownRules } from './given-root.ts';

/** Attributes of an entry or a range, as bits; those of a range are what all levels together give. */
export const PAGE_WRITABLE = 1 << 0;
export const PAGE_USER = 1 << 1;
export const PAGE_NO_EXECUTE = 1 << 2;
export const PAGE_GLOBAL = 1 << 3;
export const PAGE_ACCESSED = 1 << 4;
export const PAGE_DIRTY = 1 << 5;
/** PWT, PCD and PAT, in this order: the number of an entry of the PAT. */
export const PAGE_PAT_SHIFT = 6;
export const PAGE_PAT_MASK = 0b111 << PAGE_PAT_SHIFT;
export const PAGE_KEY_SHIFT = 9;
export const PAGE_KEY_MASK = 0b1111 << PAGE_KEY_SHIFT;

const ENTRY_WRITE_THROUGH = 1 << 3;
const ENTRY_CACHE_DISABLE = 1 << 4;
const PAT_IN_PAGE = 1 << 7;
const PAT_IN_LARGE_PAGE = 1 << 12;
const KEY_SHIFT = 27;

/** A table in physical memory: `level` 1 holds pages; `linear` is the first address that it translates. */
export interface PageTable {
  readonly level: number;
  readonly address: number;
  readonly linear: number;
}

export type EntryKind = 'not present' | 'table' | 'page' | 'reserved bit';

/** One entry of a table. */
export interface PageTableEntry {
  readonly index: number;
  /** Where the entry lies, in physical memory; negative for the pointer registers of PAE paging. */
  readonly address: number;
  readonly low: number;
  readonly high: number;
  readonly kind: EntryKind;
  /** The linear addresses that it translates. */
  readonly linear: number;
  readonly size: number;
  /** Physical address of the next table or of the page. */
  readonly target: number;
  /** Of this entry alone. */
  readonly attributes: number;
}

/** Adjacent pages with equal attributes whose frames are adjacent too. */
export interface MappedRange {
  readonly linear: number;
  readonly size: number;
  readonly physical: number;
  readonly attributes: number;
  /** Of its pages, in bytes. */
  readonly pageSize: number;
}

/** Bytes of an entry, and how many linear bits a table resolves. */
const entrySize = (rules: PagingRules): 4 | 8 => (rules.levels === LEVELS_32_BIT ? 4 : 8);
const indexBits = (rules: PagingRules): number => (rules.levels === LEVELS_32_BIT ? 10 : 9);

/** The first table; undefined without paging. */
export function rootTable({ levels, root }: PagingRules): PageTable | undefined {
  return levels === LEVELS_NONE ? undefined : { level: levels, address: root, linear: 0 };
}

/** How many entries a table has. */
export function entryCount(rules: PagingRules, { level }: PageTable): number {
  if (rules.levels === LEVELS_PAE && level === LEVELS_PAE) return 4;
  return 1 << indexBits(rules);
}

/** Reads one entry of a table. */
export function readEntry(rules: ShownRules, read: TableReader, table: PageTable, index: number): PageTableEntry {
  const bytes = entrySize(rules);
  const { level } = table;
  const isPointer = rules.levels === LEVELS_PAE && level === LEVELS_PAE;
  const ofRegisters = isPointer && !rules.pointersInMemory;
  const address = ofRegisters ? -1 - index : table.address + index * bytes;
  const low = ofRegisters ? (rules.pointers[index * 2] as number) : read(address);
  const high = bytes === 4 ? 0 : ofRegisters ? (rules.pointers[index * 2 + 1] as number) : read(address + 4);
  const shift = 12 + indexBits(rules) * (level - 1);
  const size = 2 ** shift;
  const kind = kindOf(rules, level, low, high, isPointer);
  return {
    index,
    address,
    low,
    high,
    kind,
    linear: canonical(rules, table.linear + index * size),
    size,
    target: targetOf(rules, low, high, kind === 'page' ? shift : 12),
    attributes: isPointer ? PAGE_WRITABLE | PAGE_USER : attributesOf(low, high, level, kind),
  };
}

/** Whether an entry is present, which is much less than all of it. */
function isPresent(rules: ShownRules, read: TableReader, { level, address }: PageTable, index: number): boolean {
  if (rules.levels === LEVELS_PAE && level === LEVELS_PAE && !rules.pointersInMemory) return true;
  return (read(address + index * entrySize(rules)) & ENTRY_PRESENT) !== 0;
}

/** All entries of a table. */
export function readTable(rules: ShownRules, read: TableReader, table: PageTable): readonly PageTableEntry[] {
  return Array.from({ length: entryCount(rules, table) }, (_, index) => readEntry(rules, read, table, index));
}

/** The table that an entry of another one points to. */
export function tableOf({ level }: PageTable, entry: PageTableEntry): PageTable {
  return { level: level - 1, address: entry.target, linear: entry.linear };
}

/** What an entry allows below what the tables above it do. */
export function combined(above: number, own: number): number {
  const both = above & own & (PAGE_WRITABLE | PAGE_USER);
  return both | ((above | own) & PAGE_NO_EXECUTE) | (own & ~(PAGE_WRITABLE | PAGE_USER | PAGE_NO_EXECUTE));
}

const ALLOWS_ALL = PAGE_WRITABLE | PAGE_USER;
/** Accessed and dirty flags change by themselves; they do not part ranges. */
const PARTS_RANGES = ~(PAGE_ACCESSED | PAGE_DIRTY);

/**
 * The mapped ranges in the order of tables. After each table it yields undefined, so that whoever asks can stop or let
 * others have their turn: tables that point to themselves map more than can ever be looked at.
 */
export function* mappedRanges(
  rules: ShownRules,
  read: TableReader,
  root: PageTable,
): Generator<MappedRange | undefined, void, void> {
  let open: MappedRange | undefined;
  const stack: { readonly table: PageTable; readonly attributes: number; next: number }[] = [
    { table: root, attributes: ALLOWS_ALL, next: 0 },
  ];
  for (let top = stack.at(-1); top; top = stack.at(-1)) {
    const count = entryCount(rules, top.table);
    let descended = false;
    while (top.next < count && !descended) {
      // Most entries of most tables are not present, and need not be looked at any closer.
      if (!isPresent(rules, read, top.table, top.next)) {
        top.next++;
        continue;
      }
      const entry = readEntry(rules, read, top.table, top.next++);
      if (entry.kind === 'table') {
        stack.push({
          table: tableOf(top.table, entry),
          attributes: combined(top.attributes, entry.attributes),
          next: 0,
        });
        descended = true;
      } else if (entry.kind === 'page') {
        const page = rangeOf(entry, combined(top.attributes, entry.attributes));
        const merged = open && merge(open, page);
        if (open && !merged) yield open;
        open = merged ?? page;
      }
    }
    if (!descended) {
      stack.pop();
      yield undefined;
    }
  }
  if (open) yield open;
}

function rangeOf({ linear, size, target }: PageTableEntry, attributes: number): MappedRange {
  return { linear, size, physical: target, attributes, pageSize: size };
}

function merge(a: MappedRange, b: MappedRange): MappedRange | undefined {
  const adjacent = a.linear + a.size === b.linear && a.physical + a.size === b.physical;
  if (!adjacent || a.pageSize !== b.pageSize || ((a.attributes ^ b.attributes) & PARTS_RANGES) !== 0) return undefined;
  return { ...a, size: a.size + b.size, attributes: a.attributes | b.attributes };
}

function kindOf(rules: PagingRules, level: number, low: number, high: number, isPointer: boolean): EntryKind {
  if ((low & ENTRY_PRESENT) === 0) return 'not present';
  if (isPointer) return 'table';
  const isPage = level === 1 || ((low & ENTRY_LARGE) !== 0 && mayBeLarge(rules, level));
  if (entrySize(rules) === 8 && hasReservedBit(rules, low, high, level, isPage)) return 'reserved bit';
  if (entrySize(rules) === 4 && isPage && level === 2 && (low & reservedOfLargePage32(rules)) !== 0)
    return 'reserved bit';
  return isPage ? 'page' : 'table';
}

function targetOf(rules: PagingRules, low: number, high: number, shift: number): number {
  if (rules.levels === LEVELS_32_BIT && shift > 12) return frameOfLargePage32(rules, low);
  return frameOf(low, high, shift);
}

function attributesOf(low: number, high: number, level: number, kind: EntryKind): number {
  let attributes = 0;
  if ((low & ENTRY_WRITABLE) !== 0) attributes |= PAGE_WRITABLE;
  if ((low & ENTRY_USER) !== 0) attributes |= PAGE_USER;
  if ((high & ENTRY_HIGH_NO_EXECUTE) !== 0) attributes |= PAGE_NO_EXECUTE;
  if ((low & ENTRY_ACCESSED) !== 0) attributes |= PAGE_ACCESSED;
  const pat = (low & ENTRY_WRITE_THROUGH ? 1 : 0) | (low & ENTRY_CACHE_DISABLE ? 2 : 0);
  if (kind !== 'page') return attributes | (pat << PAGE_PAT_SHIFT);
  if ((low & ENTRY_DIRTY) !== 0) attributes |= PAGE_DIRTY;
  if ((low & ENTRY_GLOBAL) !== 0) attributes |= PAGE_GLOBAL;
  const patBit = low & (level === 1 ? PAT_IN_PAGE : PAT_IN_LARGE_PAGE) ? 4 : 0;
  return attributes | ((pat | patBit) << PAGE_PAT_SHIFT) | (((high >>> KEY_SHIFT) & 0xf) << PAGE_KEY_SHIFT);
}

/** In long mode the upper half of the addresses is negative. */
function canonical(rules: PagingRules, linear: number): number {
  if (rules.levels < LEVELS_LONG) return linear;
  const end = 2 ** (12 + 9 * rules.levels);
  return linear >= end / 2 ? linear - end : linear;
}
