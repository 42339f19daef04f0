/** Branches that were taken, as an embedder sees them. */

/** How control went elsewhere. `far`: far jumps, calls and returns, and switches of tasks by them. */
export type BranchKind =
  | 'conditional'
  | 'jump'
  | 'indirect-jump'
  | 'call'
  | 'indirect-call'
  | 'return'
  | 'far'
  /** INT n, INT3, INTO. */
  | 'software-interrupt'
  | 'interrupt-return'
  /** SYSCALL, SYSENTER; SYSRET, SYSEXIT. */
  | 'system-call'
  | 'system-return'
  /** Of hardware. */
  | 'interrupt'
  | 'exception';

/** A branch that was taken. Addresses are linear. */
export interface BranchRecord {
  /** The instruction that branched; the one that faulted, or that an interrupt came before. */
  readonly from: number;
  readonly to: number;
  readonly kind: BranchKind;
  /** Of an interrupt or an exception. */
  readonly vector: number | undefined;
}
