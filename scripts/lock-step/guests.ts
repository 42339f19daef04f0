/** Guests that run in lock-step: what Debian ships and examples of this repository, as far as they are to be had here. */
import { existsSync, readFileSync } from 'node:fs';
import { createOverlayStore, type MachineConfig, memorySource } from '../../vm-core/index.ts';
import { debianFile } from '../debian-package.ts';
import { linuxConfig, linuxPackages, type LinuxRun } from '../linux-guest.ts';
import { shellWork } from './shell-work.ts';

/** Makes the configuration; undefined where a package is missing. */
export type GuestMaker = () => MachineConfig | undefined;

const LEGACY = 'noapic nolapic';
const UNTESTED = 'quiet cryptomgr.notests';
/** Of shell-work.ts: about as many instructions as a boot. */
const TURNS = 4;

type Linux = Pick<LinuxRun, 'cpuModel' | 'memorySize' | 'commandLine' | 'topology'>;

const linux = (kernel: string, shell: string, run: Linux): GuestMaker => {
  return () => {
    const packages = linuxPackages(kernel, shell);
    return packages && linuxConfig(packages, { ...run, script: shellWork(TURNS) });
  };
};

const memtest = (file: string, cpuModel: MachineConfig['cpuModel']): GuestMaker => {
  return () => {
    const path = debianFile('memtest86+', `boot/${file}`);
    if (path === undefined) return undefined;
    const kernel = { name: file, image: readFileSync(path), commandLine: '', modules: [] };
    return { ...PLAIN, cpuModel, firmware: 'builtin', kernel };
  };
};

const PLAIN = { machineType: 'isa-1', memorySize: 16 << 20, exitDevice: true, startTimeMs: 0 } as const;
const SEABIOS = ['/usr/share/seabios/bios.bin', '/usr/share/seabios/vgabios-isavga.bin'] as const;
const FLOPPY_SIZE = 1440 * 1024;

const seabios: GuestMaker = () => {
  if (!SEABIOS.every(existsSync)) return undefined;
  const [firmware, vgaFirmware] = SEABIOS.map((path) => new Uint8Array(readFileSync(path))) as [Uint8Array, Uint8Array];
  const floppy = createOverlayStore(memorySource('empty.img', new Uint8Array(FLOPPY_SIZE)));
  return { ...PLAIN, cpuModel: 'pentium3', firmware, vgaFirmware, floppy };
};

const two = { packages: 2, coresPerPackage: 1, threadsPerCore: 1 };
const small = { memorySize: 64 << 20, commandLine: `${UNTESTED} ${LEGACY}` };
const large = { ...small, memorySize: 256 << 20 };

/** By their names on the command line. */
export const guests: Readonly<Record<string, GuestMaker>> = {
  'linux-686': linux('linux-image-686:i386', 'busybox-static:i386', { ...small, cpuModel: 'pentium3' }),
  'linux-686-pae': linux('linux-image-686-pae:i386', 'busybox-static:i386', { ...large, cpuModel: 'x86-64-v2' }),
  'linux-cloud-amd64': linux('linux-image-cloud-amd64', 'busybox-static', { ...large, cpuModel: 'x86-64-v3' }),
  'linux-cloud-amd64-smp': linux('linux-image-cloud-amd64', 'busybox-static', {
    ...large,
    cpuModel: 'x86-64-v3',
    topology: two,
    commandLine: UNTESTED,
  }),
  'linux-amd64': linux('linux-image-amd64', 'busybox-static', { ...large, cpuModel: 'x86-64-v2' }),
  'memtest-32': memtest('memtest86+ia32.bin', 'pentium3'),
  'memtest-64': memtest('memtest86+x64.bin', 'x86-64-v2'),
  seabios,
};
