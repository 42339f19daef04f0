/**
 * The bench's own program for this machine: boots an image at full speed, passes the serial port to standard output and
 * prints how many instructions the guest took between its two letters.
 */
import { readFileSync, writeSync } from 'node:fs';
import { type Breakpoint, createMachine, createOverlayStore, type Machine, memorySource } from '../../vm-core/index.ts';
import { COMMAND_LINE, LINUX_MEMORY } from './linux-kernel.ts';
import { ASIDE, ASIDE_WORD, DATA_WORD, ENTRY } from './guest-images.ts';

const SLICE_INSTRUCTIONS = 2_000_000;
const MEMORY_SIZE = 16 << 20;

/** What is put into the machine when the boot sector begins; the guest meets none of it. */
export const stopKinds = {
  free: () => {},
  breakpoint: (machine: Machine) => machine.addBreakpoint({ address: ASIDE, space: 'linear', reached: () => true }),
  'watch-code-page': (machine: Machine) => watch(machine, ASIDE_WORD),
  'watch-data-page': (machine: Machine) => watch(machine, DATA_WORD),
} as const;

export type StopKind = keyof typeof stopKinds;

/** The tiers that the product offers. */
export type Engine = 'compiler' | 'interpreter';

/** Models whose figures are taken: 32-bit Linux the second, SSE2 the third, 64-bit code the last. */
export type OurProcessor = '386' | 'pentium3' | 'core2' | 'x86-64-v3';

function watch(machine: Machine, address: number): void {
  machine.addWatchpoint({ address, space: 'linear', length: 2, access: 'read-write', reached: () => true });
}

/** Runs an image until the guest asks for the end. */
export async function runOurMachine(
  image: string,
  stops: StopKind,
  cpuModel: OurProcessor,
  processors: number,
  engine: Engine,
): Promise<void> {
  const machine = createMachine({
    machineType: 'isa-1',
    cpuModel,
    topology: { packages: processors, coresPerPackage: 1, threadsPerCore: 1 },
    memorySize: MEMORY_SIZE,
    engine,
    firmware: 'builtin',
    disk: createOverlayStore(memorySource('image', readFileSync(image))),
    exitDevice: true,
    startTimeMs: 0,
  });
  const counts: number[] = [];
  machine.onOutput = (_device, _channel, bytes) => {
    counts.push(machine.retired);
    writeSync(1, bytes);
  };
  const entry: Breakpoint = { address: ENTRY, space: 'linear', reached: () => true };
  machine.addBreakpoint(entry);
  for (let resume = false; ; ) {
    const result = machine.run({ instructionsMax: SLICE_INSTRUCTIONS, resume });
    resume = result.reason === 'breakpoint';
    if (result.reason === 'breakpoint' && result.breakpoints.includes(entry)) {
      machine.removeBreakpoint(entry);
      stopKinds[stops](machine);
    } else if (result.reason === 'waiting') await result.ready;
    else if (result.reason === 'request') break;
    else if (result.reason !== 'limit') throw new Error(`the guest stopped: ${result.reason}`);
  }
  writeSync(1, JSON.stringify((counts[1] as number) - (counts[0] as number)));
}

/** Boots Linux until the process is ended. */
export function runOurLinux(kernel: string, initrd: string, cpuModel: OurProcessor, engine: Engine): void {
  const machine = createMachine({
    machineType: 'isa-1',
    cpuModel,
    memorySize: LINUX_MEMORY << 20,
    engine,
    firmware: 'builtin',
    kernel: {
      name: 'vmlinuz',
      image: readFileSync(kernel),
      commandLine: COMMAND_LINE,
      initrd: { name: 'initramfs', bytes: readFileSync(initrd), commandLine: '' },
      modules: [],
    },
    exitDevice: false,
    startTimeMs: 0,
  });
  machine.onOutput = (device, channel, bytes) => {
    if (device === 'uart-1' && channel === 'serial') writeSync(1, bytes);
  };
  for (let before = -1; machine.retired !== before; ) {
    before = machine.retired;
    machine.run({ instructionsMax: SLICE_INSTRUCTIONS });
  }
}
