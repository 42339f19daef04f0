/** `stepIn`: to the next line or instruction, into calls and interrupts; a service of the built-in BIOS is one step. */
import { stepGranularity } from '../granularity.ts';
import { stepPlan } from '../plans.ts';
import type { HandlerOf } from './request-handler.ts';

export const stepIn: HandlerOf<'stepIn'> = {
  capabilities: { supportsSteppingGranularity: true },
  handle(debuggee, { granularity }) {
    if (!debuggee.running) debuggee.resume(stepPlan(debuggee.guest, 'in', stepGranularity(granularity)));
    return undefined;
  },
};
