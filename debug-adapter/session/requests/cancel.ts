/** `cancel`: a request that still waits for one before it is not carried out. The session does that; see session.ts. */
import type { HandlerOf } from './request-handler.ts';

export const cancel: HandlerOf<'cancel'> = {
  capabilities: { supportsCancelRequest: true },
  handle() {
    return undefined;
  },
};
