/**
 * Instructions that a region may execute, and what is counted of it where it is left. A region goes back to the loop after so
 * many: V8 replaces its first code for a function by better code only when that is called again.
 */
import { internal } from '../../state/layout.ts';
import type { FunctionBuilder, Value, Variable } from '../../wasm/function-builder.ts';
import { countExit, countInstructions } from './region-counters.ts';

const SHARE = 0x8000;

export class RegionBudget {
  readonly #f: FunctionBuilder;
  readonly #cpu: Value;
  /** The number of the region's counters. */
  readonly #counters: number;
  /** Instructions left of the share, those of the budget beyond it, and the budget with which the region was entered. */
  readonly #left: Variable;
  readonly #rest: Variable;
  readonly #atEntry: Variable;

  constructor(f: FunctionBuilder, cpu: Value, counters: number) {
    this.#f = f;
    this.#cpu = cpu;
    this.#counters = counters;
    this.#left = f.local('i32');
    this.#rest = f.local('i32');
    this.#atEntry = f.local('i32');
  }

  /** For readers of generated code. */
  get locals(): Readonly<Record<string, Value>> {
    return { budget: this.#left, 'budget.rest': this.#rest, 'budget.entry': this.#atEntry };
  }

  /** Where the region is entered, with a budget of which there is room for so many. */
  begin(budget: Value, room: Value): void {
    const f = this.#f;
    f.set(this.#atEntry, budget);
    const share = f.select(f.binary('ltU', room, f.i32(SHARE)), room, f.i32(SHARE));
    f.set(this.#left, share);
    f.set(this.#rest, f.binary('sub', budget, share));
  }

  /** What is left of the whole budget. */
  now(): Value {
    return this.#f.binary('add', this.#rest, this.#left);
  }

  /** Whether there is enough of the share for so many instructions. */
  hasFor(instructions: number): Value {
    return this.#f.binary('geU', this.#left, this.#f.i32(instructions));
  }

  isTooSmallFor(instructions: number): Value {
    return this.#f.binary('ltU', this.#left, this.#f.i32(instructions));
  }

  spend(instructions: number): void {
    this.#f.set(this.#left, this.#f.binary('sub', this.#left, this.#f.i32(instructions)));
  }

  /** The region is left, for a reason by its number. */
  leave(why: Value): void {
    const f = this.#f;
    const budget = this.now();
    f.store(32, this.#cpu, internal.BUDGET, budget);
    f.store(32, this.#cpu, internal.REGION_LEFT, f.i32(this.#counters));
    countExit(f, this.#counters, why);
    countInstructions(f, this.#counters, f.binary('sub', this.#atEntry, budget));
  }
}
