/** Debian's kernel for 32-bit processors without PAE, booted directly to a shell on the serial port. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { linuxPackages, runLinux } from './linux-guest.ts';

const packages = linuxPackages('linux-image-686:i386', 'busybox-static:i386');
const THOROUGH = process.env['GUESTS'] === 'thorough';

/** The kernel tests its own ciphers and checks certificates: three thousand million instructions that the short run leaves out. */
const SHORT = 'cryptomgr.notests';

const SCRIPT = `
mount -t proc proc /proc
echo "kernel: $(uname -sm)"
echo "sum: $(seq 1 100 | awk '{ sum += $1 * 1.5 } END { print sum / 7 }')"
echo "digest: $(md5sum < /bin/busybox)"
grep -E '^(model name|fpu)' /proc/cpuinfo
grep -E 'timer|ttyS0' /proc/interrupts
`;

describe.skipIf(packages === undefined)("Debian's linux-image-686 (skipped without it and busybox-static)", () => {
  it('runs a script in a shell', { timeout: 600_000 }, () => {
    const { busybox, kernel } = packages as NonNullable<typeof packages>;
    const { console, end } = runLinux(
      { busybox, kernel },
      {
        cpuModel: 'pentium3',
        memorySize: 64 << 20,
        commandLine: `quiet noapic nolapic ${THOROUGH ? '' : SHORT}`,
        script: SCRIPT,
        instructionsMax: 10_000_000_000,
      },
    );
    expect(console).toContain('kernel: Linux i686\n');
    expect(console).toContain('sum: 1082.14\n');
    expect(console).toContain(`digest: ${createHash('md5').update(readFileSync(busybox)).digest('hex')}  -\n`);
    expect(console).toMatch(/model name\t: Pentium III \(Coppermine\)\nfpu\t\t: yes\n/);
    expect(console).toMatch(/ 0: +[1-9]\d* +XT-PIC +timer\n/);
    expect(console).toMatch(/ 4: +[1-9]\d* +XT-PIC +ttyS0\n/);
    expect(console).not.toMatch(/BUG|WARNING|Oops|panic|self-test.*failed/);
    expect(end).toBe('exit');
  });
});
