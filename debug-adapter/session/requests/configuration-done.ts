/** `configurationDone`: the client has sent its breakpoints; the guest may start. */
import type { HandlerOf } from './request-handler.ts';

export const configurationDone: HandlerOf<'configurationDone'> = {
  capabilities: { supportsConfigurationDoneRequest: true },
  handle(debuggee) {
    debuggee.configurationDone();
    return undefined;
  },
};
