/** General registers as system operations write them (SDM vol. 1 §3.4.1.1). */
import type { CpuState } from '../state/cpu-state.ts';
import { is64BitMode } from './mode.ts';

/** Writes 32 bits; in 64-bit mode the upper half of the register becomes zero. */
export function writeDoubleWord(state: CpuState, offset: number, value: number): void {
  state.write32(offset, value);
  if (is64BitMode(state)) state.write32(offset + 4, 0);
}
