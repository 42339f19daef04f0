/**
 * Arithmetic on i32 and i64 values in the words that instructions are written in. Where an operation has a constant, the
 * constant takes the type of the other operand.
 */
import type { FunctionBuilder, Label, Value, Variable } from '../wasm/function-builder.ts';
import type { OperandBits } from './operand.ts';

export class Arithmetic {
  readonly f: FunctionBuilder;

  constructor(f: FunctionBuilder) {
    this.f = f;
  }

  constant(value: number): Value {
    return this.f.i32(value);
  }

  add(x: Value, y: Value): Value {
    return this.f.binary('add', x, y);
  }

  sub(x: Value, y: Value): Value {
    return this.f.binary('sub', x, y);
  }

  mul(x: Value, y: Value): Value {
    return this.f.binary('mul', x, y);
  }

  and(x: Value, y: Value | number): Value {
    return this.f.binary('and', x, this.#same(x, y));
  }

  or(x: Value, y: Value | number): Value {
    return this.f.binary('or', x, this.#same(x, y));
  }

  xor(x: Value, y: Value | number): Value {
    return this.f.binary('xor', x, this.#same(x, y));
  }

  /** The counts of shifts take the type of what is shifted. */
  shl(x: Value, y: Value | number): Value {
    return this.f.binary('shl', x, this.#count(x, y));
  }

  shrU(x: Value, y: Value | number): Value {
    return this.f.binary('shrU', x, this.#count(x, y));
  }

  shrS(x: Value, y: Value | number): Value {
    return this.f.binary('shrS', x, this.#count(x, y));
  }

  rotl(x: Value, y: Value): Value {
    return this.f.binary('rotl', x, this.#count(x, y));
  }

  eq(x: Value, y: Value | number): Value {
    return this.f.binary('eq', x, this.#same(x, y));
  }

  ne(x: Value, y: Value | number): Value {
    return this.f.binary('ne', x, this.#same(x, y));
  }

  ltU(x: Value, y: Value | number): Value {
    return this.f.binary('ltU', x, this.#same(x, y));
  }

  ltS(x: Value, y: Value | number): Value {
    return this.f.binary('ltS', x, this.#same(x, y));
  }

  gtU(x: Value, y: Value | number): Value {
    return this.f.binary('gtU', x, this.#same(x, y));
  }

  gtS(x: Value, y: Value | number): Value {
    return this.f.binary('gtS', x, this.#same(x, y));
  }

  not(x: Value): Value {
    return this.xor(x, -1);
  }

  isZero(x: Value): Value {
    return this.f.eqz(x);
  }

  select(condition: Value, whenTrue: Value, whenFalse: Value): Value {
    return this.f.select(condition, whenTrue, whenFalse);
  }

  if(condition: Value, whenTrue: () => void, whenFalse?: () => void): void {
    this.f.if(condition, whenTrue, whenFalse);
  }

  loop(body: (label: Label) => void): void {
    this.f.loop(body);
  }

  block(body: (label: Label) => void): void {
    this.f.block(body);
  }

  branch(label: Label): void {
    this.f.branch(label);
  }

  branchIf(condition: Value, label: Label): void {
    this.f.branchIf(condition, label);
  }

  variable(initial: Value): Variable {
    return this.f.variable(initial);
  }

  set(variable: Variable, value: Value): void {
    this.f.set(variable, value);
  }

  /** The low `bits` of a value, zero-extended, in the type of values of `bits` bits. */
  cut(x: Value, bits: OperandBits): Value {
    if (bits === 64) return this.f.widen(x, false);
    const low = this.f.narrow(x);
    return bits === 32 ? low : this.and(low, bits === 8 ? 0xff : 0xffff);
  }

  /** The low `bits` of a value, sign-extended to an i32; of 64 bits the value itself. */
  signed(x: Value, bits: OperandBits): Value {
    if (bits === 64) return this.f.widen(x, true);
    const low = this.f.narrow(x);
    return bits === 32 ? low : this.f.unary(bits === 8 ? 'extend8S' : 'extend16S', low);
  }

  /** The low `from` bits of a value, sign-extended, in the type of values of `to` bits; not cut to them. */
  signExtended(x: Value, from: OperandBits, to: OperandBits): Value {
    const value = this.signed(x, from);
    return to === 64 ? this.wideSigned(value) : value;
  }

  /** The top bit of an operand-sized value, as 0 or 1. */
  topBit(x: Value, bits: OperandBits): Value {
    return this.bit(x, bits - 1);
  }

  /** One bit of a value, as 0 or 1 in an i32. */
  bit(x: Value, number: Value | number): Value {
    return this.and(this.low(this.shrU(x, number)), 1);
  }

  wideSigned(x: Value): Value {
    return this.f.widen(x, true);
  }

  wideUnsigned(x: Value): Value {
    return this.f.widen(x, false);
  }

  low(x: Value): Value {
    return this.f.narrow(x);
  }

  #count(x: Value, y: Value | number): Value {
    if (typeof y === 'number') return this.f.like(x, y);
    return x.type === 'i64' ? this.f.widen(y, false) : this.f.narrow(y);
  }

  #same(x: Value, y: Value | number): Value {
    return typeof y === 'number' ? this.f.like(x, y) : y;
  }
}
