/**
 * A BIOS drive: its number, its image and its geometry, and the transfer of sectors between image and guest memory.
 */
import type { BlockStore } from '../../../machine/block-store.ts';
import { mediumOf } from '../../../devices/floppy-controller/media.ts';
import type { FirmwareContext } from '../../firmware.ts';
import { bda, ebda } from '../bios-data.ts';
import { CD_BLOCK_SIZE, type CdBoot, emulatedDrive } from './cd-boot-state.ts';
import { CD_DRIVE, DISK_DRIVE, FLOPPY_DRIVE } from './drive-numbers.ts';
import { diskGeometry, type Geometry, SECTOR_SIZE } from './geometry.ts';

/** Status codes of INT 13h (AH with CF set). */
export const STATUS_OK = 0x00;
export const STATUS_BAD_COMMAND = 0x01;
export const STATUS_WRITE_PROTECTED = 0x03;
export const STATUS_SECTOR_NOT_FOUND = 0x04;
export const STATUS_BOUNDARY = 0x09;
export const STATUS_NOT_REMOVABLE = 0xb2;

/** The most sectors that one call transfers: what a real-mode segment holds. */
export const TRANSFER_SECTORS_MAX = 128;

export interface Drive {
  readonly number: number;
  readonly store: BlockStore;
  readonly floppy: boolean;
  readonly geometry: Geometry;
  /** Sectors of the image. */
  readonly sectors: number;
  /** Bytes of a sector: 512, or 2,048 for a disc. */
  readonly sectorSize: number;
  readonly readOnly: boolean;
}

/** The drive of a number, or undefined if there is none. The one that a disc stands for moves those of its kind up. */
export function findDrive(context: FirmwareContext, number: number): Drive | undefined {
  const emulated = emulatedDrive(context);
  if (emulated && number === emulated.drive) return emulatedDriveOf(context, emulated);
  const moved = emulated !== undefined && number === emulated.drive + 1;
  return findOwnDrive(context, number, moved ? number - 1 : number);
}

function findOwnDrive(context: FirmwareContext, number: number, unit: number): Drive | undefined {
  if (unit === CD_DRIVE) return context.cdrom && discDrive(context.cdrom);
  const floppy = unit === FLOPPY_DRIVE;
  const store = floppy ? context.floppy : unit === DISK_DRIVE ? context.disk : undefined;
  if (!store) return undefined;
  const geometry = floppy ? mediumOf(store.size) : readDiskParameters(context, store);
  const sectors = Math.ceil(store.size / SECTOR_SIZE);
  return { number, store, floppy, geometry, sectors, sectorSize: SECTOR_SIZE, readOnly: false };
}

/** A disc is reached by block number only. */
function discDrive(store: BlockStore): Drive {
  const geometry = { cylinders: 0, heads: 0, sectors: 0 };
  const sectors = Math.floor(store.size / CD_BLOCK_SIZE);
  return { number: CD_DRIVE, store, floppy: false, geometry, sectors, sectorSize: CD_BLOCK_SIZE, readOnly: true };
}

/** Part of a disc as a floppy or hard disk. */
function emulatedDriveOf({ cdrom }: FirmwareContext, boot: CdBoot): Drive | undefined {
  const start = boot.block * CD_BLOCK_SIZE;
  if (!cdrom || start >= cdrom.size) return undefined;
  const size = Math.min(boot.sectors * SECTOR_SIZE, Math.floor((cdrom.size - start) / SECTOR_SIZE) * SECTOR_SIZE);
  const store: BlockStore = {
    name: `the boot image of ${cdrom.name}`,
    size,
    memoryUsed: 0,
    read: (offset, target) => cdrom.read(start + offset, target),
    write: () => {
      throw new Error('a disc is not written');
    },
  };
  return {
    number: boot.drive,
    store,
    floppy: boot.drive === FLOPPY_DRIVE,
    geometry: boot.geometry,
    sectors: size / SECTOR_SIZE,
    sectorSize: SECTOR_SIZE,
    readOnly: true,
  };
}

/** Where the last operation's status of a drive is kept. */
export const statusAddress = (drive: number): number => (drive < DISK_DRIVE ? bda.FLOPPY_STATUS : bda.DISK_STATUS);

/** Offsets in the fixed disk parameter table. */
const TABLE_SIZE = 16;
const TABLE_HEADS = 2;
const TABLE_CONTROL = 8;
const TABLE_LANDING_ZONE = 12;
const TABLE_SECTORS = 14;
const MORE_THAN_8_HEADS = 8;

/**
 * Works out the geometry of the hard disk and keeps it where INT 41h points, for the guest may partition the disk anew
 * while it runs. Called once, at power-on.
 */
export function writeDiskParameters(context: FirmwareContext, store: BlockStore, mbr: Uint8Array): void {
  const { cylinders, heads, sectors } = diskGeometry(Math.ceil(store.size / SECTOR_SIZE), mbr);
  const table = new Uint8Array(TABLE_SIZE);
  const view = new DataView(table.buffer);
  view.setUint16(0, cylinders, true);
  view.setUint8(TABLE_HEADS, heads);
  view.setUint8(TABLE_CONTROL, heads > 8 ? MORE_THAN_8_HEADS : 0);
  view.setUint16(TABLE_LANDING_ZONE, cylinders, true);
  view.setUint8(TABLE_SECTORS, sectors);
  context.memory.writeBytes(ebda.DISK_PARAMETERS, table);
}

/** Reads the table back; a guest that has overwritten it gets the translation of a disk without partitions. */
function readDiskParameters({ memory }: FirmwareContext, store: BlockStore): Geometry {
  const cylinders = memory.read(ebda.DISK_PARAMETERS, 2);
  const heads = memory.read(ebda.DISK_PARAMETERS + TABLE_HEADS, 1);
  const sectors = memory.read(ebda.DISK_PARAMETERS + TABLE_SECTORS, 1);
  if (cylinders >= 1 && cylinders <= 1024 && heads >= 1 && sectors >= 1 && sectors <= 63) {
    return { cylinders, heads, sectors };
  }
  return diskGeometry(Math.ceil(store.size / SECTOR_SIZE), new Uint8Array(SECTOR_SIZE));
}

/** What is done with sectors. */
export type Transfer = 'read' | 'write' | 'verify';

/** Some sectors of a drive and the guest's buffer for them. */
export interface TransferRequest {
  readonly drive: Drive;
  readonly transfer: Transfer;
  readonly first: number;
  readonly count: number;
  readonly buffer: number;
}

/**
 * Moves sectors at once, or returns the promise after which the same call succeeds. A floppy image that is shorter than
 * its format reads as zeros behind its end, as a diskette has all its sectors; a hard disk ends where its image does.
 */
export function transferSectors(context: FirmwareContext, request: TransferRequest): number | Promise<void> {
  const { drive, transfer, first, count, buffer } = request;
  const { sectorSize } = drive;
  if (drive.readOnly && transfer === 'write') return STATUS_WRITE_PROTECTED;
  const inside = Math.min(count, Math.max(0, drive.sectors - first));
  if (inside < count) {
    context.logOnce(
      `BIOS: INT 13h: sector ${first + inside} of drive ${drive.number.toString(16).padStart(2, '0')}h ` +
        `lies behind the end of ${drive.store.name}, which has ${drive.sectors}`,
    );
    if (!drive.floppy || transfer === 'write') return STATUS_SECTOR_NOT_FOUND;
  }
  if (transfer === 'write') {
    const bytes = context.memory.readBytes(buffer, count * sectorSize);
    return drive.store.write(first * sectorSize, bytes) ?? STATUS_OK;
  }
  const bytes = new Uint8Array(count * sectorSize);
  const wait = inside > 0 ? drive.store.read(first * sectorSize, bytes.subarray(0, inside * sectorSize)) : undefined;
  if (wait) return wait;
  if (transfer === 'read') context.memory.writeBytes(buffer, bytes);
  return STATUS_OK;
}
