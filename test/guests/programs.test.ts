/**
 * A program that calculates in every way a compiler knows (`programs/`), compiled with -O3 for one kind of processor after
 * the other: under Debian's kernels here it has to print what it prints on this machine. A short run goes through 64-bit
 * code; `npm run test:full -- guests` (GUESTS=thorough) has all kinds, for longer.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type ChecksTarget, canRunChecks, compileChecks, runChecksHere } from './checks-program.ts';
import { linuxPackages, type LinuxRun, runLinux } from '../../scripts/linux-guest.ts';

const THOROUGH = process.env['GUESTS'] === 'thorough';
const ROUNDS = THOROUGH ? 100 : 5;

interface ProgramCase extends Pick<LinuxRun, 'cpuModel' | 'memorySize'> {
  readonly target: ChecksTarget;
  readonly kernel: string;
  readonly busybox: string;
}

const amd64 = { kernel: 'linux-image-cloud-amd64', busybox: 'busybox-static', memorySize: 256 << 20 };
const i386 = { kernel: 'linux-image-686:i386', busybox: 'busybox-static:i386', memorySize: 64 << 20 };
const WIDE = ['AVX2', 'FMA', 'FMA4', 'AVX'];

const v2: ProgramCase = { ...amd64, cpuModel: 'x86-64-v2', target: { march: 'x86-64-v2', without: WIDE } };
const thorough: readonly ProgramCase[] = [
  { ...amd64, cpuModel: 'x86-64-v3', target: { march: 'x86-64-v3', needs: 'avx2', without: [] } },
  { ...i386, cpuModel: 'pentium3', target: { march: 'pentium3', is32Bit: true, without: [...WIDE, 'SSE2'] } },
  { ...i386, cpuModel: 'pentium3', target: { march: 'i686', is32Bit: true, without: [...WIDE, 'SSE2'] } },
];
const cases = [v2, ...(THOROUGH ? thorough : [])];

const directory: string = mkdtempSync(join(tmpdir(), 'checks-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe.each(cases)('A program for $target.march', ({ target, kernel, busybox, ...run }) => {
  const packages = linuxPackages(kernel, busybox);
  const program = packages && compileChecks(directory, target);
  const missing =
    (packages === undefined && 'no packages') ||
    (program === undefined && 'no C compiler') ||
    (!canRunChecks(target) && `no ${target.needs} on this machine`);

  it.skipIf(missing)(
    `prints under ${kernel} what it prints here${missing ? ` (skipped: ${missing})` : ''}`,
    { timeout: 1_200_000 },
    () => {
      const { console, end } = runLinux(packages as NonNullable<typeof packages>, {
        ...run,
        commandLine: 'quiet noapic nolapic cryptomgr.notests',
        script: `/bin/checks ${ROUNDS}`,
        files: [{ path: 'bin/checks', bytes: readFileSync(program as string), isExecutable: true }],
        instructionsMax: 20_000_000_000,
      });
      const printed = console.split('\n').filter((line) => /^\w+: .* [0-9a-f]{16}$|^all parts ran$/.test(line));
      expect(printed).toEqual(
        runChecksHere(program as string, target, ROUNDS)
          .trim()
          .split('\n'),
      );
      expect(end).toBe('halted');
    },
  );
});
