/**
 * `npm run bench`: measures the debugger and the machine beside their peers and writes docs/performance.md. With words of
 * a name behind it (`npm run bench -- loads`) only those measurements run, and nothing is written. The bench also starts
 * itself, with the name of a program, as the process that runs a guest on v86.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { findBochs } from './bench/bochs-machine.ts';
import { debuggerMeasurements } from './bench/debugger-measurements.ts';
import { linuxMeasurements } from './bench/linux-boots.ts';
import { measure, type Outcome } from './bench/measurement.ts';
import type { Engine } from './bench/our-machine.ts';
import { makePage } from './bench/page.ts';
import { qemuVersion } from './bench/qemu-machine.ts';
import { programMeasurements } from './bench/program-measurements.ts';
import { speedMeasurements } from './bench/speed-measurements.ts';
import { runV86, runV86Linux } from './bench/v86-machine.ts';
import { repositoryRoot } from './run-command.ts';

const PAGE = join(repositoryRoot, 'docs', 'performance.md');
/** `npm run bench` has built it, from what ships and in the way of what ships. */
const OUR_MACHINE = join(repositoryRoot, 'out', 'bench', 'our-machine.cjs');

const tell = (text: string): void => console.log(text);

async function bench(words: readonly string[]): Promise<void> {
  const qemu = qemuVersion();
  const bochs = findBochs();
  const missing = [
    ...(qemu === undefined ? ['QEMU (qemu-system-i386)'] : []),
    ...(bochs === undefined ? ['Bochs (Debian packages bochs, bochsbios and vgabios)'] : []),
  ];
  for (const name of missing) tell(`SKIPPED: ${name} is not there`);
  /** The others are worth having; the page says what is not there. */
  const fail = (what: string): void => {
    tell(`FAILED: ${what}`);
    missing.push(what.split('\n', 1)[0] as string);
    process.exitCode = 1;
  };
  const directory = mkdtempSync(join(tmpdir(), 'x86-vm-bench-'));
  try {
    const peers = { directory, qemu: qemu !== undefined, bochs, machine: OUR_MACHINE };
    const all = [
      ...(await debuggerMeasurements(peers)),
      ...(await speedMeasurements(peers)),
      ...(await programMeasurements(peers)),
      ...linuxMeasurements(peers),
    ];
    const chosen = all.filter(({ name }) => words.every((word) => name.toLowerCase().includes(word.toLowerCase())));
    const outcomes: Outcome[] = [];
    for (const measurement of chosen) {
      try {
        const outcome = await measure(measurement, tell);
        outcomes.push(outcome);
        for (const failure of outcome.failures) fail(`${measurement.name}, ${failure}`);
      } catch (error) {
        fail(`${measurement.name}: ${String(error)}`);
      }
    }
    if (words.length > 0) return;
    const versions = [
      `Node ${process.versions.node}`,
      `v86 ${v86Version()}`,
      ...(qemu ? [qemu] : []),
      ...(bochs ? [bochs.version] : []),
    ];
    writeFileSync(PAGE, makePage(outcomes, { date: new Date().toISOString().slice(0, 10), versions, missing }));
    tell('wrote docs/performance.md');
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function v86Version(): string {
  const folder = dirname(dirname(createRequire(import.meta.url).resolve('v86')));
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
  return version;
}

const [first = '', image = '', option = ''] = process.argv.slice(2);
if (first === 'v86-linux') await runV86Linux(image, option);
else if (first === 'v86') await runV86(image, option as Engine);
else await bench(process.argv.slice(2));
