/** INT 13h, AH=4Bh: how the machine was started from a disc ("El Torito" 1.0, section 5). */
import type { Caller } from '../caller.ts';
import type { Service } from '../service.ts';
import { type CdBoot, endEmulation, readCdBoot } from './cd-boot-state.ts';
import { finish } from './disk-services.ts';
import { CD_DRIVE } from './drive-numbers.ts';
import { STATUS_BAD_COMMAND, STATUS_OK } from './drive.ts';

const END = 0;
const ASK = 1;
/** "End" for whatever drive is emulated. */
const ANY_DRIVE = 0x7f;
const PACKET_SIZE = 0x13;

/** The specification packet: cylinders, heads and sectors stand as INT 13h, AH=08h returns them. */
function packetOf({ media, drive, block, loadSegment, loadCount, geometry }: CdBoot): Uint8Array {
  const bytes = new Uint8Array(PACKET_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, PACKET_SIZE);
  view.setUint8(1, media);
  view.setUint8(2, drive);
  view.setUint32(4, block, true);
  view.setUint16(0x0c, loadSegment, true);
  view.setUint16(0x0e, loadCount, true);
  if (geometry.heads > 0) {
    const last = geometry.cylinders - 1;
    view.setUint8(0x10, last & 0xff);
    view.setUint8(0x11, ((last >> 2) & 0xc0) | geometry.sectors);
    view.setUint8(0x12, geometry.heads - 1);
  }
  return bytes;
}

function handleEmulation(caller: Caller): undefined {
  const { context, al, dl } = caller;
  const boot = readCdBoot(context);
  const known = boot && (dl === boot.drive || dl === CD_DRIVE || (dl === ANY_DRIVE && al === END));
  if (!known || al > ASK) return finish(caller, dl, STATUS_BAD_COMMAND);
  caller.memory.writeBytes(caller.ds(caller.si), packetOf(boot));
  if (al === END) endEmulation(context);
  return finish(caller, dl, STATUS_OK);
}

export const cdServices: readonly Service[] = [
  {
    interrupt: 0x13,
    function: { ah: 0x4b },
    name: 'end or describe the emulation of a drive by a disc',
    run: handleEmulation,
  },
];
