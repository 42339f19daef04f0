/**
 * `npm run differential`: random instruction sequences on our machine and in QEMU, compared:
 *   node scripts/differential.ts [--seed N] [--minutes M | --rounds R] [--mode real|protected]
 * Each round is one image of about a thousand sequences; its seed repeats it. Prints what differs, then
 * `N passed, N failed`. The first rounds go through all forms of instructions.
 */
import { parseArgs } from 'node:util';
import { differences, masked } from './differential/differences.ts';
import { comparedForms, formName } from './differential/forms.ts';
import type { Mode } from './differential/image.ts';
import { Qemu, qemuVersion } from './differential/qemu.ts';
import { type Round, Rounds } from './differential/round.ts';

const MODES: readonly Mode[] = ['real', 'protected'];
const ROUNDS = 4;
/** Failures that are printed; more would hide them. */
const PRINTED_MAX = 40;

function main(): number {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      minutes: { type: 'string' },
      rounds: { type: 'string' },
      mode: { type: 'string' },
    },
  });
  const version = qemuVersion();
  if (version === undefined) {
    console.error('differential: qemu-system-i386 is not installed');
    return 2;
  }
  const modes = MODES.filter((mode) => values.mode === undefined || values.mode === mode);
  const seed = Number(values.seed);
  if (modes.length === 0 || !Number.isSafeInteger(seed)) {
    console.error('usage: node scripts/differential.ts [--seed N] [--minutes M | --rounds R] [--mode real|protected]');
    return 2;
  }
  console.log(`${version}; ${differences.length + masked.length} explained differences`);
  const end = values.minutes === undefined ? undefined : Date.now() + Number(values.minutes) * 60_000;
  const roundsMax = end === undefined ? Number(values.rounds ?? ROUNDS) : Number.POSITIVE_INFINITY;
  return run(seed, modes, (round) => round < roundsMax && (end === undefined || Date.now() < end));
}

function run(seed: number, modes: readonly Mode[], goesOn: (round: number) => boolean): number {
  const qemu = new Qemu();
  const rounds = new Rounds(qemu);
  const total = { passed: 0, failed: 0, forms: new Set<string>() };
  const take = (round: Round) => {
    total.passed += round.passed;
    for (const failure of round.failures) if (total.failed++ < PRINTED_MAX) console.log(failure);
    for (const form of round.forms) total.forms.add(form);
  };
  try {
    for (const mode of modes) {
      for (let left = comparedForms; left.length > 0 && goesOn(0); ) {
        const round = rounds.about(seed, mode, left);
        take(round);
        left = round.left;
      }
    }
    let done = 0;
    for (; goesOn(done); done++) for (const mode of modes) take(rounds.random(seed + done, mode));
    console.log(`seeds ${seed} to ${seed + done - 1}, ${modes.join(' and ')} mode`);
  } finally {
    qemu.close();
  }
  const missing = comparedForms.map(formName).filter((name) => !total.forms.has(name));
  console.log(
    `${total.forms.size} of ${comparedForms.length} forms${missing.length > 0 ? `; not: ${missing.join(', ')}` : ''}`,
  );
  console.log(`${total.passed} passed, ${total.failed} failed`);
  return total.failed === 0 ? 0 : 1;
}

process.exitCode = main();
