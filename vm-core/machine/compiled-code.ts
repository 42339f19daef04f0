/** What an embedder sees of code that was compiled (docs/decisions/0017). */

/** The compiled code of a machine. */
export interface CompiledCode {
  /** Instructions of all vCPUs that were executed by it since power-on; those it has interpreted on the way count. */
  readonly retired: number;
}
