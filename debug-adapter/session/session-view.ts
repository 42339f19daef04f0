/** What shows the guest of a session beside the Debug Adapter Protocol, on the second channel: memory views, the device tree. */
import type { ScreenState } from '../protocol/screen.ts';
import type { Guest } from './guest.ts';

/** Told by the debuggee, always with the machine at rest. */
export interface SessionView {
  /** From now on this guest is shown. */
  attach(guest: Guest): void;
  /** The user looks at the processor with this index from now on; at the first after `attach`. */
  lookAt?(cpu: number): void;
  /** The guest began to run, stopped or ended. */
  setState(state: ScreenState, detail: string): void;
  /** Between two slices of the run loop. */
  sliceDone(): void;
  /** The debugger itself wrote state. */
  refresh(): void;
  /** Nothing is read from the guest any more. */
  detach(): void;
}
