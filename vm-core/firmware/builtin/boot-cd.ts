/** Starting from a disc: loads the boot image of its catalog and makes a drive of it ("El Torito" 1.0, sections 3 and 4). */
import type { BlockStore } from '../../machine/block-store.ts';
import type { FirmwareContext } from '../firmware.ts';
import { CONVENTIONAL_KIB } from './bios-data.ts';
import { type BootEntry, findBootEntry } from './disk/boot-catalog.ts';
import {
  CD_BLOCK_SIZE,
  type CdBoot,
  driveOf,
  MEDIA_DISK,
  MEDIA_FLOPPY_1200,
  MEDIA_FLOPPY_1440,
  MEDIA_FLOPPY_2880,
  writeCdBoot,
} from './disk/cd-boot-state.ts';
import { diskGeometry, type Geometry, partitionedSectors, SECTOR_SIZE, sectorCount } from './disk/geometry.ts';

/** What is to be started, or when to try again, or why not (completes "image …"). */
export type CdBootResult =
  | { readonly boot: CdBoot; readonly bytes: Uint8Array }
  | { readonly wait: Promise<void> }
  | { readonly reason: string };

const NO_GEOMETRY: Geometry = { cylinders: 0, heads: 0, sectors: 0 };
const floppyGeometries: ReadonlyMap<number, Geometry> = new Map([
  [MEDIA_FLOPPY_1200, { cylinders: 80, heads: 2, sectors: 15 }],
  [MEDIA_FLOPPY_1440, { cylinders: 80, heads: 2, sectors: 18 }],
  [MEDIA_FLOPPY_2880, { cylinders: 80, heads: 2, sectors: 36 }],
]);
const SECTORS_MAX = 0xffff_ffff;

/** Finds and reads the boot image of a disc. Nothing of the guest changes. */
export function readCdBootImage(store: BlockStore): CdBootResult {
  const found = findBootEntry(store);
  return 'entry' in found ? loadImage(store, found.entry) : found;
}

function loadImage(store: BlockStore, entry: BootEntry): CdBootResult {
  const start = entry.block * CD_BLOCK_SIZE;
  const wanted = entry.loadCount * SECTOR_SIZE;
  if (start >= store.size) return { reason: `has its boot image behind its end (block ${entry.block})` };
  if (entry.loadSegment * 16 + wanted > CONVENTIONAL_KIB * 1024) {
    return { reason: `has a boot image of ${wanted} bytes, which do not fit below 640 KiB` };
  }
  // A disc may end within the last block; what is missing is zero.
  const bytes = new Uint8Array(wanted);
  const wait = store.read(start, bytes.subarray(0, Math.min(wanted, store.size - start)));
  if (wait) return { wait };
  return { boot: describe(store, entry, bytes), bytes };
}

/** The emulated drive has the size of its medium, or of its partitions, as far as the disc goes. */
function describe(store: BlockStore, entry: BootEntry, firstSectors: Uint8Array): CdBoot {
  const available = Math.floor((store.size - entry.block * CD_BLOCK_SIZE) / SECTOR_SIZE);
  const { media } = entry;
  if (media === MEDIA_DISK) {
    const sectors = Math.min(partitionedSectors(firstSectors) ?? available, available, SECTORS_MAX);
    return { ...entry, drive: driveOf(media), geometry: diskGeometry(sectors, firstSectors), sectors };
  }
  const geometry = floppyGeometries.get(media) ?? NO_GEOMETRY;
  return { ...entry, drive: driveOf(media), geometry, sectors: Math.min(sectorCount(geometry), available) };
}

/** Puts the image into memory and records the start; returns where it begins, as CS in the upper and IP in the lower half. */
export function startCdBoot(context: FirmwareContext, boot: CdBoot, bytes: Uint8Array): number {
  context.memory.writeBytes(boot.loadSegment * 16, bytes);
  writeCdBoot(context, boot);
  // 07C0h is 0000:7C00, where boot sectors expect to be.
  return (((boot.loadSegment & 0xf000) << 16) | ((boot.loadSegment & 0x0fff) << 4)) >>> 0;
}
