/**
 * The firmware configuration interface of emulators (QEMU documentation, "QEMU Firmware Configuration (fw_cfg) Device"),
 * without DMA: named files for a firmware image, read byte by byte. SeaBIOS takes its VGA BIOS from here.
 */
import type { Device, DeviceContext, DeviceDescription, Region } from '../device.ts';
import { resetState } from '../device-state.ts';

export type FirmwareConfigState = {
  /** The selected item. */
  selector: number;
  /** How far it was read. */
  offset: number;
};

const POWER_ON: FirmwareConfigState = { selector: 0, offset: 0 };

const ITEM_SIGNATURE = 0x00;
const ITEM_ID = 0x01;
const ITEM_FILE_DIRECTORY = 0x19;
/** Files have the items from here on. */
const ITEM_FILES = 0x20;

const NAME_SIZE = 56;
const ENTRY_SIZE = 8 + NAME_SIZE;
/** The value of ITEM_ID: the interface by ports, and no other. */
const TRADITIONAL = 1;

export const firmwareConfigDescription: DeviceDescription<FirmwareConfigState> = {
  name: 'firmware-config',
  title: 'Firmware configuration',
  specification: 'QEMU documentation, "QEMU Firmware Configuration (fw_cfg) Device"',
  version: 1,
  registers: [
    {
      name: 'SELECTOR',
      region: 'registers',
      offset: 0,
      width: 16,
      reset: 0,
      writable: 0xffff,
      description: 'item that the data port gives',
      value: (state) => state.selector,
    },
    {
      name: 'OFFSET',
      width: 32,
      reset: 0,
      writable: 0,
      description: 'next byte of the item',
      value: (state) => state.offset,
    },
  ],
};

/** Files by name; a name has at most 55 characters. */
export type FirmwareFiles = Readonly<Record<string, Uint8Array>>;

/** Makes the interface: region `registers` (2 ports: the selector has 16 bits, the data is at the second port). */
export function createFirmwareConfig(_context: DeviceContext, files: FirmwareFiles): Device<FirmwareConfigState> {
  const state: FirmwareConfigState = { ...POWER_ON };
  const items = itemsOf(files);
  const registers: Region = {
    size: 2,
    width: 16,
    read(offset, size) {
      if (offset === 0 || size !== 1) return 0;
      const item = items.get(state.selector);
      if (item === undefined || state.offset >= item.length) return 0;
      state.offset += 1;
      return item[state.offset - 1] as number;
    },
    write(offset, size, value) {
      if (offset !== 0 || size !== 2) return;
      state.selector = value;
      state.offset = 0;
    },
  };
  return {
    description: firmwareConfigDescription,
    state,
    ports: { registers },
    reset: () => resetState(state, POWER_ON),
  };
}

function itemsOf(files: FirmwareFiles): ReadonlyMap<number, Uint8Array> {
  const entries = Object.entries(files);
  const directory = new Uint8Array(4 + entries.length * ENTRY_SIZE);
  const view = new DataView(directory.buffer);
  view.setUint32(0, entries.length);
  entries.forEach(([name, bytes], index) => {
    const at = 4 + index * ENTRY_SIZE;
    if (name.length >= NAME_SIZE) throw new Error(`a firmware file's name is too long: ${name}`);
    view.setUint32(at, bytes.length);
    view.setUint16(at + 4, ITEM_FILES + index);
    directory.set(characters(name), at + 8);
  });
  return new Map([
    [ITEM_SIGNATURE, characters('QEMU')],
    [ITEM_ID, Uint8Array.of(TRADITIONAL, 0, 0, 0)],
    [ITEM_FILE_DIRECTORY, directory],
    ...entries.map(([, bytes], index) => [ITEM_FILES + index, bytes] as const),
  ]);
}

const characters = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
