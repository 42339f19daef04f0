/**
 * What the first sector of an image says about its size (BIOS parameter block of FAT: Microsoft FAT specification §3.1;
 * partition table: UEFI 2.10 §5.2.1), compared with what the file has: an image that was cut off fails later, and far away.
 */

const SECTOR_SIZE = 512;
const SIGNATURE = 0x1fe;
const BYTES_PER_SECTOR = 0x0b;
const SECTORS_PER_CLUSTER = 0x0d;
const RESERVED_SECTORS = 0x0e;
const FAT_COUNT = 0x10;
const TOTAL_SECTORS_16 = 0x13;
const MEDIA_DESCRIPTOR = 0x15;
const TOTAL_SECTORS_32 = 0x20;
const PARTITIONS = 0x1be;
const PARTITION_SIZE = 16;
const PARTITION_TYPE = 4;
const PARTITION_START = 8;
const PARTITION_SECTORS = 12;

/** A sentence part about an image of `size` bytes that is not as large as it says; undefined if it is, or says nothing. */
export function sizeClaimProblem(size: number, firstSector: Uint8Array): string | undefined {
  if (firstSector.length < SECTOR_SIZE) return undefined;
  const view = new DataView(firstSector.buffer, firstSector.byteOffset, SECTOR_SIZE);
  if (view.getUint16(SIGNATURE, true) !== 0xaa55) return undefined;
  const volume = volumeSize(view);
  if (volume !== undefined && volume !== size) {
    const effect = volume > size ? 'what is missing cannot be read' : 'the rest belongs to no file system';
    return `has ${size} bytes, but its BIOS parameter block says ${volume}; ${effect}`;
  }
  const partition = volume === undefined ? lastPartition(view) : undefined;
  if (partition === undefined || partition.end <= size) return undefined;
  return (
    `has ${size} bytes, but partition ${partition.number} of its partition table ends at ${partition.end}; ` +
    'what is missing cannot be read'
  );
}

/** Bytes of a volume with a parameter block; the boot loaders of many guests have code in its place. */
function volumeSize(view: DataView): number | undefined {
  const sectorsPerCluster = view.getUint8(SECTORS_PER_CLUSTER);
  const isBlock =
    view.getUint16(BYTES_PER_SECTOR, true) === SECTOR_SIZE &&
    sectorsPerCluster !== 0 &&
    (sectorsPerCluster & (sectorsPerCluster - 1)) === 0 &&
    view.getUint16(RESERVED_SECTORS, true) !== 0 &&
    [1, 2].includes(view.getUint8(FAT_COUNT)) &&
    view.getUint8(MEDIA_DESCRIPTOR) >= 0xf0;
  const sectors = view.getUint16(TOTAL_SECTORS_16, true) || view.getUint32(TOTAL_SECTORS_32, true);
  return isBlock && sectors !== 0 ? sectors * SECTOR_SIZE : undefined;
}

interface Partition {
  readonly number: number;
  readonly end: number;
}

/** The partition that ends last; undefined where there is code in place of the table. */
function lastPartition(view: DataView): Partition | undefined {
  const entries = Array.from({ length: 4 }, (_, index) => PARTITIONS + index * PARTITION_SIZE);
  if (entries.some((at) => (view.getUint8(at) & 0x7f) !== 0)) return undefined;
  const partitions = entries.flatMap((at, index): Partition[] => {
    const end =
      (view.getUint32(at + PARTITION_START, true) + view.getUint32(at + PARTITION_SECTORS, true)) * SECTOR_SIZE;
    return view.getUint8(at + PARTITION_TYPE) === 0 ? [] : [{ number: index + 1, end }];
  });
  return partitions.toSorted((left, right) => right.end - left.end)[0];
}
