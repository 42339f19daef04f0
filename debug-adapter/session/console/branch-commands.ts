/** Commands about branches: `branch` runs to the next one, `branches` records them and shows those that were taken last. */
import type { BranchEnd, BranchRow } from '../../protocol/branches.ts';
import { localized } from '../../protocol/localized.ts';
import { branchRows } from '../branch-rows.ts';
import type { Debuggee } from '../debuggee.ts';
import { branchPlan } from '../plans.ts';
import { AT_BRANCH } from '../stop-event.ts';
import { UserError } from '../user-error.ts';
import { type ConsoleCommand, countOf } from './console-command.ts';

const SHOWN = 16;
const SHOWN_MAX = 1000;

const branch: ConsoleCommand = {
  name: 'branch',
  usage: '',
  help: 'Runs until the next branch was taken: a jump, a call, a return, an interrupt or an exception.',
  words: () => [],
  run: (debuggee) => {
    if (debuggee.running) throw new UserError('not-stopped', localized('the guest is running; pause it first'));
    debuggee.afterResponse(() => debuggee.resume(branchPlan(debuggee.guest), { reason: AT_BRANCH, isTold: true }));
    return 'Running to the next branch.';
  },
};

const branches: ConsoleCommand = {
  name: 'branches',
  usage: '[count | on | off]',
  help: 'Shows the branches that were taken last, the newest at the end, while they are recorded; on and off say whether.',
  words: () => ['on', 'off'],
  run: (debuggee, [first]) => {
    if (first === 'on' || first === 'off') return record(debuggee, first === 'on');
    return show(debuggee, countOf(first, SHOWN, SHOWN_MAX));
  },
};

/** The view of the last branches shows what is recorded, too. */
function record(debuggee: Debuggee, on: boolean): string {
  debuggee.guest.machine.recordsBranches = on;
  debuggee.stateWritten(undefined, 'variables');
  return on ? 'Branches are recorded; branches lists the last of them.' : 'Branches are not recorded any more.';
}

function show({ guest }: Debuggee, count: number): string {
  if (!guest.machine.recordsBranches)
    throw new UserError('bad-argument', localized('no branches were recorded; type branches on first'));
  const rows = branchRows(guest, count);
  if (rows.length === 0) return 'No branch was taken since branches are recorded.';
  return rows.toReversed().map(lineOf).join('\n');
}

function lineOf({ from, to, kind, name, count }: BranchRow): string {
  const repeated = count === 1 ? '' : `  ${count} times`;
  return `${endText(from).padEnd(28)} → ${endText(to).padEnd(28)} ${name === '' ? kind : `${kind}, ${name}`}${repeated}`;
}

function endText({ place, symbol }: BranchEnd): string {
  return symbol === '' ? place : `${place} ${symbol}`;
}

export const branchCommands: readonly ConsoleCommand[] = [branch, branches];
