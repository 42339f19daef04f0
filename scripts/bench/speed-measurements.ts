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
import { type GuestProcess, timeMarks } from './timed-run.ts';

/** Of 64-bit code. */
const WIDE_MODEL = 'x86-64-v3';
const MILLION = 1_000_000;
const LOOPS_TARGET = 150;
/** With paging, and in 64-bit code, the same loops are to reach this share of what they reach in real mode. */
const PAGED_SHARE = 0.8;
const ROUNDS = 3;
/** Interpreters run a kernel this share of the times that compilers do. */
const INTERPRETED_SHARE = 0.25;
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
  peers: Peers,
  { group, unit, takesOf }: Rates,
): Promise<Measurement> {
  const image = await assembleGuest(peers.directory, kernel, frame);
  const short = { ...kernel, iterations: kernel.iterations * INTERPRETED_SHARE };
  const shortImage = await assembleGuest(peers.directory, short, frame);
  const isLong = frame === 'long-loop';
  const processors = frame === 'two-processors' ? 2 : 1;
  const model = isLong ? WIDE_MODEL : kernel.unit || processors > 1 ? 'core2' : '386';
  const needs = { codeSize: isLong ? (64 as const) : (32 as const), usesAvx2: kernel.unit === 'AVX2', processors };
  const { subject, interpreter, peer, interpretedPeer } = takesOf(kernel);
  const contender = (take: Take, name: string, start: () => GuestProcess): Contender => ({
    name,
    take: () => take(start()),
  });
  const { qemu, bochs } = peers;
  const text = kernel.description;
  // There is no long mode in it, and no second processor.
  const hasV86 = !isLong && processors === 1;
  return {
    group,
    name: text.charAt(0).toUpperCase() + text.slice(1) + suffixes[frame],
    unit,
    better: 'higher',
    subject: contender(subject, 'x86 VM', () => startOurMachine(image, 'free', model, processors)),
    lead: AHEAD,
    peers: [
      {
        ...contender(interpreter, 'x86 VM, interpreter', () =>
          startOurMachine(shortImage, 'free', model, processors, 'interpreter'),
        ),
        target,
      },
      ...(hasV86
        ? [
            contender(interpretedPeer, 'v86, interpreter only', () => startV86(shortImage, 'interpreter')),
            contender(peer, 'v86', () => startV86(image, 'compiler')),
          ]
        : []),
      ...(qemu ? [contender(peer, 'QEMU TCG', () => startQemu(image, needs))] : []),
      ...(bochs ? [contender(interpretedPeer, 'Bochs', () => startBochs(bochs, shortImage, processors))] : []),
    ],
    rounds: ROUNDS,
  };
}

/** Takes a figure from a guest that has just been started. */
type Take = (guest: GuestProcess) => Promise<number>;

/** How figures of a group are taken: of this machine's two tiers, and of compilers and interpreters among the peers. */
interface Rates {
  readonly group: string;
  readonly unit: string;
  readonly takesOf: (kernel: Kernel) => Readonly<Record<'subject' | 'interpreter' | 'peer' | 'interpretedPeer', Take>>;
}

/** Iterations in a millisecond. */
const eventRates: Rates = {
  group: GROUP_EVENTS,
  unit: 'thousand a second',
  takesOf: ({ iterations }) => {
    const take: Take = async (guest) => iterations / (await timeMarks(guest)).milliseconds;
    const interpreted: Take = async (guest) => (await take(guest)) * INTERPRETED_SHARE;
    return { subject: take, interpreter: interpreted, peer: take, interpretedPeer: interpreted };
  },
};

/** Only this machine counts instructions; the image takes the same number everywhere, which the first run tells. */
const instructionRates: Rates = {
  group: GROUP_LOOPS,
  unit: 'million instructions a second',
  takesOf: () => {
    let instructions = 0;
    const rate = (count: number, milliseconds: number): number => count / milliseconds / (MILLION / 1000);
    return {
      subject: async (guest) => {
        const { milliseconds, rest } = await timeMarks(guest);
        instructions = Number(rest);
        return rate(instructions, milliseconds);
      },
      interpreter: async (guest) => {
        const { milliseconds, rest } = await timeMarks(guest);
        return rate(Number(rest), milliseconds);
      },
      peer: async (guest) => rate(instructions, (await timeMarks(guest)).milliseconds),
      interpretedPeer: async (guest) => rate(instructions * INTERPRETED_SHARE, (await timeMarks(guest)).milliseconds),
    };
  },
};
