/** What an embedder sees of code that was compiled (docs/decisions/0017). */
import type { CompiledRegion } from './compiled-region.ts';

/** The compiled code of a machine. */
export interface CompiledCode {
  /** Instructions of all vCPUs that were executed by it since power-on; those it has interpreted on the way count. */
  readonly retired: number;
  /** What there is of it now, and what became of it. */
  regions(): readonly CompiledRegion[];
}
