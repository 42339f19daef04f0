/**
 * Chance in place of samples, for tests: at random borders of blocks code is compiled, interpreted, or thrown away, one
 * region or all of them. Whatever is drawn, the guest must not notice. The same seed draws the same.
 */
import type { Candidate, Compiler } from './compiler.ts';

/** Instructions between two borders at which something is drawn: as often few as many. */
const PERIOD_BITS = 15;

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
    return 1 + this.#draw(1 << this.#draw(PERIOD_BITS));
  }

  /** A block was looked up because nothing knew where it is. */
  found(candidate: Candidate): void {
    if (this.#draw(2) === 0) this.#compiler.compileNow(candidate);
  }

  /** The loop has come back between two blocks, at this one. */
  border(candidate: Candidate): void {
    this.isOff = this.#draw(6) === 0;
    const what = this.#draw(40);
    if (what < 20) this.#compiler.compileNow(candidate);
    else if (what < 28) this.#compiler.regions.throwAway((root) => root === candidate.block);
    else if (what < 30) this.#compiler.regions.throwAway(() => this.#draw(4) === 0);
    else if (what === 30) this.#compiler.regions.throwAway(() => true);
  }

  #draw(bound: number): number {
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) | 0;
    return Math.floor(((this.#random >>> 8) / 0x1000000) * bound);
  }
}
