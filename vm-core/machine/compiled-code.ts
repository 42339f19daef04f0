/** What an embedder sees of code that was compiled (docs/decisions/0017). */
import type { CompiledRegion } from './compiled-region.ts';

/** How regions came and went, counted since the machine was made, but for those that there are now. */
export interface CompilerCounters {
  /** Regions and modules that there are, and bytes of WebAssembly in them. */
  readonly kept: number;
  readonly modules: number;
  readonly bytes: number;
  /** Regions that were made. */
  readonly compiled: number;
  /** Thrown away because their code, or what they took for granted, has changed; and to make room for others. */
  readonly dropped: number;
  readonly evicted: number;
}

/** The compiled code of a machine. */
export interface CompiledCode {
  /** Instructions of all vCPUs that were executed by it since power-on; those it has interpreted on the way count. */
  readonly retired: number;
  readonly counters: CompilerCounters;
  /** What there is of it now, and what became of it. */
  regions(): readonly CompiledRegion[];
}
