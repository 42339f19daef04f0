/** `evaluate`: expressions of watches, hovers and the Debug Console; the console may also assign. */
import { formatValue, splitNotation } from '../../expressions/format.ts';
import { evaluateCompiled } from '../evaluate-text.ts';
import { linearReference } from '../places.ts';
import type { HandlerOf } from './request-handler.ts';

export const evaluate: HandlerOf<'evaluate'> = {
  capabilities: {
    supportsEvaluateForHovers: true,

    supportsClipboardContext: true,
  },
  handle(debuggee, { expression: text, context }) {
    const { guest } = debuggee;
    const { expression, notation } = splitNotation(text);
    const assignment = context === 'repl';
    const { value, address, compiled } = evaluateCompiled(guest, expression, { assignment });
    if (compiled.assigns) debuggee.afterResponse(() => debuggee.stateWritten());
    const plain = formatValue(value, compiled.width, notation);
    const withDecimal = notation === undefined && context !== 'clipboard' && value > 9 && compiled.width > 1;
    return {
      result: withDecimal ? `${plain} (${value})` : plain,
      variablesReference: 0,
      memoryReference: linearReference(address ?? value),
    };
  },
};
