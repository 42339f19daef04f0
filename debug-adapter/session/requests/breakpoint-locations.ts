/** `breakpointLocations`: the lines of a range that have code. */
import type { HandlerOf } from './request-handler.ts';

export const breakpointLocations: HandlerOf<'breakpointLocations'> = {
  capabilities: { supportsBreakpointLocationsRequest: true },
  handle(debuggee, { source, line, endLine }) {
    const path = source.path ?? source.name ?? '';
    const lines = debuggee.guest.symbols.linesWithCode(path, debuggee.ownLine(line), debuggee.ownLine(endLine ?? line));
    return { breakpoints: lines.map((own) => ({ line: debuggee.clientLine(own) })) };
  },
};
