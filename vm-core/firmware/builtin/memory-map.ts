/**
 * Which physical memory software may use (ACPI specification §15.1, "INT 15h, E820h").
 */
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
const FOUR_GIB = 0x1_0000_0000;

/** The ranges in ascending order: RAM, the EBDA, RAM above 1 MiB, and the ROM's two places. */
export function memoryMap(ramSize: number): readonly MemoryRange[] {
  const ranges: readonly MemoryRange[] = [
    { base: 0, size: CONVENTIONAL_END, type: MEMORY_USABLE },
    { base: CONVENTIONAL_END, size: VIDEO_START - CONVENTIONAL_END, type: MEMORY_RESERVED },
    { base: ROM_START, size: MIB - ROM_START, type: MEMORY_RESERVED },
    { base: MIB, size: ramSize - MIB, type: MEMORY_USABLE },
    { base: FOUR_GIB - ROM_COPY_SIZE, size: ROM_COPY_SIZE, type: MEMORY_RESERVED },
  ];
  return ranges.filter(({ size }) => size > 0);
}
