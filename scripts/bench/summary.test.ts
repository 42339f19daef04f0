/** The page's summary counts rows by the faster of the peers that compile. */
import { expect, it } from 'vitest';
import type { Figure, Outcome } from './measurement.ts';
import { makeSummary } from './summary.ts';

function figure(name: string, median: number, ratio = 1): Figure {
  return { name, median, best: median, rounds: 1, ratio, target: undefined, isMet: undefined };
}

function outcome(name: string, better: 'higher' | 'lower', peers: readonly Figure[], group = 'Programs'): Outcome {
  const subject = { name: 'x86 VM', take: async () => 1 };
  return {
    measurement: { group, name, unit: 's', better, subject, lead: { v86: 1 }, peers: [], rounds: 1 },
    subject: figure('x86 VM', 1.1),
    peers,
    ahead: [],
    failures: [],
  };
}

it('counts what is ahead of the faster of QEMU and v86, whichever way is better', () => {
  const text = makeSummary([
    outcome('Sieve', 'lower', [figure('QEMU TCG', 2, 2), figure('v86', 1.2, 1.2)]),
    outcome('Sort', 'lower', [figure('QEMU TCG', 2, 2), figure('v86', 0.5, 0.5), figure('this computer', 0.25, 0.25)]),
    outcome('Loads', 'higher', [figure('QEMU TCG', 0.5, 0.5)], 'Loops and kernels'),
    outcome('Of an interpreter alone', 'higher', [figure('Bochs', 0.5, 0.5)], 'Loops and kernels'),
  ]);
  expect(text).toContain('**2 of 3**');
  expect(text).toContain('1.5 times as fast: **1 of 3**. Median: 1.2 times');
  expect(text).toContain('Against v86 alone: at least as fast in 1 of 2, median 0.85 times as fast.');
  expect(text).toContain('Against this computer alone: at least as fast in 0 of 1, median 0.25 times as fast.');
  expect(text).toContain('Behind the faster of the two: Sort (0.5).');
});

it('tells of Linux and of what a breakpoint leaves of the speed', () => {
  const text = makeSummary([
    outcome('Loads', 'higher', [figure('v86', 2, 2)], 'Loops and kernels'),
    outcome('linux-image-686', 'lower', [figure('QEMU TCG', 2, 0.5)], 'Linux'),
    outcome('A breakpoint on the running page that is never met', 'lower', [figure('QEMU and its gdb stub', 50, 45)]),
  ]);
  expect(text).toContain('linux-image-686: the time is 2 times that of QEMU TCG.');
  expect(text).toContain('never met: 90.9 % of free speed (QEMU and its gdb stub: 2 % of its own).');
});

it('says nothing where no peer compiles', () => {
  expect(makeSummary([outcome('Loads', 'higher', [figure('Bochs', 0.5, 0.5)])])).toBe('');
});
