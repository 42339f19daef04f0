/** `setInstructionBreakpoints`: at addresses of the disassembly, linear or physical. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { optionsOf } from '../breakpoint-options.ts';
import { memoryOf } from '../cpu-ids.ts';
import type { Guest } from '../guest.ts';
import { exactPlace, placeOf, type Place } from '../places.ts';
import { physicalOf, spaceOfMode } from '../watch-places.ts';
import type { HandlerOf } from './request-handler.ts';

export const setInstructionBreakpoints: HandlerOf<'setInstructionBreakpoints'> = {
  capabilities: { supportsInstructionBreakpoints: true },
  handle(debuggee, { breakpoints }) {
    const requests = breakpoints.map((wanted) => ({
      kind: 'instruction' as const,
      key: `${wanted.instructionReference}+${wanted.offset ?? 0} ${wanted.mode ?? ''}`,
      ...optionsOf(wanted),
      locate: (guest: Guest) => ({ places: [wantedPlace(guest, wanted)] }),
    }));
    return { breakpoints: debuggee.breakpoints.replace('instruction', requests) };
  },
};

/** In the mode `physical` a linear address means the memory that it maps to now. */
function wantedPlace(guest: Guest, { instructionReference, offset, mode }: DebugProtocol.InstructionBreakpoint): Place {
  const { guest: seenBy, text } = memoryOf(guest, instructionReference);
  const place = exactPlace(placeOf(seenBy, text, offset));
  if (spaceOfMode(mode) === 'linear' || place.space === 'physical') return place;
  return { space: 'physical', address: physicalOf(seenBy, place.address) };
}
