/** The locals of a function that is being built: which there are, and how their values get onto the stack. */
import type { ByteWriter } from './byte-writer.ts';
import type { Value } from './function-builder.ts';
import type { ValueType } from './module-builder.ts';

const LOCAL_GET = 0x20;
const LOCAL_SET = 0x21;
const LOCAL_TEE = 0x22;

export class Locals {
  /** The types of the locals that are no parameters. */
  readonly types: ValueType[] = [];
  readonly #code: ByteWriter;
  readonly #parameters: number;
  readonly #free: Readonly<Record<ValueType, number[]>> = { i32: [], i64: [], f32: [], f64: [], v128: [] };
  #scoped: { readonly type: ValueType; readonly local: number }[] | undefined;
  /** The local that the last instruction has set, and where that instruction begins and ends. */
  readonly #lastSet = { local: -1, begin: 0, end: 0 };

  /** Instructions go to `code`; `parameters` says how many locals are parameters. */
  constructor(code: ByteWriter, parameters: number) {
    this.#code = code;
    this.#parameters = parameters;
  }

  /** Locals that are made inside can be used again by what follows: values must not leave the scope. */
  scope(body: () => void): void {
    const outer = this.#scoped;
    const inner: { readonly type: ValueType; readonly local: number }[] = [];
    this.#scoped = inner;
    body();
    this.#scoped = outer;
    for (const { type, local } of inner) this.#free[type].push(local);
  }

  /** The instructions written so far are not the last ones any more. */
  forgetLast(): void {
    this.#lastSet.local = -1;
  }

  /** A local that nobody uses. */
  add(type: ValueType): number {
    const local = (this.#scoped && this.#free[type].pop()) ?? this.#parameters + this.types.push(type) - 1;
    this.#scoped?.push({ type, local });
    return local;
  }

  /** Takes the value on the stack into a local. */
  set(local: number): void {
    this.#lastSet.local = local;
    this.#lastSet.begin = this.#code.length;
    this.#code.byte(LOCAL_SET);
    this.#code.unsigned(local);
    this.#lastSet.end = this.#code.length;
  }

  /** A local that was set just now stays on the stack. */
  #get(local: number): void {
    const { local: set, begin, end } = this.#lastSet;
    if (local === set && end === this.#code.length) {
      this.#code.replace(begin, LOCAL_TEE);
      this.#lastSet.local = -1;
      return;
    }
    this.#code.byte(LOCAL_GET);
    this.#code.unsigned(local);
  }

  /** A value that the instruction written last has left on the stack; of an i32 how many bits there can be. */
  result(type: ValueType, bits?: number): Value {
    const local = this.add(type);
    this.set(local);
    return bits === undefined ? { type, local } : { type, local, bits };
  }

  /** Puts values on the stack, the last above. */
  push(...values: readonly Value[]): void {
    for (const value of values) this.#push(value);
  }

  #push(value: Value): void {
    if (value.vector !== undefined) {
      this.#code.append([0xfd, 0x0c]);
      for (let shift = 0n; shift < 128n; shift += 8n) this.#code.byte(Number((value.vector >> shift) & 0xffn));
    } else if (value.constant === undefined) {
      this.#get(value.local);
    } else if (typeof value.constant === 'bigint') {
      this.#code.byte(0x42);
      this.#code.signed64(value.constant);
    } else {
      this.#code.byte(0x41);
      this.#code.signed(value.constant);
    }
  }
}
