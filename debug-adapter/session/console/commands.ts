/** All commands of the Debug Console. A command is a row here; help and completion follow. */
import { localized } from '../../protocol/localized.ts';
import { UserError } from '../user-error.ts';
import type { ConsoleCommand } from './console-command.ts';
import { branchCommands } from './branch-commands.ts';
import { compiledCommand } from './compiled-command.ts';
import { machineCommands } from './machine-commands.ts';
import { memoryCommands } from './memory-commands.ts';
import { pagingCommands } from './paging-commands.ts';
import { processorCommands } from './processor-commands.ts';
import { sessionCommands } from './session-commands.ts';
import { tableCommands } from './table-commands.ts';
import { styled } from './styles.ts';

const help: ConsoleCommand = {
  name: 'help',
  usage: '[command]',
  help: 'Lists the commands, or explains one.',
  words: () => commands.map(({ name }) => name),
  run: (debuggee, [name]) => {
    if (name !== undefined) return explain(commandNamed(name));
    const width = Math.max(...commands.map((command) => explainUsage(command).length));
    const lines = commands.map((command) => {
      const usage = explainUsage(command).padEnd(width);
      return `${styled(debuggee, 'heading', usage)}  ${command.help}`;
    });
    return [...lines, 'Anything else is an expression: registers, flags, labels, word[ds:si], al = 1.'].join('\n');
  },
};

export const commands: readonly ConsoleCommand[] = [
  help,
  ...machineCommands,
  ...tableCommands,
  ...memoryCommands,
  ...pagingCommands,
  ...processorCommands,
  ...branchCommands,
  compiledCommand,
  ...sessionCommands,
];

function explainUsage({ name, usage }: ConsoleCommand): string {
  return `${name} ${usage}`.trimEnd();
}

function explain(command: ConsoleCommand): string {
  return `${explainUsage(command)}\n${command.help}`;
}

function commandNamed(name: string): ConsoleCommand {
  const command = commands.find((candidate) => candidate.name === name.toLowerCase());
  if (command) return command;
  throw new UserError('bad-argument', localized('there is no command {0}; help lists them', name));
}
