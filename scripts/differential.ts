/**
 * `npm run differential`: random code on our machine and in QEMU, compared:
 *   node scripts/differential.ts [--seed N] [--minutes M | --rounds R] [--mode real|protected|long…] [--engine compiler-at-once]
 * In the modes `real` and `protected` a round is one image of about a thousand sequences, and the first rounds go through
 * all forms of instructions; in the others (differential/system) it is a thousand cases, each with a machine's state of its
 * own; in `interrupts` a hundred sequences of steps that program the interrupt controllers. A seed repeats its round. Prints
 * what differs, then `N passed, N failed`.
 */
import { parseArgs } from 'node:util';
import { defaultEngine, type Engine } from '../vm-core/engine/compiler/tiers.ts';
import { differences, masked } from './differential/differences.ts';
import { comparedForms, formName } from './differential/forms.ts';
import type { Mode } from './differential/image.ts';
import { Qemu, qemuVersion } from './differential/qemu.ts';
import { Rounds } from './differential/round.ts';
import { explainedInInterrupts } from './differential/interrupts/explained.ts';
import { INTERRUPTS, InterruptRounds } from './differential/interrupts/rounds.ts';
import { explainedInSystem } from './differential/system/explained.ts';
import { systemTools } from './differential/guest-in-qemu.ts';
import { explainedInUnits } from './differential/system/unit-explained.ts';
import { type SystemMode, SystemRounds, systemModes } from './differential/system/rounds.ts';

const SEQUENCE_MODES: readonly Mode[] = ['real', 'protected'];
const ROUNDS = 4;
/** Failures that are printed; more would hide them. */
const PRINTED_MAX = 40;

const total = { passed: 0, failed: 0, forms: new Set<string>(), explained: new Map<string, number>() };

function main(): number {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      minutes: { type: 'string' },
      rounds: { type: 'string' },
      mode: { type: 'string' },
      engine: { type: 'string', default: 'interpreter' },
    },
  });
  defaultEngine.name = values.engine as Engine;
  const version = qemuVersion();
  if (version === undefined || systemTools() === undefined) {
    console.error('differential: QEMU (qemu-system-i386, qemu-system-x86_64) and nasm have to be installed');
    return 2;
  }
  const isWanted = (mode: string) => values.mode === undefined || values.mode === mode;
  const modes = SEQUENCE_MODES.filter(isWanted);
  const system = systemModes.filter(isWanted);
  const seed = Number(values.seed);
  const hasInterrupts = isWanted(INTERRUPTS);
  if (modes.length + system.length + Number(hasInterrupts) === 0 || !Number.isSafeInteger(seed)) {
    const names = [...SEQUENCE_MODES, ...systemModes, INTERRUPTS].join('|');
    console.error(`usage: node scripts/differential.ts [--seed N] [--minutes M | --rounds R] [--mode ${names}]`);
    return 2;
  }
  console.log(
    `${version}; ${differences.length + masked.length + explainedInSystem.length + explainedInUnits.length + explainedInInterrupts.length} explained differences`,
  );
  const end = values.minutes === undefined ? undefined : Date.now() + Number(values.minutes) * 60_000;
  const roundsMax = end === undefined ? Number(values.rounds ?? ROUNDS) : Number.POSITIVE_INFINITY;
  return run(
    seed,
    { modes, system, hasInterrupts },
    (round) => round < roundsMax && (end === undefined || Date.now() < end),
  );
}

/** What is run. */
interface Wanted {
  readonly modes: readonly Mode[];
  readonly system: readonly SystemMode[];
  readonly hasInterrupts: boolean;
}

function run(seed: number, { modes, system, hasInterrupts }: Wanted, goesOn: (round: number) => boolean): number {
  const qemu = new Qemu();
  const rounds = new Rounds(qemu);
  const systemRounds = new SystemRounds();
  const interruptRounds = new InterruptRounds();
  let done = 0;
  try {
    for (const mode of modes) everyForm(rounds, seed, mode, goesOn);
    for (; goesOn(done); done++) {
      for (const mode of modes) take(rounds.random(seed + done, mode));
      for (const mode of system) take(systemRounds.run(mode, seed + done));
      if (hasInterrupts) take(interruptRounds.run(seed + done));
    }
  } finally {
    qemu.close();
    systemRounds.close();
    interruptRounds.close();
  }
  if (modes.length > 0) console.log(`${Math.round(100 * rounds.compiledShare)} % of our instructions in compiled code`);
  console.log(
    `seeds ${seed} to ${seed + done - 1}, modes ${[...modes, ...system, ...(hasInterrupts ? [INTERRUPTS] : [])].join(', ')}`,
  );
  for (const [reason, count] of total.explained) console.log(`explained in ${count} cases: ${reason}`);
  if (modes.length > 0) {
    const missing = comparedForms.map(formName).filter((name) => !total.forms.has(name));
    const not = missing.length > 0 ? `; not: ${missing.join(', ')}` : '';
    console.log(`${total.forms.size} of ${comparedForms.length} forms${not}`);
  }
  console.log(`${total.passed} passed, ${total.failed} failed`);
  return total.failed === 0 ? 0 : 1;
}

function everyForm(rounds: Rounds, seed: number, mode: Mode, goesOn: (round: number) => boolean): void {
  for (let left = comparedForms; left.length > 0 && goesOn(0); ) {
    const round = rounds.about(seed, mode, left);
    take(round);
    left = round.left;
  }
}

/** What either kind of round counts. */
interface Counted {
  readonly passed: number;
  readonly failures: readonly string[];
  readonly forms?: ReadonlySet<string>;
  readonly explained?: ReadonlyMap<string, number>;
}

function take({ passed, failures, forms, explained }: Counted): void {
  total.passed += passed;
  for (const failure of failures) if (total.failed++ < PRINTED_MAX) console.log(failure);
  for (const form of forms ?? []) total.forms.add(form);
  for (const [reason, count] of explained ?? []) {
    total.explained.set(reason, (total.explained.get(reason) ?? 0) + count);
  }
}

process.exitCode = main();
