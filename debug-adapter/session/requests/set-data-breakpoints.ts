/** `setDataBreakpoints`: stops after instructions that read or write memory. */
import { optionsOf } from '../breakpoint-options.ts';
import type { Guest } from '../guest.ts';
import type { Watched } from '../machine-stops.ts';
import { watchedOf } from '../watch-places.ts';
import type { HandlerOf } from './request-handler.ts';

const ACCESS: Readonly<Record<string, Watched['access']>> = {
  read: 'read',
  write: 'write',
  readWrite: 'read-write',
};

export const setDataBreakpoints: HandlerOf<'setDataBreakpoints'> = {
  capabilities: {
    breakpointModes: [
      {
        mode: 'linear',
        label: 'Linear address',
        description: 'Holds whatever segment and offset lead to the address.',
        appliesTo: ['data', 'instruction'],
      },
      {
        mode: 'physical',
        label: 'Physical address',
        description: 'Holds through every mapping of the page.',
        appliesTo: ['data', 'instruction'],
      },
    ],
  },
  handle(debuggee, { breakpoints }) {
    const requests = breakpoints.map((wanted) => {
      const access = ACCESS[wanted.accessType ?? 'write'] ?? 'write';
      return {
        kind: 'data' as const,
        key: `${wanted.dataId} ${access}`,
        ...optionsOf(wanted),
        locate: (guest: Guest) => ({ places: [], watched: watchedOf(guest, wanted.dataId, access) }),
      };
    });
    return { breakpoints: debuggee.breakpoints.replace('data', requests) };
  },
};
