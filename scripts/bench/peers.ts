/** Starts the programs that are compared: this machine and v86 as `bench.ts` with a name, QEMU as itself. */
import { fileURLToPath } from 'node:url';
import type { Bochs } from './bochs-machine.ts';
import type { OurProcessor, StopKind } from './our-machine.ts';
import { type GuestProcess, startGuest } from './timed-run.ts';

const BENCH = fileURLToPath(new URL('../bench.ts', import.meta.url));

/** What the measurements run with. */
export interface Peers {
  /** For images and sockets; removed afterwards. */
  readonly directory: string;
  /** True if QEMU is installed. */
  readonly qemu: boolean;
  /** Undefined where it cannot be had. */
  readonly bochs?: Bochs | undefined;
}

export function startOurMachine(image: string, stops: StopKind, model: OurProcessor = '386'): GuestProcess {
  return startGuest(process.execPath, [BENCH, 'our-machine', image, stops, model]);
}

export function startV86(image: string, engine: 'compiler' | 'interpreter'): GuestProcess {
  return startGuest(process.execPath, [BENCH, 'v86', image, engine]);
}
