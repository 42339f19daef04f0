/** Requests of this adapter beyond the Debug Adapter Protocol. */

/** The user looks at a thread: what says nothing of a processor (views, references to memory) is about it from now on. */
export const LOOK_AT_REQUEST = 'x86vm/lookAt';

export interface LookAtArguments {
  readonly threadId: number;
}

/** Runs until the processor of the thread has taken a branch; the answer comes at once, as that of a step. */
export const STEP_TO_BRANCH_REQUEST = 'x86vm/stepToBranch';

export interface StepToBranchArguments {
  readonly threadId: number;
  /** All other processors stand still. */
  readonly singleThread?: boolean;
}
