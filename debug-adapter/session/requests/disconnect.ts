/** `disconnect`: the client leaves; the guest ends with the session. */
import type { HandlerOf } from './request-handler.ts';

export const disconnect: HandlerOf<'disconnect'> = {
  handle(debuggee) {
    debuggee.afterResponse(() => debuggee.dispose());
    return undefined;
  },
};
