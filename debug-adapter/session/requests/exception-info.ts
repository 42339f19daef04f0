/** `exceptionInfo`: the exception, shutdown or event that the machine stands at, with gates, error codes and stack. */
import { localized } from '../../protocol/localized.ts';
import { describeException, exceptionId, isException } from '../stop-event.ts';
import { stopDetails } from '../stop-details.ts';
import { UserError } from '../user-error.ts';
import type { HandlerOf } from './request-handler.ts';

export const exceptionInfo: HandlerOf<'exceptionInfo'> = {
  capabilities: { supportsExceptionInfoRequest: true },
  handle(debuggee) {
    const stop = debuggee.lastStop;
    if (!stop || !isException(stop))
      throw new UserError('no-exception', localized('the machine does not stand at an exception'));
    const details = stopDetails(debuggee.guest, stop);
    return {
      exceptionId: exceptionId(stop),
      description: describeException(debuggee.guest, stop).text,
      breakMode: 'always',
      ...(details ? { details } : {}),
    };
  },
};
