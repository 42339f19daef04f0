/** `x86vm/stepToBranch`: runs until the next branch was taken, and shows where it has led. */
import type { STEP_TO_BRANCH_REQUEST } from '../../protocol/requests.ts';
import { requireThread } from '../cpu-ids.ts';
import { branchPlan } from '../plans.ts';
import { AT_BRANCH } from '../stop-event.ts';
import type { HandlerOf } from './request-handler.ts';

export const stepToBranch: HandlerOf<typeof STEP_TO_BRANCH_REQUEST> = {
  handle(debuggee, { threadId, singleThread = debuggee.stepsAlone }) {
    if (debuggee.running) return undefined;
    const guest = requireThread(debuggee.guest, threadId);
    debuggee.resume(branchPlan(guest), { reason: AT_BRANCH, alone: singleThread, isTold: true });
    return undefined;
  },
};
