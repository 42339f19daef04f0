/**
 * The built-in BIOS: a ROM of real-mode entry points whose services are TypeScript (DESIGN §9). It keeps all of its state
 * in guest memory and devices, so a snapshot of those is a snapshot of the BIOS.
 */
import { font8x8 } from '../../devices/vga/font-8x8.ts';
import { font8x14 } from '../../devices/vga/font-8x14.ts';
import { font8x16 } from '../../devices/vga/font-8x16.ts';
import type { MachineConfig } from '../../machine/machine.ts';
import type { Firmware, FirmwareContext, FirmwareHook } from '../firmware.ts';
import { bootFailedHook, bootHook } from './boot.ts';
import {
  clockHook,
  defaultHook,
  keyboardHook,
  nmiHook,
  pauseHook,
  sharedDefaultHook,
  timerHook,
} from './interrupts.ts';
import { mouseHooks } from './mouse/mouse-hooks.ts';
import { acpiTables } from './acpi-tables.ts';
import { mpTables } from './mp-tables.ts';
import { optionRomHook, postHook } from './post.ts';
import { printerHooks } from './printer-services.ts';
import { buildRom, DATE, DUMMY_IRET, ROM_BASE, type RomLabels, serviceInterrupts } from './rom.ts';
import { serialPollHook, serialTimeoutHook } from './serial-services.ts';
import { serviceHook } from './service.ts';
import { services, unknownFunction } from './services.ts';
import { ACPI_POINTER, MP_POINTER } from './table-bytes.ts';
import { waitHook } from './system-services.ts';
import { floppyHook } from './floppy-start.ts';
import { smbiosStructures } from './smbios.ts';
import { stringPieceHook, stringStartHook } from './video/write-string.ts';
import { withWrappedMemory } from './wrapped-memory.ts';

export { BOOT_ADDRESS } from './rom.ts';
export { DISK_DRIVE, FLOPPY_DRIVE } from './disk/drive-numbers.ts';

const BANNER = 'x86 VM Debugger BIOS';
const VERSION = '1.0';
/** The SMBIOS wants a year of four digits. */
const DATE_IN_FULL: string = DATE.replace(/\d\d$/, '20$&');

export interface BuiltinBiosOptions {
  /** Prints no line at power-on. */
  readonly quiet?: boolean;
  /** What the SMBIOS tells of the machine; without it there is no SMBIOS. */
  readonly machine?: Pick<MachineConfig, 'memorySize' | 'memoryLowSize' | 'cpuModel' | 'localApic' | 'topology'>;
}

/** Makes the firmware. The boot order is the CMOS's (byte 3Dh): floppy, then disk, unless it says otherwise. */
export function createBuiltinBios(options: BuiltinBiosOptions = {}): Firmware {
  const { machine } = options;
  const smbios = machine ? smbiosStructures({ ...machine, biosVersion: VERSION, biosDate: DATE_IN_FULL }) : [];
  const tables = machine
    ? [
        { at: MP_POINTER, bytes: mpTables(machine, ROM_BASE + MP_POINTER) },
        { at: ACPI_POINTER, bytes: acpiTables(machine, ROM_BASE + ACPI_POINTER) },
      ]
    : [];
  const { bytes, labels } = buildRom({ font8x8, font8x14, font8x16 }, smbios, tables);
  const hooks = new Map<number, FirmwareHook>();
  const wrapped = new WeakMap<FirmwareContext, FirmwareContext>();
  for (const [offset, hook] of hooksOf(labels, options.quiet === true ? undefined : BANNER)) {
    hooks.set(ROM_BASE + offset, withWrappedMemory(hook, wrapped));
  }
  return { rom: bytes, hooks };
}

function hooksOf(labels: RomLabels, banner: string | undefined): readonly (readonly [number, FirmwareHook])[] {
  return [
    ...serviceInterrupts.map((interrupt): readonly [number, FirmwareHook] => {
      const entry = labels.services[interrupt];
      return [entry.offset, serviceHook(interrupt, entry, services, unknownFunction(interrupt))];
    }),
    ...[...labels.defaultHandlers].map(([vector, offset]): readonly [number, FirmwareHook] => [
      offset,
      defaultHook(labels, vector),
    ]),
    [labels.sharedDefault, sharedDefaultHook],
    [labels.postHook, postHook(labels)],
    [labels.floppyHook, floppyHook],
    [labels.optionRomHook, optionRomHook(labels, banner)],
    [labels.bootHook, bootHook(labels)],
    [labels.bootFailed, bootFailedHook],
    [labels.nmi, nmiHook],
    [labels.timer, timerHook],
    [labels.clock, clockHook(labels)],
    [labels.keyboardHook, keyboardHook(labels)],
    [labels.keyboardPauseHook, pauseHook(labels)],
    [labels.stringStartHook, stringStartHook],
    [labels.stringPieceHook, stringPieceHook(labels)],
    [labels.serialPollHook, serialPollHook],
    [labels.serialTimeoutHook, serialTimeoutHook],
    [labels.waitHook, waitHook(labels)],
    ...mouseHooks(labels),
    ...printerHooks(labels, DUMMY_IRET),
  ];
}
