/** `stepOut`: until the routine or interrupt handler that is being executed has returned. */
import { stepOutPlan } from '../step-out.ts';
import type { HandlerOf } from './request-handler.ts';

export const stepOut: HandlerOf<'stepOut'> = {
  handle(debuggee) {
    if (!debuggee.running) debuggee.resume(stepOutPlan(debuggee.guest));
    return undefined;
  },
};
