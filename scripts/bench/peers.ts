/** Starts the programs that are compared: this machine by its own entry, v86 as `bench.ts` with a name, QEMU as itself. */
import { fileURLToPath } from 'node:url';
import type { Bochs } from './bochs-machine.ts';
import type { LinuxBoot } from './linux-kernel.ts';
import type { Engine, OurProcessor, StopKind } from './our-machine.ts';
import { BOOT_TIME_MAX_MS, type GuestProcess, startGuest } from './timed-run.ts';

const BENCH = fileURLToPath(new URL('../bench.ts', import.meta.url));
const OUR_SOURCES = fileURLToPath(new URL('our-machine-main.ts', import.meta.url));

/** What the measurements run with. */
export interface Peers {
  /** For images and sockets; removed afterwards. */
  readonly directory: string;
  /** True if QEMU is installed. */
  readonly qemu: boolean;
  /** Undefined where it cannot be had. */
  readonly bochs?: Bochs | undefined;
  /** What `our-machine-main.ts` was built into; its sources are run without one, and are slower to start. */
  readonly machine?: string | undefined;
}

export function startOurMachine(
  { machine = OUR_SOURCES }: Peers,
  image: string,
  stops: StopKind,
  model: OurProcessor = '386',
  processors = 1,
  engine: Engine = 'compiler',
): GuestProcess {
  return startGuest(process.execPath, [machine, 'image', image, stops, model, engine, String(processors)]);
}

export function startV86(image: string, engine: Engine): GuestProcess {
  return startGuest(process.execPath, [BENCH, 'v86', image, engine]);
}

/** Boots Linux on this machine. */
export function startOurLinux(
  { machine = OUR_SOURCES }: Peers,
  { kernel, initrd, codeSize }: LinuxBoot,
  engine: Engine,
): GuestProcess {
  const model: OurProcessor = codeSize === 64 ? 'x86-64-v3' : 'pentium3';
  return startGuest(process.execPath, [machine, 'linux', kernel, initrd, model, engine], BOOT_TIME_MAX_MS);
}

/** Boots Linux on v86. */
export function startV86Linux({ kernel, initrd }: LinuxBoot): GuestProcess {
  return startGuest(process.execPath, [BENCH, 'v86-linux', kernel, initrd], BOOT_TIME_MAX_MS);
}
