/** Whether generated code may fill the translation buffers by itself: while nobody has to notice what it would not. */
import { DR7_ENABLES } from '../cpu/debug-registers.ts';
import type { LinearMemory } from '../memory/linear-memory.ts';
import type { PhysicalMap } from '../memory/physical-map.ts';
import { CR0_AM } from '../state/control-bits.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { internal, slot } from '../state/layout.ts';
import { AC } from '../state/lazy-flags.ts';
import type { WatchList } from './watch-list.ts';

/** Derives it anew: watchpoints, debug registers, alignment checks, the A20 gate or the local APIC's page may have changed. */
export function deriveShortcuts(state: CpuState, map: PhysicalMap, linear: LinearMemory, watches: WatchList): void {
  const checksAlignment = (state.read32(slot.CR0) & CR0_AM) !== 0 && (state.read32(slot.EFLAGS) & AC) !== 0;
  const hasOwnRam = linear.ownPage !== undefined && linear.ownPage.start < map.ramSize;
  const isWatched = !watches.isEmpty || (state.read32(slot.DR7) & DR7_ENABLES) !== 0;
  // Where a device may stop an instruction in its middle, what that has stored is noted.
  const isOff = map.accesses.isOn || checksAlignment || hasOwnRam || isWatched || map.a20Mask !== 0xffffffff;
  state.write32(internal.SHORTCUTS_OFF, isOff ? 1 : 0);
}
