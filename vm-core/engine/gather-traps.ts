/**
 * A gather whose later element faults: traps that are due for the elements before come instead of the fault, and the gather
 * goes on behind them (SDM vol. 2C VPGATHERDD).
 */
import { DR6_BS } from '../cpu/debug-registers.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { internal, slot } from '../state/layout.ts';
import { RF, TF } from '../state/lazy-flags.ts';

/**
 * The reasons for #DB that replace the fault of the instruction, with those of breakpoints at data (`met`); 0 if the fault
 * stands. RF is set then, as of an instruction that is continued.
 */
export function takeGatherTraps(state: CpuState, met: number): number {
  const gathered = state.read32(internal.GATHERED) !== 0;
  forgetGather(state);
  const flags = state.read32(slot.EFLAGS);
  const reasons = gathered ? met | ((flags & TF) === 0 ? 0 : DR6_BS) : 0;
  if (reasons !== 0) state.write32(slot.EFLAGS, flags | RF);
  return reasons;
}

/** Nothing is due for what a gather has loaded: it waits for a device, and begins again. */
export function forgetGather(state: CpuState): void {
  state.write32(internal.GATHERED, 0);
}
