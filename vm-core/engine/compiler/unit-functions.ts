/**
 * What regions compute numbers with where the host's arithmetic is not enough: the functions that the interpreter has in the
 * modules of its units, each in a module of its own, at a place of the vCPUs' tables that is found at the first use.
 */
import { type FunctionReference, ModuleBuilder, type SharedFunction } from '../../wasm/module-builder.ts';
import { MEMORY_PAGES_MAX } from '../interpreter.ts';

/** Compiled once for all machines. */
const modules = new Map<SharedFunction, WebAssembly.Module>();

function moduleOf(definition: SharedFunction): WebAssembly.Module {
  const known = modules.get(definition);
  if (known) return known;
  const builder = new ModuleBuilder(MEMORY_PAGES_MAX);
  const f = builder.defineFunction(definition.signature, 'function');
  const shared: FunctionReference = builder.shared(definition);
  f.return(f.call(shared, ...f.parameters));
  const module = new WebAssembly.Module(builder.build());
  modules.set(definition, module);
  return module;
}

export class UnitFunctions {
  readonly #memory: WebAssembly.Memory;
  readonly #places = new Map<SharedFunction, number>();

  /** Of one kind of code. */
  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory;
  }

  /** The place of a function in tables that are of the same length. */
  placeOf(definition: SharedFunction, tables: readonly WebAssembly.Table[]): number {
    const known = this.#places.get(definition);
    if (known !== undefined) return known;
    const [place = 0] = tables.map((table) => table.grow(1));
    for (const table of tables) {
      const { exports } = new WebAssembly.Instance(moduleOf(definition), { env: { memory: this.#memory } });
      table.set(place, exports['function']);
    }
    this.#places.set(definition, place);
    return place;
  }
}
