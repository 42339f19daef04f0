/**
 * `npm run compiled-memory -- [--minutes M] [--kernel 32|64] [--write]`: what compiled code holds of the host's memory while a
 * Linux guest runs program after program in a shell, for so many minutes (default 5). A line for each twelfth of the time; with
 * `--write` they also go to docs/compiled-memory.md. Ends with 0 only if regions and modules stayed below their caps.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createMachine, type Machine } from '../vm-core/index.ts';
import { regionLimits } from '../vm-core/engine/compiler/compiled-regions.ts';
import { linuxConfig, linuxPackages } from './linux-guest.ts';
import { shellWork } from './lock-step/shell-work.ts';
import { repositoryRoot } from './run-command.ts';

const SLICE = 2_000_000;
const LINES = 12;
const TURNS = 1_000_000;
const MIB = 2 ** 20;
/** What is compiled at once may be beyond the cap. */
const BATCH = MIB;
const PAGE = join(repositoryRoot, 'docs', 'compiled-memory.md');

const kernels = {
  '32': { packages: ['linux-image-686:i386', 'busybox-static:i386'], cpuModel: 'pentium3' },
  '64': { packages: ['linux-image-cloud-amd64', 'busybox-static'], cpuModel: 'x86-64-v3' },
} as const;

/** What is known of a machine at a time. */
interface Sample {
  readonly seconds: number;
  readonly retired: number;
  readonly compiledShare: number;
  /** Turns of the shell's work. */
  readonly turns: number;
  readonly kept: number;
  readonly modules: number;
  readonly bytes: number;
  readonly made: number;
  readonly gone: number;
  readonly evicted: number;
  readonly resident: number;
  readonly heap: number;
}

const HEADER = [
  'Minutes',
  'Million instructions',
  'Compiled',
  'Turns of work',
  'Regions',
  'Modules',
  'WebAssembly, KiB',
  'Made',
  'Thrown away',
  'Evicted',
  'Process, MiB',
  'JavaScript heap, MiB',
];

/** Boots the guest and lets it work; tells of it so many times. */
function* run(kernel: keyof typeof kernels, seconds: number): Generator<Sample> {
  const { packages, cpuModel } = kernels[kernel];
  const found = linuxPackages(packages[0], packages[1]);
  if (!found) throw new Error(`${packages.join(' and ')} are not to be had`);
  const commandLine = 'quiet cryptomgr.notests';
  const config = linuxConfig(found, { cpuModel, memorySize: 128 * MIB, commandLine, script: shellWork(TURNS) });
  const machine = createMachine({ ...config, engine: 'compiler' });
  let [line, turns] = ['', 0];
  machine.onOutput = (device, channel, bytes) => {
    if (device !== 'uart-1' || channel !== 'serial') return;
    line += Buffer.from(bytes).toString('latin1');
    const lines = line.split('\n');
    line = lines.pop() as string;
    turns += lines.filter((text) => /^turn \d+ has ended/.test(text)).length;
  };
  const started = performance.now();
  for (let told = 1; told <= LINES; ) {
    const { reason } = machine.run({ instructionsMax: SLICE });
    if (reason !== 'limit' && reason !== 'halted') throw new Error(`the guest stopped: ${reason}`);
    const passed = (performance.now() - started) / 1000;
    if (passed < (told * seconds) / LINES) continue;
    yield sampleOf(machine, passed, turns);
    told++;
  }
}

function sampleOf({ retired, compiledCode }: Machine, seconds: number, turns: number): Sample {
  if (!compiledCode) throw new Error('nothing is compiled');
  const { kept, modules, bytes, compiled, dropped, evicted } = compiledCode.counters;
  const { rss, heapUsed } = process.memoryUsage();
  return {
    ...{ seconds, retired, turns, kept, modules, bytes, evicted },
    compiledShare: compiledCode.retired / retired,
    made: compiled,
    gone: dropped,
    resident: rss,
    heap: heapUsed,
  };
}

function rowOf(sample: Sample): string {
  const cells = [
    (sample.seconds / 60).toFixed(1),
    (sample.retired / 1e6).toFixed(0),
    `${(sample.compiledShare * 100).toFixed(1)} %`,
    ...[sample.turns, sample.kept, sample.modules].map(String),
    (sample.bytes / 1024).toFixed(0),
    ...[sample.made, sample.gone, sample.evicted].map(String),
    (sample.resident / MIB).toFixed(0),
    (sample.heap / MIB).toFixed(0),
  ];
  return `| ${cells.join(' | ')} |`;
}

function pageOf(lines: readonly string[], minutes: number, packageName: string): string {
  return [
    '# Memory of compiled code',
    '',
    `Written by \`npm run compiled-memory -- --minutes ${minutes} --write\`: ${packageName} with 128 MiB boots and then runs`,
    `programs of busybox in a shell, turn after turn (scripts/lock-step/shell-work.ts), for ${minutes} minutes, with \`"engine": "compiler"\`.`,
    `Regions are ${regionLimits.regions} at most, with ${regionLimits.bytes / MIB} MiB of WebAssembly; what is made beyond that takes the place of those`,
    'that were not used of late. "Thrown away" are those whose code was written over or mapped elsewhere, as programs come and go.',
    "The process holds the guest's memory as well, as far as the guest has used it.",
    '',
    ...lines,
    '',
  ].join('\n');
}

function main(): number {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '5' },
      kernel: { type: 'string', default: '32' },
      write: { type: 'boolean', default: false },
    },
  });
  const minutes = Number(values.minutes);
  const { kernel } = values;
  if (!(minutes > 0) || (kernel !== '32' && kernel !== '64')) {
    console.error('usage: node scripts/compiled-memory.ts [--minutes M] [--kernel 32|64] [--write]');
    return 2;
  }
  const lines = [`| ${HEADER.join(' | ')} |`, `|${HEADER.map(() => ' ---: |').join('')}`];
  for (const line of lines) console.log(line);
  let isBelow = true;
  for (const sample of run(kernel, minutes * 60)) {
    lines.push(rowOf(sample));
    console.log(lines.at(-1));
    const { kept, modules, bytes } = sample;
    if (kept > regionLimits.regions || modules > kept || bytes > regionLimits.bytes + BATCH) isBelow = false;
  }
  if (values.write) writeFileSync(PAGE, pageOf(lines, minutes, kernels[kernel].packages[0]));
  console.log(isBelow ? 'Below the caps all the time.' : 'ABOVE THE CAPS');
  return isBelow ? 0 : 1;
}

process.exitCode = main();
