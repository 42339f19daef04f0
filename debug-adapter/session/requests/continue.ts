/** `continue`: runs until something stops the machine; with `singleThread` only one processor does, the others stand still. */
import { localized } from '../../protocol/localized.ts';
import { requireThread } from '../cpu-ids.ts';
import { UserError } from '../user-error.ts';
import type { HandlerOf } from './request-handler.ts';

export const continueRequest: HandlerOf<'continue'> = {
  handle(debuggee, { threadId, singleThread = false }) {
    if (!singleThread || !debuggee.guest.hasSeveralCpus) {
      debuggee.resume();
      return { allThreadsContinued: true };
    }
    const { index } = requireThread(debuggee.guest, threadId).vcpu;
    const { onlyCpu } = debuggee;
    if (onlyCpu !== undefined && onlyCpu !== index) {
      throw new UserError('bad-argument', localized('CPU {0} runs alone; let all run, or pause it first', onlyCpu));
    }
    debuggee.resume(undefined, { onlyCpu: index });
    return { allThreadsContinued: debuggee.onlyCpu === undefined };
  },
};
