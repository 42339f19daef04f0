/**
 * General registers as locals of a region: loaded where it is entered, written back where it is left (DESIGN §3). Those
 * with which code mostly computes in 16 bits have two: one for its low half, with zeros above, and one for its high half, below
 * which there may be anything. So writing half a register is no more work than writing all of it, and reading it none.
 */
import type { OperandBits } from '../../isa/operand.ts';
import { generalSlots, longGeneralSlots } from '../../state/layout.ts';
import { generalNames, longGeneralNames } from '../../state/register-table.ts';
import type { FunctionBuilder, Value, Variable } from '../../wasm/function-builder.ts';

const SLOT_BYTES = 8;
const HALF = 0xffff;
const HALF_BITS = 16;

interface Place {
  readonly register: number;
  /** 1 for AH, CH, DH and BH. */
  readonly byte: number;
}

export class CompiledRegisters {
  readonly #f: FunctionBuilder;
  readonly #cpu: Value;
  readonly #type: 'i32' | 'i64';
  readonly #slots: readonly number[];
  /** Of halved registers the low halves; those that nothing has asked for have none. */
  readonly #locals: (Variable | undefined)[] = [];
  readonly #high: (Variable | undefined)[] = [];
  readonly #isHalved: (slotOffset: number) => boolean;
  readonly #used = new Set<number>();
  readonly #written = new Set<number>();

  constructor(f: FunctionBuilder, cpu: Value, addressBits: 32 | 64, isHalved: (slotOffset: number) => boolean) {
    this.#f = f;
    this.#cpu = cpu;
    this.#type = addressBits === 64 ? 'i64' : 'i32';
    this.#slots = addressBits === 64 ? longGeneralSlots : generalSlots;
    this.#isHalved = isHalved;
  }

  /** The locals by the names of their registers. */
  names(): readonly (readonly [Value, string])[] {
    const names = this.#type === 'i64' ? longGeneralNames : generalNames;
    return names.flatMap((name, n) => {
      const [low, high] = [this.#locals[n], this.#high[n]];
      if (!low) return [];
      const text = name.toLowerCase();
      return high ? [[low, `${text}.low`] as const, [high, `${text}.high`] as const] : [[low, text] as const];
    });
  }

  /** True for a place in a general register. */
  has(slotOffset: number): boolean {
    return this.#placeOf(slotOffset) !== undefined;
  }

  /** The value that the register has now. */
  read(slotOffset: number, bits: OperandBits): Value {
    const f = this.#f;
    const { register, byte } = this.#placeOf(slotOffset) as Place;
    this.#used.add(register);
    const whole = this.#localOf(register);
    if (bits === 64 || (bits === 32 && this.#type === 'i32')) return f.copy(this.#wholeOf(register));
    if (bits === 16 && this.#high[register]) return f.copy(whole, HALF_BITS);
    const low = f.narrow(byte === 0 ? whole : f.binary('shrU', whole, f.like(whole, 8 * byte)));
    return bits === 32 ? low : f.binary('and', low, f.i32(bits === 8 ? 0xff : HALF));
  }

  /** A value whose low 16 bits are those of the register, for what looks at no others. */
  readLow(slotOffset: number): Value {
    const { register } = this.#placeOf(slotOffset) as Place;
    this.#used.add(register);
    return this.#f.copy(this.#localOf(register), this.#high[register] && HALF_BITS);
  }

  /** A write of 32 bits in 64-bit mode clears the upper half; smaller ones leave the rest alone. */
  write(slotOffset: number, bits: OperandBits, value: Value): void {
    const f = this.#f;
    const { register, byte } = this.#placeOf(slotOffset) as Place;
    this.#written.add(register);
    const whole = this.#localOf(register);
    const high = this.#high[register];
    if (bits >= 32) {
      if (high) this.#setHalves(whole, high, value);
      else f.set(whole, this.#type === 'i64' ? f.widen(value, false) : f.narrow(value));
      return;
    }
    if (high && bits === 16) {
      f.set(whole, this.#lowOf(value));
      return;
    }
    this.#used.add(register);
    const mask = bits === 8 ? 0xff : HALF;
    const part = f.binary('and', f.narrow(value), f.i32(mask));
    const wide = this.#type === 'i64' ? f.widen(part, false) : part;
    const placed = f.binary('shl', wide, f.like(whole, 8 * byte));
    const rest = f.binary('and', whole, f.like(whole, ~(mask << (8 * byte))));
    f.set(whole, f.binary('or', rest, placed));
  }

  /** A register that may not be written on all ways must have its value to be written back. */
  load(): void {
    for (const register of new Set([...this.#used, ...this.#written])) {
      const value = this.#f.load(this.#type, this.#bits, this.#cpu, this.#slots[register]);
      const [whole, high] = [this.#localOf(register), this.#high[register]];
      if (high) this.#setHalves(whole, high, value);
      else this.#f.set(whole, value);
    }
  }

  /** Where the region is left, or code outside looks at the state; all of it is known then. */
  store(): void {
    for (const register of this.#written) {
      this.#f.store(this.#bits, this.#cpu, this.#slots[register] as number, this.#wholeOf(register));
    }
  }

  #localOf(register: number): Variable {
    const known = this.#locals[register];
    if (known) return known;
    const local = this.#f.local(this.#type);
    this.#locals[register] = local;
    if (this.#isHalved(this.#slots[register] as number)) this.#high[register] = this.#f.local('i32');
    return local;
  }

  #wholeOf(register: number): Value {
    const f = this.#f;
    const low = this.#localOf(register);
    const high = this.#high[register];
    if (!high) return low;
    return f.binary('or', f.binary('and', high, f.i32(~HALF)), low);
  }

  #setHalves(low: Variable, high: Variable, value: Value): void {
    this.#f.set(low, this.#lowOf(value));
    this.#f.set(high, this.#f.narrow(value));
  }

  #lowOf(value: Value): Value {
    return this.#f.binary('and', this.#f.narrow(value), this.#f.i32(HALF));
  }

  get #bits(): 32 | 64 {
    return this.#type === 'i64' ? 64 : 32;
  }

  #placeOf(slotOffset: number): Place | undefined {
    const register = this.#slots.findIndex((slot) => slotOffset >= slot && slotOffset < slot + SLOT_BYTES);
    return register < 0 ? undefined : { register, byte: slotOffset - (this.#slots[register] as number) };
  }
}
