/** `x86vm/lookAt`: the user has gone to another thread, which requests without a thread and views are about from now on. */
import type { LOOK_AT_REQUEST } from '../../protocol/requests.ts';
import { requireThread } from '../cpu-ids.ts';
import type { HandlerOf } from './request-handler.ts';

export const lookAt: HandlerOf<typeof LOOK_AT_REQUEST> = {
  handle(debuggee, { threadId }) {
    debuggee.lookAt(requireThread(debuggee.guest, threadId));
    return undefined;
  },
};
