/**
 * Saving and restoring the state of the video hardware (VBE 3.0, function 04h; IBM PS/2 BIOS Interface Technical Reference,
 * INT 10h, AH=1Ch). The layout of the buffer is the BIOS's own.
 */
import { registersOf } from '../../../devices/vga/register-table.ts';
import type { FirmwareContext } from '../../firmware.ts';
import { bda, ebda } from '../bios-data.ts';
import { type DispiRegisterName, readDispi, writeDispi } from './dispi-ports.ts';
import {
  readAttribute,
  readCrtc,
  readDac,
  readGraphics,
  readPelMask,
  readSequencer,
  writeAttribute,
  writeCrtc,
  writeDac,
  writeGraphics,
  writePelMask,
  writeSequencer,
} from './vga-registers.ts';

/** One part of the state, chosen by a bit of CX. */
interface StatePart {
  readonly bit: number;
  readonly size: number;
  save(context: FirmwareContext): Uint8Array;
  restore(context: FirmwareContext, bytes: Uint8Array): void;
}

const MISC_OUTPUT_READ = 0x3cc;
const MISC_OUTPUT_WRITE = 0x3c2;
const CRTC_PROTECTION = 0x11;

/** The banks of indexed registers, in the order in which they are kept and restored. */
const banks = [
  { count: registersOf('sequencer').length, read: readSequencer, write: writeSequencer },
  { count: registersOf('crtc').length, read: readCrtc, write: writeCrtc },
  { count: registersOf('graphics').length, read: readGraphics, write: writeGraphics },
  { count: registersOf('attribute').length, read: readAttribute, write: writeAttribute },
] as const;

/** The port of the CRTC comes with the hardware, for the registers are reached through it. */
const HARDWARE_BASE = 3;

const hardware: StatePart = {
  bit: 0,
  size: HARDWARE_BASE + banks.reduce((sum, { count }) => sum + count, 0),
  save(context) {
    const port = context.memory.read(bda.CRTC_PORT, 2);
    const values = banks.flatMap(({ count, read }) =>
      Array.from({ length: count }, (_, index) => read(context, index)),
    );
    return Uint8Array.from([context.ports.read(MISC_OUTPUT_READ, 1), port & 0xff, port >> 8, ...values]);
  },
  restore(context, bytes) {
    context.ports.write(MISC_OUTPUT_WRITE, 1, bytes[0] as number);
    context.memory.write(bda.CRTC_PORT, 2, (bytes[1] as number) | ((bytes[2] as number) << 8));
    writeCrtc(context, CRTC_PROTECTION, 0);
    let position = HARDWARE_BASE;
    for (const { count, write } of banks) {
      for (let index = 0; index < count; index++) write(context, index, bytes[position++] as number);
    }
  },
};

/** Places of the BIOS's own data with their sizes. */
const dataPlaces: readonly (readonly [address: number, size: number])[] = [
  [bda.VIDEO_MODE, bda.CGA_PALETTE + 1 - bda.VIDEO_MODE],
  [bda.VIDEO_ROWS, bda.DISPLAY_COMBINATION + 1 - bda.VIDEO_ROWS],
  [bda.VIDEO_SAVE_TABLE, 4],
  [0x1f * 4, 4],
  [0x43 * 4, 4],
  [ebda.VBE_MODE, 2],
];

const biosData: StatePart = {
  bit: 1,
  size: dataPlaces.reduce((sum, [, size]) => sum + size, 0),
  save: ({ memory }) => Uint8Array.from(dataPlaces.flatMap(([address, size]) => [...memory.readBytes(address, size)])),
  restore({ memory }, bytes) {
    let position = 0;
    for (const [address, size] of dataPlaces) {
      memory.writeBytes(address, bytes.subarray(position, position + size));
      position += size;
    }
  },
};

const COLORS = 256;

const dac: StatePart = {
  bit: 2,
  size: 1 + COLORS * 3,
  save(context) {
    const colors = Array.from({ length: COLORS }, (_, index) => readDac(context, index));
    return Uint8Array.from([readPelMask(context), ...colors.flat()]);
  },
  restore(context, bytes) {
    writePelMask(context, bytes[0] as number);
    for (let index = 0; index < COLORS; index++) {
      const part = (offset: number): number => bytes[1 + index * 3 + offset] as number;
      writeDac(context, index, [part(0), part(1), part(2)]);
    }
  },
};

/** ENABLE is restored between the sizes, which it locks, and the rest, which it resets. */
const dispiOrder: readonly DispiRegisterName[] = [
  'XRES',
  'YRES',
  'BPP',
  'ENABLE',
  'BANK',
  'VIRT_WIDTH',
  'X_OFFSET',
  'Y_OFFSET',
];
const KEEP_MEMORY = 0x80;

const displayInterface: StatePart = {
  bit: 3,
  size: dispiOrder.length * 2,
  save: (context) =>
    Uint8Array.from(
      dispiOrder.flatMap((register) => {
        const value = readDispi(context, register);
        return [value & 0xff, value >> 8];
      }),
    ),
  restore(context, bytes) {
    writeDispi(context, 'ENABLE', 0);
    dispiOrder.forEach((register, index) => {
      const value = (bytes[index * 2] as number) | ((bytes[index * 2 + 1] as number) << 8);
      writeDispi(context, register, register === 'ENABLE' ? value | KEEP_MEMORY : value);
    });
  },
};

/** The display interface comes before the DAC, whose width it chooses. */
const parts: readonly StatePart[] = [hardware, biosData, displayInterface, dac];

const chosen = (mask: number): readonly StatePart[] => parts.filter(({ bit }) => ((mask >> bit) & 1) !== 0);

const BLOCK_SIZE = 64;

/** How many blocks of 64 bytes the parts of `mask` take. */
export function stateBlocks(mask: number): number {
  return Math.ceil(chosen(mask).reduce((sum, { size }) => sum + size, 0) / BLOCK_SIZE);
}

export function saveState(context: FirmwareContext, mask: number, buffer: number): void {
  let position = buffer;
  for (const part of chosen(mask)) {
    context.memory.writeBytes(position, part.save(context));
    position += part.size;
  }
}

export function restoreState(context: FirmwareContext, mask: number, buffer: number): void {
  let position = buffer;
  for (const part of chosen(mask)) {
    part.restore(context, context.memory.readBytes(position, part.size));
    position += part.size;
  }
}
