/**
 * What a set-up program would have left in the CMOS RAM (IBM PC/AT Technical Reference, "CMOS RAM address map"; bytes
 * from 34h on as Bochs and QEMU use them): firmware images learn the size of memory and the drives from it.
 */
import { mediumOf } from '../devices/floppy-controller/media.ts';
import type { MachineConfig } from './machine.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

const FLOPPY_TYPES = 0x10;
const EQUIPMENT = 0x14;
const BASE_MEMORY_KIB = 0x15;
const EXTENDED_MEMORY_KIB = 0x17;
const CHECKSUM_FIRST = 0x10;
const CHECKSUM_LAST = 0x2d;
const CHECKSUM = 0x2e;
const EXTENDED_MEMORY_KIB_AGAIN = 0x30;
const MEMORY_ABOVE_16_MIB = 0x34;
const BOOT_ORDER = 0x3d;

/** All 128 bytes; the clock's own are zero. */
export function cmosContents(config: MachineConfig): Uint8Array {
  const bytes = new Uint8Array(128);
  const setWord = (index: number, value: number): void => {
    bytes[index] = value & 0xff;
    bytes[index + 1] = value >> 8;
  };
  const extendedKib = Math.min((config.memorySize - MIB) / KIB, 0xffff);
  // Drive A is of the kind that its disk needs; there is no drive B.
  bytes[FLOPPY_TYPES] = config.floppy === undefined ? 0 : mediumOf(config.floppy.size).driveType << 4;
  bytes[EQUIPMENT] = config.floppy === undefined ? 0x00 : 0x01;
  setWord(BASE_MEMORY_KIB, 640);
  setWord(EXTENDED_MEMORY_KIB, extendedKib);
  setWord(EXTENDED_MEMORY_KIB_AGAIN, extendedKib);
  setWord(MEMORY_ABOVE_16_MIB, Math.max(0, config.memorySize - 16 * MIB) / (64 * KIB));
  // 1 is the floppy, 2 the disk; the low half is tried first.
  bytes[BOOT_ORDER] = config.floppy === undefined ? 0x02 : 0x21;
  let sum = 0;
  for (let index = CHECKSUM_FIRST; index <= CHECKSUM_LAST; index += 1) sum += bytes[index] as number;
  // The checksum stands high byte first.
  setWord(CHECKSUM, ((sum & 0xff) << 8) | (sum >> 8));
  return bytes;
}
