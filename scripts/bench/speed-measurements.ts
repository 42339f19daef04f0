/** Instructions and events a second of the same images on this machine and on its peers. */
import {
  assembleGuest,
  eventKernels,
  type Frame,
  type Kernel,
  kernels,
  longProgram,
  messageKernel,
  modifyingKernels,
  realModeProgram,
  systemCall,
  unitKernels,
  wideKernel,
} from './guest-images.ts';
import { startBochs } from './bochs-machine.ts';
import type { Contender, Measurement } from './measurement.ts';
import { type Peers, startOurMachine, startV86 } from './peers.ts';
import { startQemu } from './qemu-machine.ts';
import { isSteady, type PeerName, shareOf } from './shares.ts';
import { type GuestProcess, timeMarks, type TimedRun } from './timed-run.ts';

/** Of 64-bit code. */
const WIDE_MODEL = 'x86-64-v3';
const MILLION = 1_000_000;
const LOOPS_TARGET = 150;
/** With paging, and in 64-bit code, the same loops are to reach this share of what they reach in real mode. */
const PAGED_SHARE = 0.8;
const ROUNDS = 3;
const GROUP_LOOPS = 'Loops and kernels';
const GROUP_EVENTS = 'Interrupts, faults and tasks';
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
    ...modifyingKernels.map((kernel) => ({ kernel, frame: 'paged-loop' as const })),
    ...modifyingKernels.map((kernel) => ({ kernel, frame: 'long-loop' as const })),
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
    ...[...rows, ...units].map((row) => makeMeasurement(row, peers, instructionRates)),
    ...events.map((row) => makeMeasurement(row, peers, eventRates)),
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
  all: Peers,
  { group, unit, rateOf }: Rates,
): Promise<Measurement> {
  const { directory, qemu, bochs } = all;
  const rate = rateOf();
  const contender = (name: string, iterations: number, start: (image: string) => GuestProcess): Contender => ({
    name,
    take: async () => {
      const image = await assembleGuest(directory, { ...kernel, iterations }, frame);
      return rate(await timeMarks(start(image)), iterations);
    },
  });
  const peer = (name: PeerName, start: (image: string) => GuestProcess): Contender => ({
    ...contender(name, shareOf(name, kernel.iterations, kernel.shares), start),
    isTakenOnce: isSteady(name),
  });
  const isLong = frame === 'long-loop';
  const processors = frame === 'two-processors' ? 2 : 1;
  const model = isLong ? WIDE_MODEL : kernel.unit || processors > 1 ? 'core2' : '386';
  const needs = { codeSize: isLong ? (64 as const) : (32 as const), usesAvx2: kernel.unit === 'AVX2', processors };
  const text = kernel.description;
  // There is no long mode in it, and no second processor.
  const hasV86 = !isLong && processors === 1;
  return {
    group,
    name: text.charAt(0).toUpperCase() + text.slice(1) + suffixes[frame],
    unit,
    better: 'higher',
    subject: contender('x86 VM', kernel.iterations, (image) => startOurMachine(all, image, 'free', model, processors)),
    lead: AHEAD,
    peers: [
      {
        ...peer('x86 VM, interpreter', (image) =>
          startOurMachine(all, image, 'free', model, processors, 'interpreter'),
        ),
        target,
        isTakenOnce: target === undefined,
      },
      ...(hasV86
        ? [
            peer('v86, interpreter only', (image) => startV86(image, 'interpreter')),
            peer('v86', (image) => startV86(image, 'compiler')),
          ]
        : []),
      ...(qemu ? [peer('QEMU TCG', (image) => startQemu(image, needs))] : []),
      ...(bochs ? [peer('Bochs', (image) => startBochs(bochs, image, processors))] : []),
    ],
    rounds: ROUNDS,
  };
}

/** The figure of a run of so many iterations. */
type Rate = (run: TimedRun, iterations: number) => number;

/** How figures of a group are taken. */
interface Rates {
  readonly group: string;
  readonly unit: string;
  /** For one kernel. */
  readonly rateOf: () => Rate;
}

/** Iterations in a millisecond. */
const eventRates: Rates = {
  group: GROUP_EVENTS,
  unit: 'thousand a second',
  rateOf: () => (run, iterations) => iterations / run.milliseconds,
};

/** Only this machine counts instructions; an iteration is the same number everywhere, which the first run tells. */
const instructionRates: Rates = {
  group: GROUP_LOOPS,
  unit: 'million instructions a second',
  rateOf: () => {
    let ofIteration: number | undefined;
    return ({ milliseconds, rest }, iterations) => {
      ofIteration ??= Number(rest) / iterations;
      return (ofIteration * iterations) / milliseconds / (MILLION / 1000);
    };
  },
};
