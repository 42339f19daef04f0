/**
 * Chance in place of samples, for tests: at random borders of blocks code is compiled, interpreted, or thrown away, one
 * region or all of them. Whatever is drawn, the guest must not notice. The same seed draws the same. The more was compiled,
 * the more seldom something is drawn, so that whole boots come to an end and more code is kept the longer they last.
 */
import type { Candidate, Compiler } from './compiler.ts';

/** Instructions between two borders at which something is drawn: as often few as many. */
const PERIOD_BITS = 15;
/** After so many regions, and as many again, draws become half as frequent. */
const REGIONS_OF_RARITY = 8192;
const RARITY_BITS_MAX = 12;

export class RandomTiers {
  /** Whether compiled code is left alone until the next draw. */
  isOff = false;
  readonly #compiler: Compiler;
  #random: number;

  constructor(seed: number, compiler: Compiler) {
    this.#random = seed | 0;
    this.#compiler = compiler;
  }

  /** Instructions to the next draw. */
  period(): number {
    return this.#rarity * (1 + this.#draw(1 << this.#draw(PERIOD_BITS)));
  }

  /** A block was looked up because nothing knew where it is. */
  found(candidate: Candidate): void {
    if (this.#draw(2 * this.#rarity) === 0) this.#compiler.compileNow(candidate);
  }

  /** The loop has come back between two blocks, at this one. */
  border(candidate: Candidate): void {
    this.isOff = this.#draw(6) === 0;
    const what = this.#draw(40);
    if (what < 20) this.#compiler.compileNow(candidate);
    else if (what < 28) this.#compiler.regions.throwAway((root) => root === candidate.block);
    else if (what < 31 && this.#draw(this.#rarity) === 0) {
      this.#compiler.regions.throwAway(() => what === 30 || this.#draw(4) === 0);
    }
  }

  get #rarity(): number {
    return 1 << Math.min(Math.floor(this.#compiler.counters.compiled / REGIONS_OF_RARITY), RARITY_BITS_MAX);
  }

  #draw(bound: number): number {
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) | 0;
    return Math.floor(((this.#random >>> 8) / 0x1000000) * bound);
  }
}
