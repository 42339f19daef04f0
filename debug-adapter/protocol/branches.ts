/** What crosses between the session and the view of the last branches. Addresses are linear; in 64-bit mode they are signed. */
import type { ScreenState } from './screen.ts';

/** How control went elsewhere, as `vm-core/machine/branch-record.ts` names it; the session does not compile with others. */
export type ShownBranchKind =
  | ('conditional' | 'jump' | 'indirect-jump' | 'call' | 'indirect-call' | 'return' | 'far')
  | ('software-interrupt' | 'interrupt-return' | 'system-call' | 'system-return' | 'interrupt' | 'exception');

/** One end of a branch. */
export interface BranchEnd {
  readonly address: number;
  /** `0000:7C04`, or the linear address where it lies outside of the current segment. */
  readonly place: string;
  /** The nearest label, with the distance from it; '' without one. */
  readonly symbol: string;
  /** File and line of the source: `boot.asm:12`; '' without one. */
  readonly line: string;
}

/** Branches that were taken one after the other, from the same place to the same. */
export interface BranchRow {
  readonly from: BranchEnd;
  readonly to: BranchEnd;
  readonly kind: ShownBranchKind;
  /** What interrupted, or was called: `IRQ 0 (INT 08h)`; '' for branches without a vector. */
  readonly name: string;
  /** Privilege levels before and after, where the kind of the branch says so: `3 → 0`; '' where it does not. */
  readonly levels: string;
  /** How often in a row. */
  readonly count: number;
}

export type BranchesRequest =
  | { readonly type: 'visible'; readonly visible: boolean }
  /** Branches are recorded from now on, or no more; what was recorded is forgotten. */
  | { readonly type: 'record'; readonly on: boolean }
  | { readonly type: 'clear' }
  /** Where is the source line of an address, or the text of its instructions? */
  | { readonly type: 'locate'; readonly address: number };

/** A text that the debugger's client can show: a file, or what the session gives for the reference. */
export interface LocatedSource {
  readonly name: string;
  readonly path?: string;
  readonly sourceReference?: number;
}

export type BranchesUpdate =
  | {
      readonly type: 'status';
      readonly state: ScreenState;
      readonly isRecording: boolean;
      /** Index of the processor whose branches are shown; undefined where there is only one. */
      readonly cpu?: number | undefined;
      /** The newest first, as of the last stop. */
      readonly rows: readonly BranchRow[];
    }
  /** `line` counts from 1. */
  | { readonly type: 'located'; readonly source: LocatedSource; readonly line: number }
  | { readonly type: 'failed'; readonly message: string };

/** The status where there is no guest to look at. */
export function statusWithoutBranches(state: ScreenState): BranchesUpdate {
  return { type: 'status', state, isRecording: false, rows: [] };
}
