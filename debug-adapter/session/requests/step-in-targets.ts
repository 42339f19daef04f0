/** `stepInTargets`: the calls and interrupts of the line that is executed next. The id of a target is the call's address. */
import { localized } from '../../protocol/localized.ts';
import { frameOf } from '../cpu-ids.ts';
import { UserError } from '../user-error.ts';
import type { HandlerOf } from './request-handler.ts';
import { callsOfLine } from '../plans.ts';

export const stepInTargets: HandlerOf<'stepInTargets'> = {
  capabilities: { supportsStepInTargetsRequest: true },
  handle(debuggee, { frameId }) {
    if (debuggee.running) throw new UserError('not-stopped', localized('the guest is running; pause it first'));
    const { guest, frame } = frameOf(debuggee.guest, frameId);
    if (frame !== 0) return { targets: [] };
    const targets = callsOfLine(guest).map(({ address, instruction }) => {
      const symbol =
        instruction.target === undefined ? undefined : guest.describeSymbol(guest.codeAddress(instruction.target));
      return { id: address, label: symbol === undefined ? instruction.text : `${instruction.text}  ; ${symbol}` };
    });
    return { targets };
  },
};
