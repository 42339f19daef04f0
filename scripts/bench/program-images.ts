/**
 * The bench's programs in C (`programs/`): compiled for 32- and 64-bit code by the compiler on PATH, booted by a loader of
 * their own, and natively, where this computer's kernel runs them.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { mustRun, repositoryRoot } from '../run-command.ts';

const PROGRAMS = join(repositoryRoot, 'scripts', 'bench', 'programs');
const OPTIONS = [
  ...['-std=gnu11', '-ffreestanding', '-fno-builtin', '-fno-tree-loop-distribute-patterns', '-fno-pic', '-fno-pie'],
  ...['-fno-stack-protector', '-fcf-protection=none', '-fno-asynchronous-unwind-tables', '-mno-red-zone', '-Werror'],
];

/** A program, and how much of it is work for a second or two, and for the slowest peer not for more than fifteen. */
export interface Program {
  readonly source: string;
  readonly description: string;
  readonly rounds: number;
  /** Besides `-O2`. */
  readonly options?: readonly string[];
}

export const programs: readonly Program[] = [
  { source: 'sieve', description: 'sieve of Eratosthenes', rounds: 400 },
  { source: 'sort', description: 'quicksort', rounds: 400 },
  { source: 'hash', description: 'hash table and digest', rounds: 2500 },
  {
    source: 'matrix',
    description: 'product of matrices with the x87',
    rounds: 250,
    options: ['-mfpmath=387'],
  },
  {
    source: 'matrix',
    description: 'product of matrices with SSE2',
    rounds: 1500,
    options: ['-O3', '-msse2', '-mfpmath=sse'],
  },
  { source: 'memory', description: 'memory copied and filled', rounds: 1500 },
  { source: 'search', description: 'words searched in a text', rounds: 700 },
  { source: 'bytecode', description: 'interpreter of bytecode', rounds: 120 },
  { source: 'recursion', description: 'recursive calls', rounds: 1000 },
  { source: 'wide', description: 'products and quotients of 64 bits', rounds: 50_000 },
  { source: 'chase', description: 'list through 2,000 pages', rounds: 12_000 },
  { source: 'mixture', description: 'mixture of lists, matrices, states and check sums', rounds: 3000 },
];

export type CodeSize = 32 | 64;

/** What a program was made into. */
export interface ProgramFiles {
  readonly image: string;
  /** Undefined where this computer runs no such code. */
  readonly native: string | undefined;
}

/** True if there is a C compiler. */
export function hasCompiler(): boolean {
  return spawnSync('cc', ['--version']).status === 0;
}

/** Compiles a program into a directory. */
export async function compileProgram(directory: string, program: Program, codeSize: CodeSize): Promise<ProgramFiles> {
  const { source, rounds, options = [] } = program;
  const path = join(directory, [source, ...options, codeSize].join(''));
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
