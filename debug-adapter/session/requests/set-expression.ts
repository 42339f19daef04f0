/** `setExpression`: writes what a watch names. */
import { formatHex } from '../../expressions/format.ts';
import { assignText, evaluateCompiled, evaluateText } from '../evaluate-text.ts';
import type { HandlerOf } from './request-handler.ts';

export const setExpression: HandlerOf<'setExpression'> = {
  capabilities: { supportsSetExpression: true },
  handle(debuggee, { expression, value }) {
    const { guest } = debuggee;
    assignText(guest, expression, evaluateText(guest, value.replace(/\s\(\d+\)$/, '')));
    debuggee.afterResponse(() => debuggee.stateWritten());
    const written = evaluateCompiled(guest, expression);
    return { value: formatHex(written.value, written.compiled.width) };
  },
};
