/**
 * INT 13h by cylinder, head and sector (IBM PS/2 BIOS Interface Technical Reference, "Interrupt 13h").
 */
import { mediumOf } from '../../../devices/floppy-controller/media.ts';
import type { Caller } from '../caller.ts';
import { ROM_SEGMENT } from '../rom.ts';
import type { Service, ServiceResult } from '../service.ts';
import { driveCount } from './cd-boot-state.ts';
import {
  type Drive,
  findDrive,
  STATUS_BAD_COMMAND,
  STATUS_OK,
  STATUS_SECTOR_NOT_FOUND,
  STATUS_WRITE_PROTECTED,
  statusAddress,
  type Transfer,
  TRANSFER_SECTORS_MAX,
  transferSectors,
} from './drive.ts';
import { DISK_DRIVE } from './drive-numbers.ts';
import { floppyParametersOf } from './floppy-parameters.ts';
import { SECTOR_SIZE, sectorCount } from './geometry.ts';

const row = (ah: number, name: string, run: (caller: Caller) => ServiceResult): Service => ({
  interrupt: 0x13,
  function: { ah },
  name,
  run,
});

/** Returns a status: in AH, in the BIOS data area, and as CF. */
export function finish(caller: Caller, drive: number, status: number): undefined {
  caller.memory.write(statusAddress(drive), 1, status);
  caller.ah = status;
  caller.carry = status !== STATUS_OK;
}

/** Runs a function for a drive that exists; the others answer that the command is bad. */
export function withDrive(run: (caller: Caller, drive: Drive) => ServiceResult): (caller: Caller) => ServiceResult {
  return (caller) => {
    const drive = findDrive(caller.context, caller.dl);
    return drive ? run(caller, drive) : finish(caller, caller.dl, STATUS_BAD_COMMAND);
  };
}

/** CX and DH as INT 13h packs them: bits 8–9 of the cylinder are bits 6–7 of CL, the sector is below. */
function cylinderHeadSector(caller: Caller): { cylinder: number; head: number; sector: number } {
  return { cylinder: caller.ch | ((caller.cl & 0xc0) << 2), head: caller.dh, sector: caller.cl & 0x3f };
}

/**
 * The sector number of CX and DH, or undefined outside the geometry. The part of a cylinder that an image may have behind
 * its last whole one is not in the geometry, but it is there.
 */
function logicalSector(caller: Caller, { geometry, sectors: imageSectors }: Drive): number | undefined {
  const { cylinder, head, sector } = cylinderHeadSector(caller);
  const { cylinders, heads, sectors } = geometry;
  if (sector === 0 || sector > sectors || head >= heads) return undefined;
  const logical = (cylinder * heads + head) * sectors + sector - 1;
  return cylinder < cylinders || logical < imageSectors ? logical : undefined;
}

const DMA_PAGE = 0x10000;

/** Real floppy controllers do not do what emulators do; the developer of a boot sector should hear of it. */
function warnOfFloppyLimits(caller: Caller, drive: Drive, first: number, count: number, buffer: number): void {
  const perCylinder = drive.geometry.heads * drive.geometry.sectors;
  if ((first % perCylinder) + count > perCylinder) {
    caller.context.logOnce(
      'BIOS: INT 13h: a floppy transfer goes on in the next cylinder; many BIOSes end at the track or cylinder',
    );
  }
  if ((buffer % DMA_PAGE) + count * SECTOR_SIZE > DMA_PAGE) {
    caller.context.logOnce(
      'BIOS: INT 13h: a floppy transfer crosses a 64 KiB boundary of memory; the DMA of real floppies fails there (AH=09h)',
    );
  }
}

const transfer = (kind: Transfer): ((caller: Caller) => ServiceResult) =>
  withDrive((caller, drive) => {
    const count = caller.al;
    const first = logicalSector(caller, drive);
    if (first === undefined || count === 0 || count > TRANSFER_SECTORS_MAX) {
      caller.al = 0;
      return finish(caller, drive.number, STATUS_BAD_COMMAND);
    }
    if (drive.floppy && first + count > Math.max(sectorCount(drive.geometry), drive.sectors)) {
      caller.al = 0;
      return finish(caller, drive.number, STATUS_SECTOR_NOT_FOUND);
    }
    const buffer = caller.es(caller.bx);
    if (drive.floppy) warnOfFloppyLimits(caller, drive, first, count, buffer);
    const status = transferSectors(caller.context, { drive, transfer: kind, first, count, buffer });
    if (typeof status !== 'number') return status;
    caller.al = status === STATUS_OK ? count : 0;
    return finish(caller, drive.number, status);
  });

const succeed = withDrive((caller, drive) => finish(caller, drive.number, STATUS_OK));

/** Reset works without a drive too: programs call it before they look. */
function resetDrives(caller: Caller): undefined {
  finish(caller, caller.dl, STATUS_OK);
}

function getStatus(caller: Caller): undefined {
  const status = caller.memory.read(statusAddress(caller.dl), 1);
  caller.ah = status;
  caller.carry = status !== STATUS_OK;
}

/** In the diskette parameter table, where INT 1Eh points. */
const FORMAT_FILLER = 8;
const PARAMETER_VECTOR = 0x1e * 4;

function formatFiller({ memory }: Caller): number {
  const table = memory.read(PARAMETER_VECTOR + 2, 2) * 16 + memory.read(PARAMETER_VECTOR, 2);
  return memory.read(table + FORMAT_FILLER, 1);
}

/** What the CMOS would say of the drive that a floppy of this format needs. */
const driveTypeOf = ({ geometry }: Drive): number => mediumOf(sectorCount(geometry) * SECTOR_SIZE).driveType;

/** A formatted track holds the filler byte of the diskette parameter table. Hard disks are not formatted this way. */
function formatTrack(caller: Caller, drive: Drive): ServiceResult {
  const { geometry, store, sectors } = drive;
  const { cylinder, head } = cylinderHeadSector(caller);
  if (!drive.floppy) return finish(caller, drive.number, STATUS_BAD_COMMAND);
  if (drive.readOnly) return finish(caller, drive.number, STATUS_WRITE_PROTECTED);
  if (head >= geometry.heads || cylinder >= geometry.cylinders) {
    return finish(caller, drive.number, STATUS_SECTOR_NOT_FOUND);
  }
  const first = (cylinder * geometry.heads + head) * geometry.sectors;
  if (first + geometry.sectors > sectors) return finish(caller, drive.number, STATUS_SECTOR_NOT_FOUND);
  const track = new Uint8Array(geometry.sectors * SECTOR_SIZE).fill(formatFiller(caller));
  return store.write(first * SECTOR_SIZE, track) ?? finish(caller, drive.number, STATUS_OK);
}

/** For drives that are not there CX and DX are 0 but for the count, so that careless callers divide by nothing. */
function getParameters(caller: Caller): ServiceResult {
  const number = caller.dl;
  const drive = findDrive(caller.context, number);
  const count = driveCount(caller.context, number < DISK_DRIVE);
  caller.al = 0;
  if (!drive || drive.geometry.heads === 0) {
    caller.cx = 0;
    caller.dx = count;
    if (number < DISK_DRIVE) caller.bx = 0;
    return finish(caller, number, STATUS_BAD_COMMAND);
  }
  const { cylinders, heads, sectors } = drive.geometry;
  caller.ch = (cylinders - 1) & 0xff;
  caller.cl = (((cylinders - 1) >> 2) & 0xc0) | sectors;
  caller.dh = heads - 1;
  caller.dl = count;
  if (drive.floppy) {
    caller.bx = driveTypeOf(drive);
    caller.setEs(ROM_SEGMENT);
    caller.di = floppyParametersOf(driveTypeOf(drive));
  }
  return finish(caller, number, STATUS_OK);
}

/** AH of function 15h. */
const TYPE_NONE = 0;
const TYPE_FLOPPY_WITH_CHANGE_LINE = 2;
const TYPE_DISK = 3;

function getType(caller: Caller): undefined {
  const drive = findDrive(caller.context, caller.dl);
  finish(caller, caller.dl, STATUS_OK);
  if (!drive) caller.ah = TYPE_NONE;
  else if (drive.floppy) caller.ah = TYPE_FLOPPY_WITH_CHANGE_LINE;
  else {
    const sectors = Math.min(sectorCount(drive.geometry), drive.sectors);
    caller.cx = Math.floor(sectors / 0x10000);
    caller.dx = sectors % 0x10000;
    caller.ah = TYPE_DISK;
  }
}

/** Function 17h prepares formatting by a number of drive and medium; the medium has the format it has. */
function setMediaType(caller: Caller, drive: Drive): undefined {
  finish(caller, drive.number, drive.floppy ? STATUS_OK : STATUS_BAD_COMMAND);
}

/** AH of function 18h for a format that the drive does not know. */
const STATUS_NO_SUCH_FORMAT = 0x0c;

/** Function 18h prepares formatting by cylinders and sectors, and gives the parameter table to use. */
function setMediaFormat(caller: Caller, drive: Drive): undefined {
  const { cylinder, sector } = cylinderHeadSector(caller);
  const { cylinders, sectors } = drive.geometry;
  if (!drive.floppy) return finish(caller, drive.number, STATUS_BAD_COMMAND);
  if (cylinder !== cylinders - 1 || sector !== sectors) return finish(caller, drive.number, STATUS_NO_SUCH_FORMAT);
  caller.setEs(ROM_SEGMENT);
  caller.di = floppyParametersOf(driveTypeOf(drive));
  return finish(caller, drive.number, STATUS_OK);
}

export const diskServices: readonly Service[] = [
  row(0x00, 'reset disk system', resetDrives),
  row(0x01, 'get status of last operation', getStatus),
  row(0x02, 'read sectors', transfer('read')),
  row(0x03, 'write sectors', transfer('write')),
  row(0x04, 'verify sectors', transfer('verify')),
  row(0x05, 'format track', withDrive(formatTrack)),
  row(0x08, 'get drive parameters', getParameters),
  row(0x09, 'initialize drive parameters', succeed),
  row(
    0x0c,
    'seek',
    withDrive((caller, drive) => {
      const { cylinder, head } = cylinderHeadSector(caller);
      const { cylinders, heads } = drive.geometry;
      return finish(caller, drive.number, cylinder < cylinders && head < heads ? STATUS_OK : STATUS_BAD_COMMAND);
    }),
  ),
  row(0x0d, 'alternate disk reset', resetDrives),
  row(0x10, 'test drive ready', succeed),
  row(0x11, 'recalibrate', succeed),
  row(0x12, 'controller memory diagnostic', succeed),
  row(0x13, 'drive diagnostic', succeed),
  row(0x14, 'controller diagnostic', succeed),
  row(0x15, 'get drive type', getType),
  row(0x16, 'get change-line status', succeed),
  row(0x17, 'set media type for format', withDrive(setMediaType)),
  row(0x18, 'set media format', withDrive(setMediaFormat)),
];
