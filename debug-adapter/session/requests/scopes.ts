/**
 * `scopes`: the registers. There is only one set of them, the processor's; of a caller its place in code and on the stack
 * are known, which are a scope of their own.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { callerReference } from '../caller-view.ts';
import { localized } from '../../protocol/localized.ts';
import { SCOPE_REFERENCE } from '../register-view.ts';
import { frameAt } from '../stack-frames.ts';
import { TABLES_REFERENCE } from '../table-view.ts';
import { UserError } from '../user-error.ts';
import type { HandlerOf } from './request-handler.ts';

export const scopes: HandlerOf<'scopes'> = {
  handle(debuggee, { frameId }) {
    if (!debuggee.isBooted) return { scopes: [] };
    const isCaller = frameId !== 0;
    if (isCaller && frameAt(debuggee.guest, frameId) === undefined) {
      throw new UserError('bad-argument', localized('there is no frame {0}; stackTrace lists them', frameId));
    }
    const name = isCaller ? localized('Registers (of the processor, not of this caller)') : localized('Registers');
    return {
      scopes: [
        // The first is what clients open by themselves.
        registerScope(name, SCOPE_REFERENCE),
        ...(isCaller ? [registerScope(localized('Caller'), callerReference(frameId))] : []),
        { name: localized('Descriptor tables'), variablesReference: TABLES_REFERENCE, expensive: true },
      ],
    };
  },
};

function registerScope(name: string, variablesReference: number): DebugProtocol.Scope {
  return { name, presentationHint: 'registers', variablesReference, expensive: false };
}
