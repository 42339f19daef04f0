/** `next`: to the next line or instruction, over calls, interrupts, repeated string instructions and loops. */
import { requireThread } from '../cpu-ids.ts';
import { stepGranularity } from '../granularity.ts';
import { stepPlan } from '../plans.ts';
import type { HandlerOf } from './request-handler.ts';

export const next: HandlerOf<'next'> = {
  capabilities: { supportsSingleThreadExecutionRequests: true },
  handle(debuggee, { threadId, granularity, singleThread = debuggee.stepsAlone }) {
    if (debuggee.running) return undefined;
    const guest = requireThread(debuggee.guest, threadId);
    debuggee.resume(stepPlan(guest, 'over', stepGranularity(granularity)), { alone: singleThread });
    return undefined;
  },
};
