/**
 * INT 19h: finds a boot sector, loads it to 0000:7C00 and starts it (BIOS Boot Specification 1.01).
 *
 * A hard disk's first sector must end with 55AAh. A floppy's need not: IBM's BIOS and most after it start any sector that
 * is not plainly blank, though SeaBIOS (and so QEMU) refuses one without; the difference is reported, once.
 */
import type { BlockStore } from '../../machine/block-store.ts';
import { IF } from '../../state/lazy-flags.ts';
import { DS, ES, FS, GS, SS, slot } from '../../state/layout.ts';
import type { FirmwareContext, FirmwareHook } from '../firmware.ts';
import { Caller } from './caller.ts';
import { readCmos } from './cmos.ts';
import { DISK_DRIVE, FLOPPY_DRIVE } from './disk/drive.ts';
import { hasBootSignature, SECTOR_SIZE } from './disk/geometry.ts';
import { BOOT_ADDRESS, type RomLabels, STACK_TOP } from './rom.ts';
import { goTo } from './service.ts';
import { printMessage } from './video/teletype.ts';

/** AX at the start of a boot sector, as SeaBIOS and others leave it. */
const BOOT_AX = 0xaa55;
/** CMOS byte whose halves name the first and second device: 1 floppy, 2 hard disk. */
const BOOT_ORDER = 0x3d;
const ORDER_FLOPPY = 1;
const ORDER_DISK = 2;
/** A sector that begins with less is no program: IBM's test for a blank diskette. */
const FIRST_OPCODE_MIN = 0x06;

interface BootDevice {
  readonly drive: number;
  readonly title: string;
  readonly store: BlockStore | undefined;
}

function bootDevices(context: FirmwareContext): readonly BootDevice[] {
  const floppy = { drive: FLOPPY_DRIVE, title: 'floppy', store: context.floppy };
  const disk = { drive: DISK_DRIVE, title: 'disk', store: context.disk };
  const order = readCmos(context, BOOT_ORDER);
  return (order & 0x0f) === ORDER_DISK && order >> 4 !== ORDER_FLOPPY ? [disk, floppy] : [floppy, disk];
}

/** Why a sector cannot be started, or undefined. */
function obstacle(
  context: FirmwareContext,
  device: BootDevice,
  store: BlockStore,
  sector: Uint8Array,
): string | undefined {
  const image = `${device.title} image ${store.name}`;
  if (hasBootSignature(sector)) return undefined;
  if (device.drive === DISK_DRIVE) return `${image} has no 55AA signature`;
  const first = sector[0] as number;
  const blank = first < FIRST_OPCODE_MIN || sector.subarray(0, 16).every((byte) => byte === first);
  if (blank) return `${image} has neither a 55AA signature nor code in its first sector`;
  context.logOnce(
    `BIOS: ${image} has no 55AA signature at offset 510; it is started as most BIOSes do, ` +
      'but some (SeaBIOS, QEMU) refuse it',
  );
  return undefined;
}

/** The hook of INT 19h. Afterwards the ROM jumps to the sector, or halts below the message. */
export function bootHook(labels: RomLabels): FirmwareHook {
  return (context) => {
    const obstacles: string[] = [];
    for (const device of bootDevices(context)) {
      const { store } = device;
      if (!store) continue;
      if (store.size < SECTOR_SIZE) {
        obstacles.push(`${device.title} image ${store.name} is empty`);
        continue;
      }
      const sector = new Uint8Array(SECTOR_SIZE);
      const wait = store.read(0, sector);
      if (wait) return wait;
      const reason = obstacle(context, device, store, sector);
      if (reason === undefined) {
        startSector(context, device.drive, sector);
        return undefined;
      }
      obstacles.push(reason);
    }
    const reason = obstacles.length === 0 ? 'the machine has no floppy or disk image' : obstacles.join('; ');
    const message = `No bootable disk: ${reason}`;
    printMessage(context, `\n${message}\n`);
    context.request({ kind: 'boot-failure', message });
    goTo(new Caller(context), labels.bootHook, labels.halt);
    return undefined;
  };
}

/** Loads the sector; registers and stack are as a boot sector usually finds them. */
function startSector(context: FirmwareContext, drive: number, sector: Uint8Array): void {
  const { state, memory } = context;
  memory.writeBytes(BOOT_ADDRESS, sector);
  for (const register of [slot.EAX, slot.EBX, slot.ECX, slot.EDX, slot.ESI, slot.EDI, slot.EBP]) {
    state.write32(register, 0);
  }
  state.write16(slot.EAX, BOOT_AX);
  state.write8(slot.EDX, drive);
  for (const segment of [DS, ES, SS, FS, GS]) {
    state.setSegment(segment, { ...state.segment(segment), selector: 0, base: 0 });
  }
  state.write32(slot.ESP, STACK_TOP);
  state.eflags = IF;
}

/** INT 18h: a boot sector has given up. */
export const bootFailedHook: FirmwareHook = (context) => {
  const message = 'No bootable disk: the boot sector gave up (INT 18h)';
  printMessage(context, `\n${message}\n`);
  context.request({ kind: 'boot-failure', message });
  return undefined;
};
