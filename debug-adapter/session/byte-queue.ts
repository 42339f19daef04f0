/** A bounded queue of bytes: what does not fit is dropped and counted. */
export class ByteQueue {
  readonly #bytes: Uint8Array;
  readonly #drop: 'oldest' | 'newest';
  #first = 0;
  #length = 0;
  #lost = 0;

  /** `drop` tells which bytes go when there are more than `size`: those that came first, or those that come last. */
  constructor(size: number, drop: 'oldest' | 'newest') {
    this.#bytes = new Uint8Array(size);
    this.#drop = drop;
  }

  get length(): number {
    return this.#length;
  }

  push(bytes: Uint8Array): void {
    for (const byte of bytes) this.#pushByte(byte);
  }

  /** Takes the first bytes out, `countMax` at most. */
  take(countMax: number): Uint8Array<ArrayBuffer> {
    const taken = new Uint8Array(Math.min(countMax, this.#length));
    for (let index = 0; index < taken.length; index += 1) taken[index] = this.#bytes[this.#wrap(index)] as number;
    this.#first = this.#wrap(taken.length);
    this.#length -= taken.length;
    return taken;
  }

  /** How many bytes were dropped since this was asked last. */
  takeLost(): number {
    const lost = this.#lost;
    this.#lost = 0;
    return lost;
  }

  clear(): void {
    this.#length = 0;
    this.#lost = 0;
  }

  #pushByte(byte: number): void {
    if (this.#length === this.#bytes.length) {
      this.#lost += 1;
      if (this.#drop === 'newest') return;
      this.#first = this.#wrap(1);
      this.#length -= 1;
    }
    this.#bytes[this.#wrap(this.#length)] = byte;
    this.#length += 1;
  }

  #wrap(index: number): number {
    return (this.#first + index) % this.#bytes.length;
  }
}
