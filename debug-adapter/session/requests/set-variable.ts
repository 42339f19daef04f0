/** `setVariable`: writes a register, a part of one, or a flag. */
import { localized } from '../../protocol/localized.ts';
import { referenceOf, variablesOf } from '../cpu-ids.ts';
import { cpuidVariables } from '../cpuid-view.ts';
import { evaluateInput } from '../evaluate-text.ts';
import { RegisterView, withoutExplanation } from '../register-view.ts';
import { tableVariables } from '../table-view.ts';
import { UserError } from '../user-error.ts';
import { writeRegister } from '../write-register.ts';
import type { HandlerOf } from './request-handler.ts';

export const setVariable: HandlerOf<'setVariable'> = {
  capabilities: { supportsSetVariable: true },
  handle(debuggee, { variablesReference, name, value }) {
    const { guest, variables } = variablesOf(debuggee.guest, variablesReference);
    const find = () =>
      new RegisterView(guest, debuggee.registersBefore(guest))
        .children(variables)
        ?.find(({ variable }) => variable.name === name);
    const found = find();
    if (!found && (tableVariables(guest, variables) ?? cpuidVariables(guest, variables)))
      throw new UserError('not-writable', localized('{0} cannot be set to {1}', name, value));
    if (!found)
      throw new UserError('no-such-variable', localized('there is no {0} under {1}', name, variablesReference));
    if (!found.part)
      throw new UserError('not-writable', localized('{0} cannot be written as a whole; write what is in it', name));
    const text = withoutExplanation(value);
    const number = found.parse?.(text) ?? evaluateInput(guest, text, found.part.width);
    if (!writeRegister(guest, found.part, number)) {
      throw new UserError('not-writable', localized('{0} cannot be set to {1}', name, value));
    }
    debuggee.afterResponse(() => debuggee.stateWritten());
    const { variable } = find() ?? found;
    return { value: variable.value, variablesReference: referenceOf(guest, variable.variablesReference) };
  },
};
