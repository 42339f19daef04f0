/** `breakpointLocations`: the lines of a range that have code. */
import type { HandlerOf } from './request-handler.ts';

export const breakpointLocations: HandlerOf<'breakpointLocations'> = {
  capabilities: { supportsBreakpointLocationsRequest: true },
  handle(debuggee, { source, line, endLine }) {
    const breakpoints: { line: number }[] = [];
    const last = debuggee.ownLine(endLine ?? line);
    let from = debuggee.ownLine(line);
    while (from <= last) {
      const found = debuggee.guest.symbols.addressesOfLine(source.path ?? source.name ?? '', from);
      if (!found || found.line > last) break;
      breakpoints.push({ line: debuggee.clientLine(found.line) });
      from = found.line + 1;
    }
    return { breakpoints };
  },
};
