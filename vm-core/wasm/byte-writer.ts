/** Bytes of a WebAssembly binary as they are put together: LEB128 numbers, names, vectors (WebAssembly core §5.2). */

const FIRST_CAPACITY = 256;

export class ByteWriter {
  #buffer = new Uint8Array(FIRST_CAPACITY);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** What was written so far; not to be kept while more is written. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(0, this.#length);
  }

  byte(value: number): void {
    if (this.#length === this.#buffer.length) this.#makeRoom(1);
    this.#buffer[this.#length++] = value;
  }

  /** Writes over a byte that is there. */
  replace(at: number, value: number): void {
    this.#buffer[at] = value;
  }

  /** Forgets all but so many bytes. */
  truncate(length: number): void {
    this.#length = length;
  }

  append(bytes: ArrayLike<number>): void {
    if (this.#length + bytes.length > this.#buffer.length) this.#makeRoom(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #makeRoom(size: number): void {
    const larger = new Uint8Array(Math.max(this.#buffer.length * 2, this.#length + size));
    larger.set(this.bytes);
    this.#buffer = larger;
  }

  /** Unsigned LEB128 of a number below 2^32. */
  unsigned(value: number): void {
    let rest = value >>> 0;
    while (rest > 0x7f) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.byte(rest);
  }

  /** Signed LEB128 of an int32. */
  signed(value: number): void {
    let rest = value | 0;
    for (;;) {
      const low = rest & 0x7f;
      rest >>= 7;
      if ((rest === 0 && low < 0x40) || (rest === -1 && low >= 0x40)) {
        this.byte(low);
        return;
      }
      this.byte(low | 0x80);
    }
  }

  /** Signed LEB128 of an int64. */
  signed64(value: bigint): void {
    let rest = BigInt.asIntN(64, value);
    for (;;) {
      const low = Number(rest & 0x7fn);
      rest >>= 7n;
      if ((rest === 0n && low < 0x40) || (rest === -1n && low >= 0x40)) {
        this.byte(low);
        return;
      }
      this.byte(low | 0x80);
    }
  }

  /** A name: its length, then its characters (ASCII only). */
  name(text: string): void {
    this.unsigned(text.length);
    for (let i = 0; i < text.length; i++) this.byte(text.charCodeAt(i));
  }

  /** Bytes as a vector of runs: how many in a row, then which (WebAssembly core §5.5.13). */
  runs(bytes: readonly number[]): void {
    const starts = bytes.flatMap((byte, at) => (byte === bytes[at - 1] ? [] : [at]));
    this.unsigned(starts.length);
    starts.forEach((start, n) => {
      this.unsigned((starts[n + 1] ?? bytes.length) - start);
      this.byte(bytes[start] as number);
    });
  }

  /** A section of the module: id, size, contents. */
  section(id: number, contents: ByteWriter): void {
    this.byte(id);
    this.unsigned(contents.length);
    this.append(contents.bytes);
  }
}
