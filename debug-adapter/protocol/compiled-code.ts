/** What crosses between the session and the view of compiled code. Addresses are linear; in 64-bit mode they are signed. */
import type { ScreenState } from './screen.ts';

/** Why compiled code was left, or not entered, as `vm-core/machine/compiled-region.ts` names it; the session does not compile with others. */
export type ShownExit =
  | ('budget' | 'page' | 'outside' | 'indirect' | 'load' | 'store' | 'limit' | 'exception')
  | ('repeat' | 'calls' | 'handler' | 'called' | 'changed')
  | ('foreign-facts' | 'foreign-place' | 'too-long');

/** Those for which it was not entered in the first place. */
export const REFUSALS: ReadonlySet<ShownExit> = new Set(['foreign-facts', 'foreign-place', 'too-long']);

/** A region of guest code that runs as one function of WebAssembly. */
export interface RegionRow {
  /** What requests name it by: another region with the same entry has the same. */
  readonly id: string;
  /** Where it is entered, and the text of that. */
  readonly address: number;
  readonly place: string;
  /** The nearest label, with the distance from it; '' without one. */
  readonly symbol: string;
  /** File and line of the source: `boot.asm:12`; '' without one. */
  readonly line: string;
  readonly codeSize: 16 | 32 | 64;
  /** Bytes of the guest, and of WebAssembly. */
  readonly guestBytes: number;
  readonly codeBytes: number;
  readonly blocks: number;
  readonly entries: number;
  /** Guest instructions that were executed in it. */
  readonly instructions: number;
  /** Regions in which its code goes on by jumps, calls or its end; what it computes is not known. */
  readonly links: readonly RegionLink[];
  /** The most frequent first. */
  readonly exits: readonly ExitCount[];
}

/** Another region, and what it is called: its label, or its address. */
export interface RegionLink {
  readonly id: string;
  readonly name: string;
}

/** How often a region was left, or not entered, for a reason. */
export interface ExitCount {
  readonly why: ShownExit;
  readonly count: number;
}

/** What all regions together are; counted since the machine was made but for `regions`, `modules` and `bytes`, which there are now. */
export interface CompiledTotals {
  readonly regions: number;
  readonly modules: number;
  /** Of WebAssembly. */
  readonly bytes: number;
  readonly compiled: number;
  /** Thrown away: for writes to their code and the like, and to make room. */
  readonly dropped: number;
  readonly evicted: number;
  /** The share of all instructions that was executed in compiled code, 0 to 1. */
  readonly share: number;
}

/** A line of text, and the address of the guest instruction that it is about, if it is about one. */
export interface CodeLine {
  readonly text: string;
  readonly address?: number;
}

export type CompiledCodeRequest =
  | { readonly type: 'visible'; readonly visible: boolean }
  | { readonly type: 'refresh' }
  /** Send the code of a region. */
  | { readonly type: 'show'; readonly id: string };

export type CompiledCodeUpdate =
  | {
      readonly type: 'status';
      readonly state: ScreenState;
      /** Absent where everything is interpreted, or there is no machine. */
      readonly totals?: CompiledTotals;
      /** Those that have executed most, the first of them first. */
      readonly rows: readonly RegionRow[];
    }
  | {
      readonly type: 'code';
      readonly id: string;
      readonly guest: readonly CodeLine[];
      readonly generated: readonly CodeLine[];
    }
  | { readonly type: 'failed'; readonly message: string };

/** The status where there is no guest to look at. */
export function statusWithoutCode(state: ScreenState): CompiledCodeUpdate {
  return { type: 'status', state, rows: [] };
}
