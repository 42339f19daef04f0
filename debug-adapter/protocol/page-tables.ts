/**
 * What crosses between the session and the page-table view. Linear addresses are signed in long mode, so that they are
 * exact numbers; physical ones are never negative. Attributes are the bits that `vm-core/inspect/page-tables.ts` names.
 */

/** The paging mode: levels of tables, 0 without paging. */
export type PagingLevels = 0 | 2 | 3 | 4 | 5;

/** One mapped range as `RANGE_FIELDS` numbers of 64 bits (IEEE 754): linear, size, physical, page size, attributes, change. */
export const RANGE_FIELDS = 6;

/** What a range is compared with the stop before: the same, new or different, or mapped then and no more. */
export const RANGE_CHANGE = { SAME: 0, CHANGED: 1, GONE: 2 } as const;

/** The mode that tables are shown in: the one that is on, or by name. */
export const TABLE_MODES = ['current', '32-bit', 'PAE', '4-level', '5-level'] as const;
export type TableMode = (typeof TABLE_MODES)[number];

/** An access whose walk is asked for. */
export interface WalkAccess {
  readonly kind: 'read' | 'write' | 'fetch';
  readonly privilege: 'supervisor' | 'user';
}

export type PageTablesRequest =
  | { readonly type: 'visible'; readonly visible: boolean }
  /** The tables of another root than CR3's, by the text of a physical address or expression; '' for CR3's. */
  | { readonly type: 'root'; readonly text: string; readonly mode: TableMode }
  /** The tables of the processor with this index; without one, of the processor that the user looks at. */
  | { readonly type: 'cpu'; readonly cpu?: number }
  /** What has been collected will do. */
  | { readonly type: 'cancel' }
  /** The entries of a table. */
  | { readonly type: 'table'; readonly level: number; readonly address: number; readonly linear: number }
  /** The walk of an address, a symbol or an expression. */
  | { readonly type: 'walk'; readonly text: string; readonly access: WalkAccess }
  /** Writes an entry; `value` is hexadecimal text. */
  | { readonly type: 'edit'; readonly address: number; readonly value: string }
  /** Stops when an entry is written, or does so no longer. */
  | { readonly type: 'watch'; readonly address: number; readonly on: boolean }
  | { readonly type: 'tlb' };

/** One entry of a table. */
export interface ShownEntry {
  readonly index: number;
  /** Physical address of the entry; negative for the registers of PAE paging. */
  readonly address: number;
  /** Hexadecimal. */
  readonly value: string;
  readonly kind: 'not present' | 'table' | 'page' | 'reserved bit';
  readonly linear: number;
  readonly size: number;
  readonly target: number;
  readonly attributes: number;
  readonly changed: boolean;
  readonly watched: boolean;
}

/** A step of a walk: an entry that was read, and what it says about the access. */
export interface WalkStep extends ShownEntry {
  readonly level: number;
  /** Why the walk ends here with a page fault, in words; '' if it goes on. */
  readonly problem: string;
}

/** A cached translation and whether the tables still say so. */
export interface TlbEntry {
  readonly linear: number;
  readonly physical: number;
  readonly size: number;
  readonly attributes: number;
  /** Identifier of the process context (PCID); undefined for a global page. */
  readonly context: number | undefined;
  /** False for one of a process context that is not the current one: its tables are not known. */
  readonly isCompared: boolean;
  /** In words what the tables say instead, of frame, size, rights and flags; '' for an entry that is right. */
  readonly stale: string;
}

/** What is shown, and by which rules. */
export interface PageTablesStatus {
  readonly type: 'status';
  readonly state: 'none' | 'running' | 'stopped' | 'ended';
  readonly levels: PagingLevels;
  /** Physical address of the first table that is shown, and whether it is CR3's. */
  readonly root: number;
  readonly isCr3: boolean;
  /** Control bits on which rights depend, as the status line shows them: `WP NXE SMEP`. */
  readonly controls: readonly string[];
  /** Memory types by the number of their entry of the PAT: `WB`, `UC-`. */
  readonly memoryTypes: readonly string[];
  /** PKRU and IA32_PKRS; 0 where there are no protection keys. */
  readonly userKeys: number;
  readonly supervisorKeys: number;
  /** Index of the processor whose tables are shown, and how many processors there are. */
  readonly cpu: number;
  readonly cpus: number;
}

/** The status where there is no guest to look at. */
export function statusWithoutTables(state: PageTablesStatus['state']): PageTablesStatus {
  const nothing = { controls: [], memoryTypes: [], userKeys: 0, supervisorKeys: 0, cpu: 0, cpus: 0 };
  return { type: 'status', state, levels: 0, root: 0, isCr3: true, ...nothing };
}

export type PageTablesUpdate =
  | PageTablesStatus
  /** All mapped ranges, `RANGE_FIELDS` numbers each; `complete` is false where there are more than are sent. */
  | { readonly type: 'ranges'; readonly ranges: ArrayBuffer; readonly complete: boolean }
  | { readonly type: 'progress'; readonly tables: number }
  | {
      readonly type: 'table';
      readonly level: number;
      readonly address: number;
      readonly entries: readonly ShownEntry[];
    }
  | {
      readonly type: 'walk';
      readonly text: string;
      readonly linear: number;
      readonly steps: readonly WalkStep[];
      /** Physical address, or the error code of the page fault. */
      readonly physical: number | undefined;
      readonly errorCode: number | undefined;
      /** The whole in a sentence. */
      readonly result: string;
    }
  | { readonly type: 'tlb'; readonly entries: readonly TlbEntry[] }
  | { readonly type: 'failed'; readonly request: PageTablesRequest['type']; readonly message: string };

/** Attribute bits, as `vm-core/inspect/page-tables.ts` has them (a test holds them equal). */
export const ATTRIBUTE = {
  WRITABLE: 1 << 0,
  USER: 1 << 1,
  NO_EXECUTE: 1 << 2,
  GLOBAL: 1 << 3,
  ACCESSED: 1 << 4,
  DIRTY: 1 << 5,
} as const;
/** Fields of the attributes: number of the entry of the PAT, protection key. */
export const PAT_SHIFT = 6;
export const PAT_MASK: number = 0b111 << PAT_SHIFT;
export const KEY_SHIFT = 9;
export const KEY_MASK: number = 0b1111 << KEY_SHIFT;
