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
import { bda } from './bios-data.ts';
import { readCdBootImage, startCdBoot } from './boot-cd.ts';
import { readCmos } from './cmos.ts';
import { forgetCdBoot } from './disk/cd-boot-state.ts';
import { CD_DRIVE, DISK_DRIVE, FLOPPY_DRIVE } from './disk/drive-numbers.ts';
import { hasBootSignature, SECTOR_SIZE } from './disk/geometry.ts';
import { BOOT_ADDRESS, type RomLabels, STACK_TOP } from './rom.ts';
import { goTo } from './service.ts';
import { startKernel } from './start-kernel.ts';
import { printMessage } from './video/teletype.ts';

/** AX at the start of a boot sector, as SeaBIOS and others leave it. */
const BOOT_AX = 0xaa55;
/** CMOS bytes whose halves name the devices: 1 floppy, 2 hard disk, 3 CD-ROM; the third is the high half of the second. */
const BOOT_ORDER = 0x3d;
const BOOT_ORDER_THIRD = 0x38;
/** A sector that begins with less is no program: IBM's test for a blank diskette. */
const FIRST_OPCODE_MIN = 0x06;

interface BootDevice {
  readonly drive: number;
  readonly title: string;
  readonly store: BlockStore | undefined;
}

/** In the order that the CMOS gives; what it does not name comes after. */
function bootDevices(context: FirmwareContext): readonly BootDevice[] {
  const devices: readonly BootDevice[] = [
    { drive: FLOPPY_DRIVE, title: 'floppy', store: context.floppy },
    { drive: DISK_DRIVE, title: 'disk', store: context.disk },
    { drive: CD_DRIVE, title: 'CD-ROM', store: context.cdrom },
  ];
  const order = readCmos(context, BOOT_ORDER);
  const named = [order & 0x0f, order >> 4, readCmos(context, BOOT_ORDER_THIRD) >> 4].map(
    (number) => devices[number - 1],
  );
  return [...new Set([...named.filter((device) => device !== undefined), ...devices])];
}

/** Why a sector cannot be started (completes "image …"), or undefined. */
function obstacle(
  context: FirmwareContext,
  device: BootDevice,
  store: BlockStore,
  sector: Uint8Array,
): string | undefined {
  if (hasBootSignature(sector)) return undefined;
  if (device.drive === DISK_DRIVE) return 'has no 55AA signature';
  const first = sector[0] as number;
  const blank = first < FIRST_OPCODE_MIN || sector.subarray(0, 16).every((byte) => byte === first);
  if (blank) return 'has neither a 55AA signature nor code in its first sector';
  context.logOnce(
    `BIOS: ${device.title} image ${store.name} has no 55AA signature at offset 510; it is started as most BIOSes do, ` +
      'but some (SeaBIOS, QEMU) refuse it',
  );
  return undefined;
}

/** Started (undefined), to be tried again, or why not. */
type Attempt = undefined | Promise<void> | string;

function trySector(context: FirmwareContext, device: BootDevice, store: BlockStore): Attempt {
  if (store.size < SECTOR_SIZE) return 'is empty';
  const sector = new Uint8Array(SECTOR_SIZE);
  const wait = store.read(0, sector);
  if (wait) return wait;
  const reason = obstacle(context, device, store, sector);
  if (reason !== undefined) return reason;
  context.memory.writeBytes(BOOT_ADDRESS, sector);
  setRegisters(context, device.drive);
  return undefined;
}

/** The image may begin elsewhere than a sector does: the ROM jumps through a pointer. */
function tryDisc(context: FirmwareContext, labels: RomLabels, store: BlockStore): Attempt {
  const result = readCdBootImage(store);
  if ('wait' in result) return result.wait;
  if ('reason' in result) return result.reason;
  const start = startCdBoot(context, result.boot, result.bytes);
  setRegisters(context, result.boot.drive);
  context.memory.write(bda.RESET_RETURN, 4, start);
  goTo(new Caller(context), labels.bootHook, labels.resetReturn);
  return undefined;
}

/** The hook of INT 19h. Afterwards the ROM jumps to the sector, or halts below the message. */
export function bootHook(labels: RomLabels): FirmwareHook {
  return (context) => {
    if (context.kernel) {
      startKernel(context, context.kernel);
      return undefined;
    }
    const obstacles: string[] = [];
    forgetCdBoot(context);
    for (const device of bootDevices(context)) {
      const { store } = device;
      if (!store) continue;
      const result = device.drive === CD_DRIVE ? tryDisc(context, labels, store) : trySector(context, device, store);
      if (result === undefined || result instanceof Promise) return result;
      obstacles.push(`${device.title} image ${store.name} ${result}`);
    }
    const reason = obstacles.length === 0 ? 'the machine has no floppy, disk or CD-ROM image' : obstacles.join('; ');
    const message = `No bootable disk: ${reason}`;
    printMessage(context, `\n${message}\n`);
    context.request({ kind: 'boot-failure', message });
    goTo(new Caller(context), labels.bootHook, labels.halt);
    return undefined;
  };
}

/** Registers and stack are as a boot sector usually finds them. */
function setRegisters({ state }: FirmwareContext, drive: number): void {
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
