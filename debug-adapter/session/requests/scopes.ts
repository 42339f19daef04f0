/**
 * `scopes`: the registers. There is only one set of them, the processor's; of a caller its place in code and on the stack
 * are known, which are a scope of their own.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { callerReference } from '../caller-view.ts';
import { frameOf, referenceOf } from '../cpu-ids.ts';
import { localized } from '../../protocol/localized.ts';
import { SCOPE_REFERENCE } from '../register-view.ts';
import { frameAt } from '../stack-frames.ts';
import { TABLES_REFERENCE } from '../table-view.ts';
import { UserError } from '../user-error.ts';
import type { HandlerOf } from './request-handler.ts';

export const scopes: HandlerOf<'scopes'> = {
  handle(debuggee, { frameId }) {
    if (!debuggee.isBooted) return { scopes: [] };
    const { guest, frame } = frameOf(debuggee.guest, frameId);
    const isCaller = frame !== 0;
    if (isCaller && frameAt(guest, frame) === undefined) {
      throw new UserError('bad-argument', localized('there is no frame {0}; stackTrace lists them', frameId));
    }
    const name = isCaller ? localized('Registers (of the processor, not of this caller)') : localized('Registers');
    return {
      scopes: [
        // The first is what clients open by themselves.
        registerScope(name, referenceOf(guest, SCOPE_REFERENCE)),
        ...(isCaller ? [registerScope(localized('Caller'), referenceOf(guest, callerReference(frame)))] : []),
        {
          name: localized('Descriptor tables'),
          variablesReference: referenceOf(guest, TABLES_REFERENCE),
          expensive: true,
        },
      ],
    };
  },
};

function registerScope(name: string, variablesReference: number): DebugProtocol.Scope {
  return { name, presentationHint: 'registers', variablesReference, expensive: false };
}
