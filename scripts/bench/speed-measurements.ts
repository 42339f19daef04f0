/** Instructions and events a second of the same images on this machine and on its peers. */
import {
  assembleGuest,
  eventKernels,
  type Frame,
  type Kernel,
  kernels,
  longProgram,
  messageKernel,
  realModeProgram,
  systemCall,
  unitKernels,
  wideKernel,
} from './guest-images.ts';
import { startBochs } from './bochs-machine.ts';
import type { Contender, Measurement } from './measurement.ts';
import { type Peers, startOurMachine, startV86 } from './peers.ts';
import { startQemu } from './qemu-machine.ts';
import { type GuestProcess, timeMarks } from './timed-run.ts';

/** Of 64-bit code. */
const WIDE_MODEL = 'x86-64-v3';
const MILLION = 1_000_000;
const LOOPS_TARGET = 150;
/** With paging, and in 64-bit code, the same loops are to reach this share of what they reach in real mode. */
const PAGED_SHARE = 0.8;
const ROUNDS = 3;
/** Peers that the machine is to be at least as fast as. */
const AHEAD: Readonly<Record<string, number>> = { 'QEMU TCG': 1, v86: 1 };

const suffixes: Readonly<Record<Frame, string>> = {
  loop: '',
  'paged-loop': ', 32-bit code with paging',
  'long-loop': ', 64-bit code',
  'two-processors': ', and back',
};

/** The measurements of this file, with those peers that are installed. */
export async function speedMeasurements(peers: Peers): Promise<readonly Measurement[]> {
  const target = LOOPS_TARGET * PAGED_SHARE;
  const rows: readonly Row[] = [
    ...kernels.map((kernel) => ({ kernel, frame: 'loop' as const, target: LOOPS_TARGET })),
    { kernel: realModeProgram, frame: 'loop' },
    ...kernels.map((kernel) => ({ kernel, frame: 'paged-loop' as const, target })),
    ...kernels.map((kernel) => ({ kernel, frame: 'long-loop' as const, target })),
    { kernel: longProgram, frame: 'long-loop' },
  ];
  const units: readonly Row[] = [
    ...unitKernels.map((kernel) => ({ kernel, frame: 'paged-loop' as const })),
    ...unitKernels.map((kernel) => ({ kernel, frame: 'long-loop' as const })),
    { kernel: wideKernel, frame: 'long-loop' },
  ];
  const events: readonly Row[] = [
    ...eventKernels.map((kernel) => ({ kernel, frame: 'paged-loop' as const })),
    ...[...eventKernels, systemCall].map((kernel) => ({ kernel, frame: 'long-loop' as const })),
    { kernel: messageKernel, frame: 'two-processors' },
  ];
  return Promise.all([
    ...[...rows, ...units].map((row) => makeMeasurement(row, peers, 'million instructions a second', instructionRates)),
    ...events.map((row) => makeMeasurement(row, peers, 'thousand a second', eventRates)),
  ]);
}

interface Row {
  readonly kernel: Kernel;
  readonly frame: Frame;
  /** Of the interpreter. */
  readonly target?: number;
}

async function makeMeasurement(
  { kernel, frame, target }: Row,
  peers: Peers,
  unit: string,
  takesOf: (kernel: Kernel) => { readonly subject: Take; readonly peer: Take },
): Promise<Measurement> {
  const image = await assembleGuest(peers.directory, kernel, frame);
  const isLong = frame === 'long-loop';
  const processors = frame === 'two-processors' ? 2 : 1;
  const model = isLong ? WIDE_MODEL : kernel.unit || processors > 1 ? 'core2' : '386';
  const isWide = kernel.unit === 'AVX2';
  const { subject, peer } = takesOf(kernel);
  const contender = (take: Take, name: string, start: () => GuestProcess): Contender => ({
    name,
    take: () => take(start()),
  });
  const { qemu, bochs } = peers;
  const text = kernel.description;
  return {
    group: 'The machine',
    name: text.charAt(0).toUpperCase() + text.slice(1) + suffixes[frame],
    unit,
    better: 'higher',
    subject: contender(subject, 'x86 VM', () => startOurMachine(image, 'free', model, processors)),
    lead: AHEAD,
    peers: [
      {
        ...contender(subject, 'x86 VM, interpreter', () =>
          startOurMachine(image, 'free', model, processors, 'interpreter'),
        ),
        target,
      },
      // There is no long mode in it, and no second processor.
      ...(isLong || processors > 1
        ? []
        : [contender(peer, 'v86, interpreter only', () => startV86(image, 'interpreter'))]),
      ...(isLong || processors > 1 ? [] : [contender(peer, 'v86', () => startV86(image, 'compiler'))]),
      ...(qemu
        ? [
            contender(peer, 'QEMU TCG', () =>
              startQemu(image, { codeSize: isLong ? 64 : 32, usesAvx2: isWide, processors }),
            ),
          ]
        : []),
      ...(bochs ? [contender(peer, 'Bochs', () => startBochs(bochs, image, processors))] : []),
    ],
    rounds: ROUNDS,
  };
}

/** Takes a figure from a guest that has just been started. */
type Take = (guest: GuestProcess) => Promise<number>;

/** Iterations in a millisecond. */
function eventRates({ iterations }: Kernel): { readonly subject: Take; readonly peer: Take } {
  const take: Take = async (guest) => iterations / (await timeMarks(guest)).milliseconds;
  return { subject: take, peer: take };
}

/** Only this machine counts instructions; the image takes the same number everywhere, which the first run tells. */
function instructionRates(): { readonly subject: Take; readonly peer: Take } {
  let instructions = 0;
  return {
    subject: async (guest) => {
      const { milliseconds, rest } = await timeMarks(guest);
      instructions = Number(rest);
      return instructions / milliseconds / (MILLION / 1000);
    },
    peer: async (guest) => instructions / (await timeMarks(guest)).milliseconds / (MILLION / 1000),
  };
}
