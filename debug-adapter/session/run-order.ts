/** How a session lets its machine run. */
import type { StopReason } from './stop-event.ts';

/** Without anything: all processors, and a stop after a plan is a step. */
export interface RunOrder {
  /** What the stop at the end of the plan is called. */
  readonly reason?: StopReason;
  /** All processors but that of the plan stand still. */
  readonly alone?: boolean;
  /** Index of the processor that runs alone; default: all run. */
  readonly onlyCpu?: number;
  /** The client has asked for nothing that the protocol knows to let the machine run, and is told that it does. */
  readonly isTold?: boolean;
}
