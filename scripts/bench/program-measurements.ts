/**
 * Programs in C on this machine, on its peers and on this computer itself. All of them must come to the same sum, those
 * that do a part of the rounds to the same among themselves.
 */
import { startBochs } from './bochs-machine.ts';
import type { Contender, Measurement } from './measurement.ts';
import { type Peers, startOurMachine, startV86 } from './peers.ts';
import {
  type CodeSize,
  compileProgram,
  hasCompiler,
  type Program,
  type ProgramFiles,
  programs,
} from './program-images.ts';
import { startQemu } from './qemu-machine.ts';
import { isSteady, type PeerName, shareOf } from './shares.ts';
import { type GuestProcess, startGuest, timeMarks } from './timed-run.ts';

const GROUP = 'Programs';
const ROUNDS = 3;
const MILLISECONDS = 1000;
const LEAD: Readonly<Record<string, number>> = { 'QEMU TCG': 1, v86: 1 };
/** The only code that all of those that compile can run. */
const SHORT_CODE: CodeSize = 32;

/** The measurements of this file, with those peers that are installed; none without a C compiler. */
export async function programMeasurements(peers: Peers): Promise<readonly Measurement[]> {
  if (!hasCompiler()) return [];
  const sizes: readonly CodeSize[] = [32, 64];
  const all = await Promise.all(
    sizes.flatMap((codeSize) =>
      programs.map(async (program): Promise<Subject> => {
        const short = await compileProgram(peers.directory, program, codeSize);
        return { program, codeSize, short, seconds: timerOf() };
      }),
    ),
  );
  const short = all.filter(({ codeSize }) => codeSize === SHORT_CODE);
  return [...all.map((subject) => makeMeasurement(subject, peers)), allOnceShort(short, peers)];
}

/** What a row is about. */
interface Subject {
  readonly program: Program;
  readonly codeSize: CodeSize;
  /** Of the program's own rounds. */
  readonly short: ProgramFiles;
  /** The time of a run of so many rounds. Rejects if one of as many rounds came to another sum. */
  readonly seconds: (rounds: number, guest: GuestProcess) => Promise<number>;
}

function timerOf(): Subject['seconds'] {
  const sums = new Map<number, string>();
  return async (rounds, guest) => {
    const { milliseconds, sent } = await timeMarks(guest);
    const expected = sums.get(rounds) ?? sent;
    if (sent !== expected) throw new Error(`the program came to ${sent}, elsewhere to ${expected}`);
    sums.set(rounds, expected);
    return milliseconds / MILLISECONDS;
  };
}

const modelOf = (codeSize: CodeSize) => (codeSize === 64 ? 'x86-64-v3' : 'core2');
const needsOf = (codeSize: CodeSize) => ({ codeSize, usesAvx2: false, processors: 1 });

function makeMeasurement({ program, codeSize, short, seconds }: Subject, peers: Peers): Measurement {
  const { qemu, bochs } = peers;
  const { times, shares } = program.work[codeSize];
  const all = program.rounds * times;
  const compiled = new Map<number, Promise<ProgramFiles>>();
  const filesOf = (rounds: number): Promise<ProgramFiles> => {
    const files = compiled.get(rounds) ?? compileProgram(peers.directory, { ...program, rounds }, codeSize);
    compiled.set(rounds, files);
    return files;
  };
  const peer = (name: PeerName, start: (files: ProgramFiles) => GuestProcess): Contender => {
    const rounds = shareOf(name, all, shares);
    const take = async (): Promise<number> => ((await seconds(rounds, start(await filesOf(rounds)))) * all) / rounds;
    return { name, isTakenOnce: isSteady(name), take };
  };
  const model = modelOf(codeSize);
  const needs = needsOf(codeSize);
  const text = program.description;
  return {
    group: GROUP,
    name: `${text.charAt(0).toUpperCase()}${text.slice(1)}, ${codeSize}-bit code`,
    unit: 's',
    better: 'lower',
    subject: {
      name: 'x86 VM',
      take: async () => seconds(all, startOurMachine(peers, (await filesOf(all)).image, 'free', model)),
    },
    lead: LEAD,
    peers: [
      peer('x86 VM, interpreter', ({ image }) => startOurMachine(peers, image, 'free', model, 1, 'interpreter')),
      // There is no long mode in it.
      ...(codeSize === 64 ? [] : [peer('v86', ({ image }) => startV86(image, 'compiler'))]),
      ...(qemu
        ? [
            peer('QEMU TCG', ({ image }) => startQemu(image, needs)),
            peer('QEMU TCG that counts', ({ image }) => startQemu(image, { ...needs, icount: true })),
          ]
        : []),
      ...(bochs ? [peer('Bochs', ({ image }) => startBochs(bochs, image))] : []),
      ...(short.native ? [peer('this computer', ({ native }) => startGuest(native as string, []))] : []),
    ],
    rounds: ROUNDS,
  };
}

/** What is left of the speed where there is too little work to get warm. */
function allOnceShort(subjects: readonly Subject[], peers: Peers): Measurement {
  const contender = (name: string, start: (path: string) => GuestProcess): Contender => ({
    name,
    take: async () => {
      let sum = 0;
      for (const { program, short, seconds } of subjects) sum += await seconds(program.rounds, start(short.image));
      return sum;
    },
  });
  return {
    group: GROUP,
    name: `All of these programs once, short, each in a fresh process, ${SHORT_CODE}-bit code`,
    unit: 's',
    better: 'lower',
    subject: contender('x86 VM', (path) => startOurMachine(peers, path, 'free', modelOf(SHORT_CODE))),
    lead: LEAD,
    peers: [
      contender('v86', (path) => startV86(path, 'compiler')),
      ...(peers.qemu ? [contender('QEMU TCG', (path) => startQemu(path, needsOf(SHORT_CODE)))] : []),
    ],
    rounds: ROUNDS,
  };
}
