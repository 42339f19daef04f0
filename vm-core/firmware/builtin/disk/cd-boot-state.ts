/**
 * How the machine was started from a disc ("El Torito" Bootable CD-ROM Format Specification 1.0), kept in the EBDA: which
 * part of the disc stands for a floppy or hard disk, and what the boot catalog said.
 */
import type { FirmwareContext } from '../../firmware.ts';
import { bda, changeBits, ebda } from '../bios-data.ts';
import { CD_DRIVE, DISK_DRIVE, FLOPPY_DRIVE } from './drive-numbers.ts';
import type { Geometry } from './geometry.ts';

/** Media types of the boot catalog. */
export const MEDIA_NONE = 0;
export const MEDIA_FLOPPY_1200 = 1;
export const MEDIA_FLOPPY_1440 = 2;
export const MEDIA_FLOPPY_2880 = 3;
export const MEDIA_DISK = 4;

export const CD_BLOCK_SIZE = 2048;

export interface CdBoot {
  /** One of the media types above. */
  readonly media: number;
  /** The number that the boot image has: the disc drive's, or the first floppy's or hard disk's. */
  readonly drive: number;
  /** First block of the image on the disc. */
  readonly block: number;
  readonly loadSegment: number;
  /** Sectors of 512 bytes that are loaded at the start. */
  readonly loadCount: number;
  /** Of the emulated drive; all zero without emulation. */
  readonly geometry: Geometry;
  /** Sectors of 512 bytes that the emulated drive has. */
  readonly sectors: number;
}

/** Bytes of the record in the EBDA, and what its first one says. */
const RECORD_SIZE = 20;
const NOT_STARTED = 0;
const EMULATING = 1;
const ENDED = 2;

/** The number that an image of a media type gets. */
export function driveOf(media: number): number {
  if (media === MEDIA_NONE) return CD_DRIVE;
  return media === MEDIA_DISK ? DISK_DRIVE : FLOPPY_DRIVE;
}

/** Records the start; from now on the image is a drive and the ones of its kind move up by one. */
export function writeCdBoot(context: FirmwareContext, boot: CdBoot): void {
  const bytes = new Uint8Array(RECORD_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, EMULATING);
  view.setUint8(1, boot.media);
  view.setUint8(2, boot.drive);
  view.setUint32(4, boot.block, true);
  view.setUint16(8, boot.loadSegment, true);
  view.setUint16(10, boot.loadCount, true);
  view.setUint16(12, boot.geometry.cylinders, true);
  view.setUint8(14, boot.geometry.heads);
  view.setUint8(15, boot.geometry.sectors);
  view.setUint32(16, boot.sectors, true);
  context.memory.writeBytes(ebda.CD_BOOT, bytes);
  writeDriveCounts(context);
}

/** Before another start: no image is a drive. */
export function forgetCdBoot(context: FirmwareContext): void {
  if (context.memory.read(ebda.CD_BOOT, 1) === NOT_STARTED) return;
  context.memory.write(ebda.CD_BOOT, 1, NOT_STARTED);
  writeDriveCounts(context);
}

/** The image is a drive no longer. */
export function endEmulation(context: FirmwareContext): void {
  context.memory.write(ebda.CD_BOOT, 1, ENDED);
  writeDriveCounts(context);
}

/** How the machine was started from the disc that it has, or undefined if it was not. */
export function readCdBoot({ memory, cdrom }: FirmwareContext): CdBoot | undefined {
  const bytes = memory.readBytes(ebda.CD_BOOT, RECORD_SIZE);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const media = view.getUint8(1);
  if (!cdrom || view.getUint8(0) === NOT_STARTED || media > MEDIA_DISK) return undefined;
  return {
    media,
    drive: driveOf(media),
    block: view.getUint32(4, true),
    loadSegment: view.getUint16(8, true),
    loadCount: view.getUint16(10, true),
    geometry: { cylinders: view.getUint16(12, true), heads: view.getUint8(14), sectors: view.getUint8(15) & 0x3f },
    sectors: view.getUint32(16, true),
  };
}

/** The boot image while it stands for a drive. */
export function emulatedDrive(context: FirmwareContext): CdBoot | undefined {
  const boot = readCdBoot(context);
  const emulating = boot && boot.media !== MEDIA_NONE && context.memory.read(ebda.CD_BOOT, 1) === EMULATING;
  return emulating && boot.geometry.heads > 0 && boot.geometry.sectors > 0 ? boot : undefined;
}

/** How many floppies or hard disks INT 13h has. */
export function driveCount(context: FirmwareContext, floppies: boolean): number {
  const emulated = emulatedDrive(context)?.drive === (floppies ? FLOPPY_DRIVE : DISK_DRIVE);
  return ((floppies ? context.floppy : context.disk) ? 1 : 0) + (emulated ? 1 : 0);
}

const EQUIPMENT_FLOPPY = 1;
const EQUIPMENT_FLOPPY_COUNT = 6;

function writeDriveCounts(context: FirmwareContext): void {
  const floppies = driveCount(context, true);
  const bits = floppies === 0 ? 0 : EQUIPMENT_FLOPPY | ((floppies - 1) << EQUIPMENT_FLOPPY_COUNT);
  changeBits(context, bda.EQUIPMENT, EQUIPMENT_FLOPPY | (3 << EQUIPMENT_FLOPPY_COUNT), bits);
  context.memory.write(bda.DISK_COUNT, 1, driveCount(context, false));
}
