/** One round of a differential run: an image full of sequences, on both machines, compared; failures cut short. */
import { ARITHMETIC_FLAGS } from '../../vm-core/state/lazy-flags.ts';
import { Bench } from './bench.ts';
import { compareResults } from './compare.ts';
import { type Form, formName } from './forms.ts';
import { Generator, SEQUENCE_SIZE_MAX, seededRandom } from './generator.ts';
import { handOver, Image, type Mode } from './image.ts';
import { OurMachine } from './our-machine.ts';
import type { Qemu } from './qemu.ts';
import { describeFailure, describeLimitFailure, type Shortest } from './report.ts';
import { readResults, type Result } from './results.ts';
import type { PlacedInstruction, Sequence } from './sequence.ts';

/** What a round came to. */
export interface Round {
  readonly passed: number;
  /** Each failing sequence as text. */
  readonly failures: readonly string[];
  /** Names of the forms in sequences that passed. */
  readonly forms: ReadonlySet<string>;
}

/** Sequences of an image whose failures are described; the rest is only counted. */
const DESCRIBED_MAX = 5;

const NOT_ENDED = 'did not come to the end of the sequence';

/** Both machines. */
export class Rounds {
  readonly #qemu: Qemu;
  readonly #ours: OurMachine = new OurMachine();
  readonly #bench: Bench = new Bench();

  constructor(qemu: Qemu) {
    this.#qemu = qemu;
  }

  /** See `OurMachine`. */
  get compiledShare(): number {
    return this.#ours.compiledShare;
  }

  /** Random sequences, as many as there is room for, or `count`. */
  random(seed: number, mode: Mode, count: number = Number.POSITIVE_INFINITY): Round {
    return this.#round(seed, mode, (generator, index) => (index < count ? generator.random() : 'end'));
  }

  /** Sequences about given forms, one each; those that do not fit are in `left`. */
  about(seed: number, mode: Mode, forms: readonly Form[]): Round & { readonly left: readonly Form[] } {
    let next = 0;
    const round = this.#round(seed, mode, (generator) => {
      const form = forms[next++];
      return form ? generator.about(form) : 'end';
    });
    return { ...round, left: forms.slice(next) };
  }

  #round(
    seed: number,
    mode: Mode,
    make: (generator: Generator, index: number) => ReturnType<Generator['random']> | undefined | 'end',
  ): Round {
    const random = seededRandom(seed, mode);
    const image = new Image(mode, random);
    this.#bench.load(image);
    const generator = new Generator(this.#bench, image, random);
    const sequences: Sequence[] = [];
    const formsOf: (readonly Form[])[] = [];
    for (let index = 0; image.hasRoomFor(SEQUENCE_SIZE_MAX); index++) {
      const made = make(generator, index);
      if (made === 'end') break;
      if (!made) continue;
      image.add(made.sequence.start, made.sequence.code);
      sequences.push(made.sequence);
      formsOf.push(made.forms);
    }
    const failures = generator.limitFailures.map((failure) => describeLimitFailure(failure, mode, seed));
    const differences = this.#compare(image, sequences);
    differences.slice(0, DESCRIBED_MAX).forEach(({ index, lines }) => {
      const sequence = sequences[index] as Sequence;
      const shortest = this.#shortest(image, sequence);
      failures.push(describeFailure({ seed, mode, index, sequence, lines, shortest }));
    });
    for (const { index } of differences.slice(DESCRIBED_MAX)) failures.push(`seed ${seed} ${mode}, sequence ${index}`);
    const failed = new Set(differences.map(({ index }) => index));
    const forms = new Set(formsOf.flatMap((list, index) => (failed.has(index) ? [] : list.map(formName))));
    return { passed: sequences.length - failed.size, failures, forms };
  }

  #compare(image: Image, sequences: readonly Sequence[]): { index: number; lines: string[] }[] {
    const ours = readResults(this.#ours.run(image.bytes).memory, sequences.length);
    const qemu = readResults(this.#qemu.run(image.bytes).memory, sequences.length);
    const failures: { index: number; lines: string[] }[] = [];
    for (const [index, sequence] of sequences.entries()) {
      const lines = compareAll(image, sequence, ours[index], qemu[index]);
      if (lines.length > 0) failures.push({ index, lines });
      // Behind a sequence that one of them has not survived there is nothing to compare.
      if (ours[index] === undefined || qemu[index] === undefined) break;
    }
    return failures;
  }

  /** How many instructions of a sequence it takes to differ, if fewer than all do. */
  #shortest(image: Image, sequence: Sequence): Shortest | undefined {
    for (let count = 1; count < sequence.instructions.length; count++) {
      const cut = cutAfter(image, sequence, count);
      const single = image.withOnly(cut);
      const ours = readResults(this.#ours.run(single).memory, 1)[0];
      const qemu = readResults(this.#qemu.run(single).memory, 1)[0];
      // Which flags are defined in the middle is not known any more. Cut in the middle of a change of mode, neither comes to an end.
      if (!ours && !qemu) continue;
      const lines = compareAll(
        image,
        { ...cut, result: ours ?? sequence.result, undefinedFlags: ARITHMETIC_FLAGS },
        ours,
        qemu,
      );
      if (lines.length > 0) return { count, lines };
    }
    return undefined;
  }
}

/** Three results have to be equal: one instruction at a time, in one go, and QEMU's. */
function compareAll(image: Image, sequence: Sequence, ours: Result | undefined, qemu: Result | undefined): string[] {
  if (!ours || !qemu) return [`${ours ? 'QEMU' : 'ours'} ${NOT_ENDED}`];
  const initial = (address: number) => image.initial(address);
  const lines = compareResults(sequence, qemu, ours, ['QEMU', 'ours'], initial);
  if (lines.length > 0) return lines;
  return compareResults(sequence, sequence.result, ours, ['ours step by step', 'ours in one go'], initial);
}

/** The sequence with only its first instructions. */
function cutAfter(image: Image, sequence: Sequence, count: number): Sequence {
  const next = sequence.instructions[count] as PlacedInstruction;
  const code = [...sequence.code.slice(0, next.offset), ...handOver(image.mode, next)];
  return { ...sequence, code, instructions: sequence.instructions.slice(0, count) };
}
