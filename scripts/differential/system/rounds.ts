/** One round: cases of a seed on both machines, compared; what no entry of the table explains is reported. */
import { Random } from '../random.ts';
import type { SystemCase } from './case.ts';
import { type Comparison, type Mismatch, mismatchesOf } from './compare.ts';
import { type Explained, explainedInSystem } from './explained.ts';
import { integerCase, unitCase } from './integer-cases.ts';
import { longSystemCase, protectedSystemCase } from './system-cases.ts';
import { type ResultField, resultFields, SHADOW, ZONE } from './layout.ts';
import { SystemMachines } from './machines.ts';
import { describeComparison } from './report.ts';
import { explainedInUnits } from './unit-explained.ts';
import { readSystemResults, type SystemResult } from './results.ts';

/** What a round makes cases of. */
export const generators = {
  long: integerCase,
  units: unitCase,
  'long-system': longSystemCase,
  'protected-system': protectedSystemCase,
} as const satisfies Readonly<Record<string, (random: Random) => SystemCase>>;

export type SystemMode = keyof typeof generators;

export const systemModes = Object.keys(generators) as readonly SystemMode[];

/** What came of a round. */
export interface SystemRound {
  readonly passed: number;
  readonly failures: readonly string[];
  /** Cases that an entry of the table explains, by its reason. */
  readonly explained: ReadonlyMap<string, number>;
}

const CASES_PER_ROUND = 1000;
/** The modes of one seed have nothing in common. */
const SEEDS_PER_SEED = 16;

export class SystemRounds {
  readonly #machines = new SystemMachines();

  run(mode: SystemMode, seed: number, count = CASES_PER_ROUND): SystemRound {
    const random = new Random(seed * SEEDS_PER_SEED + systemModes.indexOf(mode));
    const cases = Array.from({ length: count }, () => generators[mode](random));
    return this.compare(cases, `seed ${seed} ${mode}`);
  }

  /** Compares the cases in as many runs as it takes: a machine that does not come back is started behind the case. */
  compare(cases: readonly SystemCase[], label: string): SystemRound {
    const machines = this.#machines;
    const total = { passed: 0, failures: [] as string[], explained: new Map<string, number>() };
    for (let first = 0; first < cases.length; ) {
      const some = cases.slice(first, first + machines.fit(cases.slice(first)));
      const [own, theirs] = [machines.runOurs(some), machines.runQemu(some)];
      const [ours, qemu] = [own, theirs].map(({ memory }) => readSystemResults(memory, some.length));
      const both = Math.min(ours?.length ?? 0, qemu?.length ?? 0);
      const comparisonOf = (n: number, theirs: SystemResult): Comparison => {
        const test = some[n] as SystemCase;
        return { test, ours: ours?.[n] ?? NO_RESULT, qemu: theirs, before: beforeOf(machines.zone, test) };
      };
      for (let n = 0; n < both; n++) {
        const comparison = comparisonOf(n, qemu?.[n] as SystemResult);
        judge(comparison, mismatchesOf(comparison), `${label}, case ${first + n}`, total);
      }
      first += both;
      if (both === some.length || (own.end === 'exit' && theirs.end === 'exit')) continue;
      const name = `${label}, case ${first++}`;
      // Alone once more: it may only have been slow.
      const again = qemu?.length === both ? machines.runQemu(some.slice(both, both + 1)) : undefined;
      const late = again ? readSystemResults(again.memory, 1)[0] : qemu?.[both];
      const isLost = ours?.length === both;
      const comparison = comparisonOf(both, late ?? NO_RESULT);
      const lost = { register: 'ending', qemu: 0n, ours: comparison.ours.registers.ending } as const;
      if (isLost && !late) pass([NEITHER], total);
      else if (isLost)
        total.failures.push(describeComparison(`${name}: ours did not come back (${own.end})`, comparison, []));
      else if (late) judge(comparison, mismatchesOf(comparison), name, total);
      else judge(comparison, [lost], `${name}: QEMU did not come back (${again?.end})`, total);
    }
    return total;
  }

  close(): void {
    this.#machines.close();
  }
}

const explainedEverywhere: readonly Explained[] = [...explainedInSystem, ...explainedInUnits];

const NEITHER = 'neither machine comes back: the case has written over what takes over from it';

/** What is known of a case that a machine does not come back from. */
const NO_RESULT: SystemResult = {
  registers: Object.fromEntries(resultFields.map((field) => [field, 0n])) as Record<ResultField, bigint>,
  memory: new Map(),
};

function judge(
  comparison: Comparison,
  mismatches: readonly Mismatch[],
  label: string,
  total: { passed: number; failures: string[]; explained: Map<string, number> },
): void {
  const unexplained: Mismatch[] = [];
  const reasons = new Set<Explained>();
  for (const mismatch of mismatches) {
    const entry = explainedEverywhere.find(({ explains }) => explains(mismatch, comparison));
    if (entry) reasons.add(entry);
    else unexplained.push(mismatch);
  }
  if (unexplained.length > 0) {
    total.failures.push(describeComparison(label, comparison, unexplained));
    return;
  }
  pass(
    [...reasons].map(({ reason }) => reason),
    total,
  );
}

function pass(reasons: readonly string[], total: { passed: number; readonly explained: Map<string, number> }): void {
  total.passed++;
  for (const reason of reasons) total.explained.set(reason, (total.explained.get(reason) ?? 0) + 1);
}

/** The zone as a case finds it. */
function beforeOf(zone: Uint8Array, test: SystemCase): (address: number) => number {
  let patched: DataView | undefined;
  return (address) => {
    if (patched === undefined) {
      const bytes = zone.slice();
      for (const patch of test.patches)
        if (patch.at >= ZONE && patch.at < SHADOW) bytes.set(patch.bytes, patch.at - ZONE);
      patched = new DataView(bytes.buffer);
    }
    return patched.getUint32(address - ZONE, true);
  };
}
