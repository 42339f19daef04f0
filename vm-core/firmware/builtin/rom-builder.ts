/**
 * Lays bytes into a 64 KiB ROM at fixed offsets: just enough of an assembler for the few instructions of the built-in
 * BIOS (SDM vol. 2). Overlapping pieces are our mistake and are caught here.
 */

export const ROM_SIZE = 0x10000;

/** Opcodes that the ROM uses. */
export const NOP = 0x90;
export const IRET = 0xcf;
export const RETF = 0xcb;
export const STI = 0xfb;
export const CLI = 0xfa;
export const HLT = 0xf4;
export const CLD = 0xfc;
export const STC = 0xf9;
export const PUSH_AX = 0x50;
export const PUSH_BX = 0x53;
export const PUSH_CX = 0x51;
export const PUSH_DX = 0x52;
export const PUSH_SI = 0x56;
export const PUSH_BP = 0x55;
export const PUSH_DS = 0x1e;
export const POP_AX = 0x58;
export const POP_BX = 0x5b;
export const POP_CX = 0x59;
export const POP_DX = 0x5a;
export const POP_SI = 0x5e;
export const POP_BP = 0x5d;
export const POP_DS = 0x1f;
export const PUSH_ES = 0x06;
export const POP_ES = 0x07;
export const PUSHA = 0x60;
export const POPA = 0x61;

const low = (word: number): number => word & 0xff;
const high = (word: number): number => (word >> 8) & 0xff;

export class RomBuilder {
  readonly bytes: Uint8Array = new Uint8Array(ROM_SIZE);
  readonly #used = new Uint8Array(ROM_SIZE);
  #position = 0;

  /** Offset of the next byte. */
  get position(): number {
    return this.#position;
  }

  /** Goes on at `offset`. */
  at(offset: number): this {
    this.#position = offset;
    return this;
  }

  emit(...values: readonly number[]): this {
    for (const value of values) {
      if (this.#position >= ROM_SIZE || this.#used[this.#position] === 1) {
        throw new Error(`two pieces of the ROM meet at ${this.#position.toString(16)}h`);
      }
      this.#used[this.#position] = 1;
      this.bytes[this.#position] = value;
      this.#position++;
    }
    return this;
  }

  words(...values: readonly number[]): this {
    for (const value of values) this.emit(low(value), high(value));
    return this;
  }

  text(text: string): this {
    return this.emit(...[...text].map((character) => character.charCodeAt(0)));
  }

  /** INT n. */
  int(vector: number): this {
    return this.emit(0xcd, vector);
  }

  /** OUT port, AL with a constant in AL. */
  out(port: number, value: number): this {
    return this.emit(0xb0, value, 0xe6, port);
  }

  /** JMP rel16. */
  jump(target: number): this {
    return this.emit(0xe9).words(target - (this.#position + 2));
  }

  /** A short jump (`opcode` 70h–7Fh, E0h–E3h, EBh) to a target at most 128 bytes away. */
  short(opcode: number, target: number): this {
    const distance = target - (this.#position + 2);
    if (distance < -128 || distance > 127) throw new Error(`a short jump of ${distance} bytes in the ROM`);
    return this.emit(opcode, low(distance));
  }

  /** JMP selector:offset. */
  farJump(selector: number, offset: number): this {
    return this.emit(0xea).words(offset, selector);
  }
}
