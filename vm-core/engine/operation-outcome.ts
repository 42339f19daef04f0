/** What the loop of generated code is told when a system operation has come back. */
import { BRANCH, EXIT, NEXT, type Outcome, REPEAT } from '../cpu/cpu.ts';
import type { Address } from '../state/address.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { internal } from '../state/layout.ts';
import { transfersControl } from './branch-kinds.ts';

/**
 * EIP, which the operation of a row may have moved, goes back to `entry`, the beginning of its block, for the loop, unless it
 * has branched: then it is not `next`, behind the instruction.
 */
export function settle(state: CpuState, rowIndex: number, outcome: Outcome, entry: Address, next: Address): number {
  const exit = state.read32(internal.EXIT_REQUEST);
  const branches = (outcome & EXIT) !== 0 && transfersControl[rowIndex];
  if (outcome !== REPEAT && (outcome & BRANCH || branches || state.rip !== next)) return outcome | BRANCH | exit;
  state.eip = entry;
  return outcome === NEXT ? exit : outcome | exit;
}
