/** `stepOut`: until the routine or interrupt handler that is being executed has returned. */
import { requireThread } from '../cpu-ids.ts';
import { stepOutPlan } from '../step-out.ts';
import type { HandlerOf } from './request-handler.ts';

export const stepOut: HandlerOf<'stepOut'> = {
  handle(debuggee, { threadId, singleThread = debuggee.stepsAlone }) {
    if (debuggee.running) return undefined;
    debuggee.resume(stepOutPlan(requireThread(debuggee.guest, threadId)), { alone: singleThread });
    return undefined;
  },
};
