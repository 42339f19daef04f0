/** `setFunctionBreakpoints`: at a label, `label+offset`, `seg:off` or linear address. */
import { optionsOf } from '../breakpoint-options.ts';
import { lineOf } from '../source-lines.ts';
import { resolvePlaceName } from '../places.ts';
import type { HandlerOf } from './request-handler.ts';

export const setFunctionBreakpoints: HandlerOf<'setFunctionBreakpoints'> = {
  capabilities: { supportsFunctionBreakpoints: true },
  handle(debuggee, { breakpoints }) {
    const requests = breakpoints.map((wanted) => ({
      kind: 'function' as const,
      key: wanted.name,
      ...optionsOf(wanted),
      locate: (guest: typeof debuggee.guest) => {
        const address = resolvePlaceName(guest, wanted.name);
        return { places: [{ space: 'linear' as const, address }], ...lineOf(debuggee, guest, address) };
      },
    }));
    return { breakpoints: debuggee.breakpoints.replace('function', requests) };
  },
};
