/** `source`: the text of a source file that is not there any more, as its listing has kept it; or instructions of memory. */
import { localized } from '../../protocol/localized.ts';
import { instructionsText } from '../code-locations.ts';
import { UserError } from '../user-error.ts';
import type { HandlerOf } from './request-handler.ts';

export const source: HandlerOf<'source'> = {
  handle(debuggee, { source: wanted, sourceReference }) {
    const reference = wanted?.sourceReference ?? sourceReference;
    const place = reference === undefined ? undefined : debuggee.guest.codeLocations.placeOfText(reference);
    if (place) return { content: instructionsText(debuggee.guest, place), mimeType: 'text/x-asm' };
    const kept = [...debuggee.guest.keptSources.values()].find((candidate) => candidate.reference === reference);
    if (!kept) {
      const file = wanted?.path === undefined ? 'sources without a reference are files' : `read ${wanted.path} itself`;
      throw new UserError('bad-argument', localized('no listing has kept a source {0}; {1}', reference, file));
    }
    return { content: kept.text, mimeType: 'text/x-asm' };
  },
};
