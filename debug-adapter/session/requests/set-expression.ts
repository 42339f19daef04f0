/** `setExpression`: writes what a watch names. */
import { assignText, evaluateCompiled, formatCompiled } from '../evaluate-text.ts';
import { writtenAt } from '../places.ts';
import { withoutExplanation } from '../register-view.ts';
import { setStackRegister, stackRegisterOf } from '../stack-expression.ts';
import type { HandlerOf } from './request-handler.ts';

export const setExpression: HandlerOf<'setExpression'> = {
  capabilities: { supportsSetExpression: true },
  handle(debuggee, { expression, value, frameId, format }) {
    const guest = debuggee.guestOfFrame(frameId);
    const stack = stackRegisterOf(guest, expression);
    if (stack) {
      setStackRegister(guest, stack, withoutExplanation(value));
      debuggee.afterResponse(() => debuggee.stateWritten());
      return { value: stackRegisterOf(guest, expression)?.text ?? value };
    }
    assignText(guest, expression, value.replace(/\s\(\d+\)$/, ''));
    const { value: now, address, compiled } = evaluateCompiled(guest, expression);
    const written = address === undefined ? undefined : writtenAt(guest, address, compiled.width);
    debuggee.afterResponse(() => debuggee.stateWritten(written));
    return { value: formatCompiled(now, compiled, format?.hex === false ? 'd' : undefined) };
  },
};
