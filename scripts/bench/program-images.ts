/**
 * The bench's programs in C (`programs/`): compiled for 32- and 64-bit code by the compiler on PATH, booted by a loader of
 * their own, and natively, where this computer's kernel runs them.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { mustRun, repositoryRoot } from '../run-command.ts';
import type { Shares } from './shares.ts';

const PROGRAMS = join(repositoryRoot, 'scripts', 'bench', 'programs');
const OPTIONS = [
  ...['-std=gnu11', '-ffreestanding', '-fno-builtin', '-fno-tree-loop-distribute-patterns', '-fno-pic', '-fno-pie'],
  ...['-fno-stack-protector', '-fcf-protection=none', '-fno-asynchronous-unwind-tables', '-mno-red-zone', '-Werror'],
];

/** A program, and how much of it is work. */
export interface Program {
  readonly source: string;
  readonly description: string;
  /** Work for some tenths of a second. */
  readonly rounds: number;
  readonly work: Readonly<Record<CodeSize, Work>>;
  /** Besides `-O2`. */
  readonly options?: readonly string[];
}

/** What takes the fastest of those that compile one and a half to two seconds. */
interface Work {
  /** How many times the program's rounds. */
  readonly times: number;
  /** How much of that others do than usual. */
  readonly shares?: Shares;
}

const A_QUARTER = 1 / 4;
const SLOW_COPIES: Shares = {
  'x86 VM, interpreter': A_QUARTER,
  'QEMU TCG': 1 / 8,
  'QEMU TCG that counts': 1 / 16,
  Bochs: 1 / 64,
};
const SLOW_QEMU: Shares = { 'QEMU TCG': 1 / 32, 'QEMU TCG that counts': 1 / 32 };
const SLOW_PAGES: Shares = { 'x86 VM, interpreter': A_QUARTER, 'QEMU TCG': A_QUARTER, Bochs: 1 / 8 };

export const programs: readonly Program[] = [
  { source: 'sieve', description: 'sieve of Eratosthenes', rounds: 400, work: { 32: { times: 6 }, 64: { times: 7 } } },
  { source: 'sort', description: 'quicksort', rounds: 400, work: { 32: { times: 9 }, 64: { times: 9 } } },
  {
    source: 'hash',
    description: 'hash table and digest',
    rounds: 2500,
    work: { 32: { times: 8, shares: { v86: 1 / 2 } }, 64: { times: 8 } },
  },
  {
    source: 'matrix',
    description: 'product of matrices with the x87',
    rounds: 250,
    work: {
      32: { times: 1, shares: { 'x86 VM, interpreter': 1 / 2, Bochs: 1 / 2 } },
      64: { times: 4, shares: { 'QEMU TCG': 1 / 2, Bochs: A_QUARTER } },
    },
    options: ['-mfpmath=387'],
  },
  {
    source: 'matrix',
    description: 'product of matrices with SSE2',
    rounds: 1500,
    work: {
      32: { times: 1.5, shares: { 'QEMU TCG': A_QUARTER } },
      64: { times: 1.5, shares: { 'QEMU TCG': A_QUARTER } },
    },
    options: ['-O3', '-msse2', '-mfpmath=sse'],
  },
  {
    source: 'memory',
    description: 'memory copied and filled',
    rounds: 1500,
    work: {
      32: { times: 18, shares: SLOW_COPIES },
      64: { times: 12, shares: SLOW_COPIES },
    },
  },
  {
    source: 'search',
    description: 'words searched in a text',
    rounds: 700,
    work: { 32: { times: 5, shares: { 'QEMU TCG': A_QUARTER } }, 64: { times: 7 } },
  },
  {
    source: 'bytecode',
    description: 'interpreter of bytecode',
    rounds: 120,
    work: { 32: { times: 1.75 }, 64: { times: 1.75 } },
  },
  {
    source: 'recursion',
    description: 'recursive calls',
    rounds: 1000,
    work: { 32: { times: 10, shares: SLOW_QEMU }, 64: { times: 10, shares: SLOW_QEMU } },
  },
  {
    source: 'wide',
    description: 'products and quotients of 64 bits',
    rounds: 50_000,
    work: {
      32: { times: 30, shares: SLOW_QEMU },
      64: { times: 70 },
    },
  },
  {
    source: 'chase',
    description: 'list through 2,000 pages',
    rounds: 12_000,
    work: { 32: { times: 4, shares: SLOW_PAGES }, 64: { times: 4, shares: SLOW_PAGES } },
  },
  {
    source: 'mixture',
    description: 'mixture of lists, matrices, states and check sums',
    rounds: 3000,
    work: {
      32: { times: 8, shares: SLOW_QEMU },
      64: { times: 5, shares: { 'x86 VM, interpreter': A_QUARTER, 'QEMU TCG': A_QUARTER, Bochs: 1 / 8 } },
    },
  },
];

export type CodeSize = 32 | 64;

/** True if there is a C compiler. */
export function hasCompiler(): boolean {
  return spawnSync('cc', ['--version']).status === 0;
}

/** What a program was made into. */
export interface ProgramFiles {
  readonly image: string;
  /** Undefined where this computer runs no such code. */
  readonly native: string | undefined;
}

/** Compiles a program into a directory, for its rounds or so many others. */
export async function compileProgram(
  directory: string,
  { source, rounds, options = [] }: Pick<Program, 'source' | 'rounds' | 'options'>,
  codeSize: CodeSize,
): Promise<ProgramFiles> {
  const path = join(directory, `${[source, ...options, codeSize].join('')}-${rounds}`);
  const compile = ['-O2', ...options, ...OPTIONS, `-m${codeSize}`];
  const code = join(PROGRAMS, `${source}.c`);
  await mustRun('cc', [...compile, '-c', '-o', `${path}.o`, code]);
  const format = codeSize === 64 ? 'elf_x86_64' : 'elf_i386';
  const script = join(PROGRAMS, 'program.ld');
  await mustRun('ld', ['-m', format, '-T', script, '--oformat', 'binary', '-o', `${path}.bin`, `${path}.o`]);
  const definitions = [...(codeSize === 64 ? ['-DLONG'] : []), `-DCOUNT=${rounds}`, `-DPROGRAM="${path}.bin"`];
  await mustRun('nasm', ['-f', 'bin', ...definitions, '-o', `${path}.img`, join(PROGRAMS, 'program.asm')]);
  const frame = join(PROGRAMS, 'native.c');
  const native = ['-DNATIVE', `-DCOUNT=${rounds}`, '-nostdlib', '-static', '-o', `${path}.native`, frame, code];
  await mustRun('cc', [...compile, ...native]);
  const runs = process.platform === 'linux' && spawnSync(`${path}.native`).status === 0;
  return { image: `${path}.img`, native: runs ? `${path}.native` : undefined };
}
