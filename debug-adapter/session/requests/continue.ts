/** `continue`: runs until something stops the machine. */
import type { HandlerOf } from './request-handler.ts';

export const continueRequest: HandlerOf<'continue'> = {
  handle(debuggee) {
    debuggee.resume();
    return { allThreadsContinued: true };
  },
};
