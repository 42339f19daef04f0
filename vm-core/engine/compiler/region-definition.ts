/** The function of a region in its module, and what is kept of it for those who use and read it. */
import type { ModuleBuilder } from '../../wasm/module-builder.ts';
import { HANDLER_SIGNATURE } from '../interpreter.ts';
import { RegionCode, type RegionPlace } from './region-code.ts';
import type { Region } from './region-graph.ts';
import type { AssumedFacts } from './segment-facts.ts';

/** What became of it. */
export interface DefinedRegion {
  /** What the code takes for granted. */
  readonly facts: AssumedFacts;
  /** The number of the function in its module. */
  readonly index: number;
  /** Which instructions its code is about: see code-marks.ts. */
  readonly marks: Int32Array;
  /** The names of those locals that have one, by their numbers. */
  readonly names: readonly string[];
}

/** Defines the region's function under a name that the module exports. */
export function defineRegion(module: ModuleBuilder, name: string, region: Region, place: RegionPlace): DefinedRegion {
  const f = module.defineFunction(HANDLER_SIGNATURE, name);
  const code = new RegionCode(f, region, place);
  const marks = code.write();
  return { facts: code.facts, index: f.index, marks, names: code.names() };
}
