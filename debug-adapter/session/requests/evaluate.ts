/** `evaluate`: expressions of watches, hovers and the Debug Console; the console may also assign, and takes commands. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { localized } from '../../protocol/localized.ts';
import { addressOfBits } from '../../expressions/address.ts';
import { isCpuIndex } from '../../expressions/compile.ts';
import { type Notation, splitNotation } from '../../expressions/format.ts';
import { findRegisterPart, isLaneName } from '../../expressions/register-parts.ts';
import { runCommand } from '../console/run-command.ts';
import { assignFloat, evaluateCompiled, formatCompiled } from '../evaluate-text.ts';
import { linearReference, writtenAt } from '../places.ts';
import { lineLocationOf } from '../source-lines.ts';
import type { Guest } from '../guest.ts';
import { assignStackRegister, stackRegisterOf } from '../stack-expression.ts';
import { UserError } from '../user-error.ts';
import type { HandlerOf } from './request-handler.ts';

export const evaluate: HandlerOf<'evaluate'> = {
  capabilities: {
    supportsEvaluateForHovers: true,
    supportsClipboardContext: true,
    supportsValueFormattingOptions: true,
    supportsANSIStyling: true,
  },
  handle(debuggee, { expression: text, context, frameId, format }) {
    // Who types sees a frame before him, and commands are about the processor that it is of.
    if (context === 'repl' && frameId !== undefined && debuggee.isBooted)
      debuggee.lookAt(debuggee.guestOfFrame(frameId));
    const answer = context === 'repl' ? runCommand(debuggee, text) : undefined;
    if (answer !== undefined) return { result: answer, variablesReference: 0 };
    const guest = debuggee.guestOfFrame(frameId);
    const assignedStack = context === 'repl' ? assignStackRegister(guest, text) : undefined;
    if (assignedStack) debuggee.afterResponse(() => debuggee.stateWritten());
    const stack = assignedStack ?? stackRegisterOf(guest, text);
    if (stack) return { result: stack.text, variablesReference: 0 };
    if (context === 'repl') requireKnownWord(guest, text);
    const assigned = context === 'repl' ? assignFloat(guest, text) : undefined;
    if (assigned !== undefined) debuggee.afterResponse(() => debuggee.stateWritten());
    const { expression, notation } = splitNotation(assigned ?? text);
    const assignment = context === 'repl';
    const { value, address, compiled } = evaluateCompiled(guest, expression, { assignment });
    if (compiled.assigns) {
      const written = address === undefined ? undefined : writtenAt(guest, address, compiled.width);
      debuggee.afterResponse(() => debuggee.stateWritten(written));
    }
    const plain = formatCompiled(value, compiled, notation ?? formatNotation(format));
    const isOpen = notation === undefined && format?.hex === undefined && context !== 'clipboard';
    const withDecimal = isOpen && value > 9 && compiled.width > 1 && (compiled.lane ?? 'unsigned') === 'unsigned';
    const pointed = address ?? addressOfBits(BigInt(value));
    const location = typeof pointed === 'number' ? lineLocationOf(guest, pointed) : undefined;
    return {
      result: withDecimal ? `${plain} (${value})` : plain,
      variablesReference: 0,
      memoryReference: linearReference(guest, pointed),
      ...(location === undefined ? {} : { valueLocationReference: location }),
    };
  },
};

/** What the client wishes; unless it says, values are in hexadecimal, and lanes what they hold. */
function formatNotation(format: DebugProtocol.ValueFormat | undefined): Notation | undefined {
  return format?.hex === undefined ? undefined : format.hex ? 'x' : 'd';
}

/** Words that begin an expression without being names. */
const FORMS = /^(?:byte|word|dword|qword|linear|physical)$/i;
const BARE_SEGMENT = /^\s*[0-9a-f]{1,4}\s*:/i;

/** Who types a command of another debugger is told where ours are, and not how an expression goes on. */
function requireKnownWord(guest: Guest, text: string): void {
  if (text.trim() === '') {
    throw new UserError('bad-expression', localized('write an expression or a command; help lists the commands'));
  }
  const word = /^\s*([a-z_][\w.@#$]*)/i.exec(text)?.[1];
  if (isLaneName(/^\s*([\w.]+\[\d+\])/.exec(text)?.[1] ?? '')) return;
  if (word === undefined || FORMS.test(word) || BARE_SEGMENT.test(text)) return;
  if (findRegisterPart(word) || isCpuIndex(word) || guest.expressions.label(word) !== undefined) return;
  throw new UserError(
    'bad-expression',
    localized('{0} is no command, register, flag or label; help lists the commands', word),
  );
}
