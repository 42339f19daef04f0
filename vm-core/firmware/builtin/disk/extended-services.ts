/**
 * INT 13h by logical block: the enhanced disk drive services of hard disks (INCITS 407-2005 EDD-3, version 1.x set
 * "fixed disk access"). Floppies have none, as in most BIOSes.
 */
import type { Caller } from '../caller.ts';
import type { Service, ServiceResult } from '../service.ts';
import { finish, withDrive } from './disk-services.ts';
import {
  type Drive,
  STATUS_BAD_COMMAND,
  STATUS_BOUNDARY,
  STATUS_NOT_REMOVABLE,
  STATUS_OK,
  type Transfer,
  TRANSFER_SECTORS_MAX,
  transferSectors,
} from './drive.ts';
import { DISK_DRIVE } from './drive-numbers.ts';

const CHECK_KEY = 0x55aa;
const CHECK_ANSWER = 0xaa55;
/** EDD 1.1. */
const VERSION = 0x21;
/** Bit 0: functions 42h–44h, 47h, 48h. */
const SUPPORTED_SUBSETS = 1;

/** Offsets in the disk address packet at DS:SI. */
const PACKET_SIZE = 0x10;
const PACKET_COUNT = 2;
const PACKET_BUFFER = 4;
const PACKET_BLOCK = 8;
const FLAT_BUFFER = 0xffff_ffff;

const row = (ah: number, name: string, run: (caller: Caller, drive: Drive) => ServiceResult): Service => ({
  interrupt: 0x13,
  function: { ah },
  name,
  run: withDrive((caller, drive) =>
    drive.number < DISK_DRIVE ? finish(caller, drive.number, STATUS_BAD_COMMAND) : run(caller, drive),
  ),
});

function checkExtensions(caller: Caller, drive: Drive): undefined {
  if (caller.bx !== CHECK_KEY) return finish(caller, drive.number, STATUS_BAD_COMMAND);
  finish(caller, drive.number, STATUS_OK);
  caller.bx = CHECK_ANSWER;
  caller.ah = VERSION;
  caller.cx = SUPPORTED_SUBSETS;
}

/** A block number of 64 bits; beyond 2^53 it is as far outside every image as any other. */
function packetBlock(caller: Caller, packet: number): number {
  const low = caller.memory.read(packet + PACKET_BLOCK, 4);
  return caller.memory.read(packet + PACKET_BLOCK + 4, 4) * 0x1_0000_0000 + low;
}

const transfer =
  (kind: Transfer) =>
  (caller: Caller, drive: Drive): ServiceResult => {
    const { memory } = caller;
    const packet = caller.ds(caller.si);
    if (memory.read(packet, 1) < PACKET_SIZE) return finish(caller, drive.number, STATUS_BAD_COMMAND);
    const count = memory.read(packet + PACKET_COUNT, 2);
    const first = packetBlock(caller, packet);
    const fail = (status: number): undefined => {
      memory.write(packet + PACKET_COUNT, 2, 0);
      return finish(caller, drive.number, status);
    };
    if (count > TRANSFER_SECTORS_MAX) return fail(STATUS_BOUNDARY);
    if (count === 0) return finish(caller, drive.number, STATUS_OK);
    if (first + count > drive.sectors) {
      caller.context.logOnce(
        `BIOS: INT 13h: blocks ${first} to ${first + count - 1} lie behind the end of ${drive.store.name}, ` +
          `which has ${drive.sectors}`,
      );
      return fail(STATUS_BAD_COMMAND);
    }
    const buffer = bufferAddress(caller, packet);
    if (buffer === undefined) return fail(STATUS_BOUNDARY);
    const status = transferSectors(caller.context, { drive, transfer: kind, first, count, buffer });
    if (typeof status !== 'number') return status;
    return status === STATUS_OK ? finish(caller, drive.number, status) : fail(status);
  };

/** A far pointer, or FFFF:FFFF with a flat 64-bit address behind the block number; undefined above 4 GiB. */
function bufferAddress({ memory }: Caller, packet: number): number | undefined {
  const pointer = memory.read(packet + PACKET_BUFFER, 4);
  if (pointer !== FLAT_BUFFER) return ((pointer >>> 16) << 4) + (pointer & 0xffff);
  if (memory.read(packet, 1) < PACKET_SIZE + 8 || memory.read(packet + PACKET_SIZE + 4, 4) !== 0) return undefined;
  return memory.read(packet + PACKET_SIZE, 4);
}

function seek(caller: Caller, drive: Drive): undefined {
  const inside = packetBlock(caller, caller.ds(caller.si)) < drive.sectors;
  finish(caller, drive.number, inside ? STATUS_OK : STATUS_BAD_COMMAND);
}

/** Locking and ejecting are for drives whose medium can be taken out. */
function refuseRemoval(caller: Caller, drive: Drive): undefined {
  return finish(caller, drive.number, STATUS_NOT_REMOVABLE);
}

const RESULT_SIZE = 26;
/** With room for it, version 2 adds a pointer to a table that describes the controller: here there is none. */
const RESULT_SIZE_2 = 30;
/** Bit 1: the geometry is valid. */
const GEOMETRY_VALID = 2;
/** Bit 2: the medium can be taken out. */
const REMOVABLE = 4;

function getParameters(caller: Caller, drive: Drive): undefined {
  const { memory } = caller;
  const result = caller.ds(caller.si);
  const room = memory.read(result, 2);
  if (room < RESULT_SIZE) return finish(caller, drive.number, STATUS_BAD_COMMAND);
  const bytes = new Uint8Array(room < RESULT_SIZE_2 ? RESULT_SIZE : RESULT_SIZE_2).fill(0xff);
  const view = new DataView(bytes.buffer);
  const { heads, sectors } = drive.geometry;
  view.setUint16(0, bytes.length, true);
  if (heads === 0) {
    view.setUint16(2, REMOVABLE, true);
  } else {
    view.setUint16(2, GEOMETRY_VALID, true);
    view.setUint32(4, Math.min(Math.max(1, Math.floor(drive.sectors / (heads * sectors))), 0xffff_ffff), true);
    view.setUint32(8, heads, true);
    view.setUint32(12, sectors, true);
  }
  view.setUint32(16, drive.sectors % 0x1_0000_0000, true);
  view.setUint32(20, Math.floor(drive.sectors / 0x1_0000_0000), true);
  view.setUint16(24, drive.sectorSize, true);
  memory.writeBytes(result, bytes);
  return finish(caller, drive.number, STATUS_OK);
}

export const extendedDiskServices: readonly Service[] = [
  row(0x41, 'check extensions', checkExtensions),
  row(0x42, 'extended read', transfer('read')),
  row(0x43, 'extended write', transfer('write')),
  row(0x44, 'extended verify', transfer('verify')),
  row(0x45, 'lock or unlock drive', refuseRemoval),
  row(0x46, 'eject', refuseRemoval),
  row(0x47, 'extended seek', seek),
  row(0x48, 'get extended drive parameters', getParameters),
  row(0x49, 'extended change of medium', (caller, drive) => finish(caller, drive.number, STATUS_OK)),
];
