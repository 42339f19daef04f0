/** Instructions a second of the same images on this machine and on its peers. */
import { assembleGuest, eventKernels, type Frame, type Kernel, kernels, realModeProgram } from './guest-images.ts';
import type { Contender, Measurement } from './measurement.ts';
import { type Peers, startOurMachine, startV86 } from './peers.ts';
import { startQemu } from './qemu-machine.ts';
import { type GuestProcess, timeMarks } from './timed-run.ts';

const MILLION = 1_000_000;
const LOOPS_TARGET = 150;
/** With paging the same loops are to reach this share of what they reach without. */
const PAGED_SHARE = 0.8;
const ROUNDS = 3;

/** The measurements of this file, with those peers that are installed. */
export async function speedMeasurements({ directory, qemu }: Peers): Promise<readonly Measurement[]> {
  const rows: readonly Row[] = [
    ...kernels.map((kernel) => ({ kernel, frame: 'loop' as const, target: LOOPS_TARGET })),
    { kernel: realModeProgram, frame: 'loop' },
    ...kernels.map((kernel) => ({ kernel, frame: 'paged-loop' as const, target: LOOPS_TARGET * PAGED_SHARE })),
  ];
  const speeds = rows.map(async ({ kernel, frame, ...target }): Promise<Measurement> => {
    const image = await assembleGuest(directory, kernel.name, kernel.iterations, frame);
    return { ...describe(kernel, frame), ...target, ...contenders(image, qemu), rounds: ROUNDS };
  });
  const events = eventKernels.map(async (kernel): Promise<Measurement> => {
    const image = await assembleGuest(directory, kernel.name, kernel.iterations, 'paged-loop');
    const what = { ...describe(kernel, 'paged-loop'), unit: 'thousand a second' };
    return { ...what, ...eventContenders(image, kernel.iterations, qemu), rounds: ROUNDS };
  });
  return Promise.all([...speeds, ...events]);
}

interface Row {
  readonly kernel: Kernel;
  readonly frame: Frame;
  readonly target?: number;
}

function describe({ description }: Kernel, frame: Frame): Pick<Measurement, 'group' | 'name' | 'unit' | 'better'> {
  const text = description.charAt(0).toUpperCase() + description.slice(1);
  const name = frame === 'loop' ? text : `${text}, 32-bit code with paging`;
  return { group: 'The interpreter', name, unit: 'million instructions a second', better: 'higher' };
}

/** Iterations in a millisecond. */
function eventContenders(image: string, iterations: number, qemu: boolean): Pick<Measurement, 'subject' | 'peers'> {
  const contender = (name: string, start: () => GuestProcess): Contender => ({
    name,
    take: async () => iterations / (await timeMarks(start())).milliseconds,
  });
  return {
    subject: contender('x86 VM, interpreter', () => startOurMachine(image, 'free')),
    peers: [
      contender('v86', () => startV86(image, 'compiler')),
      ...(qemu ? [contender('QEMU TCG', () => startQemu(image))] : []),
    ],
  };
}

/** Only this machine counts instructions; the image takes the same number everywhere, which the first run tells. */
function contenders(image: string, qemu: boolean): Pick<Measurement, 'subject' | 'peers'> {
  let instructions = 0;
  const subject: Contender = {
    name: 'x86 VM, interpreter',
    take: async () => {
      const { milliseconds, rest } = await timeMarks(startOurMachine(image, 'free'));
      instructions = Number(rest);
      return instructions / milliseconds / (MILLION / 1000);
    },
  };
  const peer = (name: string, start: () => GuestProcess): Contender => ({
    name,
    take: async () => instructions / (await timeMarks(start())).milliseconds / (MILLION / 1000),
  });
  return {
    subject,
    peers: [
      peer('v86, interpreter only', () => startV86(image, 'interpreter')),
      peer('v86', () => startV86(image, 'compiler')),
      ...(qemu ? [peer('QEMU TCG', () => startQemu(image))] : []),
    ],
  };
}
