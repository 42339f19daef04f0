/** `next`: to the next line or instruction, over calls, interrupts, repeated string instructions and loops. */
import { stepGranularity } from '../granularity.ts';
import { stepPlan } from '../plans.ts';
import type { HandlerOf } from './request-handler.ts';

export const next: HandlerOf<'next'> = {
  handle(debuggee, { granularity }) {
    if (!debuggee.running) debuggee.resume(stepPlan(debuggee.guest, 'over', stepGranularity(granularity)));
    return undefined;
  },
};
