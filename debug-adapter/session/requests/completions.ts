/** `completions`: commands of the console and what follows them, registers, flags, labels, memory. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { CPU_INDEX } from '../../expressions/compile.ts';
import { registerPartNames } from '../../expressions/register-parts.ts';
import { commands } from '../console/commands.ts';
import { commandOf } from '../console/run-command.ts';
import type { Debuggee } from '../debuggee.ts';
import type { HandlerOf } from './request-handler.ts';

/** More than anybody reads through. */
const TARGETS_MAX = 200;
const WORD = /[\w.@$-]*$/;

const MEMORY: readonly DebugProtocol.CompletionItem[] = ['byte', 'word', 'dword', 'qword'].map((size) => ({
  label: `${size}[…]`,
  text: `${size}[`,
  type: 'function',
}));

export const completions: HandlerOf<'completions'> = {
  capabilities: { supportsCompletionsRequest: true, completionTriggerCharacters: [' ', '.', '['] },
  handle(debuggee, { text, column, line }) {
    const first = debuggee.client.columnsStartAt1 === false ? 0 : 1;
    const row = text.split('\n')[debuggee.ownLine(line ?? debuggee.clientLine(1)) - 1] ?? '';
    const before = row.slice(0, Math.max(0, column - first));
    const word = WORD.exec(before)?.[0] ?? '';
    const start = before.length - word.length;
    const targets = candidates(debuggee, before.slice(0, start))
      .filter(({ label }) => label.toLowerCase().startsWith(word.toLowerCase()))
      .slice(0, TARGETS_MAX)
      .map((item) => ({ ...item, start, length: word.length }));
    return { targets };
  },
};

/** What may stand behind `before`. */
function candidates(debuggee: Debuggee, before: string): readonly DebugProtocol.CompletionItem[] {
  const found = commandOf(debuggee, before);
  if (found?.command.words && debuggee.isBooted) {
    return found.command.words(debuggee).map((label) => ({ label, type: 'value' }));
  }
  const names = expressionNames(debuggee);
  return before.trim() === '' ? [...commands.map(commandItem), ...names] : names;
}

function commandItem({ name, usage, help }: (typeof commands)[number]): DebugProtocol.CompletionItem {
  return { label: name, type: 'keyword', detail: `${usage} ${help}`.trim() };
}

function expressionNames(debuggee: Debuggee): readonly DebugProtocol.CompletionItem[] {
  const labels = debuggee.isBooted ? [...debuggee.guest.symbols.labels()] : [];
  return [
    { label: CPU_INDEX, type: 'variable' as const },
    ...registerPartNames.map((name) => ({ label: name.toLowerCase(), type: 'variable' as const })),
    ...[...new Set(labels.map(({ name }) => name))].map((label) => ({ label, type: 'reference' as const })),
    ...MEMORY,
  ];
}
