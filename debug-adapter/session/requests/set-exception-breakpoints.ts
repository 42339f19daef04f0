/** `setExceptionBreakpoints`: the kinds of exceptions to stop at. */
import { exceptionFilters } from '../exceptions.ts';
import type { HandlerOf } from './request-handler.ts';

export const setExceptionBreakpoints: HandlerOf<'setExceptionBreakpoints'> = {
  capabilities: { exceptionBreakpointFilters: [...exceptionFilters] },
  handle(debuggee, { filters, filterOptions }) {
    debuggee.setExceptionFilters([...filters, ...(filterOptions ?? []).map((option) => option.filterId)]);
    return undefined;
  },
};
