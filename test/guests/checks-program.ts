/** The program of `programs/`, compiled for a processor, and what it prints on this machine. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { debianFile } from '../../scripts/debian-package.ts';

const SOURCES: string = join(import.meta.dirname, 'programs');
/** Overflow wraps and memory has no types: the sources say more of processors than ISO C lets them. */
const OPTIONS = ['-std=gnu11', '-O3', '-fwrapv', '-fno-strict-aliasing', '-fopenmp-simd', '-static'];

/** A processor that the program is compiled for. */
export interface ChecksTarget {
  readonly march: string;
  readonly is32Bit?: boolean;
  /** A feature that this machine needs to run it, as /proc/cpuinfo has it. */
  readonly needs?: string;
  /** What glibc's functions must not find here, as they do not find it there: with FMA they round otherwise. */
  readonly without: readonly string[];
}

/** Compiles the program into a directory; undefined where there is no compiler or library for it. */
export function compileChecks(directory: string, { march, is32Bit }: ChecksTarget): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  const library = is32Bit === true ? optionsFor32Bit() : [];
  if (library === undefined) return undefined;
  const program = join(directory, `checks-${march}`);
  const sources = readdirSync(SOURCES).filter((name) => name.endsWith('.c'));
  const { error, status, stderr } = spawnSync(
    'cc',
    [...OPTIONS, ...library, `-march=${march}`, '-o', program, ...sources.map((name) => join(SOURCES, name)), '-lm'],
    { encoding: 'utf8' },
  );
  if (error !== undefined) return undefined;
  if (status !== 0) throw new Error(stderr);
  return program;
}

/** The compiler's and the C library's 32-bit parts lie in packages that nothing else needs; they are only unpacked. */
function optionsFor32Bit(): readonly string[] | undefined {
  const { status, stdout } = spawnSync('cc', ['-dumpversion'], { encoding: 'utf8' });
  if (status !== 0) return undefined;
  const version = stdout.trim();
  const compilers = debianFile(`lib32gcc-${version}-dev`, `usr/lib/gcc/x86_64-linux-gnu/${version}/32/libgcc.a`);
  const library = debianFile('libc6-dev-i386', 'usr/lib32/libc.a');
  if (compilers === undefined || library === undefined) return undefined;
  const folders = [dirname(library), dirname(compilers)];
  const include = join(dirname(library), '..', 'include', 'x86_64-linux-gnu');
  return [
    '-m32',
    ...folders.flatMap((folder) => [`-B${folder}`, `-L${folder}`]),
    // The package has what differs; the rest lies where that for 64-bit code does.
    ...[include, '/usr/include/x86_64-linux-gnu'].flatMap((folder) => ['-idirafter', folder]),
  ];
}

/** Whether this machine's processor has what the program needs. */
export function canRunChecks({ needs }: ChecksTarget): boolean {
  return (
    needs === undefined || new RegExp(`^flags\\s*:.* ${needs}( |$)`, 'm').test(readFileSync('/proc/cpuinfo', 'utf8'))
  );
}

/** Its lines on this machine. */
export function runChecksHere(program: string, { without }: ChecksTarget, rounds: number): string {
  const tunables = `glibc.cpu.hwcaps=${without.map((feature) => `-${feature}`).join(',')}`;
  return execFileSync(program, [String(rounds)], {
    encoding: 'utf8',
    env: { ...process.env, GLIBC_TUNABLES: tunables },
  });
}
