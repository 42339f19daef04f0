/**
 * The beginning of a region's function: whether the state is what the code was made for, and whether there is room in the
 * budget. Where not, the loop goes on with the block's first record, or looks for the block (DESIGN §3).
 */
import { NEXT } from '../../cpu/cpu.ts';
import type { RegionExit } from '../../machine/compiled-region.ts';
import { internal, slot } from '../../state/layout.ts';
import type { FunctionBuilder, Value, Variable } from '../../wasm/function-builder.ts';
import type { CompiledUnits } from './compiled-units.ts';
import type { RegionBudget } from './region-budget.ts';
import { countExit, exitNumber } from './region-counters.ts';
import type { Region } from './region-graph.ts';
import { goOnInLoop } from './region-links.ts';
import type { AssumedFacts } from './segment-facts.ts';

interface EntryKnowledge {
  /** The number of the region's counters. */
  readonly counters: number;
  readonly facts: AssumedFacts;
  readonly units: CompiledUnits;
}

export class RegionEntry {
  readonly #f: FunctionBuilder;
  readonly #cpu: Value;
  readonly #region: Region;
  readonly #counters: number;
  readonly #facts: AssumedFacts;
  readonly #units: CompiledUnits;
  /** The bits of the facts that matter, and how they have to be: known when all else is written. */
  readonly #mask: Variable;
  readonly #expected: Variable;

  constructor(f: FunctionBuilder, cpu: Value, region: Region, { counters, facts, units }: EntryKnowledge) {
    this.#f = f;
    this.#cpu = cpu;
    this.#region = region;
    this.#counters = counters;
    this.#facts = facts;
    this.#units = units;
    this.#mask = f.local('i32');
    this.#expected = f.local('i32');
  }

  /**
   * Written when all else is: `longest` is the number of instructions to where the budget is looked at again, `highest` the
   * last EIP that 32-bit code takes to be within the limit.
   */
  write(budget: RegionBudget, longest: number, highest: number): void {
    const f = this.#f;
    const { root, addressBits } = this.#region;
    f.set(this.#mask, f.i32(this.#facts.mask));
    f.set(this.#expected, f.i32(this.#facts.expected));
    f.if(this.isForeign(), () => this.#refuse('foreign-facts'));
    if (addressBits === 32) {
      const eip = f.i32(Number(BigInt.asIntN(32, root.eip)));
      f.if(f.binary('ne', this.#holds(slot.EIP), eip), () => this.#refuse('foreign-place'));
      f.if(f.binary('ltU', this.#holds(internal.CODE_LIMIT), f.i32(highest)), () => this.#refuse('foreign-place'));
    }
    const whole = this.#holds(internal.BUDGET);
    const room = f.binary('sub', whole, this.#holds(internal.SAMPLE_AT));
    // A single instruction may be a step, of which more has to be known afterwards.
    f.if(f.binary('leS', room, f.i32(longest)), () => this.#refuse('too-long'));
    budget.begin(whole, room);
  }

  /** Not 0 where the state is not what the code takes for granted. */
  isForeign(): Value {
    const f = this.#f;
    const facts = f.binary('and', this.#holds(internal.SEGMENT_FACTS), this.#mask);
    const isOther = f.binary('xor', facts, this.#expected);
    return f.binary('or', f.binary('or', isOther, this.#holds(internal.COUNTS)), this.#units.areForbidden());
  }

  #refuse(why: RegionExit): void {
    const f = this.#f;
    countExit(f, this.#counters, f.i32(exitNumber(why)));
    f.if(f.parameters[1] as Value, () => f.return(f.i32(NEXT)));
    goOnInLoop(f, this.#cpu);
  }

  #holds(field: number): Value {
    return this.#f.load('i32', 32, this.#cpu, field);
  }
}
