/**
 * The firmware configuration interface of emulators (QEMU documentation, "QEMU Firmware Configuration (fw_cfg) Device"):
 * numbered items and named files that firmware and test kernels read, byte by byte or by DMA. SeaBIOS takes its VGA BIOS
 * from here. Nothing can be written.
 */
import type { Device, DeviceContext, DeviceDescription, Region } from '../device.ts';
import { resetState } from '../device-state.ts';

export type FirmwareConfigState = {
  /** The selected item. */
  selector: number;
  /** How far it was read. */
  offset: number;
  /** Upper half of the address of the next DMA control structure. */
  dmaHigh: number;
};

const POWER_ON: FirmwareConfigState = { selector: 0, offset: 0, dmaHigh: 0 };

const ITEM_SIGNATURE = 0x00;
const ITEM_ID = 0x01;
const ITEM_RAM_SIZE = 0x03;
const ITEM_CPU_COUNT = 0x05;
const ITEM_CPU_COUNT_MAX = 0x0f;
const ITEM_FILE_DIRECTORY = 0x19;
/** Files have the items from here on. */
const ITEM_FILES = 0x20;

const NAME_SIZE = 56;
const ENTRY_SIZE = 8 + NAME_SIZE;
/** The value of ITEM_ID: by ports, and by DMA. */
const INTERFACES = 0b11;

/** Ports of the DMA address, most significant byte first; they read as this text. */
const DMA_SIGNATURE = 'QEMU CFG';
const DMA_SIZE = 8;
/** The control structure: control, length and the two halves of an address, all with the first byte highest. */
const DMA_STRUCTURE_SIZE = 16;
const DMA_ERROR = 1;
const DMA_READ = 2;
const DMA_SKIP = 4;
const DMA_SELECT = 8;
const DMA_WRITE = 16;
/** A longer transfer is an error: no item is as long, and a guest must not keep the machine busy with zeros. */
const DMA_LENGTH_MAX = 1 << 26;
/** Zeros behind an item's end are written in blocks of so many bytes. */
const DMA_BLOCK = 1 << 20;

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
    {
      name: 'DMA_ADDRESS_HIGH',
      region: 'dma',
      offset: 0,
      width: 32,
      reset: 0,
      writable: 0xffffffff,
      description: 'upper half of the address of a control structure; a write of the lower half starts it',
      value: (state) => state.dmaHigh,
    },
  ],
};

/** What the items tell of the machine. */
export interface MachineFacts {
  /** Bytes of RAM. */
  readonly ramSize: number;
  readonly cpuCount: number;
}

/** Files by name; a name has at most 55 characters. */
export type FirmwareFiles = Readonly<Record<string, Uint8Array>>;

/** Makes the interface: regions `registers` (2 ports: selector of 16 bits, then data) and `dma` (8 ports). */
export function createFirmwareConfig(
  context: DeviceContext,
  facts: MachineFacts,
  files: FirmwareFiles,
): Device<FirmwareConfigState> {
  const state: FirmwareConfigState = { ...POWER_ON };
  const items = itemsOf(facts, files);
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
      select(state, value);
    },
  };
  const dma: Region = {
    size: DMA_SIZE,
    width: 32,
    read: (offset, size) =>
      Array.from({ length: size }, (_, n) => DMA_SIGNATURE.charCodeAt(offset + n)).reduceRight(
        (value, byte) => value * 256 + byte,
        0,
      ),
    write(offset, size, value) {
      if (size !== 4) return;
      if (offset === 0) state.dmaHigh = swapped(value);
      if (offset !== 4) return;
      const address = state.dmaHigh * 2 ** 32 + swapped(value);
      state.dmaHigh = 0;
      transfer(context, state, items, address);
    },
  };
  return {
    description: firmwareConfigDescription,
    state,
    ports: { registers, dma },
    reset: () => resetState(state, POWER_ON),
  };
}

function select(state: FirmwareConfigState, item: number): void {
  state.selector = item;
  state.offset = 0;
}

/** Carries out the control structure at an address, and clears its control word when it is done. */
function transfer(
  { dma }: DeviceContext,
  state: FirmwareConfigState,
  items: ReadonlyMap<number, Uint8Array>,
  address: number,
): void {
  const structure = dma.read(address, DMA_STRUCTURE_SIZE);
  if (structure.length < DMA_STRUCTURE_SIZE) return;
  const view = new DataView(structure.buffer, structure.byteOffset, DMA_STRUCTURE_SIZE);
  const control = view.getUint32(0);
  const length = view.getUint32(4);
  const target = view.getUint32(8) * 2 ** 32 + view.getUint32(12);
  if ((control & DMA_SELECT) !== 0) select(state, control >>> 16);
  const isRead = (control & DMA_READ) !== 0;
  const isDone = (control & DMA_WRITE) === 0 && length <= DMA_LENGTH_MAX;
  if (isDone && isRead) copy(dma, items.get(state.selector) ?? new Uint8Array(), state.offset, target, length);
  if (isDone && (isRead || (control & DMA_SKIP) !== 0)) state.offset += length;
  dma.write(address, Uint8Array.of(0, 0, 0, isDone ? 0 : DMA_ERROR));
}

/** Copies a part of an item to memory; behind its end there are zeros. */
function copy(dma: DeviceContext['dma'], item: Uint8Array, offset: number, target: number, length: number): void {
  const there = item.subarray(offset, offset + length);
  dma.write(target, there);
  for (let at = there.length; at < length; at += DMA_BLOCK) {
    dma.write(target + at, new Uint8Array(Math.min(DMA_BLOCK, length - at)));
  }
}

function swapped(value: number): number {
  return (((value & 0xff) << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0;
}

function itemsOf({ ramSize, cpuCount }: MachineFacts, files: FirmwareFiles): ReadonlyMap<number, Uint8Array> {
  const entries = Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1));
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
    [ITEM_ID, Uint8Array.of(INTERFACES, 0, 0, 0)],
    [ITEM_RAM_SIZE, littleEndian(ramSize, 8)],
    [ITEM_CPU_COUNT, littleEndian(cpuCount, 2)],
    [ITEM_CPU_COUNT_MAX, littleEndian(cpuCount, 2)],
    [ITEM_FILE_DIRECTORY, directory],
    ...entries.map(([, bytes], index) => [ITEM_FILES + index, bytes] as const),
  ]);
}

const littleEndian = (value: number, size: number): Uint8Array =>
  Uint8Array.from({ length: size }, (_, n) => Math.floor(value / 256 ** n) % 256);

const characters = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
