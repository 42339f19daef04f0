/** The locals of a function that is being built: which there are, and how their values get onto the stack. */
import type { ByteWriter } from './byte-writer.ts';
import { NeedlessSets } from './needless-sets.ts';
import type { Value } from './function-builder.ts';
import type { ValueType } from './module-builder.ts';

const LOCAL_GET = 0x20;
const LOCAL_SET = 0x21;
const LOCAL_TEE = 0x22;
/** Stands in `#results` for a local whose value was asked for, or is no result. */
const NOTHING = -1;

const VALUE_TYPES: readonly ValueType[] = ['i32', 'i64', 'f32', 'f64', 'v128'];

function noLocals(): Record<ValueType, number[]> {
  return { i32: [], i64: [], f32: [], f64: [], v128: [] };
}

export class Locals {
  /** The types of the locals that are no parameters. */
  readonly types: ValueType[] = [];
  readonly #code: ByteWriter;
  readonly #parameters: number;
  #free = noLocals();
  /** Those that were made in the scopes around, the innermost scope's last. */
  readonly #scoped: number[] = [];
  #scopes = 0;
  /** By local: where the instruction begins that has set it to a result, while nobody has asked for it but off the stack. */
  readonly #results: number[] = [];
  /** The local that the last instruction has set, and where that instruction begins and ends. */
  readonly #lastSet = { local: -1, begin: 0, end: 0 };

  /** Where instructions begin that keep a result in a local that nobody asks for. */
  readonly needless: NeedlessSets = new NeedlessSets();

  /** Instructions go to `code`; `parameters` says how many locals are parameters. */
  constructor(code: ByteWriter, parameters: number) {
    this.#code = code;
    this.#parameters = parameters;
    for (let local = 0; local < parameters; local++) this.#results.push(NOTHING);
  }

  /** Locals that are made inside can be used again by what follows: values must not leave the scope. */
  scope(body: () => void): void {
    const outer = this.#scoped.length;
    this.#scopes++;
    body();
    this.#scopes--;
    while (this.#scoped.length > outer) this.#release(this.#scoped.pop() as number);
  }

  /** What `body` writes uses no values from scopes around, and nothing that does comes after it: their locals are free in it. */
  aside(body: () => void): void {
    const around = this.#scoped.splice(0);
    const results = around.map((local) => this.#results[local] as number);
    for (const local of around) {
      this.#free[this.#typeOf(local)].push(local);
      // What it is inside does not end what it is around.
      this.#results[local] = NOTHING;
    }
    this.scope(body);
    for (const [n, local] of around.entries()) this.#results[local] = results[n] as number;
    for (const type of VALUE_TYPES) {
      const free = this.#free[type];
      if (free.length > 0) this.#free[type] = free.filter((local) => !around.includes(local));
    }
    this.#scoped.push(...around);
  }

  /** The same in the middle of code that uses values: no local is one of those. */
  apart(body: () => void): void {
    const free = this.#free;
    this.#free = noLocals();
    body();
    this.#free = free;
  }

  #release(local: number): void {
    this.#free[this.#typeOf(local)].push(local);
    this.#end(local);
  }

  /** Nobody will ask for the local's value any more. */
  #end(local: number): void {
    const at = this.#results[local] as number;
    if (at === NOTHING) return;
    this.needless.add(at);
    this.#results[local] = NOTHING;
  }

  /** Nobody will ask for any local any more. */
  end(): void {
    for (let local = this.#parameters; local < this.#results.length; local++) this.#end(local);
  }

  #typeOf(local: number): ValueType {
    return this.types[local - this.#parameters] as ValueType;
  }

  /** The instructions written so far are not the last ones any more. */
  forgetLast(): void {
    this.#lastSet.local = -1;
  }

  /** A local that nobody uses, until the scope ends. */
  add(type: ValueType): number {
    if (this.#scopes === 0) return this.addLasting(type);
    const local = this.#free[type].pop() ?? this.addLasting(type);
    this.#scoped.push(local);
    return local;
  }

  /** A local that nobody else will use. */
  addLasting(type: ValueType): number {
    const local = this.#parameters + this.types.push(type) - 1;
    this.#results[local] = NOTHING;
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
    this.#results[local] = NOTHING;
    this.#code.byte(LOCAL_GET);
    this.#code.unsigned(local);
  }

  /** A value that the instruction written last has left on the stack; of an i32 how many bits there can be. */
  result(type: ValueType, bits?: number): Value {
    const local = this.add(type);
    this.#results[local] = this.#code.length;
    this.set(local);
    return bits === undefined ? { type, local } : { type, local, bits };
  }

  /** Whether it is the value that the last instruction has left on the stack. */
  isLast({ local, constant }: Value): boolean {
    return constant === undefined && local === this.#lastSet.local && this.#lastSet.end === this.#code.length;
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
