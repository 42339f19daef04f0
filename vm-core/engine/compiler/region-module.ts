/**
 * The module of some regions, made of nothing but a plan: so it can be made in any thread, and what comes of it is all that
 * the machine's thread needs.
 */
import { ModuleBuilder, type SharedFunction } from '../../wasm/module-builder.ts';
import { MEMORY_PAGES_MAX } from '../interpreter.ts';
import { type DefinedRegion, defineRegion } from './region-definition.ts';
import type { Region } from './region-graph.ts';
import { type UnitFunction, unitFunction } from './unit-functions.ts';

/** A region that is to be made. */
export interface RegionPlan {
  readonly region: Region;
  /** Facts that hold there, of which the code may take what it likes for granted. */
  readonly facts: number;
  /** Stores to pages with code are done in the region, if they are not to code. */
  readonly storesBesideCode: boolean;
  /** The number of its counters. */
  readonly counters: number;
}

/** Regions of code of one kind that are made together. */
export interface ModulePlan {
  readonly regions: readonly RegionPlan[];
  /** Where the state is, if there is only one processor: then it is a constant. */
  readonly cpu: number | undefined;
  /** The place of the first function of the units in the tables. */
  readonly functionsAt: number;
}

/** What came of it: regions in the order of the plan, whose functions the module exports by `regionName`. */
export interface MadeModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly module: WebAssembly.Module;
  readonly regions: readonly DefinedRegion[];
  /** What they call. Numbers are those of the thread that has made it. */
  readonly functions: readonly UnitFunction[];
}

/** Throws WebAssembly.CompileError if V8 does not take it. */
export function makeModule({ regions, cpu, functionsAt }: ModulePlan): MadeModule {
  const builder = new ModuleBuilder(MEMORY_PAGES_MAX, 0);
  const functions = new Set<UnitFunction>();
  const functionPlace = (definition: SharedFunction): number => {
    const unit = unitFunction(definition);
    functions.add(unit);
    return functionsAt + unit.number;
  };
  const defined = regions.map(({ region, ...knowledge }, n) =>
    defineRegion(builder, regionName(n), region, { ...knowledge, functionPlace, cpu }),
  );
  const bytes = builder.build();
  return { bytes, module: new WebAssembly.Module(bytes), regions: defined, functions: [...functions] };
}

/** Under which the function of a region is exported. */
export function regionName(number: number): string {
  return `region${number}`;
}
