/** Makes sequences from a seed: random ones, and ones about a given form. */
import type { Bench } from './bench.ts';
import { builders } from './builders.ts';
import {
  CODE_32,
  DATA_16,
  DATA_32,
  dataSelectors,
  outerCodeSelectors,
  outerDataSelectors,
  outerStackSelectors,
  stackSelectors,
  startCodeSelectors,
} from './descriptor-tables.ts';
import { randomPlace } from './encode.ts';
import { comparedForms, type Form, weightOf } from './forms.ts';
import type { Image, Mode, StartState } from './image.ts';
import { DESCRIPTORS, IMAGE_RAM, WINDOW } from './layout.ts';
import { Random } from './random.ts';
import { scenarios } from './scenarios.ts';
import { LimitError, type Sequence, SequenceInProgress } from './sequence.ts';
import { Workshop } from './workshop.ts';

/** Room that a sequence may need in the image. */
export const SEQUENCE_SIZE_MAX = 400;

const INSTRUCTIONS_MAX = 8;
const TRIES = 60;
const FORM_TRIES = 60;
/** So many of 100 sequences in protected mode begin at level 3. */
const OUTER_PERCENT = 35;
/** So many of 100 instructions are scenarios instead. */
const SCENARIO_PERCENT = 3;

const ACCESSED = 0x100;

/** Forms as often as their rows weigh. */
const weighted: readonly Form[] = comparedForms.flatMap((form) => new Array<Form>(weightOf(form.row)).fill(form));

/** What generating came to: a sequence, or an instruction on which our processor and the rules of limits disagree. */
export interface Generated {
  readonly sequence: Sequence;
  /** The forms in it, those of the prepared operands not among them. */
  readonly forms: readonly Form[];
}

/** A disagreement found without QEMU. */
export interface LimitFailure {
  readonly message: string;
  readonly code: readonly number[];
  readonly start: StartState;
}

export class Generator {
  readonly #bench: Bench;
  readonly #image: Image;
  readonly #random: Random;
  readonly limitFailures: LimitFailure[] = [];

  /** `image` must have been loaded into `bench`. */
  constructor(bench: Bench, image: Image, random: Random) {
    this.#bench = bench;
    this.#image = image;
    this.#random = random;
  }

  /** A sequence of random instructions for the image's next place. */
  random(): Generated {
    return this.#repeat(() => this.#random.between(1, INSTRUCTIONS_MAX), undefined) as Generated;
  }

  /** A sequence with an instruction of a form; undefined if none could be made, as for those that are never compared. */
  about(form: Form): Generated | undefined {
    return this.#repeat(() => this.#random.between(1, 2), form);
  }

  #repeat(count: () => number, focus: Form | undefined): Generated | undefined {
    for (let tries = 0; focus === undefined || tries < FORM_TRIES; tries++) {
      const sequence = new SequenceInProgress(this.#bench, this.#image, this.#startState());
      try {
        const forms = this.#fill(new Workshop(this.#random, sequence, this.#image.mode), count(), focus);
        const finished = forms && sequence.instructionCount > 0 ? sequence.finish() : undefined;
        if (forms && finished) return { sequence: finished, forms };
      } catch (error) {
        if (!(error instanceof LimitError)) throw error;
        const code = sequence.attemptedCode;
        this.limitFailures.push({ message: error.message, code, start: sequence.start });
      }
    }
    return undefined;
  }

  /** The forms that were added, or undefined if the sequence is of no use. */
  #fill(workshop: Workshop, count: number, focus: Form | undefined): Form[] | undefined {
    const forms: Form[] = [];
    for (let tries = 0; tries < TRIES && forms.length < count && !workshop.sequence.isEnded; tries++) {
      const isFocus = focus !== undefined && forms.length === count - 1;
      if (!isFocus && this.#random.chance(SCENARIO_PERCENT)) {
        if (this.#random.pick(scenarios)(workshop) === 'lost') return undefined;
        continue;
      }
      const form = isFocus ? focus : this.#random.pick(weighted);
      const builder = builders[form.row.name];
      const emission = builder ? builder(workshop, form) : workshop.add(form);
      if (emission === 'lost') return undefined;
      if (emission !== 'refused') forms.push(form);
      if (workshop.sequence.cursor - IMAGE_RAM > this.#image.nextCode + SEQUENCE_SIZE_MAX - 120) break;
    }
    if (!workshop.sequence.isInMode) return undefined;
    return focus === undefined || forms.includes(focus) ? forms : undefined;
  }

  #startState(): StartState {
    return this.#image.mode === 'real' ? this.#realStart() : this.#protectedStart();
  }

  #realStart(): StartState {
    const random = this.#random;
    const code = IMAGE_RAM + this.#image.nextCode;
    const cs = (code >>> 4) - random.below(0xf80);
    const segment = () => (WINDOW >>> 4) - (random.chance(60) ? 0 : random.pick([1, 2, 0x10, 0x40]));
    const segments = [segment(), 0, segment(), segment(), segment(), segment()];
    const address = () => this.#address((segments[3] as number) << 4);
    const stack = this.#address((segments[2] as number) << 4);
    return this.#start({ cs, eip: code - cs * 16, cr0: 0x10, segments }, address, stack, 0xffff);
  }

  #protectedStart(): StartState {
    const random = this.#random;
    const level = random.chance(OUTER_PERCENT) ? 3 : 0;
    const code = IMAGE_RAM + this.#image.nextCode;
    const usable = (level === 0 ? startCodeSelectors : outerCodeSelectors).filter((selector) => {
      const offset = code - this.#baseOf(selector);
      return offset >= 0 && offset + SEQUENCE_SIZE_MAX < 0xffff;
    });
    const flat = level === 0 ? CODE_32 : (outerCodeSelectors[0] as number);
    const cs = usable.length === 0 || random.chance(30) ? flat : random.pick(usable);
    // The harness loads these, which must not change the tables: only what is marked as accessed already.
    const accessed = (selectors: readonly number[]) => selectors.filter((selector) => this.#isAccessed(selector));
    const datas = accessed(level === 0 ? [...dataSelectors, DATA_32, DATA_32, DATA_32] : outerDataSelectors);
    const stacks = accessed(level === 0 ? [...stackSelectors, DATA_32, DATA_32] : outerStackSelectors);
    const data = () => random.pick(datas) | level;
    const ss = random.pick(stacks.filter((one) => one !== DATA_16)) | level;
    const segments = [data(), 0, ss, data(), data(), data()];
    const address = () => this.#address(this.#baseOf(segments[3] as number));
    const stack = this.#address(this.#baseOf(ss));
    const eip = code - this.#baseOf(cs);
    return this.#start({ cs: cs | level, eip, cr0: 0x11, segments }, address, stack, 0xffffffff);
  }

  #start(
    fixed: Pick<StartState, 'cs' | 'eip' | 'cr0' | 'segments'>,
    address: () => number,
    stack: number,
    stackBits: number,
  ): StartState {
    const random = this.#random;
    const general = Array.from({ length: 8 }, () => (random.chance(45) ? address() : random.value()));
    general[4] = stackBits === 0xffff && random.chance(50) ? ((random.next() & 0xffff0000) | stack) >>> 0 : stack;
    const control = random.chance(25) ? random.below(8) << 1 : 0;
    const eflags = 2 | (random.next() & (fixed.cr0 & 1 ? 0x3cd5 : 0x7cd5));
    return { ...fixed, cr0: fixed.cr0 | control, eflags, general };
  }

  /** An offset to somewhere in the zones. */
  #address(base: number): number {
    return (randomPlace(this.#random, 0x20) - base) >>> 0;
  }

  #baseOf(selector: number): number {
    const low = this.#image.initial(DESCRIPTORS + (selector & ~7));
    const high = this.#image.initial(DESCRIPTORS + (selector & ~7) + 4);
    return ((low >>> 16) | ((high & 0xff) << 16) | (high & 0xff00_0000)) >>> 0;
  }

  #isAccessed(selector: number): boolean {
    return (this.#image.initial(DESCRIPTORS + selector + 4) & ACCESSED) !== 0;
  }
}

/** The mode's name in a seed: both modes of one seed have nothing in common. */
export function seededRandom(seed: number, mode: Mode): Random {
  return new Random(mode === 'real' ? seed * 2 : seed * 2 + 1);
}
