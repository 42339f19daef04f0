/**
 * `npm run lock-step -- [GUEST…] [--minutes M] [--instructions N] [--seed S] [--engine E] [--borders]`: boots guests on the
 * interpreter and on compiled code side by side and compares them (lock-step/). Without guests all of them; for so many
 * minutes each, one seed after the other, or once. Ends with 0 only if nothing differed.
 */
import { parseArgs } from 'node:util';
import type { MachineConfig } from '../vm-core/index.ts';
import { guests } from './lock-step/guests.ts';
import { lockStep } from './lock-step/lock-step.ts';

const ENGINES = ['compiler', 'compiler-at-once', 'compiler-random'] as const;
const INSTRUCTIONS_MAX = 20_000_000_000;

interface Wanted {
  readonly seed: number;
  readonly engines: readonly string[];
  readonly minutes: number | undefined;
  readonly instructionsMax: number;
  readonly atBorders: boolean;
}

/** True if nothing differed. */
function runGuest(name: string, { seed, engines, minutes, instructionsMax, atBorders }: Wanted): boolean {
  const make = guests[name];
  const started = Date.now();
  const isTime = () => minutes === undefined || Date.now() - started < minutes * 60_000;
  for (let round = 0; round === 0 || (minutes !== undefined && isTime()); round++) {
    const config = make?.();
    if (!config) {
      console.log(`${name}: skipped, its packages are not to be had`);
      return true;
    }
    const engine = engineOf(engines[round % engines.length] as string, seed + round);
    const before = Date.now();
    const result = lockStep({
      ...{ config, engine, seed: seed + round, instructionsMax, atBorders, goesOn: isTime },
      onDifference: (found) => console.log(`${name}, ${engine}: DIFFERENT, searching\n  ${found.join('\n  ')}`),
    });
    const seconds = Math.round((Date.now() - before) / 1000);
    const borders = atBorders ? `, ${result.borders} borders` : '';
    const million = Math.round(result.retired / 1e6);
    console.log(
      `${name}, ${engine}, seed ${seed + round}: ${million} million instructions, ${result.slices} slices${borders}, ${result.end}, ${seconds} s`,
    );
    if (result.differences.length > 0) {
      console.log(`DIFFERENT\n  ${result.differences.join('\n  ')}`);
      return false;
    }
  }
  return true;
}

function engineOf(name: string, seed: number): Exclude<MachineConfig['engine'], undefined> {
  return name === 'compiler-random' ? `compiler-random:${seed}` : (name as 'compiler');
}

function main(): number {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      minutes: { type: 'string' },
      instructions: { type: 'string' },
      seed: { type: 'string', default: '1' },
      engine: { type: 'string' },
      borders: { type: 'boolean', default: false },
    },
  });
  const names = positionals.length > 0 ? positionals : Object.keys(guests);
  const engines = values.engine === undefined ? ENGINES : ENGINES.filter((name) => name === values.engine);
  if (names.some((name) => !(name in guests)) || engines.length === 0) {
    console.error(`lock-step: guests are ${Object.keys(guests).join(', ')}; engines are ${ENGINES.join(', ')}`);
    return 2;
  }
  const wanted = {
    seed: Number(values.seed),
    engines,
    minutes: values.minutes === undefined ? undefined : Number(values.minutes),
    instructionsMax: Number(values.instructions ?? INSTRUCTIONS_MAX),
    atBorders: values.borders,
  };
  const differing = names.filter((name) => !runGuest(name, wanted));
  console.log(differing.length === 0 ? 'No difference.' : `DIFFERENT: ${differing.join(', ')}`);
  return differing.length === 0 ? 0 : 1;
}

process.exitCode = main();
