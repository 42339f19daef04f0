/** `evaluate`: expressions of watches, hovers and the Debug Console; the console may also assign, and takes commands. */
import { formatValue, splitNotation } from '../../expressions/format.ts';
import { runCommand } from '../console/run-command.ts';
import { evaluateCompiled } from '../evaluate-text.ts';
import { linearReference, writtenAt } from '../places.ts';
import { locationOf } from '../source-lines.ts';
import type { HandlerOf } from './request-handler.ts';

export const evaluate: HandlerOf<'evaluate'> = {
  capabilities: {
    supportsEvaluateForHovers: true,
    supportsClipboardContext: true,
    supportsValueFormattingOptions: true,
    supportsANSIStyling: true,
  },
  handle(debuggee, { expression: text, context, format }) {
    const answer = context === 'repl' ? runCommand(debuggee, text) : undefined;
    if (answer !== undefined) return { result: answer, variablesReference: 0 };
    const { guest } = debuggee;
    const { expression, notation } = splitNotation(text);
    const assignment = context === 'repl';
    const { value, address, compiled } = evaluateCompiled(guest, expression, { assignment });
    if (compiled.assigns) {
      const written = address === undefined ? undefined : writtenAt(address, compiled.width);
      debuggee.afterResponse(() => debuggee.stateWritten(written));
    }
    const plain = formatValue(value, compiled.width, notation ?? (format?.hex === false ? 'd' : 'x'));
    const isOpen = notation === undefined && format?.hex === undefined && context !== 'clipboard';
    const withDecimal = isOpen && value > 9 && compiled.width > 1;
    const location = locationOf(guest, address ?? value);
    return {
      result: withDecimal ? `${plain} (${value})` : plain,
      variablesReference: 0,
      memoryReference: linearReference(address ?? value),
      ...(location === undefined ? {} : { valueLocationReference: location }),
    };
  },
};
