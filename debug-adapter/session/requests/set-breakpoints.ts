/** `setBreakpoints`: breakpoints of one source file, moved to the next line that has code. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Debuggee } from '../debuggee.ts';
import { optionsOf } from '../breakpoint-options.ts';
import type { BreakpointLocation } from '../user-breakpoint.ts';
import type { Guest } from '../guest.ts';
import { requireAddresses } from '../source-lines.ts';
import type { HandlerOf } from './request-handler.ts';

export const setBreakpoints: HandlerOf<'setBreakpoints'> = {
  capabilities: {
    supportsConditionalBreakpoints: true,
    supportsHitConditionalBreakpoints: true,
    supportsLogPoints: true,
  },
  handle(debuggee, { source, breakpoints, lines = [] }) {
    const path = source.path ?? source.name ?? '';
    // Old clients send `lines` alone.
    const all: readonly DebugProtocol.SourceBreakpoint[] = breakpoints ?? lines.map((line) => ({ line }));
    const requests = all.map((wanted) => ({
      kind: 'source' as const,
      key: `${wanted.line}`,
      ...optionsOf(wanted),
      locate: (guest: Guest) => locateLine(debuggee, guest, path, source, wanted.line),
    }));
    return { breakpoints: debuggee.breakpoints.replace(`source ${path}`, requests) };
  },
};

function locateLine(
  debuggee: Debuggee,
  guest: Guest,
  path: string,
  source: DebugProtocol.Source,
  clientLine: number,
): BreakpointLocation {
  const found = requireAddresses(guest, path, debuggee.ownLine(clientLine));
  return {
    places: found.addresses.map((address) => ({ space: 'linear', address })),
    source,
    line: debuggee.clientLine(found.line),
  };
}
