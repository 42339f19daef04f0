/** `variables`: the registers, by set, what is known of a caller's, the descriptor tables, CPUID. */
import { localized } from '../../protocol/localized.ts';
import { callerVariables } from '../caller-view.ts';
import { cpuidVariables } from '../cpuid-view.ts';
import { tableVariables } from '../table-view.ts';
import { RegisterView } from '../register-view.ts';
import { UserError } from '../user-error.ts';
import type { HandlerOf } from './request-handler.ts';

export const variables: HandlerOf<'variables'> = {
  handle(debuggee, { variablesReference, start = 0, count = 0, format }) {
    const notation = format?.hex === false ? 'd' : 'x';
    const registers = new RegisterView(debuggee.guest, debuggee.registersBefore, notation);
    const variables =
      registers.children(variablesReference)?.map(({ variable }) => variable) ??
      callerVariables(debuggee.guest, variablesReference, notation) ??
      tableVariables(debuggee.guest, variablesReference) ??
      cpuidVariables(debuggee.guest, variablesReference, notation);
    if (!variables)
      throw new UserError('no-such-variable', localized('there are no variables under {0}', variablesReference));
    return { variables: variables.slice(start, count > 0 ? start + count : undefined) };
  },
};
