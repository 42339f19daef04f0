/** Debian's kernels with a shell of busybox and nothing else: the machine, its root file system, and a run of a script. */
import { readFileSync } from 'node:fs';
import { debianFile, debianKernel } from './debian-package.ts';
import { createMachine, type Machine, type MachineConfig, type Topology } from '../vm-core/index.ts';
import { type InitramfsEntry, initramfs } from './initramfs.ts';

/** A kernel and the shell that goes with it, as paths. */
export interface LinuxPackages {
  readonly kernel: string;
  readonly busybox: string;
}

/** Fetches what is needed; undefined where it is not to be had. */
export function linuxPackages(kernelPackage: string, busyboxPackage: string): LinuxPackages | undefined {
  const kernel = debianKernel(kernelPackage);
  const busybox = debianFile(busyboxPackage, 'bin/busybox');
  return kernel === undefined || busybox === undefined ? undefined : { kernel, busybox };
}

/** What is different from run to run. */
export interface LinuxRun {
  readonly cpuModel: MachineConfig['cpuModel'];
  readonly topology?: Topology;
  readonly localApic?: MachineConfig['localApic'];
  readonly kernelEntry?: '16-bit' | '32-bit' | '64-bit';
  readonly memorySize: number;
  /** Behind `console=ttyS0,115200`. */
  readonly commandLine: string;
  /** Commands for busybox's shell; when they have ended the kernel is told to switch the power off. */
  readonly script: string;
  /** Of the root file system, beside busybox. */
  readonly files?: readonly InitramfsEntry[];
  readonly instructionsMax: number;
}

/** What came of it. */
export interface LinuxResult {
  readonly machine: Machine;
  /** Everything on the first serial port. */
  readonly console: string;
  /** Why the run ended. `halted`: for good, which is how a PC without power management ends. */
  readonly end: string;
}

const CONSOLE = [5, 1] as const;
const NOTHING = [1, 3] as const;
const APPLETS = ['sh', 'mount', 'uname', 'cat', 'awk', 'seq', 'grep', 'md5sum', 'stty', 'nproc', 'taskset', 'poweroff'];
const SLICE = 20_000_000;

/** The machine that boots the kernel. */
export function linuxConfig({ kernel, busybox }: LinuxPackages, run: Omit<LinuxRun, 'instructionsMax'>): MachineConfig {
  return {
    machineType: 'isa-1',
    cpuModel: run.cpuModel,
    memorySize: run.memorySize,
    firmware: 'builtin',
    kernel: {
      name: 'vmlinuz',
      image: readFileSync(kernel),
      commandLine: `console=ttyS0,115200 ${run.commandLine}`,
      initrd: { name: 'initramfs', bytes: rootFileSystem(busybox, run), commandLine: '' },
      modules: [],
      ...(run.kernelEntry === undefined ? {} : { entry: run.kernelEntry }),
    },
    exitDevice: false,
    ...(run.topology && { topology: run.topology }),
    ...(run.localApic && { localApic: run.localApic }),
    startTimeMs: Date.UTC(2026, 10, 20, 12),
  };
}

/** Boots, runs the script, and comes back when it has ended, something went wrong, or the instructions are used up. */
export function runLinux(packages: LinuxPackages, run: LinuxRun): LinuxResult {
  const machine = createMachine(linuxConfig(packages, run));
  const bytes: Uint8Array[] = [];
  machine.onOutput = (device, channel, sent) => {
    if (device === 'uart-1' && channel === 'serial') bytes.push(sent.slice());
  };
  let end = 'limit';
  while (end === 'limit' && machine.retired < run.instructionsMax) {
    const before = machine.retired;
    const result = machine.run({ instructionsMax: SLICE });
    if (machine.retired === before) end = 'halted';
    else end = result.reason === 'request' ? result.request.kind : result.reason;
  }
  return { machine, console: Buffer.concat(bytes).toString('latin1').replaceAll('\r', ''), end };
}

function rootFileSystem(busybox: string, { script, files = [] }: Pick<LinuxRun, 'script' | 'files'>): Uint8Array {
  // What is printed has to leave the serial port first: `stty` waits for that.
  const end = 'stty -F /dev/console sane; poweroff -f';
  return initramfs([
    ...['bin', 'dev', 'proc', 'sys', 'tmp'].map((path) => ({ path })),
    { path: 'dev/console', device: CONSOLE },
    { path: 'dev/null', device: NOTHING },
    { path: 'bin/busybox', bytes: readFileSync(busybox), isExecutable: true },
    ...APPLETS.map((name) => ({ path: `bin/${name}`, linkTo: 'busybox' })),
    ...files,
    { path: 'init', bytes: Buffer.from(`#!/bin/sh\n${script}\n${end}\n`), isExecutable: true },
  ]);
}
