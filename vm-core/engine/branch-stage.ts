/**
 * Generated code that keeps the ring of taken branches (branch-ring.ts). It is part of a loop of its own, which runs while
 * somebody wants to hear of branches; the usual loop has nothing of it.
 */
import { BRANCH, FAULT } from '../cpu/cpu.ts';
import { BRANCH_RING, BRANCH_RING_SIZE } from '../memory/layout.ts';
import { internal } from '../state/layout.ts';
import type { FunctionBuilder, Value, Variable } from '../wasm/function-builder.ts';
import type { FunctionReference } from '../wasm/module-builder.ts';
import * as entry from './branch-entry.ts';
import * as record from './record.ts';

/** A block that has ended: its code segment, privilege level and linear address when it began, and what is there now. */
export interface LeftBlock {
  /** Told of the record, where somebody wants to hear: bits to leave with. */
  readonly branched: FunctionReference;
  readonly cpu: Value;
  readonly status: Variable;
  /** Record of the last instruction. */
  readonly last: Value;
  readonly base: Value;
  readonly level: Value;
  readonly start: Value;
  /** Linear address of EIP. */
  readonly now: () => Value;
}

const NO_BRANCH = FAULT | record.STATUS_HOOK | record.STATUS_DEAD;

/** Tells of the branch with which a block has ended, if it has; the status may then say to leave. */
export function stageBranch(f: FunctionBuilder, block: LeftBlock): void {
  const { branched, cpu, status, last, base, level, start } = block;
  const relevant = f.binary('and', status, f.i32(BRANCH | NO_BRANCH));
  f.if(f.binary('eq', relevant, f.i32(BRANCH)), () => {
    const next = f.load('i32', 32, cpu, internal.BRANCH_NEXT);
    const at = f.binary('add', cpu, next);
    const length = f.load('i32', 8, last, record.RECORD_LENGTH);
    const distance = f.binary('sub', f.load('i32', 16, last, record.RECORD_NEXT_OFFSET), length);
    const from = f.binary('add', start, start.type === 'i64' ? f.widen(distance, false) : distance);
    const row = f.load('i32', 16, last, record.RECORD_ROW);
    f.store(64, at, BRANCH_RING + entry.BRANCH_FROM, f.widen(from, false));
    f.store(64, at, BRANCH_RING + entry.BRANCH_TO, f.widen(block.now(), false));
    f.store(32, at, BRANCH_RING + entry.BRANCH_BASE, base);
    f.store(32, at, BRANCH_RING + entry.BRANCH_IMMEDIATE, f.load('i32', 32, last, record.RECORD_IMMEDIATE));
    f.store(
      32,
      at,
      BRANCH_RING + entry.BRANCH_ROW,
      f.binary('or', f.binary('or', row, f.i32(entry.CAUSE_INSTRUCTION << 16)), f.binary('shl', level, f.i32(24))),
    );
    const moved = f.binary('add', next, f.i32(entry.BRANCH_ENTRY_SIZE));
    f.store(32, cpu, internal.BRANCH_NEXT, f.binary('and', moved, f.i32(BRANCH_RING_SIZE - 1)));
    f.if(f.load('i32', 32, cpu, internal.BRANCHES_HEARD), () =>
      f.set(status, f.binary('or', status, f.call(branched, last))),
    );
  });
}
