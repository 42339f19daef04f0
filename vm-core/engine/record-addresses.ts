/** Offsets of memory operands for the interpreter's staging, made of what a decoded record says (SDM vol. 1 §3.7.5; DESIGN §3). */
import type { Semantics } from '../isa/semantics.ts';
import type { Value } from '../wasm/function-builder.ts';
import * as record from './record.ts';

/**
 * How a memory operand is addressed: by a displacement alone, with a base, or with base and index. In 64-bit mode the
 * offsets that MOV has in itself are `absolute`: they have 64 bits.
 */
export const addressings = ['direct', 'based', 'indexed', 'absolute'] as const;
export type Addressing = (typeof addressings)[number];

/** The operand of one instruction. */
export class RecordAddresses {
  readonly #s: Semantics;
  readonly #addressing: Addressing;
  readonly #cpu: Value;
  readonly #record: Value;

  constructor(s: Semantics, addressing: Addressing, cpu: Value, at: Value) {
    this.#s = s;
    this.#addressing = addressing;
    this.#cpu = cpu;
    this.#record = at;
  }

  /** Cut to the address size. */
  offset(): Value {
    const displacement = this.#displacement();
    if (this.#addressing === 'direct' || this.#addressing === 'absolute') return displacement;
    if (this.#addressing === 'indexed') return this.indexedBy(this.#register(record.RECORD_INDEX_SLOT));
    return this.#s.cutAddress(this.#s.add(this.#register(record.RECORD_BASE_SLOT), displacement));
  }

  /** With an index of the caller's. */
  indexedBy(index: Value): Value {
    const s = this.#s;
    const base = s.add(this.#register(record.RECORD_BASE_SLOT), this.#displacement());
    return s.cutAddress(s.add(base, s.shl(index, s.f.load('i32', 8, this.#record, record.RECORD_SCALE))));
  }

  /** All ones shifted right: FFFFh or FFFFFFFFh, in 64-bit mode FFFFFFFFh or 64 ones. */
  mask(): Value {
    const s = this.#s;
    const shift = s.f.load(this.#type, 8, this.#record, record.RECORD_ADDRESS_SHIFT);
    return s.shrU(s.addressConstant(-1), shift);
  }

  /** In 64-bit mode displacements are extended with their sign. */
  #displacement(): Value {
    const { f, addressBits } = this.#s;
    if (addressBits === 32) return f.load('i32', 32, this.#record, record.RECORD_DISPLACEMENT);
    if (this.#addressing === 'absolute') return f.load('i64', 64, this.#record, record.RECORD_WIDE_CONSTANT);
    return f.load('i64', 32, this.#record, record.RECORD_DISPLACEMENT, true);
  }

  /** The register of an address form, or zero. */
  #register(place: number): Value {
    const { f, addressBits } = this.#s;
    const address = this.#s.add(this.#cpu, f.load('i32', 16, this.#record, place));
    return f.load(this.#type, addressBits, address);
  }

  get #type(): 'i32' | 'i64' {
    return this.#s.addressBits === 64 ? 'i64' : 'i32';
  }
}
