/** Commands about the session: `breakpoints`, `trace`. */
import type { Debuggee } from '../debuggee.ts';
import { tracePlan } from '../trace-plan.ts';
import { UserError } from '../user-error.ts';
import { type ConsoleCommand, countOf } from './console-command.ts';

const TRACED_MAX = 10_000;

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
  {
    name: 'trace',
    usage: '[count]',
    help: 'Executes so many instructions and shows each before it is executed; interrupts are served unseen.',
    words: () => [],
    run: trace,
  },
];

function trace(debuggee: Debuggee, [count]: readonly string[]): string {
  if (debuggee.running) throw new UserError('not-stopped', 'the guest is running; pause it first');
  const traced = countOf(count, 16, TRACED_MAX);
  const { guest, output } = debuggee;
  debuggee.afterResponse(() => {
    debuggee.resume(tracePlan(guest, traced, (text) => output.write('console', text)));
  });
  return `Executing ${traced === 1 ? '1 instruction' : `${traced} instructions`}.`;
}
