/**
 * The walk of one linear address, entry by entry, and in words why an access is allowed or faults (SDM vol. 3A §4.6,
 * §4.7). Nothing is changed, not even accessed and dirty flags.
 */
import { ACCESS_FETCH, ACCESS_UNCHECKED, ACCESS_USER, ACCESS_WRITE, pageFaultOf } from '../memory/page-access.ts';
import { PageWalk, type TableReader, walkTables } from '../memory/page-walk.ts';
import { LEVELS_LONG, LEVELS_NONE, type PagingRules } from '../memory/paging-rules.ts';
import type { ShownRules } from './given-root.ts';
import {
  combined,
  PAGE_NO_EXECUTE,
  PAGE_USER,
  PAGE_WRITABLE,
  type PageTable,
  type PageTableEntry,
  readEntry,
  rootTable,
  tableOf,
} from './page-tables.ts';

/** Who accesses how; `ac` is EFLAGS.AC, which lets a supervisor past SMAP. */
export interface ExplainedAccess {
  readonly kind: 'read' | 'write' | 'fetch';
  readonly privilege: 'supervisor' | 'user';
  readonly ac: boolean;
}

/** An entry on the way. `problem` tells why the walk ends at it; '' where it goes on. */
export interface WalkStep {
  readonly level: number;
  readonly entry: PageTableEntry;
  readonly problem: string;
}

export interface ExplainedWalk {
  readonly steps: readonly WalkStep[];
  /** Where the access goes; undefined if it faults. */
  readonly physical: number | undefined;
  /** The error code of the page fault. */
  readonly errorCode: number | undefined;
  /** What comes of it, in a sentence. */
  readonly result: string;
}

/** Names of the levels' entries in the manual, from level 1 on. */
const ENTRY_NAMES = ['PTE', 'PDE', 'PDPTE', 'PML4E', 'PML5E'];

export function entryName(level: number): string {
  return ENTRY_NAMES[level - 1] ?? `level ${level}`;
}

export function explainWalk(
  rules: ShownRules,
  read: TableReader,
  linear: number,
  access: ExplainedAccess,
): ExplainedWalk {
  if (rules.levels === LEVELS_NONE) {
    return { steps: [], physical: linear, errorCode: undefined, result: 'Paging is off: linear is physical.' };
  }
  if (!isCanonical(rules, linear)) {
    const result = 'The address is not canonical: the access raises #GP or #SS, and no table is read.';
    return { steps: [], physical: undefined, errorCode: undefined, result };
  }
  const entries = entriesOf(rules, read, linear);
  const walk = new PageWalk();
  walkTables(walk, rules, read, linear);
  const error = pageFaultOf(rules, walk, accessBits(access));
  const attributes = entries.reduce((all, { entry }) => combined(all, entry.attributes), PAGE_WRITABLE | PAGE_USER);
  const why = error < 0 ? '' : reasonOf(rules, entries, walk, attributes, access);
  const guilty = error < 0 ? undefined : guiltyEntry(rules, entries, access, why);
  const steps = entries.map(({ level, entry }) => ({ level, entry, problem: entry === guilty ? why : '' }));
  if (error >= 0) return { steps, physical: undefined, errorCode: error, result: faultText(error, why) };
  const physical = walk.frame + (((linear % 2 ** walk.shift) + 2 ** walk.shift) % 2 ** walk.shift);
  return { steps, physical, errorCode: undefined, result: `The ${access.kind} is allowed.` };
}

interface LevelEntry {
  readonly level: number;
  readonly entry: PageTableEntry;
}

function entriesOf(rules: ShownRules, read: TableReader, linear: number): readonly LevelEntry[] {
  const entries: LevelEntry[] = [];
  let table: PageTable | undefined = rootTable(rules);
  while (table) {
    const { level } = table;
    const shift = rules.levels === 2 ? 12 + 10 * (level - 1) : 12 + 9 * (level - 1);
    const index = indexOf(linear, shift, rules.levels === 2 ? 1024 : 512);
    const entry = readEntry(rules, read, table, index);
    entries.push({ level, entry });
    table = entry.kind === 'table' ? tableOf(table, entry) : undefined;
  }
  return entries;
}

function indexOf(linear: number, shift: number, count: number): number {
  const index = Math.floor(linear / 2 ** shift) % count;
  return index < 0 ? index + count : index;
}

function isCanonical({ levels }: PagingRules, linear: number): boolean {
  if (levels < LEVELS_LONG) return linear >= 0 && linear < 2 ** 32;
  const half = 2 ** (11 + 9 * levels);
  return linear >= -half && linear < half;
}

function accessBits({ kind, privilege, ac }: ExplainedAccess): number {
  const who = privilege === 'user' ? ACCESS_USER : ac ? ACCESS_UNCHECKED : 0;
  if (kind === 'read') return who;
  return who | (kind === 'write' ? ACCESS_WRITE : ACCESS_FETCH);
}

function reasonOf(
  rules: PagingRules,
  entries: readonly LevelEntry[],
  walk: PageWalk,
  attributes: number,
  access: ExplainedAccess,
): string {
  const last = entries.at(-1) as LevelEntry;
  const name = entryName(last.level);
  if (walk.end === 'not present') return `the ${name} is not present`;
  if (walk.end === 'reserved bit') return `a reserved bit of the ${name} is set`;
  const isUserPage = (attributes & PAGE_USER) !== 0;
  if (access.privilege === 'user' && !isUserPage) return 'the page is for the supervisor only';
  if (access.kind === 'fetch') {
    if (rules.noExecute && (attributes & PAGE_NO_EXECUTE) !== 0) return 'the page is not executable';
    return 'SMEP: the supervisor may not execute a user page';
  }
  if (access.privilege === 'supervisor' && isUserPage && rules.smap && !access.ac) {
    return 'SMAP: the supervisor may not access a user page while EFLAGS.AC is clear';
  }
  const isWritable = (attributes & PAGE_WRITABLE) !== 0;
  if (access.kind === 'write' && !isWritable && (access.privilege === 'user' || rules.writeProtect)) {
    return access.privilege === 'user' ? 'the page is read-only' : 'the page is read-only, and CR0.WP is set';
  }
  return `protection key ${walk.key} forbids the ${access.kind} (${isUserPage ? 'PKRU' : 'IA32_PKRS'})`;
}

/** The entry that is to blame: the first that takes the right away, or the one at which the walk ends. */
function guiltyEntry(
  rules: PagingRules,
  entries: readonly LevelEntry[],
  { kind, privilege }: ExplainedAccess,
  why: string,
): PageTableEntry | undefined {
  const last = entries.at(-1)?.entry;
  if (last?.kind !== 'page' || /^(SMEP|SMAP|protection key)/.test(why)) return last;
  const lacks = ({ entry }: LevelEntry): boolean => {
    if (privilege === 'user' && (entry.attributes & PAGE_USER) === 0) return true;
    if (kind === 'fetch') return rules.noExecute && (entry.attributes & PAGE_NO_EXECUTE) !== 0;
    return kind === 'write' && (entry.attributes & PAGE_WRITABLE) === 0;
  };
  return entries.find(lacks)?.entry ?? last;
}

const ERROR_BITS = ['P', 'W/R', 'U/S', 'RSVD', 'I/D', 'PK'];

function faultText(error: number, why: string): string {
  const bits = ERROR_BITS.filter((_, n) => (error & (1 << n)) !== 0);
  const meaning = bits.length === 0 ? 'no bits' : bits.join(', ');
  return `Page fault, error code ${error.toString(16).toUpperCase().padStart(2, '0')}h (${meaning}): ${why}.`;
}
