/** `stepIn`: to the next line or instruction, into calls and interrupts; a service of the built-in BIOS is one step. */
import { stepGranularity } from '../granularity.ts';
import { stepIntoPlan, stepPlan } from '../plans.ts';
import type { HandlerOf } from './request-handler.ts';

export const stepIn: HandlerOf<'stepIn'> = {
  capabilities: { supportsSteppingGranularity: true },
  handle(debuggee, { granularity, targetId }) {
    if (debuggee.running) return undefined;
    const { guest } = debuggee;
    if (targetId !== undefined) debuggee.resume(stepIntoPlan(guest, targetId));
    else debuggee.resume(stepPlan(guest, 'in', stepGranularity(granularity)));
    return undefined;
  },
};
