/**
 * The random bits of RDRAND and RDSEED. Nothing in the machine is random: the bits follow from a seed, which is part of
 * the configuration, and from what enters through the input log, so that the same log gives the same bits. The generator
 * is xoshiro128** by Blackman and Vigna (2018), its state filled as they advise; it is no source of secrets.
 */

const GOLDEN_RATIO = 0x9e37_79b9;

export class RandomBits {
  readonly #state = new Uint32Array(4);

  constructor(seed: number) {
    this.#fill(seed % 2 ** 32, Math.floor(seed / 2 ** 32));
  }

  /** Stirs bytes from outside into the state. */
  add(bytes: Uint8Array): void {
    bytes.forEach((byte, n) => {
      const place = n & 3;
      this.#state[place] = (this.#state[place] as number) ^ (byte << (8 * ((n >> 2) & 3)));
      if (place === 3) this.next();
    });
    this.#fill(this.next(), this.next());
  }

  /** 32 bits, unsigned. */
  next(): number {
    const s = this.#state;
    const [s0, s1, s2, s3] = s as unknown as [number, number, number, number];
    const result = Math.imul(rotateLeft(Math.imul(s1, 5), 7), 9) >>> 0;
    s[0] = s0 ^ s3 ^ s1;
    s[1] = s1 ^ s2 ^ s0;
    s[2] = s2 ^ s0 ^ (s1 << 9);
    s[3] = rotateLeft(s3 ^ s1, 11);
    return result;
  }

  /** Four words out of two, never all zero. */
  #fill(low: number, high: number): void {
    let value = low ^ Math.imul(high, GOLDEN_RATIO);
    for (let n = 0; n < 4; n++) {
      value = (value + GOLDEN_RATIO) | 0;
      const first = Math.imul(value ^ (value >>> 16), 0x85eb_ca6b);
      const second = Math.imul(first ^ (first >>> 13), 0xc2b2_ae35);
      this.#state[n] = second ^ (second >>> 16);
    }
    if (this.#state.every((word) => word === 0)) this.#state[0] = 1;
  }
}

function rotateLeft(value: number, count: number): number {
  return (value << count) | (value >>> (32 - count));
}
