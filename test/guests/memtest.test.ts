/**
 * Debian's memtest86+, booted directly: its 32-bit build uses PAE paging, its 64-bit one 4-level paging, both CPUID and every
 * byte of memory. Their whole first passes run in `npm run test:full -- guests` (GUESTS=thorough).
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createMachine, type Machine, type MachineConfig } from '../../vm-core/index.ts';
import { debianFile } from '../../scripts/debian-package.ts';

interface Build {
  readonly name: string;
  readonly image: string | undefined;
  readonly cpuModel: MachineConfig['cpuModel'];
}

const ia32: Build = { name: 'ia32', image: debianFile('memtest86+', 'boot/memtest86+ia32.bin'), cpuModel: 'pentium3' };
const x64: Build = { name: 'x64', image: debianFile('memtest86+', 'boot/memtest86+x64.bin'), cpuModel: 'x86-64-v2' };
const THOROUGH = process.env['GUESTS'] === 'thorough';
const SLICE = 20_000_000;

/** Runs until the screen shows something, or so many instructions were executed. */
function screenWith(
  { image, cpuModel }: Build,
  wanted: RegExp,
  instructionsMax: number,
  ticksPerSecond?: number,
): string {
  const machine = createMachine({
    machineType: 'isa-1',
    cpuModel,
    memorySize: 16 << 20,
    firmware: 'builtin',
    kernel: { name: 'memtest86+', image: readFileSync(image as string), commandLine: '', modules: [] },
    exitDevice: false,
    startTimeMs: 0,
    ...(ticksPerSecond === undefined ? {} : { ticksPerSecond }),
  });
  while (machine.retired < instructionsMax && !wanted.test(screenOf(machine))) {
    const result = machine.run({ instructionsMax: SLICE });
    expect(['limit', 'halted']).toContain(result.reason);
  }
  return screenOf(machine);
}

const screenOf = (machine: Machine): string => (machine.display.text() ?? []).join('\n');

describe.skipIf(ia32.image === undefined)("Debian's memtest86+ (skipped without the package memtest86+)", () => {
  it('(ia32) tests memory, finds no error, and knows the time', { timeout: 300_000 }, () => {
    const screen = screenWith(ia32, /Test #[4-9][\s\S]*Time: +0:00:0[1-9]/, 1_600_000_000);
    expect(screen).toMatch(/CLK\/Temp: 200MHz/);
    expect(screen).toMatch(/Memory {2}: +16MB/);
    expect(screen).toMatch(/Test #[4-9].*\n.*\n?.*\[PAE\]/);
    // At 200 MHz these instructions take eight seconds; the first of them are not tests yet.
    expect(screen).toMatch(/Time: +0:00:0[1-7]/);
    expect(screen).toMatch(/Errors: 0\b/);
  });

  const passes = THOROUGH ? [ia32, x64] : [];
  it.each(passes)('($name) completes a pass', { timeout: 1_800_000 }, (build) => {
    // The last test waits for minutes to see whether bits fade; a slow processor passes them with fewer instructions.
    const screen = screenWith(build, /Pass: +1\b/, 30_000_000_000, 5_000_000);
    expect(screen).toMatch(/Pass: +1\b/);
    expect(screen).toMatch(/Errors: 0\b/);
  });
});
