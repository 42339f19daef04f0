/** Which drive an image goes into when the user only says "boot this". */
import { FLOPPY_SIZE_MAX, FLOPPY_SIZES } from '../../vm-core/index.ts';

/** Offset of the media descriptor in a FAT boot sector, and its value for floppies of the usual kinds. */
const MEDIA_DESCRIPTOR = 0x15;
const FLOPPY_MEDIA: ReadonlySet<number> = new Set([0xf0, 0xf9, 0xfd, 0xff, 0xfc, 0xfe]);
const BYTES_PER_SECTOR = 0x0b;

/**
 * The drive for an image: the floppy if it has the size of one, or a boot sector with a floppy's BIOS parameter block;
 * otherwise the first hard disk.
 */
export function driveForImage(size: number, bootSector: Uint8Array): 'floppy' | 'disk' {
  if (FLOPPY_SIZES.includes(size)) return 'floppy';
  const bytesPerSector = (bootSector[BYTES_PER_SECTOR] ?? 0) | ((bootSector[BYTES_PER_SECTOR + 1] ?? 0) << 8);
  const hasFloppyParameters = bytesPerSector === 512 && FLOPPY_MEDIA.has(bootSector[MEDIA_DESCRIPTOR] ?? 0);
  return hasFloppyParameters && size <= FLOPPY_SIZE_MAX ? 'floppy' : 'disk';
}
