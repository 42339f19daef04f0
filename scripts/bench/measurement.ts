/** What a measurement is: one subject, peers that do the same, all taken in turns so that noise meets them alike. */

/** One way to take a figure. */
export interface Contender {
  readonly name: string;
  /** Takes the figure once. */
  readonly take: () => Promise<number>;
}

export interface Measurement {
  readonly group: string;
  readonly name: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  /** What the project wants to reach; undefined where it has not said. */
  readonly target?: number;
  readonly subject: Contender;
  readonly peers: readonly Contender[];
  readonly rounds: number;
}

export interface Figure {
  readonly name: string;
  /** Median over the rounds. */
  readonly median: number;
  /** The best of them. */
  readonly best: number;
  /** Median of the ratios to the subject of the same round. */
  readonly ratio: number;
}

export interface Outcome {
  readonly measurement: Measurement;
  readonly subject: Figure;
  readonly peers: readonly Figure[];
  readonly isMet: boolean | undefined;
  /** Peers that failed, with what they said. */
  readonly failures: readonly string[];
}

/** Takes the figures of subject and peers alternately, and sums them up. A peer that fails is left out. */
export async function measure(measurement: Measurement, tell: (text: string) => void): Promise<Outcome> {
  const { subject, peers, rounds, target, better } = measurement;
  const samples = new Map<Contender, number[]>([subject, ...peers].map((contender) => [contender, []]));
  const failures: string[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const [contender, values] of samples) {
      try {
        values.push(await contender.take());
      } catch (error) {
        if (contender === subject) throw error;
        samples.delete(contender);
        failures.push(`${contender.name}: ${String(error)}`);
      }
    }
  }
  const own = samples.get(subject) as number[];
  const figures = [...samples].map(([{ name }, values]): Figure => {
    const best = better === 'higher' ? Math.max(...values) : Math.min(...values);
    const ratio = median(values.map((value, round) => value / (own[round] as number)));
    return { name, median: median(values), best, ratio };
  });
  const [first, ...others] = figures as [Figure, ...Figure[]];
  const isMet =
    target === undefined ? undefined : better === 'higher' ? first.median >= target : first.median <= target;
  tell(
    `${measurement.name}: ${figures.map(({ name, median }) => `${name} ${round(median)}`).join(', ')} ${measurement.unit}`,
  );
  return { measurement, subject: first, peers: others, isMet, failures };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}

/** Three digits that mean something, with commas between thousands. */
export function round(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString('en-US', { maximumFractionDigits: 3 });
}
