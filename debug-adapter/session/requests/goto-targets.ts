/** `gotoTargets`: the addresses at which a line's code begins. The id of a target is its linear address. */
import type { HandlerOf } from './request-handler.ts';
import { linearReference } from '../places.ts';

export const gotoTargets: HandlerOf<'gotoTargets'> = {
  handle(debuggee, { source, line }) {
    const { guest } = debuggee;
    const found = guest.symbols.addressesOfLine(source.path ?? source.name ?? '', debuggee.ownLine(line));
    const targets = (found?.addresses ?? []).map((address) => ({
      id: address,
      label: guest.describeSymbol(address) ?? guest.describeAddress(address),
      line: debuggee.clientLine(found?.line ?? line),
      instructionPointerReference: linearReference(guest, address),
    }));
    return { targets };
  },
};
