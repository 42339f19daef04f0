/** What the page of the bench says first: how many rows reach what the project wants of them, and which do not. */
import { BREAKPOINT_ROW } from './debugger-measurements.ts';
import { median, type Outcome, round } from './measurement.ts';

/** The compilers among the peers, the faster of which counts. */
const COMPILERS: readonly string[] = ['QEMU TCG', 'v86'];
const FURTHER = 1.5;
const INTERPRETERS: readonly string[] = [
  'x86 VM, interpreter',
  'v86, interpreter only',
  'QEMU TCG that counts',
  'Bochs',
];
const NATIVE = 'this computer';
const LINUX = 'Linux';

/** The summary as Markdown; empty where no row has a peer that compiles. */
export function makeSummary(outcomes: readonly Outcome[]): string {
  const rows = outcomes.filter(({ measurement }) => measurement.lead !== undefined && measurement.group !== LINUX);
  const raced = rows.flatMap((outcome) => {
    const times = timesAhead(outcome, COMPILERS);
    return times === undefined ? [] : [{ name: outcome.measurement.name, times }];
  });
  if (raced.length === 0) return '';
  const share = (least: number): string => `${raced.filter(({ times }) => times >= least).length} of ${raced.length}`;
  const behind = raced.filter(({ times }) => times < 1).toSorted((left, right) => left.times - right.times);
  return [
    '## In short\n',
    `- Loops, kernels, events and programs at least as fast as the faster of ${COMPILERS.join(' and ')}: **${share(1)}**;`,
    `  ${FURTHER} times as fast: **${share(FURTHER)}**. Median: ${round(median(raced.map(({ times }) => times)))} times as fast.`,
    ...[...COMPILERS, ...INTERPRETERS, NATIVE].flatMap((peer) => describePeer(rows, peer)),
    ...describeLinux(outcomes.filter(({ measurement }) => measurement.group === LINUX)),
    ...describeBreakpoint(outcomes),
    ...(behind.length === 0
      ? []
      : [
          `- Behind the faster of the two: ${behind.map(({ name, times }) => `${name} (${round(times)})`).join('; ')}.`,
        ]),
    '',
  ].join('\n');
}

/** How many times as fast as the fastest of the peers the machine is; undefined where none of them has run. */
function timesAhead({ measurement, peers }: Outcome, names: readonly string[]): number | undefined {
  const times = peers
    .filter(({ name }) => names.includes(name))
    .map(({ ratio }) => (measurement.better === 'higher' ? 1 / ratio : ratio));
  return times.length === 0 ? undefined : Math.min(...times);
}

function describePeer(rows: readonly Outcome[], peer: string): readonly string[] {
  const times = rows.flatMap((outcome) => timesAhead(outcome, [peer]) ?? []);
  if (times.length === 0) return [];
  const faster = times.filter((value) => value >= 1).length;
  return [
    `- Against ${peer} alone: at least as fast in ${faster} of ${times.length}, median ${round(median(times))} times as fast.`,
  ];
}

function describeLinux(boots: readonly Outcome[]): readonly string[] {
  return boots.map(({ measurement, peers }) => {
    const parts = peers.map(({ name, ratio }) => `${round(1 / ratio)} times that of ${name}`);
    return `- ${measurement.name}: the time is ${parts.join(', ')}.`;
  });
}

/** What is left of the speed, where the rows say how many times as long it takes. */
function describeBreakpoint(outcomes: readonly Outcome[]): readonly string[] {
  const percent = (times: number): string => `${round(100 / times)} %`;
  return outcomes
    .filter(({ measurement }) => measurement.name.startsWith(BREAKPOINT_ROW))
    .map(({ measurement, subject, peers }) => {
      const others = peers.map(({ name, median: times }) => `${name}: ${percent(times)} of its own`);
      return `- ${measurement.name}: ${percent(subject.median)} of free speed (${others.join('; ')}).`;
    });
}
