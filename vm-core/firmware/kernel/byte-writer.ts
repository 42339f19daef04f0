/** Little-endian structures, written from their start. */
export class ByteWriter {
  readonly #bytes: number[] = [];

  get length(): number {
    return this.#bytes.length;
  }

  u8(...values: readonly number[]): this {
    this.#bytes.push(...values);
    return this;
  }

  u16(...values: readonly number[]): this {
    for (const value of values) this.u8(value & 0xff, (value >>> 8) & 0xff);
    return this;
  }

  u32(...values: readonly number[]): this {
    for (const value of values) this.u16(value & 0xffff, (value >>> 16) & 0xffff);
    return this;
  }

  /** Integers up to 2^53. */
  u64(...values: readonly number[]): this {
    for (const value of values) this.u32(value % 2 ** 32, Math.floor(value / 2 ** 32));
    return this;
  }

  raw(bytes: Uint8Array): this {
    for (const byte of bytes) this.#bytes.push(byte);
    return this;
  }

  align(alignment: number): this {
    while (this.#bytes.length % alignment !== 0) this.#bytes.push(0);
    return this;
  }

  finish(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}

/** A text in UTF-8 with the zero that ends it. */
export function zeroTerminated(text: string): Uint8Array {
  const bytes = encodeURIComponent(text.replace(LONE_SURROGATES, '?')).match(/%..|./g) ?? [];
  return Uint8Array.from([
    ...bytes.map((one) => (one.length === 3 ? Number.parseInt(one.slice(1), 16) : one.charCodeAt(0))),
    0,
  ]);
}

const LONE_SURROGATES = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g;
