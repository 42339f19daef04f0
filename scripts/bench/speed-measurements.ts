/** Instructions a second of the same images on this machine and on its peers. */
import { assembleGuest, type Kernel, kernels, realModeProgram } from './guest-images.ts';
import type { Contender, Measurement } from './measurement.ts';
import { type Peers, startOurMachine, startV86 } from './peers.ts';
import { startQemu } from './qemu-machine.ts';
import { type GuestProcess, timeMarks } from './timed-run.ts';

const MILLION = 1_000_000;
const LOOPS_TARGET = 150;
const ROUNDS = 3;

/** The measurements of this file, with those peers that are installed. */
export async function speedMeasurements({ directory, qemu }: Peers): Promise<readonly Measurement[]> {
  const rows = [...kernels.map((kernel) => ({ kernel, target: LOOPS_TARGET })), { kernel: realModeProgram }];
  return Promise.all(
    rows.map(async ({ kernel, ...target }): Promise<Measurement> => {
      const image = await assembleGuest(directory, kernel.name, kernel.iterations);
      return { ...describe(kernel), ...target, ...contenders(image, qemu), rounds: ROUNDS };
    }),
  );
}

function describe({ description }: Kernel): Pick<Measurement, 'group' | 'name' | 'unit' | 'better'> {
  const name = description.charAt(0).toUpperCase() + description.slice(1);
  return { group: 'The interpreter', name, unit: 'million instructions a second', better: 'higher' };
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
