/**
 * `locations`: the source line of a value that is an address, or the instructions there. References are made in
 * code-locations.ts.
 */
import { localized } from '../../protocol/localized.ts';
import { textSource } from '../code-locations.ts';
import { lineOf } from '../source-lines.ts';
import { UserError } from '../user-error.ts';
import type { HandlerOf } from './request-handler.ts';

export const locations: HandlerOf<'locations'> = {
  handle(debuggee, { locationReference }) {
    const place = debuggee.guest.codeLocations.placeOf(locationReference);
    if (!place)
      throw new UserError('bad-argument', localized('no source line is known for location {0}', locationReference));
    const { source, line } = lineOf(debuggee, debuggee.guest, place.linearAddress);
    if (source && line !== undefined) return { source, line };
    return { source: textSource(locationReference, place), line: debuggee.clientLine(1) };
  },
};
