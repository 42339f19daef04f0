/**
 * Where computed jumps and calls lead: compiled code notes targets that its region does not know, and a region that is made
 * anew knows them (DESIGN §3). What is noted is a sample, at places that follow from the budget, and only ever a hint.
 */
import { JUMP_TARGETS, JUMP_TARGETS_SIZE } from '../../memory/layout.ts';
import type { CpuState } from '../../state/cpu-state.ts';
import type { FunctionBuilder, Value } from '../../wasm/function-builder.ts';

/** A note: i32 address of the block that ends with the jump, 0 for none; at 8 the target, an EIP or RIP. */
const NOTE_SIZE = 16;
const NOTE_SHIFT = 4;
const NOTE_TARGET = 8;

/** Jumps of which anything is kept, and targets of one. */
const JUMPS_MAX = 1024;
const TARGETS_MAX = 64;

/** Notes a target; the budget changes from one jump to the next. */
export function noteTarget(f: FunctionBuilder, cpu: Value, budget: Value, block: number, target: Value): void {
  const offset = f.binary('and', f.binary('shl', budget, f.i32(NOTE_SHIFT)), f.i32(JUMP_TARGETS_SIZE - NOTE_SIZE));
  const note = f.binary('add', cpu, offset);
  f.store(32, note, JUMP_TARGETS, f.i32(block));
  f.store(64, note, JUMP_TARGETS + NOTE_TARGET, target.type === 'i64' ? target : f.widen(target, false));
}

export class LearnedTargets {
  /** By the address of the block that ends with the jump: how often each target was met. */
  readonly #byBlock = new Map<number, Map<bigint, number>>();

  /** Takes over what a vCPU has noted. */
  collect({ view, base }: CpuState): void {
    const begin = base + JUMP_TARGETS;
    for (let at = begin; at < begin + JUMP_TARGETS_SIZE; at += NOTE_SIZE) {
      const block = view.getInt32(at, true);
      if (block === 0) continue;
      this.#add(block, view.getBigUint64(at + NOTE_TARGET, true));
      view.setInt32(at, 0, true);
    }
  }

  #add(block: number, target: bigint): void {
    const known = this.#byBlock.get(block) ?? new Map<bigint, number>();
    if (this.#byBlock.size >= JUMPS_MAX) this.#byBlock.clear();
    this.#byBlock.set(block, known);
    const count = known.get(target);
    if (count !== undefined || known.size < TARGETS_MAX) known.set(target, (count ?? 0) + 1);
  }

  /** The targets that were met, the most frequent first. */
  of(block: number): readonly bigint[] {
    return [...(this.#byBlock.get(block) ?? [])].sort(([, a], [, b]) => b - a).map(([target]) => target);
  }

  /** Blocks are others now. */
  clear(): void {
    this.#byBlock.clear();
  }
}
