/** The options that all kinds of breakpoints have in common. */
import type { BreakpointOptions } from './breakpoint-decision.ts';

/** Reads them from a breakpoint of the protocol; an empty text is as good as none. */
export function optionsOf(wanted: {
  readonly condition?: string;
  readonly hitCondition?: string;
  readonly logMessage?: string;
}): BreakpointOptions {
  return {
    condition: wanted.condition || undefined,
    hitCondition: wanted.hitCondition || undefined,
    logMessage: wanted.logMessage || undefined,
  };
}
