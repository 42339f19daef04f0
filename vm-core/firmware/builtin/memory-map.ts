/**
 * Which physical memory software may use (ACPI specification §15.1, "INT 15h, E820h").
 */
import { type GuestRam, HIGH_RAM } from '../../memory/guest-ram.ts';
import { CONVENTIONAL_KIB } from './bios-data.ts';

export const MEMORY_USABLE = 1;
export const MEMORY_RESERVED = 2;

export interface MemoryRange {
  readonly base: number;
  readonly size: number;
  readonly type: typeof MEMORY_USABLE | typeof MEMORY_RESERVED;
}

const MIB = 0x10_0000;
const CONVENTIONAL_END: number = CONVENTIONAL_KIB * 1024;
const VIDEO_START = 0xa_0000;
const ROM_START = 0xf_0000;
/** The ROM appears once more at the end of the 4 GiB. */
const ROM_COPY_SIZE = 0x1_0000;

/** The ranges in ascending order: RAM, the EBDA, RAM above 1 MiB, the ROM's two places, RAM above 4 GiB. */
export function memoryMap({ low, high }: GuestRam): readonly MemoryRange[] {
  const ranges: readonly MemoryRange[] = [
    { base: 0, size: CONVENTIONAL_END, type: MEMORY_USABLE },
    { base: CONVENTIONAL_END, size: VIDEO_START - CONVENTIONAL_END, type: MEMORY_RESERVED },
    { base: ROM_START, size: MIB - ROM_START, type: MEMORY_RESERVED },
    { base: MIB, size: low - MIB, type: MEMORY_USABLE },
    { base: HIGH_RAM - ROM_COPY_SIZE, size: ROM_COPY_SIZE, type: MEMORY_RESERVED },
    { base: HIGH_RAM, size: high, type: MEMORY_USABLE },
  ];
  return ranges.filter(({ size }) => size > 0);
}
