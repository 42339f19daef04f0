/**
 * Generated code that counts what performance counters count beside ticks (SDM vol. 3B §19.2.1.2), block by block while one
 * of them asks for it. It is part of the loop that tells of branches (branch-stage.ts); the usual loop has nothing of it.
 */
import { BRANCH, REPEAT } from '../cpu/cpu.ts';
import { internal } from '../state/layout.ts';
import type { FunctionBuilder, Value } from '../wasm/function-builder.ts';
import { FLAG_BRANCH, RECORD_FLAGS, RECORD_SIZE } from './record.ts';

/** The records that were executed when a block was left, and what the last handler has returned. */
export interface ExecutedRecords {
  readonly first: Value;
  readonly upTo: Value;
  readonly status: Value;
}

export function stageCounts(f: FunctionBuilder, cpu: Value, { first, upTo, status }: ExecutedRecords): void {
  f.if(f.load('i32', 32, cpu, internal.COUNTS), () => {
    const at = f.variable(first);
    const isBranch = f.variable(f.i32(0));
    const branches = f.variable(f.i32(0));
    f.block((end) => {
      f.loop((again) => {
        f.branchIf(f.binary('geU', at, upTo), end);
        const flag = f.binary('and', f.load('i32', 8, at, RECORD_FLAGS), f.i32(FLAG_BRANCH));
        f.set(isBranch, f.binary('ne', flag, f.i32(0)));
        f.set(branches, f.binary('add', branches, isBranch));
        f.set(at, f.binary('add', at, f.i32(RECORD_SIZE)));
        f.branch(again);
      });
    });
    const add = (field: number, value: Value): void =>
      f.store(32, cpu, field, f.binary('add', f.load('i32', 32, cpu, field), value));
    const has = (bit: number): Value => f.binary('ne', f.binary('and', status, f.i32(bit)), f.i32(0));
    add(internal.BRANCHES, branches);
    add(internal.BRANCHES_TAKEN, f.binary('and', isBranch, has(BRANCH)));
    add(internal.REPEATS, has(REPEAT));
  });
}
