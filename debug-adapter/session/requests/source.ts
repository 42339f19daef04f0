/** `source`: the text of a source file that is not there any more, as its listing has kept it. */
import { localized } from '../../protocol/localized.ts';
import { UserError } from '../user-error.ts';
import type { HandlerOf } from './request-handler.ts';

export const source: HandlerOf<'source'> = {
  handle(debuggee, { source: wanted, sourceReference }) {
    const reference = wanted?.sourceReference ?? sourceReference;
    const kept = [...debuggee.guest.keptSources.values()].find((candidate) => candidate.reference === reference);
    if (!kept) {
      const file = wanted?.path === undefined ? 'sources without a reference are files' : `read ${wanted.path} itself`;
      throw new UserError('bad-argument', localized('no listing has kept a source {0}; {1}', reference, file));
    }
    return { content: kept.text, mimeType: 'text/x-asm' };
  },
};
