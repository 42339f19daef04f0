/**
 * What a set-up program would have left in the CMOS RAM (IBM PC/AT Technical Reference, "CMOS RAM address map"; bytes
 * from 34h on as Bochs and QEMU use them): firmware images learn the size of memory and the drives from it.
 */
import { cpuCount, ONE_CPU } from '../cpu/topology.ts';
import { hasFeature } from '../isa/cpu-model.ts';
import { mediumOf } from '../devices/floppy-controller/media.ts';
import { defaultGeometry, SECTOR_SIZE } from '../devices/ide/identify.ts';
import { guestRam } from '../memory/guest-ram.ts';
import type { MachineConfig } from './machine.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

const FLOPPY_TYPES = 0x10;
const DISK_TYPES = 0x12;
const EQUIPMENT = 0x14;
const EQUIPMENT_FLOPPY = 1;
const EQUIPMENT_COPROCESSOR = 2;
const BASE_MEMORY_KIB = 0x15;
const EXTENDED_MEMORY_KIB = 0x17;
const EXTENDED_DISK_TYPE = 0x19;
const DISK_PARAMETERS = 0x1b;
const CHECKSUM_FIRST = 0x10;
const CHECKSUM_LAST = 0x2d;
const CHECKSUM = 0x2e;
const EXTENDED_MEMORY_KIB_AGAIN = 0x30;
const MEMORY_ABOVE_16_MIB = 0x34;
/** Three bytes. */
const MEMORY_ABOVE_4_GIB = 0x5b;
/** Processors besides the first. */
const OTHER_CPUS = 0x5f;
const BOOT_ORDER_THIRD = 0x38;
const BOOT_ORDER = 0x3d;

/** In the high half of byte 12h: the type stands in byte 19h; and the type there that is described byte by byte. */
const TYPE_IS_EXTENDED = 0xf0;
const TYPE_OF_USER = 47;
/** No write precompensation, and in the control byte no retries, and whether there are more than eight heads. */
const NO_PRECOMPENSATION = 0xffff;
const NO_RETRIES = 0xc0;
const MORE_THAN_8_HEADS = 0x08;

/** All 128 bytes; the clock's own are zero. */
export function cmosContents(config: MachineConfig): Uint8Array {
  const bytes = new Uint8Array(128);
  const setWord = (index: number, value: number): void => {
    bytes[index] = value & 0xff;
    bytes[index + 1] = value >> 8;
  };
  const { low, high } = guestRam(config);
  const extendedKib = Math.min((low - MIB) / KIB, 0xffff);
  // Drive A is of the kind that its disk needs; there is no drive B.
  bytes[FLOPPY_TYPES] = config.floppy === undefined ? 0 : mediumOf(config.floppy.size).driveType << 4;
  const coprocessor = hasFeature(config.cpuModel, 'FPU') ? EQUIPMENT_COPROCESSOR : 0;
  bytes[EQUIPMENT] = (config.floppy === undefined ? 0 : EQUIPMENT_FLOPPY) | coprocessor;
  if (config.disk !== undefined) {
    const { cylinders, heads, sectors } = defaultGeometry(Math.floor(config.disk.size / SECTOR_SIZE));
    bytes[DISK_TYPES] = TYPE_IS_EXTENDED;
    bytes[EXTENDED_DISK_TYPE] = TYPE_OF_USER;
    setWord(DISK_PARAMETERS, cylinders);
    bytes[DISK_PARAMETERS + 2] = heads;
    setWord(DISK_PARAMETERS + 3, NO_PRECOMPENSATION);
    bytes[DISK_PARAMETERS + 5] = NO_RETRIES | (heads > 8 ? MORE_THAN_8_HEADS : 0);
    setWord(DISK_PARAMETERS + 6, cylinders);
    bytes[DISK_PARAMETERS + 8] = sectors;
  }
  setWord(BASE_MEMORY_KIB, 640);
  setWord(EXTENDED_MEMORY_KIB, extendedKib);
  setWord(EXTENDED_MEMORY_KIB_AGAIN, extendedKib);
  setWord(MEMORY_ABOVE_16_MIB, Math.max(0, low - 16 * MIB) / (64 * KIB));
  setWord(MEMORY_ABOVE_4_GIB, (high / (64 * KIB)) & 0xffff);
  bytes[MEMORY_ABOVE_4_GIB + 2] = Math.floor(high / (64 * KIB) / 0x10000);
  bytes[OTHER_CPUS] = cpuCount(config.topology ?? ONE_CPU) - 1;
  // 1 is the floppy, 2 the disk, 3 the CD-ROM; the low half is tried first, what does not fit stands high in byte 38h.
  const order = [config.floppy && 1, config.disk && 2, config.cdrom && 3].filter((device) => device !== undefined);
  bytes[BOOT_ORDER] = (order[0] ?? 0) | ((order[1] ?? 0) << 4);
  bytes[BOOT_ORDER_THIRD] = (order[2] ?? 0) << 4;
  let sum = 0;
  for (let index = CHECKSUM_FIRST; index <= CHECKSUM_LAST; index += 1) sum += bytes[index] as number;
  // The checksum stands high byte first.
  setWord(CHECKSUM, ((sum & 0xff) << 8) | (sum >> 8));
  return bytes;
}
