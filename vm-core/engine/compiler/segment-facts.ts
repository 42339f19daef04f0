/**
 * What compiled code takes for granted about segments, as a number: a region that was built for one is entered only while
 * the state has the same (SDM vol. 3A §3.2.1). derived-state.ts keeps it.
 */
import { SS, type SegmentIndex } from '../../state/layout.ts';

/** The segment begins at 0 and all of 32-bit space may be read and written through it. */
const FLAT = 1;
/** Offsets of 16 bits may be read and written through it. */
const HAS_64_KIB = 2;
/** The stack pointer has 32 bits. */
const STACK_IS_BIG = 1 << 30;

/** In real mode segment registers take paragraphs. */
const REAL_MODE = 1 << 16;

/** There are watchpoints. */
export const WATCHED: number = 1 << 28;
/** Calls are recorded. */
export const CALLS_RECORDED: number = 1 << 29;
/** Regions are not to be entered: something is recorded that they do not record. */
export const REGIONS_OFF: number = 1 << 31;

const TWO_32 = 0x1_0000_0000;

/** The part of the number that is about one segment, and the bits that the part covers. */
export function factsOf(
  index: number,
  segment: {
    readonly isBaseFixed: boolean;
    readonly base: number;
    readonly end: number;
    readonly isBig: boolean;
    readonly isRealMode: boolean;
  },
): { readonly facts: number; readonly mask: number } {
  const { isBaseFixed, base, end, isBig, isRealMode } = segment;
  const isFlat = isBaseFixed && base === 0 && end === TWO_32;
  const facts = ((isFlat ? FLAT : 0) | (end >= 0x10000 ? HAS_64_KIB : 0)) << (2 * index);
  const isStack = index === SS;
  return {
    facts: facts | (isRealMode ? REAL_MODE : 0) | (isStack && isBig ? STACK_IS_BIG : 0),
    mask: (3 << (2 * index)) | REAL_MODE | (isStack ? STACK_IS_BIG : 0),
  };
}

/** All that is about segments and may hold or not without code being wrong that does not ask for it. */
const OF_SEGMENTS = 0xfff;

/** What was found at one time and holds at another, too: code that is made for it is made for both. */
export function commonFacts(facts: number, others: number): number {
  return facts & (others | ~OF_SEGMENTS);
}

/** What a region takes for granted of the facts: only what was asked for has to hold where it is entered. */
export class AssumedFacts {
  readonly #facts: number;
  #asked = REGIONS_OFF;

  constructor(facts: number) {
    this.#facts = facts;
  }

  /** The bits that have to be as they were, and how they were. */
  get mask(): number {
    return this.#asked | 0;
  }

  get expected(): number {
    return this.#facts & this.#asked;
  }

  /** All that held where the code was made. */
  get all(): number {
    return this.#facts;
  }

  /** True if the code may be executed where these hold. */
  holdFor(facts: number): boolean {
    return (facts & this.mask) === this.expected;
  }

  isFlat(index: SegmentIndex): boolean {
    return this.#holds(FLAT << (2 * index));
  }

  has64KiB(index: SegmentIndex): boolean {
    return this.#holds(HAS_64_KIB << (2 * index));
  }

  get isStackBig(): boolean {
    return this.#is(STACK_IS_BIG);
  }

  get isRealMode(): boolean {
    return this.#is(REAL_MODE);
  }

  get isWatched(): boolean {
    return this.#is(WATCHED);
  }

  get recordsCalls(): boolean {
    return this.#is(CALLS_RECORDED);
  }

  /** Code for which something need not hold is right where it does, too. */
  #holds(bit: number): boolean {
    return (this.#facts & bit) !== 0 && this.#is(bit);
  }

  #is(bit: number): boolean {
    this.#asked |= bit;
    return (this.#facts & bit) !== 0;
  }
}
