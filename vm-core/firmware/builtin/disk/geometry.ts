/**
 * Cylinders, heads and sectors of a hard disk: by its partition table or by the usual translation (INCITS 407 EDD-2,
 * annex on geometry).
 */
export const SECTOR_SIZE = 512;

export interface Geometry {
  readonly cylinders: number;
  readonly heads: number;
  /** Sectors of a track. */
  readonly sectors: number;
}

const CYLINDERS_MAX = 1024;

export function sectorCount({ cylinders, heads, sectors }: Geometry): number {
  return cylinders * heads * sectors;
}

const SECTORS_MAX = 63;
/** Heads of the bit-shift translation, the last as many as a byte counts without upsetting old systems. */
const TRANSLATED_HEADS = [16, 32, 64, 128, 255];

/** The geometry of a hard disk of `sectors` sectors, whose first sector is `mbr`. */
export function diskGeometry(sectors: number, mbr: Uint8Array): Geometry {
  const found = partitionGeometry(mbr);
  const heads =
    found?.heads ??
    TRANSLATED_HEADS.find((candidate) => sectors <= candidate * SECTORS_MAX * CYLINDERS_MAX) ??
    (TRANSLATED_HEADS.at(-1) as number);
  const perTrack = found?.sectors ?? SECTORS_MAX;
  const cylinders = Math.max(1, Math.floor(sectors / (heads * perTrack)));
  return { cylinders: Math.min(cylinders, CYLINDERS_MAX), heads, sectors: perTrack };
}

const PARTITIONS = 0x1be;
const PARTITION_SIZE = 16;
const SIGNATURE = 0x1fe;

/**
 * What the tool that partitioned the disk took for its geometry: a partition ends at a cylinder's end, so its last head
 * and sector are the geometry's; every partition must agree, and its CHS start must say the same as its LBA start.
 */
function partitionGeometry(mbr: Uint8Array): { heads: number; sectors: number } | undefined {
  if (!hasBootSignature(mbr)) return undefined;
  let found: { heads: number; sectors: number } | undefined;
  const view = new DataView(mbr.buffer, mbr.byteOffset, mbr.byteLength);
  for (let entry = PARTITIONS; entry < SIGNATURE; entry += PARTITION_SIZE) {
    if (view.getUint8(entry + 4) === 0) continue;
    const heads = view.getUint8(entry + 5) + 1;
    const sectors = view.getUint8(entry + 6) & 0x3f;
    if (heads > 255 || heads === 1 || sectors === 0) return undefined;
    if (found && (found.heads !== heads || found.sectors !== sectors)) return undefined;
    const startSector = view.getUint8(entry + 2);
    const startCylinder = view.getUint8(entry + 3) | ((startSector & 0xc0) << 2);
    const start = (startCylinder * heads + view.getUint8(entry + 1)) * sectors + (startSector & 0x3f) - 1;
    if (startCylinder < CYLINDERS_MAX - 1 && start !== view.getUint32(entry + 8, true)) return undefined;
    found = { heads, sectors };
  }
  return found;
}

/** Sectors up to the end of the last partition, or undefined without one. */
export function partitionedSectors(mbr: Uint8Array): number | undefined {
  if (!hasBootSignature(mbr)) return undefined;
  const view = new DataView(mbr.buffer, mbr.byteOffset, mbr.byteLength);
  let end = 0;
  for (let entry = PARTITIONS; entry < SIGNATURE; entry += PARTITION_SIZE) {
    if (view.getUint8(entry + 4) === 0) continue;
    end = Math.max(end, view.getUint32(entry + 8, true) + view.getUint32(entry + 12, true));
  }
  return end === 0 ? undefined : end;
}

/** A boot sector ends with 55AAh. */
export function hasBootSignature(sector: Uint8Array): boolean {
  return sector[SIGNATURE] === 0x55 && sector[SIGNATURE + 1] === 0xaa;
}
