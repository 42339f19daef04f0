/** `setInstructionBreakpoints`: at addresses of the disassembly, linear or physical. */
import { optionsOf } from '../breakpoint-options.ts';
import { parseReference } from '../places.ts';
import type { HandlerOf } from './request-handler.ts';

export const setInstructionBreakpoints: HandlerOf<'setInstructionBreakpoints'> = {
  capabilities: { supportsInstructionBreakpoints: true },
  handle(debuggee, { breakpoints }) {
    const requests = breakpoints.map((wanted) => ({
      kind: 'instruction' as const,
      key: `${wanted.instructionReference}+${wanted.offset ?? 0}`,
      ...optionsOf(wanted),
      locate: () => ({ places: [parseReference(wanted.instructionReference, wanted.offset)] }),
    }));
    return { breakpoints: debuggee.breakpoints.replace('instruction', requests) };
  },
};
