/** The options that all kinds of breakpoints have in common. */
import type { BreakpointRequest } from './user-breakpoint.ts';

/** Reads them from a breakpoint of the protocol; an empty text is as good as none. */
export function optionsOf(wanted: {
  readonly condition?: string;
  readonly hitCondition?: string;
  readonly logMessage?: string;
}): Pick<BreakpointRequest, 'condition' | 'hitCondition' | 'logMessage'> {
  return {
    condition: wanted.condition || undefined,
    hitCondition: wanted.hitCondition || undefined,
    logMessage: wanted.logMessage || undefined,
  };
}
