/** `variables`: the registers, by set. */
import { RegisterView } from '../register-view.ts';
import { UserError } from '../user-error.ts';
import type { HandlerOf } from './request-handler.ts';

export const variables: HandlerOf<'variables'> = {
  handle(debuggee, { variablesReference, start = 0, count = 0, format }) {
    const notation = format?.hex === false ? 'd' : 'x';
    const children = new RegisterView(debuggee.guest, debuggee.registersBefore, notation).children(variablesReference);
    if (!children) throw new UserError('no-such-variable', `there are no variables under ${variablesReference}`);
    const end = count > 0 ? start + count : undefined;
    return { variables: children.map(({ variable }) => variable).slice(start, end) };
  },
};
