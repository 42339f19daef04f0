/** The answers of IDENTIFY DEVICE and IDENTIFY PACKET DEVICE (ATA/ATAPI-6 §8.15, §8.16): tables of words. */
import { type DriveState, MULTIPLE_MAX } from './ide-state.ts';

export const SECTOR_SIZE = 512;

/** Cylinders, heads and sectors that a disk starts with. */
export interface DiskGeometry {
  readonly cylinders: number;
  readonly heads: number;
  readonly sectors: number;
}

const HEADS = 16;
const SECTORS = 63;
const CYLINDERS_MAX = 16_383;
const LBA28_MAX = 0x0fff_ffff;

/** The default translation; beyond its last cylinder a disk is reached by block numbers only. */
export function defaultGeometry(sectorCount: number): DiskGeometry {
  const heads = Math.min(HEADS, Math.max(1, Math.ceil(sectorCount / SECTORS)));
  const cylinders = Math.max(1, Math.floor(sectorCount / (heads * SECTORS)));
  return { cylinders: Math.min(cylinders, CYLINDERS_MAX), heads, sectors: SECTORS };
}

const WORDS = 256;
const MODEL_WORDS = 20;
/** Word 53: words 54–58 and 64–70 are valid. */
const VALID = 0x0003;
const LBA = 0x0200;
const IORDY = 0x0800;
/** PIO modes 3 and 4, and the 120 ns of their cycles. */
const PIO_MODES = 0x0003;
const PIO_CYCLE = 120;
/** Words 82–87: NOP, READ and WRITE BUFFER, write cache, look-ahead, power management; flush and 48-bit addresses. */
const COMMAND_SETS_1 = 0x7068;
const COMMAND_SETS_2 = 0x7400;
const COMMAND_SETS_3 = 0x4000;
const PACKET_COMMAND_SETS_1 = 0x4210;

type Words = Readonly<Record<number, number>>;

/** Text in words, first character in the high byte, filled with spaces. */
function textWords(first: number, count: number, text: string): Words {
  const padded = text.padEnd(count * 2);
  const words = Array.from({ length: count }, (_, index) => [
    first + index,
    (padded.charCodeAt(index * 2) << 8) | padded.charCodeAt(index * 2 + 1),
  ]);
  return Object.fromEntries(words);
}

const names = (serial: string, model: string): Words => ({
  ...textWords(10, 10, serial),
  ...textWords(23, 4, '1.0'),
  ...textWords(27, MODEL_WORDS, model),
});

/** The words as bytes, with the checksum of word 255. */
function toBytes(words: Words): Uint8Array {
  const bytes = new Uint8Array(WORDS * 2);
  for (const [word, value] of Object.entries(words)) {
    bytes[Number(word) * 2] = value & 0xff;
    bytes[Number(word) * 2 + 1] = value >> 8;
  }
  bytes[510] = 0xa5;
  bytes[511] = -bytes.reduce((sum, byte) => sum + byte, 0) & 0xff;
  return bytes;
}

/** 512 bytes. */
export function identifyDisk(state: DriveState, sectorCount: number): Uint8Array {
  const { cylinders, heads, sectors } = defaultGeometry(sectorCount);
  const perCylinder = state.heads * state.sectors;
  const currentCylinders = Math.min(Math.floor(sectorCount / perCylinder), 0xffff);
  const currentCapacity = currentCylinders * perCylinder;
  const lba28 = Math.min(sectorCount, LBA28_MAX);
  return toBytes({
    0: 0x0040,
    1: cylinders,
    3: heads,
    4: sectors * SECTOR_SIZE,
    5: SECTOR_SIZE,
    6: sectors,
    ...names('VM00001', 'X86VM HARD DISK'),
    20: 3,
    21: MULTIPLE_MAX,
    22: 4,
    47: 0x8000 | MULTIPLE_MAX,
    48: 1,
    49: LBA | IORDY,
    50: 0x4000,
    51: 0x0200,
    53: VALID,
    54: currentCylinders,
    55: state.heads,
    56: state.sectors,
    57: currentCapacity & 0xffff,
    58: currentCapacity >>> 16,
    59: state.multiple === 0 ? 0 : 0x0100 | state.multiple,
    60: lba28 & 0xffff,
    61: lba28 >>> 16,
    64: PIO_MODES,
    67: PIO_CYCLE,
    68: PIO_CYCLE,
    80: 0x007e,
    82: COMMAND_SETS_1,
    83: COMMAND_SETS_2,
    84: COMMAND_SETS_3,
    85: COMMAND_SETS_1,
    86: COMMAND_SETS_2 & 0x3fff,
    87: COMMAND_SETS_3,
    100: sectorCount & 0xffff,
    101: Math.floor(sectorCount / 0x1_0000) & 0xffff,
    102: Math.floor(sectorCount / 0x1_0000_0000) & 0xffff,
  });
}

/** Word 0: a packet drive of type CD-ROM, removable, data request within 50 µs, packets of 12 bytes. */
const PACKET_CD_ROM = 0x85c0;

/** 512 bytes. */
export function identifyCdRom(): Uint8Array {
  return toBytes({
    0: PACKET_CD_ROM,
    ...names('VM00002', 'X86VM CD-ROM'),
    49: LBA | IORDY,
    51: 0x0200,
    53: VALID,
    64: PIO_MODES,
    67: PIO_CYCLE,
    68: PIO_CYCLE,
    80: 0x007e,
    82: PACKET_COMMAND_SETS_1,
    83: 0x4000,
    84: 0x4000,
    85: PACKET_COMMAND_SETS_1,
    86: 0,
    87: 0x4000,
  });
}
