/**
 * What regions compute numbers with where the host's arithmetic is not enough: the functions that the interpreter has in the
 * modules of its units, each in a module of its own, at a place of the vCPUs' tables that is kept for it.
 */
import { type FunctionReference, ModuleBuilder, type SharedFunction } from '../../wasm/module-builder.ts';
import { MEMORY_PAGES_MAX } from '../interpreter.ts';

/** Places that are kept in a table: more than there are functions. */
const FUNCTIONS_MAX = 256;

/** A function that regions call: its number among those that this thread has made so far, and its module. */
export interface UnitFunction {
  readonly number: number;
  readonly module: WebAssembly.Module;
}

/** Compiled once for all machines. */
const made = new Map<SharedFunction, UnitFunction>();

/** The function of a definition, made at its first use. */
export function unitFunction(definition: SharedFunction): UnitFunction {
  const known = made.get(definition);
  if (known) return known;
  if (made.size === FUNCTIONS_MAX) throw new Error(`regions call more than ${FUNCTIONS_MAX} functions`);
  const builder = new ModuleBuilder(MEMORY_PAGES_MAX);
  const f = builder.defineFunction(definition.signature, 'function');
  const shared: FunctionReference = builder.shared(definition);
  f.return(f.call(shared, ...f.parameters));
  const unit = { number: made.size, module: new WebAssembly.Module(builder.build()) };
  made.set(definition, unit);
  return unit;
}

/** The places of such functions in tables that are of the same length. Numbers are those of one thread. */
export class UnitFunctionPlaces {
  readonly #memory: WebAssembly.Memory;
  readonly #there = new Set<number>();
  #first: number | undefined;

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory;
  }

  /** The place of number 0. */
  firstIn(tables: readonly WebAssembly.Table[]): number {
    this.#first ??= tables.map((table) => table.grow(FUNCTIONS_MAX))[0] ?? 0;
    return this.#first;
  }

  /** Puts functions in their places, if they are not there yet. */
  put(functions: readonly UnitFunction[], tables: readonly WebAssembly.Table[]): void {
    for (const { number, module } of functions) {
      if (this.#there.has(number)) continue;
      this.#there.add(number);
      for (const table of tables) {
        const { exports } = new WebAssembly.Instance(module, { env: { memory: this.#memory } });
        table.set(this.firstIn(tables) + number, exports['function']);
      }
    }
  }
}
