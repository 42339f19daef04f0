/** Requests of this adapter beyond the Debug Adapter Protocol. */

/** The user looks at a thread: what says nothing of a processor (views, references to memory) is about it from now on. */
export const LOOK_AT_REQUEST = 'x86vm/lookAt';

export interface LookAtArguments {
  readonly threadId: number;
}
