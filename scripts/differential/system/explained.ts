/**
 * Where QEMU 7.2 does something else than the manuals have a processor do: tables. Every difference that a run finds is held
 * against them; what no entry explains is a failure.
 */
import type { Comparison, Mismatch } from './compare.ts';
import { explainedPaging } from './explained-paging.ts';
import { explainedTransfers } from './explained-transfers.ts';
import { explainedValues } from './explained-values.ts';

/** A known difference; it explains single values, or all that follows in its cases. */
export interface Explained {
  readonly reason: string;
  /** Where the manual says what is right. */
  readonly section: string;
  /** Whether a difference of a case is this one. */
  explains(mismatch: Mismatch, comparison: Comparison): boolean;
}

/** Every difference that is known of cases of the system; the first entry that explains one is counted. */
export const explainedInSystem: readonly Explained[] = [...explainedValues, ...explainedPaging, ...explainedTransfers];
