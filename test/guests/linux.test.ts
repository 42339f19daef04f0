/**
 * Debian's kernels, booted directly to a shell on the serial port. A 32-bit and a 64-bit one run always;
 * `npm run test:full -- guests` (GUESTS=thorough) runs all, and lets them test themselves.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cpuCount, ONE_CPU as ONE } from '../../vm-core/cpu/topology.ts';
import { linuxPackages, runLinux, type LinuxRun } from '../../scripts/linux-guest.ts';

const THOROUGH = process.env['GUESTS'] === 'thorough';

interface LinuxCase extends Omit<LinuxRun, 'script' | 'instructionsMax'> {
  readonly title: string;
  readonly kernel: string;
  readonly busybox: string;
  /** Lines of the console besides those that every kernel has. */
  readonly expected: readonly RegExp[];
  /** Who brings the interrupts: the 8259s unless it says otherwise. */
  readonly controller?: 'IO-APIC';
}

const shell32 = { busybox: 'busybox-static:i386' };
/** The kernel then leaves out tests of its ciphers, signatures included: three thousand million instructions. */
const UNTESTED = 'cryptomgr.notests';
const ONE_CPU = 'noapic nolapic';

const pentium3 = {
  ...shell32,
  title: 'linux-image-686 on a Pentium III',
  kernel: 'linux-image-686:i386',
  cpuModel: 'pentium3',
  memorySize: 64 << 20,
  commandLine: `quiet ${ONE_CPU} ${UNTESTED}`,
  expected: [/kernel: Linux i686\n/, /model name\t: Pentium III \(Coppermine\)\n/, /\nfpu\t\t: yes\n/],
} as const satisfies LinuxCase;

const cloud = {
  title: 'linux-image-cloud-amd64 on x86-64-v2',
  kernel: 'linux-image-cloud-amd64',
  busybox: 'busybox-static',
  cpuModel: 'x86-64-v2',
  memorySize: 256 << 20,
  commandLine: `quiet ${ONE_CPU} ${UNTESTED}`,
  expected: [/kernel: Linux x86_64\n/, /model name\t: x86-64-v2\n/, /\nfpu\t\t: yes\n/],
} as const satisfies LinuxCase;

const packages = (count: number) => ({ packages: count, coresPerPackage: 1, threadsPerCore: 1 });

/** Several processors, which the 32-bit kernel finds in the MP table, the 64-bit ones in that of ACPI. */
const several = {
  ...cloud,
  title: 'linux-image-cloud-amd64 on two processors',
  topology: packages(2),
  commandLine: `quiet ${UNTESTED}`,
  controller: 'IO-APIC',
  expected: [/processors: 2\n/, /RES: +[1-9]\d* +[1-9]/],
} as const satisfies LinuxCase;

const pae = {
  ...several,
  ...shell32,
  title: 'linux-image-686-pae on two processors',
  kernel: 'linux-image-686-pae:i386',
  commandLine: UNTESTED,
  expected: [/smp: Brought up 1 node, 2 CPUs/, /processors: 2\n/],
} as const satisfies LinuxCase;

const thorough: readonly LinuxCase[] = [
  {
    ...pentium3,
    title: 'linux-image-686, which tests itself',
    commandLine: ONE_CPU,
    expected: [/alg: self-tests for .* passed/],
  },
  { ...pentium3, title: 'linux-image-686, 32-bit entry', kernelEntry: '32-bit' },
  {
    ...pentium3,
    title: 'linux-image-686 with APICs',
    commandLine: UNTESTED,
    controller: 'IO-APIC',
    expected: [/IOAPIC\[0\]: apic_id 1, version 17/, /Enabling APIC mode: +Flat\. +Using 1 I\/O APICs/],
  },
  {
    ...shell32,
    title: 'linux-image-686-pae on x86-64-v2',
    kernel: 'linux-image-686-pae:i386',
    cpuModel: 'x86-64-v2',
    memorySize: 256 << 20,
    commandLine: `${ONE_CPU} ${UNTESTED}`,
    expected: [/kernel: Linux i686\n/, /NX \(Execute Disable\) protection: active\n/, /Checked W\+X mappings: passed/],
  },
  pae,
  {
    ...pae,
    title: 'linux-image-686-pae on four processors',
    topology: packages(4),
    expected: [/smp: Brought up 1 node, 4 CPUs/],
  },
  { ...several, title: 'linux-image-amd64 on two processors', kernel: 'linux-image-amd64' },
  {
    ...several,
    title: 'linux-image-cloud-amd64 on two cores of two threads',
    topology: { packages: 1, coresPerPackage: 2, threadsPerCore: 2 },
    expected: [/processors: 4\n/, /siblings\t: 4\n/, /cpu cores\t: 2\n/],
  },
  {
    ...several,
    title: 'linux-image-cloud-amd64 on two cores of two threads of AMD',
    cpuModel: 'amd-zen',
    topology: { packages: 1, coresPerPackage: 2, threadsPerCore: 2 },
    expected: [/processors: 4\n/],
  },
  {
    ...several,
    title: 'linux-image-cloud-amd64 on four processors of x86-64-v3',
    cpuModel: 'x86-64-v3',
    topology: packages(4),
    expected: [/processors: 4\n/],
  },
  {
    // The watchdog takes a counter of cycles, whose overflow is an NMI each second.
    ...cloud,
    title: 'linux-image-cloud-amd64 with counters',
    cpuModel: 'x86-64-v3',
    commandLine: `${UNTESTED} watchdog_thresh=1`,
    expected: [
      /Performance Events: Haswell events, 16-deep LBR, full-width counters, Intel PMU driver\./,
      /NMI watchdog: Enabled\. Permanently consumes one hw-PMU counter\./,
      /NMI: +[1-9]/,
    ],
  },
  {
    ...several,
    title: 'linux-image-amd64 on four processors',
    kernel: 'linux-image-amd64',
    topology: packages(4),
    expected: [/processors: 4\n/],
  },
  { ...cloud, title: 'linux-image-cloud-amd64, 64-bit entry', kernelEntry: '64-bit' },
  {
    // Without being told to leave it alone.
    ...cloud,
    title: 'linux-image-cloud-amd64 without a local APIC',
    localApic: 'hidden',
    commandLine: `quiet ${UNTESTED}`,
  },
  { ...cloud, title: 'linux-image-amd64 on x86-64-v2', kernel: 'linux-image-amd64' },
];

const cases: readonly LinuxCase[] = [pentium3, cloud, several, ...(THOROUGH ? thorough : [])];

const SCRIPT = `
mount -t proc proc /proc
echo "kernel: $(uname -sm)"
echo "sum: $(seq 1 100 | awk '{ sum += $1 * 1.5 } END { print sum / 7 }')"
echo "digest: $(md5sum < /bin/busybox)"
echo "processors: $(nproc)"
grep -E '^(model name|fpu|siblings|cpu cores)' /proc/cpuinfo
# A loop on each processor, all at once; the 39th field is where the process runs.
for cpu in $(seq 0 $(($(nproc) - 1))); do
  taskset $(printf %x $((1 << cpu))) sh -c '
    turns=0
    while [ $turns -lt 1000 ]; do turns=$((turns + 1)); done
    read -r line < /proc/self/stat; set -- $line; shift 38
    echo "turns on $1: $turns"' &
done
wait
grep -E 'timer|ttyS0|RES|NMI|CAL|LOC' /proc/interrupts
`;

describe.each(cases)("Debian's $title", ({ kernel, busybox, expected, controller = 'XT-PIC', ...run }) => {
  const packages = linuxPackages(kernel, busybox);

  it.skipIf(packages === undefined)('runs a script in a shell (skipped without packages)', { timeout: 900_000 }, () => {
    const present = packages as NonNullable<typeof packages>;
    const { console, end } = runLinux(present, { ...run, script: SCRIPT, instructionsMax: 10_000_000_000 });
    for (const line of expected) expect(console).toMatch(line);
    expect(console).toContain('sum: 1082.14\n');
    expect(console).toContain(`digest: ${createHash('md5').update(readFileSync(present.busybox)).digest('hex')}  -\n`);
    const count = cpuCount(run.topology ?? ONE);
    expect(console).toContain(`processors: ${count}\n`);
    for (let cpu = 0; cpu < count; cpu++) expect(console).toContain(`turns on ${cpu}: 1000\n`);
    if (count > 1) expect(console).toMatch(new RegExp(`LOC:( +[1-9]\\d*){${count}} `));
    if (count > 1) expect(console).toMatch(new RegExp(`CAL:( +[1-9]\\d*){${count}} `));
    expect(console).toMatch(new RegExp(` 0: +[1-9][\\d ]* +${controller}.* timer\\n`));
    expect(console).toMatch(new RegExp(` 4: +[\\d ]*[1-9][\\d ]* +${controller}.* ttyS0\\n`));
    expect(console).not.toMatch(/BUG|WARNING|Oops|panic|self-test.*failed/);
    expect(console).toContain('reboot: System halted');
    expect(end).toBe('halted');
  });
});
