/** The command `trace`: executes instructions and shows them, or shows what was executed while it recorded. */
import { localized } from '../../protocol/localized.ts';
import { instructionText, placeText } from '../code-listing.ts';
import type { Debuggee } from '../debuggee.ts';
import { executedLines } from '../executed-code.ts';
import { tracePlan } from '../trace-plan.ts';
import { UserError } from '../user-error.ts';
import { type ConsoleCommand, countOf } from './console-command.ts';

const TRACED_MAX = 10_000;
const SHOWN = 32;

export const trace: ConsoleCommand = {
  name: 'trace',
  usage: '[count | on | off | show [count]]',
  help:
    'Executes so many instructions and shows each before it is executed; interrupts are served unseen. ' +
    'With on, code that runs is recorded; show lists the last of it: how the guest came to a fault, for example.',
  words: () => ['on', 'off', 'show'],
  run: (debuggee, words) => {
    const [first = '', second] = words;
    switch (first) {
      case 'on':
        debuggee.guest.machine.recordsTrace = true;
        return 'Executed code is recorded; trace show lists the last of it.';
      case 'off':
        debuggee.guest.machine.recordsTrace = false;
        return 'Executed code is not recorded any more.';
      case 'show':
        return show(debuggee, countOf(second, SHOWN, TRACED_MAX));
      default:
        return execute(debuggee, countOf(words[0], 16, TRACED_MAX));
    }
  },
};

function show({ guest }: Debuggee, count: number): string {
  if (!guest.machine.recordsTrace)
    throw new UserError('bad-argument', localized('nothing was recorded; type trace on first'));
  const next = guest.vcpu.linearEip;
  const instruction = guest.decode(next);
  const text = instruction ? instructionText(guest, instruction) : '??';
  return [...executedLines(guest, count), `→ ${placeText(guest, next).padEnd(22)} ${text}`].join('\n');
}

function execute(debuggee: Debuggee, count: number): string {
  if (debuggee.running) throw new UserError('not-stopped', localized('the guest is running; pause it first'));
  const { guest, output } = debuggee;
  debuggee.afterResponse(() => {
    debuggee.resume(
      tracePlan(guest, count, (text) => output.write('console', text)),
      { isTold: true },
    );
  });
  return `Executing ${count === 1 ? '1 instruction' : `${count} instructions`}.`;
}
