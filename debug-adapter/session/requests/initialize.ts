/** `initialize`: the client introduces itself and learns what is supported. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { translatedFilter } from '../exception-filters.ts';
import type { HandlerOf } from './request-handler.ts';

/** `capabilities` gives the sum of what all handlers declare. */
export function initialize(capabilities: () => DebugProtocol.Capabilities): HandlerOf<'initialize'> {
  return {
    handle(debuggee, given) {
      debuggee.client = given;
      const all = capabilities();
      return { ...all, exceptionBreakpointFilters: all.exceptionBreakpointFilters?.map(translatedFilter) ?? [] };
    },
  };
}
