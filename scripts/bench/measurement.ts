/** What a measurement is: one subject, peers that do the same, all taken in turns so that noise meets them alike. */

/** One way to take a figure. */
export interface Contender {
  readonly name: string;
  /** What the project wants it to reach: of the subject, and of the subject in another configuration. */
  readonly target?: number | undefined;
  /** It is taken in the first round only: its figure is steady, and nothing is decided by it. */
  readonly isTakenOnce?: boolean | undefined;
  /** Takes the figure once. */
  readonly take: () => Promise<number>;
}

export interface Measurement {
  readonly group: string;
  readonly name: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  readonly subject: Contender;
  /** How many times a peer's figure the subject is to reach (or, where lower is better, may take), by the peers' names. */
  readonly lead?: Readonly<Record<string, number>> | undefined;
  readonly peers: readonly Contender[];
  readonly rounds: number;
}

export interface Figure {
  readonly name: string;
  /** Median over the rounds. */
  readonly median: number;
  /** The best of them. */
  readonly best: number;
  /** How many rounds it took part in. */
  readonly rounds: number;
  /** Median of the ratios to the subject of the same round. */
  readonly ratio: number;
  readonly target: number | undefined;
  /** Undefined without a target. */
  readonly isMet: boolean | undefined;
}

export interface Outcome {
  readonly measurement: Measurement;
  readonly subject: Figure;
  readonly peers: readonly Figure[];
  /** Peers that the subject does not lead as it is to. */
  readonly ahead: readonly string[];
  /** Peers that failed, with what they said. */
  readonly failures: readonly string[];
}

/** A peer whose first turn takes longer is taken in one round only: it is far behind, and the bench has an end. */
export const SLOW_TURN_MS = 4000;

/** Takes the figures of subject and peers alternately, and sums them up. A peer that fails is left out. */
export async function measure(measurement: Measurement, tell: (text: string) => void): Promise<Outcome> {
  const { subject, peers, rounds, better, lead = {} } = measurement;
  const samples = new Map<Contender, number[]>([subject, ...peers].map((contender) => [contender, []]));
  const failures: string[] = [];
  const slow = new Set<Contender>();
  const began = performance.now();
  for (let round = 0; round < rounds; round++) {
    for (const [contender, values] of samples) {
      if (slow.has(contender) || (contender.isTakenOnce && round > 0)) continue;
      const turnBegan = performance.now();
      try {
        values.push(await contender.take());
      } catch (error) {
        if (contender === subject) throw error;
        samples.delete(contender);
        failures.push(`${contender.name}: ${String(error)}`);
      }
      if (contender !== subject && performance.now() - turnBegan > SLOW_TURN_MS) slow.add(contender);
    }
  }
  const own = samples.get(subject) as number[];
  const figures = [...samples].map(([{ name, target }, values]): Figure => {
    const middle = median(values);
    const best = better === 'higher' ? Math.max(...values) : Math.min(...values);
    const ratio = median(values.map((value, round) => value / (own[round] as number)));
    const isMet = target === undefined ? undefined : better === 'higher' ? middle >= target : middle <= target;
    return { name, median: middle, best, rounds: values.length, ratio, target, isMet };
  });
  const [first, ...others] = figures as [Figure, ...Figure[]];
  const ahead = others.filter(({ name, ratio }) => {
    const wanted = lead[name];
    return wanted !== undefined && (better === 'higher' ? ratio * wanted > 1 : ratio * wanted < 1);
  });
  const list = figures.map(({ name, median }) => `${name} ${round(median)}`).join(', ');
  tell(`${measurement.name}: ${list} ${measurement.unit} (${round((performance.now() - began) / 1000)} s)`);
  return { measurement, subject: first, peers: others, ahead: ahead.map(({ name }) => name), failures };
}

/** The middle one, or what lies between the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}

/** Three digits that mean something, with commas between thousands. */
export function round(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString('en-US', { maximumFractionDigits: 3 });
}
