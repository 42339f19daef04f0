/** `pause`: stops between two instructions, at once. */
import type { HandlerOf } from './request-handler.ts';

export const pause: HandlerOf<'pause'> = {
  handle(debuggee) {
    debuggee.pause();
    return undefined;
  },
};
