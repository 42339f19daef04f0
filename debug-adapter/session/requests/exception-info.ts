/** `exceptionInfo`: the exception, shutdown or event that the machine stands at, with gates, error codes and stack. */
import { localized } from '../../protocol/localized.ts';
import { describeException, exceptionId, isException } from '../stop-event.ts';
import { requireThread } from '../cpu-ids.ts';
import { stopDetails } from '../stop-details.ts';
import { UserError } from '../user-error.ts';
import type { HandlerOf } from './request-handler.ts';

export const exceptionInfo: HandlerOf<'exceptionInfo'> = {
  capabilities: { supportsExceptionInfoRequest: true },
  handle(debuggee, { threadId }) {
    const stop = debuggee.lastStop;
    if (!stop || !isException(stop))
      throw new UserError('no-exception', localized('the machine does not stand at an exception'));
    const guest = requireThread(debuggee.guest, threadId);
    if (guest.vcpu.index !== stop.cpu)
      throw new UserError('no-exception', localized('CPU {0} does not stand at an exception', guest.vcpu.index));
    const details = stopDetails(guest, stop);
    return {
      exceptionId: exceptionId(stop),
      description: describeException(guest, stop).text,
      breakMode: 'always',
      ...(details ? { details } : {}),
    };
  },
};
