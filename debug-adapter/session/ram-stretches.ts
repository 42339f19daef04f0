/** Where a machine's memory lies that is worth looking through: RAM from 0 on, and what of it begins at 4 GiB. */
import { guestRam, HIGH_RAM, type MachineConfig } from '../../vm-core/index.ts';

/** Physical addresses start ≤ address < end. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
}

/** Below this there are windows and ROM beside RAM. */
const MEBIBYTE = 0x100000;

/** In ascending order. */
export function ramStretches(config: Pick<MachineConfig, 'memorySize' | 'memoryLowSize'>): readonly Stretch[] {
  const { low, high } = guestRam(config);
  const below = { start: 0, end: Math.max(low, MEBIBYTE) };
  return high === 0 ? [below] : [below, { start: HIGH_RAM, end: HIGH_RAM + high }];
}
