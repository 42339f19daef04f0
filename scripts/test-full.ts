/**
 * `npm run test:full [-- STEP…]`: the suites that compare the processor with others, for as long as it takes to be thorough
 * (some five hours on two cores). Prints what each step came to; ends with 0 only if all passed.
 */
import { join } from 'node:path';
import { runCommand } from './run-command.ts';

interface Step {
  readonly name: string;
  /** What it goes through. */
  readonly title: string;
  /** Test files, or a script with its arguments. */
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

const vitest = (...files: readonly string[]) => [
  join('node_modules', 'vitest', 'vitest.mjs'),
  ...['run', '--testTimeout', '7200000'],
  ...files,
];

const ORACLE_SEEDS = ['1', '2', '3'];

const STEPS: readonly Step[] = [
  ...ORACLE_SEEDS.map((seed) => ({
    name: 'oracle',
    title: `300 cases of every form of instruction on this machine's processor, 20 of them compiled, seed ${seed}`,
    command: vitest('test/native-oracle'),
    environment: { ORACLE_CASES: '300', ORACLE_COMPILED_CASES: '20', ORACLE_SEED: seed },
  })),
  {
    name: 'decoder',
    title: 'all prefixes × opcodes × ModR/M and all VEX prefixes against iced-x86',
    command: vitest('test/decoder'),
    environment: { DECODER_RATE: '1000', DECODER_ROUNDS: '2000000' },
  },
  { name: 'vectors', title: 'all recorded hardware tests', command: [join('scripts', 'vectors.ts')] },
  {
    name: 'vectors',
    title: 'all recorded hardware tests in compiled code',
    command: [join('scripts', 'vectors.ts'), '--engine', 'compiler-at-once'],
  },
  {
    name: 'differential',
    title: 'random code and random system state here and in QEMU',
    command: [join('scripts', 'differential.ts'), '--minutes', '20'],
  },
  {
    name: 'differential',
    title: 'the same in compiled code',
    command: [join('scripts', 'differential.ts'), '--minutes', '10', '--engine', 'compiler-at-once'],
  },
  {
    name: 'paging',
    title: 'page tables and the monitor against QEMU',
    command: vitest('test/against-qemu'),
    environment: { PAGING_ROUNDS: '40', MONITOR_ROUNDS: '40' },
  },
  {
    name: 'guests',
    title: 'what Debian ships, booted, with everything it tests itself',
    command: vitest('test/guests'),
    environment: { GUESTS: 'thorough' },
  },
  {
    name: 'compiled',
    title: 'tests of the processor, kernels of our own and SeaBIOS, compiled when first executed',
    command: vitest('vm-core', 'test/kernels', 'test/seabios', 'test/against-qemu', 'test/branches'),
    environment: { X86_VM_ENGINE: 'compiler-at-once' },
  },
  {
    name: 'interpreted',
    title: 'what Debian ships, booted on the interpreter',
    command: vitest('test/guests'),
    environment: { X86_VM_ENGINE: 'interpreter' },
  },
  {
    name: 'random-tiers',
    title: 'what Debian ships, booted with code compiled, interpreted and thrown away as chance has it',
    command: vitest('test/guests'),
    environment: { X86_VM_ENGINE: 'compiler-random:11' },
  },
  {
    name: 'lock-step',
    title: 'guests on the interpreter and on compiled code, side by side',
    command: [join('scripts', 'lock-step.ts'), '--minutes', '8'],
  },
  { name: 'fuzz', title: 'tests with random input', command: [join('scripts', 'fuzz.ts')] },
];

const names = new Set(STEPS.map(({ name }) => name));
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !names.has(name));
if (unknown.length > 0) {
  console.error(`test:full: there is no step ${unknown.join(', ')}; steps are ${[...names].join(', ')}`);
  process.exit(2);
}

const failed: string[] = [];
for (const { name, title, command, environment } of STEPS) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  console.log(`=== ${name}: ${title}`);
  const started = performance.now();
  const { exitCode } = await runCommand(process.execPath, command, { show: true, environment });
  const seconds = Math.round((performance.now() - started) / 1000);
  console.log(`--- ${name}: ${exitCode === 0 ? 'passed' : 'FAILED'} after ${seconds} s`);
  if (exitCode !== 0) failed.push(name);
}
console.log(failed.length === 0 ? 'All passed.' : `FAILED: ${failed.join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;
