/** A branch as those hear of it who record it for the guest. */
import type { BranchKind } from '../../machine/branch-record.ts';

/** Halves of linear addresses are signed; a base and a level are those of the code segment before and after. */
export interface ToldBranch {
  readonly kind: BranchKind;
  readonly fromLow: number;
  readonly fromHigh: number;
  readonly fromBase: number;
  readonly fromLevel: number;
  readonly toLow: number;
  readonly toHigh: number;
  readonly toBase: number;
  readonly toLevel: number;
  /** A call of what follows it anyhow. */
  readonly isToNext: boolean;
}

const near: ReadonlySet<BranchKind> = new Set([
  ...(['conditional', 'jump', 'indirect-jump', 'call', 'indirect-call', 'return'] as const),
]);

/** True for branches within the code segment, which processors predict. */
export function isNear(kind: BranchKind): boolean {
  return near.has(kind);
}

/** True for what comes from outside of the program, or from its interrupt instructions: the handlers of vectors. */
export function entersHandler(kind: BranchKind): boolean {
  return kind === 'interrupt' || kind === 'exception' || kind === 'software-interrupt';
}
