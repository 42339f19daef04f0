/** Programs in C on this machine, on its peers and on this computer itself. All of them must come to the same sum. */
import { startBochs } from './bochs-machine.ts';
import type { Contender, Measurement } from './measurement.ts';
import { type Peers, startOurMachine, startV86 } from './peers.ts';
import { type CodeSize, compileProgram, hasCompiler, type Program, programs } from './program-images.ts';
import { startQemu } from './qemu-machine.ts';
import { type GuestProcess, startGuest, timeMarks } from './timed-run.ts';

const ROUNDS = 3;
const MILLISECONDS = 1000;
const LEAD: Readonly<Record<string, number>> = { 'QEMU TCG': 1, v86: 1 };

/** The measurements of this file, with those peers that are installed; none without a C compiler. */
export async function programMeasurements(peers: Peers): Promise<readonly Measurement[]> {
  if (!hasCompiler()) return [];
  const sizes: readonly CodeSize[] = [32, 64];
  return Promise.all(sizes.flatMap((codeSize) => programs.map((program) => makeMeasurement(program, codeSize, peers))));
}

async function makeMeasurement(program: Program, codeSize: CodeSize, peers: Peers): Promise<Measurement> {
  const { image, native } = await compileProgram(peers.directory, program, codeSize);
  const { qemu, bochs } = peers;
  let expected: string | undefined;
  const contender = (name: string, start: () => GuestProcess): Contender => ({
    name,
    take: async () => {
      const { milliseconds, sent } = await timeMarks(start());
      expected ??= sent;
      if (sent !== expected) throw new Error(`the program came to ${sent}, elsewhere to ${expected}`);
      return milliseconds / MILLISECONDS;
    },
  });
  const model = codeSize === 64 ? 'x86-64-v3' : 'core2';
  const needs = { codeSize, usesAvx2: false, processors: 1 };
  const text = program.description;
  return {
    group: 'Programs',
    name: `${text.charAt(0).toUpperCase()}${text.slice(1)}, ${codeSize}-bit code`,
    unit: 's',
    better: 'lower',
    subject: contender('x86 VM', () => startOurMachine(image, 'free', model)),
    lead: LEAD,
    peers: [
      contender('x86 VM, interpreter', () => startOurMachine(image, 'free', model, 1, 'interpreter')),
      // There is no long mode in it.
      ...(codeSize === 64 ? [] : [contender('v86', () => startV86(image, 'compiler'))]),
      ...(qemu
        ? [
            contender('QEMU TCG', () => startQemu(image, needs)),
            contender('QEMU TCG that counts', () => startQemu(image, { ...needs, icount: true })),
          ]
        : []),
      ...(bochs ? [contender('Bochs', () => startBochs(bochs, image))] : []),
      ...(native ? [contender('this computer', () => startGuest(native, []))] : []),
    ],
    rounds: ROUNDS,
  };
}
