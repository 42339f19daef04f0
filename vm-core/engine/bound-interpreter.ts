/** An interpreter bound to the memory of a machine: its functions, and the modules that are made when they are needed. */
import { ENTER, type EnterFunction } from './events/quick-events.ts';
import type { SlowPathImports } from './slow-paths.ts';

/** (cpu, record to begin with, budget in instructions) → status. */
export type RunFunction = (cpu: number, record: number, budget: number) => number;

/** What runs blocks (see run-loop.ts). */
export interface BoundInterpreter {
  readonly run: RunFunction;
  /** The same with each branch told; made when it is first asked for. */
  readonly runTelling: () => RunFunction;
  /** Enters the handlers of usual events. */
  readonly enter: EnterFunction;
  /** Its functions by the places that records name. */
  readonly table: WebAssembly.Table;
}

/** Modules beside that of the interpreter, by functions that make them at their first call. */
export interface LaterModules {
  readonly units: readonly (() => WebAssembly.Module)[];
  /** The loop that tells of branches. */
  readonly telling: () => WebAssembly.Module;
}

/** The imported function that puts a unit's code into the table. */
export const STAGE_UNIT = 'stageUnit';

/** The module and, once they are asked for, those of the units, which put their functions into its table. */
export function bindInterpreter(
  module: WebAssembly.Module,
  { units, telling }: LaterModules,
  memory: WebAssembly.Memory,
  imports: SlowPathImports,
): BoundInterpreter {
  const { exports } = new WebAssembly.Instance(module, {
    env: {
      ...{ memory, ...imports },
      [STAGE_UNIT]: (number: number) => {
        const unit = (units[number] as () => WebAssembly.Module)();
        new WebAssembly.Instance(unit, { env: { memory, table, ...imports } });
      },
    },
  });
  const { run, table } = exports as { readonly run: RunFunction; readonly table: WebAssembly.Table };
  let tells: RunFunction | undefined;
  const runTelling = () => {
    tells ??= new WebAssembly.Instance(telling(), { env: { memory, table, ...imports } }).exports['run'] as RunFunction;
    return tells;
  };
  return { run, runTelling, table, enter: exports[ENTER] as EnterFunction };
}

/** Compiles what a function builds, when that is first asked for. */
export function once(build: () => Uint8Array<ArrayBuffer>): () => WebAssembly.Module {
  let module: WebAssembly.Module | undefined;
  return () => {
    module ??= new WebAssembly.Module(build());
    return module;
  };
}
