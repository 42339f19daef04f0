/** `exceptionInfo`: the CPU exception or triple fault that the machine stands at. */
import { describeException, exceptionId, isException } from '../stop-event.ts';
import { UserError } from '../user-error.ts';
import type { HandlerOf } from './request-handler.ts';

export const exceptionInfo: HandlerOf<'exceptionInfo'> = {
  capabilities: { supportsExceptionInfoRequest: true },
  handle(debuggee) {
    const stop = debuggee.lastStop;
    if (!stop || !isException(stop)) throw new UserError('no-exception', 'the machine does not stand at an exception');
    return { exceptionId: exceptionId(stop), description: describeException(stop).text, breakMode: 'always' };
  },
};
