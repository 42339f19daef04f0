/** Random page tables and accesses: the plain walk, this machine and QEMU must say the same. PAGING_ROUNDS for more. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mustRun, runCommand } from '../../scripts/run-command.ts';
import { createMachine } from '../../vm-core/index.ts';
import { modelFacts } from '../../vm-core/isa/cpu-model.ts';
import { isInstalled } from './both-machines.ts';
import { type Answer, type CaseGuest, makeCases, type PagingCase, readAnswers, withCases } from './paging-cases.ts';

const hasNasm = isInstalled('nasm');
const hasQemu = hasNasm && isInstalled('qemu-system-x86_64');

const EXIT_CODE = 1;
/** They have to fit between the kernel and the tables. */
const COUNT = 1500;
const ROUNDS = Number(process.env['PAGING_ROUNDS'] ?? 1);
const SEED = Number(process.env['PAGING_SEED'] ?? 1);
const seeds = Array.from({ length: ROUNDS }, (_, n) => SEED + n);
const FLAG_ACCESSED = 0x20;
const ERROR_PRESENT = 1;
const ERROR_RESERVED = 8;

const { features } = modelFacts('max');
const caseFeatures = {
  nx: features.has('NX'),
  smep: features.has('SMEP'),
  smap: features.has('SMAP'),
  pku: features.has('PKU'),
  pks: features.has('PKS'),
  la57: features.has('LA57'),
  gigabytePages: features.has('Page1GB'),
};
const guests: readonly CaseGuest[] = features.has('LM') ? ['paging.asm', 'paging-64.asm'] : ['paging.asm'];
const runs = guests.flatMap((guest) => seeds.map((seed) => ({ guest, seed })));

/** What is different, case by case. */
function compare(cases: readonly PagingCase[], answers: readonly Answer[], explained?: Explained): string[] {
  if (answers.length !== cases.length) return [`${answers.length} answers to ${cases.length} cases`];
  return cases.flatMap(({ text, expected, isWrongInQemu }, n) => {
    if (explained && isWrongInQemu) return [];
    const [given, wanted] = [answers[n] as Answer, expected].map((answer) =>
      JSON.stringify(explained?.(answer) ?? answer),
    );
    return given === wanted ? [] : [`case ${n} ${text}: ${given}, expected ${wanted}`];
  });
}

/** Leaves out of an answer what is known to differ. */
type Explained = (answer: Answer) => Answer;

/**
 * QEMU 7.2 sets the accessed flags of the tables above the one at which a walk fails; the manual has a processor set them
 * for entries that it uses in a translation, and this machine sets none for an access that faults (SDM vol. 3A §4.8). It
 * also leaves P clear in the error code where a reserved bit is set, which the manual excludes (§4.7).
 */
const explainedInQemu: Explained = (answer) => {
  if (answer.vector !== 14) return answer;
  const isReserved = (answer.errorCode & ERROR_RESERVED) !== 0;
  return {
    ...answer,
    errorCode: isReserved ? answer.errorCode | ERROR_PRESENT : answer.errorCode,
    changes: answer.changes.filter((change) => (Number.parseInt(change.split('=')[1] ?? '', 16) & FLAG_ACCESSED) === 0),
  };
};

describe.skipIf(!hasNasm).each(runs)('$guest, seed $seed (it needs nasm, and QEMU to compare)', ({ guest, seed }) => {
  let folder = '';
  let image: Uint8Array;
  const cases = makeCases(guest, seed, COUNT, caseFeatures);
  const file = (name: string) => join(folder, name);

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'paging-'));
    await mustRun('nasm', [
      '-f',
      'bin',
      '-i',
      `${import.meta.dirname}/`,
      '-o',
      file('kernel.bin'),
      join(import.meta.dirname, guest),
    ]);
    image = withCases(readFileSync(file('kernel.bin')), cases);
    writeFileSync(file('image.bin'), image);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('are of all kinds', () => {
    const seen = new Set(cases.map(({ expected }) => `${expected.vector} ${expected.errorCode & 9}`));
    for (const outcome of ['128 0', '3 0', '13 0', '14 0', '14 1', '14 9']) expect(seen).toContain(outcome);
  });

  it('give what the plain walk gives on this machine', { timeout: 120_000 }, () => {
    const machine = createMachine({
      ...{ machineType: 'isa-1', cpuModel: 'max', memorySize: 16 << 20, firmware: 'builtin' },
      kernel: { name: 'paging', image, commandLine: '', modules: [] },
      exitDevice: true,
      startTimeMs: 0,
    });
    const said: number[] = [];
    machine.onOutput = (_, channel, bytes) => {
      if (channel === 'debugcon') for (const byte of bytes) said.push(byte);
    };
    const result = machine.run({ instructionsMax: 200_000 * (COUNT + 100) });
    expect(result).toMatchObject({ reason: 'request', request: { kind: 'exit' } });
    expect(compare(cases, readAnswers(guest, Uint8Array.from(said)))).toEqual([]);
  });

  it.skipIf(!hasQemu)('give the same in QEMU', { timeout: 120_000 }, async () => {
    const { exitCode, output } = await runCommand('timeout', [
      ...['100', 'qemu-system-x86_64'],
      ...[
        '-cpu',
        caseFeatures.gigabytePages ? 'max' : 'max,-pdpe1gb',
        '-m',
        '16',
        '-display',
        'none',
        '-no-reboot',
        '-kernel',
        file('image.bin'),
      ],
      ...['-debugcon', `file:${file('theirs')}`, '-device', 'isa-debug-exit,iobase=0xf4,iosize=4'],
    ]);
    expect(exitCode, output).toBe(EXIT_CODE);
    expect(compare(cases, readAnswers(guest, readFileSync(file('theirs'))), explainedInQemu)).toEqual([]);
  });
});
