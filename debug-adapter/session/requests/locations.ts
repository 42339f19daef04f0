/** `locations`: the source line of a value that is an address. References are made in source-lines.ts. */
import { localized } from '../../protocol/localized.ts';
import { addressOfLocation, lineOf } from '../source-lines.ts';
import { UserError } from '../user-error.ts';
import type { HandlerOf } from './request-handler.ts';

export const locations: HandlerOf<'locations'> = {
  handle(debuggee, { locationReference }) {
    const { source, line } = lineOf(debuggee, debuggee.guest, addressOfLocation(locationReference));
    if (source && line !== undefined) return { source, line };
    throw new UserError('bad-argument', localized('no source line is known for location {0}', locationReference));
  },
};
