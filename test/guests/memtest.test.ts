/**
 * Debian's memtest86+ for 32-bit processors, booted directly: PAE paging, CPUID, and every byte of memory. Its whole first
 * pass runs in `npm run test:full -- guests` (GUESTS=thorough).
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createMachine, type Machine } from '../../vm-core/index.ts';
import { debianFile } from '../../scripts/debian-package.ts';

const image = debianFile('memtest86+', 'boot/memtest86+ia32.bin');
const THOROUGH = process.env['GUESTS'] === 'thorough';
const SLICE = 20_000_000;

/** Runs until the screen shows something, or so many instructions were executed. */
function screenWith(wanted: RegExp, instructionsMax: number, ticksPerSecond?: number): string {
  const machine = createMachine({
    machineType: 'isa-1',
    cpuModel: 'pentium3',
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

describe.skipIf(image === undefined)("Debian's memtest86+ (ia32; skipped without the package memtest86+)", () => {
  it('tests memory, finds no error, and knows the time', { timeout: 300_000 }, () => {
    const screen = screenWith(/Test #[4-9][\s\S]*Time: +0:00:0[1-9]/, 1_600_000_000);
    expect(screen).toMatch(/CLK\/Temp: 200MHz/);
    expect(screen).toMatch(/Memory {2}: +16MB/);
    expect(screen).toMatch(/Test #[4-9].*\n.*\n?.*\[PAE\]/);
    // At 200 MHz these instructions take eight seconds; the first of them are not tests yet.
    expect(screen).toMatch(/Time: +0:00:0[1-7]/);
    expect(screen).toMatch(/Errors: 0\b/);
  });

  const passes = THOROUGH ? ['completes a pass'] : [];
  it.each(passes)('%s', { timeout: 1_800_000 }, () => {
    // The last test waits for minutes to see whether bits fade; a slow processor passes them with fewer instructions.
    const screen = screenWith(/Pass: +1\b/, 30_000_000_000, 5_000_000);
    expect(screen).toMatch(/Pass: +1\b/);
    expect(screen).toMatch(/Errors: 0\b/);
  });
});
