/** Commands about the session: `breakpoints`, `trace`. */
import type { ConsoleCommand } from './console-command.ts';
import { trace } from './trace-command.ts';

export const sessionCommands: readonly ConsoleCommand[] = [
  {
    name: 'breakpoints',
    usage: '',
    help: 'Lists the breakpoints with their conditions.',
    words: () => [],
    run: ({ breakpoints }) => {
      const lines = breakpoints.all().map((breakpoint) => breakpoint.summary());
      return lines.join('\n') || 'There are no breakpoints.';
    },
  },
  trace,
];
