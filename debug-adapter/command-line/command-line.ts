/** The command line: boots images without a user interface (`run`) and serves debug clients (`dap`). */
import { UserError } from '../session/user-error.ts';
import { dapCommand } from './dap-command.ts';
import { runCommand, type Streams } from './run-command.ts';
import { nameOption, parseDapOptions, parseRunOptions, UsageError } from './run-options.ts';
import { helpText, USAGE_LINES } from './usage.ts';

/** Wrong usage, image or configuration. */
const EXIT_USAGE = 1;

type Command = (words: readonly string[], streams: Streams) => Promise<number>;

const commands: Readonly<Record<string, Command>> = {
  run: async (words, streams) => runCommand(parseRunOptions(words), streams),
  dap: async (words, streams) => dapCommand(parseDapOptions(words), streams),
};

/** Runs the command that the words name; returns the status to exit with. */
export async function runCommandLine(words: readonly string[], streams: Streams): Promise<number> {
  const [name = '', ...rest] = words;
  if (words.length === 0 || words.includes('--help') || name === 'help') {
    const wanted = words.length > 0;
    (wanted ? streams.stdout : streams.stderr).write(wanted ? helpText() : USAGE_LINES);
    return wanted ? 0 : EXIT_USAGE;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  try {
    if (command === undefined) throw new UsageError(`${name}: there is no such command`);
    return await command(rest, streams);
  } catch (error) {
    streams.stderr.write(`x86vm: ${describe(error)}\n`);
    if (error instanceof UsageError) streams.stderr.write(USAGE_LINES);
    return EXIT_USAGE;
  }
}

/** The user's mistakes are a sentence; ours come with their trace. */
function describe(error: unknown): string {
  if (error instanceof UserError) return nameOption(error.message);
  if (!(error instanceof Error)) return String(error);
  const isOurs = error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError;
  return isOurs ? (error.stack ?? error.message) : error.message;
}
