/** `terminate`: ends the guest. */
import type { HandlerOf } from './request-handler.ts';

export const terminate: HandlerOf<'terminate'> = {
  capabilities: { supportsTerminateRequest: true },
  handle(debuggee) {
    debuggee.afterResponse(() => debuggee.terminate());
    return undefined;
  },
};
