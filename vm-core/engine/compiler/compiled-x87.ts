/** The words of the x87 as locals of a region that has instructions of the x87 or of MMX (SDM vol. 1 §8.1). */
import { type X87Field, type X87Locals, x87Fields } from '../../isa/x87-fields.ts';
import { slot } from '../../state/layout.ts';
import type { FunctionBuilder, Value, Variable } from '../../wasm/function-builder.ts';

const names = Object.keys(x87Fields) as X87Field[];

export class CompiledX87 implements X87Locals {
  readonly #f: FunctionBuilder;
  readonly #cpu: Value;
  readonly #locals: ReadonlyMap<X87Field, Variable>;

  constructor(f: FunctionBuilder, cpu: Value) {
    this.#f = f;
    this.#cpu = cpu;
    this.#locals = new Map(names.map((name) => [name, f.local(x87Fields[name] === 64 ? 'i64' : 'i32')]));
  }

  read(field: X87Field): Value {
    return this.#f.copy(this.#localOf(field));
  }

  write(field: X87Field, value: Value): void {
    const f = this.#f;
    const bits = x87Fields[field];
    f.set(this.#localOf(field), bits === 64 ? value : f.binary('and', value, f.i32(bits === 8 ? 0xff : 0xffff)));
  }

  load(): void {
    for (const [name, local] of this.#locals)
      this.#f.set(local, this.#f.load(local.type as 'i32' | 'i64', x87Fields[name], this.#cpu, slot[name]));
  }

  store(): void {
    for (const [name, local] of this.#locals) this.#f.store(x87Fields[name], this.#cpu, slot[name], local);
  }

  #localOf(field: X87Field): Variable {
    return this.#locals.get(field) as Variable;
  }
}
