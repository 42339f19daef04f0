/** The help of the command line, made from the tables of its options. */
import { type CommandOption, dapOptions, runOptions } from './command-options.ts';

const COLUMN = 34;
const WIDTH = 110;

export const USAGE_LINES =
  'Usage: x86vm run [IMAGE] [options]\n' + '       x86vm dap [--port NUMBER]\n' + '       x86vm --help\n';

export function helpText(): string {
  return `${USAGE_LINES}
run boots IMAGE without a user interface. IMAGE is a NASM source (it is assembled first) or an image: one of a standard
floppy size becomes drive A:, any other the first hard disk.

${runOptions.map(describeOption).join('\n')}

dap serves the Debug Adapter Protocol for other editors.

${dapOptions.map(describeOption).join('\n')}

Exit status of run: 0 the guest switched the power off or the text of --until was seen; (value << 1) | 1 from the exit
device; 1 wrong usage, image or configuration; 3 triple fault; 124 a limit was reached.
`;
}

function describeOption({ name, value, description }: CommandOption): string {
  const left = `  --${name}${value === undefined ? '' : ` ${value}`}`;
  const lines = wrap(description, WIDTH - COLUMN);
  const first = left.length < COLUMN ? left.padEnd(COLUMN) : `${left}\n${' '.repeat(COLUMN)}`;
  return first + lines.join(`\n${' '.repeat(COLUMN)}`);
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? '';
    if (last !== '' && last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines;
}
