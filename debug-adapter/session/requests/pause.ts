/** `pause`: stops all processors between two instructions, at once; the stop is about the one asked for. */
import { cpuOfThread } from '../cpu-ids.ts';
import type { HandlerOf } from './request-handler.ts';

export const pause: HandlerOf<'pause'> = {
  handle(debuggee, { threadId }) {
    // Before there is a machine the answer is that there is none; a thread that is none pauses it all the same.
    debuggee.pause(cpuOfThread(debuggee.guest, threadId));
    return undefined;
  },
};
