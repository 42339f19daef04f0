/** Debian's memtest86+ for 32-bit processors, booted directly: PAE paging, CPUID, and every byte of memory. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createMachine } from '../../vm-core/index.ts';
import { debianFile } from '../../scripts/debian-package.ts';

const image = debianFile('memtest86+', 'boot/memtest86+ia32.bin');
const INSTRUCTIONS_MAX = 1_600_000_000;
const SLICE = 20_000_000;

describe.skipIf(image === undefined)("Debian's memtest86+ (ia32; skipped without the package memtest86+)", () => {
  it('tests memory and finds no error', { timeout: 300_000 }, () => {
    const machine = createMachine({
      machineType: 'isa-1',
      cpuModel: 'pentium3',
      memorySize: 16 << 20,
      firmware: 'builtin',
      kernel: { name: 'memtest86+', image: readFileSync(image as string), commandLine: '', modules: [] },
      exitDevice: false,
      startTimeMs: 0,
    });
    const screen = (): string => (machine.display.text() ?? []).join('\n');
    while (machine.retired < INSTRUCTIONS_MAX && !/Test #[3-9]/.test(screen())) {
      const result = machine.run({ instructionsMax: SLICE });
      expect(['limit', 'halted']).toContain(result.reason);
    }
    expect(screen()).toMatch(/Memory {2}: +16MB/);
    expect(screen()).toMatch(/Test #[3-9].*\n.*\n?.*\[PAE\]/);
    expect(screen()).toMatch(/Errors: 0\b/);
  });
});
