/** What holds of a differential run without QEMU: seeds repeat, and our machine agrees with itself. */
import { describe, expect, it } from 'vitest';
import { Bench } from './bench.ts';
import { compareResults } from './compare.ts';
import { Generator, seededRandom } from './generator.ts';
import { Image, type Mode } from './image.ts';
import { OurMachine } from './our-machine.ts';
import { readResults } from './results.ts';
import type { Sequence } from './sequence.ts';

const COUNT = 60;
const bench = new Bench();

function make(mode: Mode, seed: number): { image: Image; sequences: Sequence[] } {
  const random = seededRandom(seed, mode);
  const image = new Image(mode, random);
  bench.load(image);
  const generator = new Generator(bench, image, random);
  const sequences = Array.from({ length: COUNT }, () => {
    const { sequence } = generator.random();
    image.add(sequence.start, sequence.code);
    return sequence;
  });
  expect(generator.limitFailures).toEqual([]);
  return { image, sequences };
}

describe.each(['real', 'protected'] as const)('%s mode', (mode) => {
  it('a seed gives the same image again, another seed another', () => {
    const first = make(mode, 1).image.bytes;
    expect(make(mode, 1).image.bytes).toEqual(first);
    expect(make(mode, 2).image.bytes).not.toEqual(first);
  });

  it('sequences in one go come out as step by step', () => {
    const { image, sequences } = make(mode, 3);
    const { memory, ended } = new OurMachine().run(image.bytes);
    expect(ended).toBe(true);
    const results = readResults(memory, COUNT);
    expect(results.length).toBe(COUNT);
    const differences = sequences.flatMap((sequence, n) => {
      const result = results[n];
      if (!result) return [];
      return compareResults(sequence, sequence.result, result, ['steps', 'run'], (at) => image.initial(at));
    });
    expect(differences).toEqual([]);
  });

  it('an image with one of its sequences alone gives the same result', () => {
    const { image, sequences } = make(mode, 4);
    const ours = new OurMachine();
    const all = readResults(ours.run(image.bytes).memory, COUNT);
    const last = sequences.at(-1) as Sequence;
    const [alone] = readResults(ours.run(image.withOnly(last)).memory, 1);
    expect(alone).toEqual(all.at(-1));
  });
});
