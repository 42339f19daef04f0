/** The page that the bench writes: every figure with its target and the ratios to the peers of the same run. */
import { type Figure, type Measurement, type Outcome, round, SLOW_TURN_MS } from './measurement.ts';
import { makeSummary } from './summary.ts';

/** Facts of the run that the page tells. */
export interface RunFacts {
  readonly date: string;
  /** Names and versions of what was compared. */
  readonly versions: readonly string[];
  /** Peers that were not there, and measurements that failed. */
  readonly missing: readonly string[];
}

const INTRODUCTION = `# Performance

\`npm run bench\` writes this page. Figures of different computers, and of the same one under different load, say little
about each other; **the ratios hold**: in each round a peer does the same work right after this machine, in a process of
its own, and the page gives the median over the rounds. "Best" is the best round of this machine. Those that interpret or
count are run once, and so is any other peer whose first run takes longer than ${SLOW_TURN_MS / 1000} seconds.

- "x86 VM" is the machine as it comes, with its compiler; "x86 VM, interpreter" is the same with \`"engine": "interpreter"\`,
  which never compiles. Both come to the same states at the same instruction. They are started from a bundle that is built
  like those that ship.
- The guests are boot sectors (\`scripts/bench/guests\`) that need no BIOS. A guest sends a letter on its serial port before
  and after the work, and the time between the two letters counts: neither starting nor booting is part of it.
- This machine counts the guest's instructions exactly; the peers run the same image, so theirs are as many.
- QEMU's gdb stub is spoken to by a small client, not by gdb, which would only be slower. It has no conditions: each
  arrival is a stop, a read of the registers, and a step off the breakpoint.
- v86 is measured with its compiler, as it comes, and with its interpreter alone (\`disable_jit\`). It has no long mode, so
  it has no part in the rows of 64-bit code.
- Bochs is Debian's, which is built with its debugger and is slower for it. It runs without a screen (its display library
  \`rfb\`, to which nobody connects) and does not wait for real time.
- Programs are C (\`scripts/bench/programs\`), compiled once for all; each sends a sum at its end, which must be the same
  everywhere. "That counts" is QEMU with \`-icount\`, which like this machine knows what the guest has executed. "This computer"
  runs the same code without a machine.
- What is measured is a rate, of code that has become warm: there is so much work in a row that the fastest of this machine,
  QEMU and v86 has one and a half to two seconds of it. A process of V8, as this machine and v86 are, spends its first tenths
  of a second on compiling its own code; QEMU does not. The last row of the programs tells what that costs where there
  is less to do: it is the sum of all of them, each for some tenths of a second in a process that has run nothing before. The
  boots of Linux contain it as well.
- Where a peer would need minutes for that much work, it does a part of it, and its time or rate is reckoned up to all of it
  (\`scripts/bench/shares.ts\`, and the tables of kernels and programs). Sums of programs are compared among those that do
  the same part.
- An event a second is one turn of a loop that makes it: the interrupt, what its handler does, the return, and the two
  instructions of the loop.
- Linux is booted without a boot loader by all of them. Its time is that of the whole program, from its start to the line
  that the shell's script prints. QEMU's machine for 64-bit kernels has PCI and ACPI, on which Linux spends some of it.
  Bochs boots no kernel by itself.
- A stop that is "never met" stands in code or data that the loop does not touch, on the same page.
`;

/** The page as Markdown. */
export function makePage(outcomes: readonly Outcome[], { date, versions, missing }: RunFacts): string {
  const groups = [...new Set(outcomes.map(({ measurement }) => measurement.group))];
  const parts = [
    INTRODUCTION,
    makeSummary(outcomes),
    `Run of ${date} with ${versions.join(', ')}.\n`,
    ...missing.map((name) => `**Missing below: ${name}.**\n`),
    ...groups.map((group) => `## ${group}\n\n${table(outcomes.filter((one) => one.measurement.group === group))}`),
  ];
  return parts.join('\n');
}

function table(outcomes: readonly Outcome[]): string {
  const header = ['', 'x86 VM', 'Best', 'Target', 'Peers, and how many times the figure of x86 VM theirs is'];
  const rows = outcomes.map(({ measurement, subject, peers, ahead }) => [
    `${measurement.name}, ${measurement.unit}`,
    round(subject.median),
    round(subject.best),
    [describeTarget(measurement, subject), describeLead(measurement, ahead)].filter(Boolean).join('; '),
    peers.map((peer) => describePeer(measurement, peer)).join('; '),
  ]);
  return [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}

function describeTarget({ better }: Measurement, { target, isMet }: Figure): string {
  if (target === undefined) return '';
  const bound = better === 'higher' ? 'at least' : 'at most';
  return `${bound} ${round(target)}: ${isMet ? 'met' : '**missed**'}`;
}

function describeLead({ lead, better, peers }: Measurement, ahead: readonly string[]): string {
  const wanted = Object.entries(lead ?? {}).filter(([name]) => peers.some((peer) => peer.name === name));
  if (wanted.length === 0) return '';
  const bound = better === 'higher' ? 'at least' : 'at most';
  const list = wanted.map(([name, times]) => (times === 1 ? name : `${round(times)} times ${name}`)).join(' and ');
  return `${bound} ${list}: ${ahead.length === 0 ? 'met' : `**missed** (${ahead.join(', ')})`}`;
}

function describePeer(measurement: Measurement, peer: Figure): string {
  const target = describeTarget(measurement, peer);
  return `${peer.name} ${round(peer.median)} (×${round(peer.ratio)}${target && `; ${target}`})`;
}
