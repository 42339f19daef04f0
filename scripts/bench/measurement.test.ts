/** Who of a measurement takes how many turns, and what comes of them. */
import { expect, it } from 'vitest';
import { type Contender, type Measurement, measure } from './measurement.ts';

/** Takes its figures from a list, and counts its turns. */
function contender(name: string, figures: readonly number[], isTakenOnce?: boolean) {
  const taken: number[] = [];
  const take = async (): Promise<number> => {
    const figure = figures[taken.length];
    if (figure === undefined) throw new Error('no more');
    taken.push(figure);
    return figure;
  };
  return { name, isTakenOnce, take, taken } satisfies Contender & { taken: readonly number[] };
}

function measurement(subject: Contender, peers: readonly Contender[]): Measurement {
  const lead = { rival: 1 };
  return { group: 'Programs', name: 'Sieve', unit: 's', better: 'lower', subject, lead, peers, rounds: 3 };
}

it('takes all in turns, and once whoever is steady', async () => {
  const subject = contender('x86 VM', [2, 1, 4]);
  const rival = contender('rival', [1, 2, 2]);
  const steady = contender('steady', [8], true);
  const outcome = await measure(measurement(subject, [rival, steady]), () => {});
  expect(outcome.failures).toEqual([]);
  expect(steady.taken).toEqual([8]);
  expect(outcome.subject).toMatchObject({ median: 2, best: 1, rounds: 3 });
  expect(outcome.peers).toMatchObject([
    { name: 'rival', median: 2, ratio: 0.5, rounds: 3 },
    { name: 'steady', median: 8, ratio: 4, rounds: 1 },
  ]);
  expect(outcome.ahead).toEqual(['rival']);
});

it('leaves out a peer that fails, and says so', async () => {
  const subject = contender('x86 VM', [1, 1, 1]);
  const outcome = await measure(measurement(subject, [contender('rival', [2])]), () => {});
  expect(outcome.peers).toEqual([]);
  expect(outcome.failures).toEqual(['rival: Error: no more']);
});
