/** What the staging of one instruction knows of the region that it is part of, and how it leaves it. */
import type { FunctionBuilder, Value } from '../../wasm/function-builder.ts';
import type { CompiledFlags } from './compiled-flags.ts';
import type { CompiledMemory } from './compiled-memory.ts';
import type { CompiledRegisters } from './compiled-registers.ts';
import type { CompiledUnits } from './compiled-units.ts';
import type { RegionExit } from '../../machine/compiled-region.ts';
import type { RegionCalls } from './region-calls.ts';
import type { AssumedFacts } from './segment-facts.ts';

/** The region around an instruction. */
export interface StageSurroundings {
  readonly f: FunctionBuilder;
  readonly cpu: Value;
  readonly addressBits: 32 | 64;
  readonly facts: AssumedFacts;
  readonly registers: CompiledRegisters;
  readonly flags: CompiledFlags;
  readonly memory: CompiledMemory;
  readonly units: CompiledUnits;
  readonly calls: RegionCalls;
  /** EIP or RIP of the instruction's block. */
  readonly entry: bigint;
  /** Leaves the region before the instruction: the interpreter does it. */
  bail(why: RegionExit): void;
  /** Goes on at a target after the instruction; with a paragraph CS was loaded with that. */
  jump(target: Value, paragraph: Value | undefined): void;
  /** Goes on behind an instruction that has still more to say. */
  end(): void;
  /** Before anything has changed: if the condition is not 0, the whole of the instruction follows. */
  otherwiseIf(condition: Value): void;
  /** Whether a maskable interrupt waits. */
  interruptPending(): Value;
  /** What is left of the whole budget behind the instruction. */
  budgetBehind(): Value;
  /** The instruction is executed again, in the region if its budget allows: `again` goes there. */
  repeat(again: () => void): void;
  /** What has to be asked of a target, unless it is the place to which the jump goes most times: that can be jumped to. */
  unlessKnown(target: Value, check: () => void): void;
  /** The highest offset that is jumped to, which the code segment's limit must allow. */
  noteTarget(target: number): void;
}

/** How the inline part of a system operation ends. */
export type InlineWays = Pick<StageSurroundings, 'end' | 'otherwiseIf'>;

/** Those of all other instructions. */
export const NO_WAYS: InlineWays = { end() {}, otherwiseIf() {} };
