/**
 * Where the stack that the processor is on has its top, as linear addresses; in 64-bit mode they are RSP itself, rounded where
 * numbers are not exact.
 */
import { is64BitMode } from '../cpu/mode.ts';
import { stackOffset, stackWidth } from '../cpu/stack.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { SEGMENT_BASE, SS, segmentSlots, slot } from '../state/layout.ts';

const SS_BASE = (segmentSlots[SS] as number) + SEGMENT_BASE;

export function stackBase(state: CpuState): number {
  return is64BitMode(state) ? 0 : state.read32(SS_BASE);
}

/** The address of what lies on top. */
export function stackTop(state: CpuState): number {
  if (is64BitMode(state)) return Number(state.readExact(slot.ESP));
  return (stackBase(state) + Number(stackOffset(state, state.read32(slot.ESP)))) >>> 0;
}

/** The end of what is free, with this stack pointer: an offset of 0 is that of an empty stack, whose first push wraps. */
export function stackEnd(state: CpuState, pointer?: number): number {
  if (is64BitMode(state)) return pointer ?? Number(state.readExact(slot.ESP));
  const offset = Number(stackOffset(state, pointer ?? state.read32(slot.ESP)));
  return stackBase(state) + (offset === 0 ? 2 ** stackWidth(state) : offset);
}
