/** `scopes`: one, the registers. There is only one set of them, so every frame shows the processor's. */
import { SCOPE_REFERENCE } from '../register-view.ts';
import type { HandlerOf } from './request-handler.ts';

export const scopes: HandlerOf<'scopes'> = {
  handle(debuggee, { frameId }) {
    if (!debuggee.isBooted) return { scopes: [] };
    const name = frameId === 0 ? 'Registers' : 'Registers (of the processor, not of this caller)';
    return {
      scopes: [{ name, presentationHint: 'registers', variablesReference: SCOPE_REFERENCE, expensive: false }],
    };
  },
};
