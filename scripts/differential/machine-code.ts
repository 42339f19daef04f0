/** A small assembler for the guest's own code: bytes with labels, at a known address. */

/** Little-endian bytes of a number. */
export function u16(value: number): number[] {
  return [value & 0xff, (value >>> 8) & 0xff];
}

export function u32(value: number): number[] {
  return [...u16(value & 0xffff), ...u16(value >>> 16)];
}

export class MachineCode {
  readonly bytes: number[] = [];
  readonly #origin: number;
  readonly #labels = new Map<string, number>();
  readonly #references: { at: number; label: string; size: 1 | 2 | 4; base: number }[] = [];

  /** `origin` is the address of the first byte, as the code's own references count. */
  constructor(origin: number) {
    this.#origin = origin;
  }

  add(...bytes: readonly number[]): this {
    this.bytes.push(...bytes);
    return this;
  }

  label(name: string): this {
    this.#labels.set(name, this.#origin + this.bytes.length);
    return this;
  }

  /** A displacement to a label, counted from its own end. */
  relative(label: string, size: 1 | 2 | 4): this {
    this.#references.push({ at: this.bytes.length, label, size, base: this.#origin + this.bytes.length + size });
    return this.add(...new Array<number>(size).fill(0));
  }

  /** The address of a label, in a segment that begins at `base`. */
  absolute(label: string, size: 2 | 4, base = 0): this {
    this.#references.push({ at: this.bytes.length, label, size, base });
    return this.add(...new Array<number>(size).fill(0));
  }

  addressOf(label: string): number {
    const address = this.#labels.get(label);
    if (address === undefined) throw new Error(`no label ${label}`);
    return address;
  }

  /** The bytes with all references filled in. */
  finish(): number[] {
    for (const { at, label, size, base } of this.#references) {
      const value = this.addressOf(label) - base;
      if (size === 1 && (value < -128 || value > 127)) throw new Error(`${label} is too far away`);
      for (let n = 0; n < size; n++) this.bytes[at + n] = (value >> (8 * n)) & 0xff;
    }
    return this.bytes;
  }
}
