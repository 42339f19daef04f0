/** Debian's Linux on this machine and on its peers: from the start of the program to the shell of an initramfs. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { debianFile, debianKernel } from '../debian-package.ts';
import { initramfs } from '../initramfs.ts';
import type { LinuxBoot } from './linux-kernel.ts';
import type { Contender, Measurement } from './measurement.ts';
import { type Peers, startOurLinux, startV86Linux } from './peers.ts';
import { startQemuLinux } from './qemu-machine.ts';
import { type GuestProcess, timeToText } from './timed-run.ts';

const READY = 'the shell is there';
const CONSOLE = [5, 1] as const;
const ROUNDS = 2;
/** Not more than one and a half times the time of the one, and less than that of the other. */
const LEAD: Readonly<Record<string, number>> = { 'QEMU TCG': 1.5, v86: 1 };

const kernels = [
  { name: 'linux-image-686', packageName: 'linux-image-686:i386', busybox: 'busybox-static:i386', codeSize: 32 },
  { name: 'linux-image-cloud-amd64', packageName: 'linux-image-cloud-amd64', busybox: 'busybox-static', codeSize: 64 },
  { name: 'linux-image-amd64', packageName: 'linux-image-amd64', busybox: 'busybox-static', codeSize: 64 },
] as const;

/** The measurements of this file, of the kernels that can be had. */
export function linuxMeasurements(peers: Peers): readonly Measurement[] {
  const { directory, qemu } = peers;
  return kernels.flatMap(({ name, packageName, busybox: shell, codeSize }): readonly Measurement[] => {
    const kernel = debianKernel(packageName);
    const busybox = debianFile(shell, 'bin/busybox');
    if (kernel === undefined || busybox === undefined) return [];
    const boot: LinuxBoot = { kernel, initrd: makeInitramfs(join(directory, name), busybox), codeSize };
    return [
      {
        group: 'Linux',
        name: `Debian's ${name}, from the start of the program to the shell`,
        unit: 's',
        better: 'lower',
        subject: contender('x86 VM', () => startOurLinux(peers, boot, 'compiler')),
        lead: LEAD,
        peers: [
          contender('x86 VM, interpreter', () => startOurLinux(peers, boot, 'interpreter')),
          ...(codeSize === 32 ? [contender('v86', () => startV86Linux(boot))] : []),
          ...(qemu ? [contender('QEMU TCG', () => startQemuLinux(boot))] : []),
        ],
        rounds: ROUNDS,
      },
    ];
  });
}

function contender(name: string, start: () => GuestProcess): Contender {
  return { name, take: async () => (await timeToText(start(), READY)) / 1000 };
}

function makeInitramfs(directory: string, busybox: string): string {
  const path = join(directory, 'initramfs');
  mkdirSync(directory, { recursive: true });
  const bytes = initramfs([
    ...['bin', 'dev', 'proc', 'sys'].map((folder) => ({ path: folder })),
    { path: 'dev/console', device: CONSOLE },
    { path: 'bin/busybox', bytes: readFileSync(busybox), isExecutable: true },
    { path: 'bin/sh', linkTo: 'busybox' },
    { path: 'init', bytes: Buffer.from(`#!/bin/sh\necho ${READY}\nexec sh\n`), isExecutable: true },
  ]);
  writeFileSync(path, bytes);
  return path;
}
