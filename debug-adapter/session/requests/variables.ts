/** `variables`: the registers, by set, what is known of a caller's, the descriptor tables, CPUID. */
import { localized } from '../../protocol/localized.ts';
import { callerVariables } from '../caller-view.ts';
import { referenceOf, variablesOf } from '../cpu-ids.ts';
import { cpuidVariables } from '../cpuid-view.ts';
import { tableVariables } from '../table-view.ts';
import { RegisterView } from '../register-view.ts';
import { UserError } from '../user-error.ts';
import type { HandlerOf } from './request-handler.ts';

export const variables: HandlerOf<'variables'> = {
  handle(debuggee, { variablesReference, start = 0, count = 0, format }) {
    const notation = format?.hex === false ? 'd' : 'x';
    const { guest, variables: reference } = variablesOf(debuggee.guest, variablesReference);
    const registers = new RegisterView(guest, debuggee.registersBefore(guest), notation);
    const variables =
      registers.children(reference)?.map(({ variable }) => variable) ??
      callerVariables(guest, reference, notation) ??
      tableVariables(guest, reference) ??
      cpuidVariables(guest, reference, notation);
    if (!variables)
      throw new UserError('no-such-variable', localized('there are no variables under {0}', variablesReference));
    const shown = variables.slice(start, count > 0 ? start + count : undefined);
    return {
      variables: shown.map((each) => ({ ...each, variablesReference: referenceOf(guest, each.variablesReference) })),
    };
  },
};
