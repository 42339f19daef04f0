/** Finds the command that a line of the Debug Console begins with. A line that begins with none is an expression. */
import { isCpuIndex } from '../../expressions/compile.ts';
import type { Debuggee } from '../debuggee.ts';
import { commands } from './commands.ts';
import { type ConsoleCommand, splitWords } from './console-command.ts';

/** What stands behind a name in an expression, but not behind a command. */
const OPERATOR = /^\s*([-+*/%&|^<>=!?]|$)/;

/** The command of a line with what follows it; undefined for an expression. A label of that name can be written `$x`. */
export function commandOf(
  debuggee: Debuggee,
  line: string,
): { readonly command: ConsoleCommand; readonly rest: string } | undefined {
  const match = /^\s*([a-z]+)(?:\s+(.*))?$/is.exec(line);
  const command = commands.find(({ name }) => name === match?.[1]?.toLowerCase());
  if (!match || !command) return undefined;
  const rest = match[2] ?? '';
  const isLabel = debuggee.isBooted && debuggee.guest.symbols.label(match[1] ?? '') !== undefined;
  const isValue = isCpuIndex(command.name) && rest !== '';
  return (isLabel || isValue) && OPERATOR.test(rest) ? undefined : { command, rest };
}

/** Runs the command of a line; gives what the console shows, or undefined for an expression. */
export function runCommand(debuggee: Debuggee, line: string): string | undefined {
  const found = commandOf(debuggee, line);
  return found?.command.run(debuggee, splitWords(found.rest));
}
