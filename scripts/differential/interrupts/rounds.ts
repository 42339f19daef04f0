/** One round: sequences of a seed on both machines, compared step by step up to the first difference. */
import { Random } from '../random.ts';
import { type Differences, explainedInInterrupts, NOTHING } from './explained.ts';
import { resultFields, SCRIPTS, STEP_SIZE } from './layout.ts';
import { InterruptMachines, type StepResult } from './machines.ts';
import { randomSteps, type Step } from './steps.ts';

export const INTERRUPTS = 'interrupts';

/** What came of a round. */
export interface InterruptRound {
  readonly passed: number;
  readonly failures: readonly string[];
  readonly explained: ReadonlyMap<string, number>;
  /** Steps that were the same. */
  readonly steps: number;
}

const SEQUENCES_PER_ROUND = 100;

export class InterruptRounds {
  readonly #machines = new InterruptMachines();

  run(seed: number, count = SEQUENCES_PER_ROUND): InterruptRound {
    const random = new Random(seed);
    const sequences = Array.from({ length: count }, () => randomSteps(random));
    const [ours, qemu] = [this.#machines.runOurs(sequences), this.#machines.runQemu(sequences)];
    const total = { passed: 0, failures: [] as string[], explained: new Map<string, number>(), steps: 0 };
    if (ours.end !== 'exit' || qemu.end !== 'exit')
      total.failures.push(`seed ${seed} ${INTERRUPTS}: QEMU ended by ${qemu.end}, ours by ${ours.end}`);
    const [own, theirs] = [byPlace(ours.results), byPlace(qemu.results)];
    let place = SCRIPTS;
    sequences.forEach((steps, n) => {
      this.#compare(steps, place, [own, theirs], `seed ${seed} ${INTERRUPTS}, sequence ${n}`, total);
      place += (steps.length + 1) * STEP_SIZE;
    });
    return total;
  }

  close(): void {
    this.#machines.close();
  }

  #compare(
    steps: readonly Step[],
    place: number,
    [own, theirs]: readonly [Results, Results],
    label: string,
    total: { passed: number; failures: string[]; explained: Map<string, number>; steps: number },
  ): void {
    for (let n = 0; n < steps.length; n++) {
      const behind = place + (n + 1) * STEP_SIZE;
      const differences = differencesOf(theirs.get(behind), own.get(behind));
      if (differences.size === 0) {
        total.steps++;
        continue;
      }
      const names = steps.slice(0, n + 1).map(({ text }) => text);
      const entry = explainedInInterrupts.find(({ explains }) => explains(differences, names));
      if (!entry) {
        total.failures.push(describe(label, names, differences));
        return;
      }
      total.explained.set(entry.reason, (total.explained.get(entry.reason) ?? 0) + 1);
      break;
    }
    total.passed++;
  }
}

/** Results by the place in the list behind their steps. */
type Results = ReadonlyMap<number, StepResult>;

const byPlace = (results: readonly StepResult[]): Results =>
  new Map(results.map((result) => [result[0] as number, result]));

function differencesOf(qemu: StepResult | undefined, ours: StepResult | undefined): Differences {
  return new Map(
    resultFields.flatMap((name, n) => {
      const both = { qemu: qemu?.[n] ?? NOTHING, ours: ours?.[n] ?? NOTHING };
      return both.qemu === both.ours && both.qemu !== NOTHING ? [] : [[name, both] as const];
    }),
  );
}

function describe(label: string, names: readonly string[], differences: Differences): string {
  const hex = (value: number) => (value === NOTHING ? 'nothing' : `${value.toString(16).toUpperCase()}h`);
  const lines = [...differences].map(([name, { qemu, ours }]) => `  ${name}: QEMU ${hex(qemu)}, ours ${hex(ours)}`);
  return [`${label}:`, ...names.map((name) => `    ${name}`), ...lines.slice(0, 12)].join('\n');
}
