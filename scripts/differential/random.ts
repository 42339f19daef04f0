/** Random numbers from a seed (Marsaglia's xorshift of 32 bits), and the choices that generators make of them. */

/** Operands at which carries, signs and widths change. */
const EDGES = [
  0, 1, 2, 3, 7, 8, 0xf, 0x10, 0x1f, 0x20, 0x21, 0x7f, 0x80, 0x81, 0xff, 0x100, 0x7fff, 0x8000, 0x8001, 0xffff, 0x10000,
  0x7fffffff, 0x80000000, 0x80000001, 0xffff8000, 0xffffff80, 0xfffffffe, 0xffffffff,
];

/** A source of words: any 32 bits. */
export type RandomWords = () => number;

/** The same words on every machine. */
export function randomWords(seed: number): RandomWords {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** One of several, by chance. */
export function oneOf<T>(next: RandomWords, values: readonly T[]): T {
  return values[next() % values.length] as T;
}

export class Random {
  /** 0 to 2^32 − 1. */
  readonly next: RandomWords;

  constructor(seed: number) {
    // The first numbers of neighbouring seeds would resemble each other without this.
    this.next = randomWords(Math.imul(seed ^ 0x5bd1e995, 0x9e3779b1));
    for (let n = 0; n < 8; n++) this.next();
  }

  /** 0 to `count` − 1. */
  below(count: number): number {
    return this.next() % count;
  }

  /** `first` to `last`, both included. */
  between(first: number, last: number): number {
    return first + this.below(last - first + 1);
  }

  /** True in `percent` of 100 cases. */
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)] as Item;
  }

  /** 32 bits: an edge, something near zero, or anything. */
  value(): number {
    const kind = this.below(4);
    if (kind === 0) return this.next();
    return kind === 1 ? this.below(0x100) : this.pick(EDGES);
  }

  bytes(count: number): number[] {
    return Array.from({ length: count }, () => this.next() & 0xff);
  }
}
