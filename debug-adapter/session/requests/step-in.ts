/** `stepIn`: to the next line or instruction, into calls and interrupts; a service of the built-in BIOS is one step. */
import { requireThread } from '../cpu-ids.ts';
import { stepGranularity } from '../granularity.ts';
import { stepIntoPlan, stepPlan } from '../plans.ts';
import type { HandlerOf } from './request-handler.ts';

export const stepIn: HandlerOf<'stepIn'> = {
  capabilities: { supportsSteppingGranularity: true },
  handle(debuggee, { threadId, granularity, targetId, singleThread = debuggee.stepsAlone }) {
    if (debuggee.running) return undefined;
    const guest = requireThread(debuggee.guest, threadId);
    const plan =
      targetId === undefined ? stepPlan(guest, 'in', stepGranularity(granularity)) : stepIntoPlan(guest, targetId);
    debuggee.resume(plan, { alone: singleThread });
    return undefined;
  },
};
