/**
 * What the BIOS does at power-on and after a reset: interrupt vectors, the BIOS data area, controllers, and the screen
 * (IBM PC AT Technical Reference, BIOS listing, "Power-on self test").
 */
import type { FirmwareContext, FirmwareHook } from '../firmware.ts';
import {
  BIOS_DATA,
  BIOS_DATA_SIZE,
  bda,
  CONVENTIONAL_KIB,
  EBDA_SEGMENT,
  EBDA_SIZE_KIB,
  ebda,
  KEYBOARD_BUFFER_END,
  KEYBOARD_BUFFER_START,
  KEYS_101,
  setVector,
} from './bios-data.ts';
import { Caller } from './caller.ts';
import { ticksOfClock } from './clock-services.ts';
import { readCmos, writeCmos } from './cmos.ts';
import { writeDiskParameters } from './disk/drive.ts';
import { FLOPPY_PARAMETERS } from './disk/floppy-parameters.ts';
import { SECTOR_SIZE } from './disk/geometry.ts';
import {
  DUMMY_IRET,
  ROM_SEGMENT,
  type RomLabels,
  serviceInterrupts,
  VIDEO_PARAMETERS,
  VIDEO_SAVE_POINTERS,
} from './rom.ts';
import { goTo } from './service.ts';
import { startVirtualWire } from './mp-tables.ts';
import { FLAGS_400_LINES, setMode } from './video/mode-set.ts';
import { printMessage } from './video/teletype.ts';

const SHUTDOWN = 0x0f;
/** Shutdown codes that mean: go on at the address in 40:67 (05h acknowledges the interrupt controllers first). */
const RETURN_WITH_EOI = 0x05;
const RETURN = 0x0a;

const TEXT_MODE = 3;
const UART_BASES = [0x3f8, 0x2f8];
const PRINTER_BASES = [0x378];
/** Scratch register of a UART: what is written is read back where there is one. */
const UART_SCRATCH = 7;
const UART_LINE_CONTROL = 3;
const EIGHT_BITS = 3;
const SERIAL_TIMEOUT = 1;
const PRINTER_TIMEOUT = 20;
/** 40:8A: display combination of a VGA with a colour monitor. */
const DISPLAY_COMBINATION_VGA = 0x0b;

/** The hook of the power-on routine. */
export function postHook(labels: RomLabels): FirmwareHook {
  return (context) => {
    const shutdown = readCmos(context, SHUTDOWN);
    if (shutdown === RETURN_WITH_EOI || shutdown === RETURN) {
      writeCmos(context, SHUTDOWN, 0);
      if (shutdown === RETURN_WITH_EOI) context.ports.write(0x20, 1, 0x20);
      goTo(new Caller(context), labels.postHook, labels.resetReturn);
      return undefined;
    }
    // The only step that may have to wait comes first, for the hook then runs again from its beginning.
    const mbr = new Uint8Array(SECTOR_SIZE);
    const wait = context.disk && context.disk.size >= SECTOR_SIZE ? context.disk.read(0, mbr) : undefined;
    if (wait) return wait;
    fillVectors(context, labels);
    fillBiosData(context);
    if (context.disk) writeDiskParameters(context, context.disk, mbr);
    startControllers(context);
    startVirtualWire(context);
    context.memory.write(bda.TIMER_TICKS, 4, ticksOfClock(context));
    setMode(context, TEXT_MODE);
    context.memory.write(ebda.OPTION_ROM, 2, OPTION_ROM_FIRST);
    return undefined;
  };
}

/** Segments in which option ROMs may begin, every 2 KiB (BIOS Boot Specification 1.01, "Option ROM"). */
const OPTION_ROM_FIRST = 0xc000;
const OPTION_ROM_END = 0xf000;
const OPTION_ROM_STEP = 0x80;
const OPTION_ROM_SIGNATURE = 0xaa55;
const OPTION_ROM_ENTRY = 3;
/** Byte 2 counts the size in units of so many bytes. */
const OPTION_ROM_UNIT = 512;

/** Finds the next option ROM from the place kept in the EBDA on, and has its initialization called; then the banner. */
export function optionRomHook(labels: RomLabels, banner: string | undefined): FirmwareHook {
  return (context) => {
    const { memory } = context;
    for (let segment = memory.read(ebda.OPTION_ROM, 2); segment < OPTION_ROM_END; segment += OPTION_ROM_STEP) {
      if (segment < OPTION_ROM_FIRST || !isOptionRom(context, segment << 4)) continue;
      memory.write(ebda.OPTION_ROM, 2, segment + OPTION_ROM_STEP);
      memory.write(bda.RESET_RETURN, 4, ((segment << 16) | OPTION_ROM_ENTRY) >>> 0);
      goTo(new Caller(context), labels.optionRomHook, labels.optionRomCall);
      return undefined;
    }
    if (banner !== undefined) printMessage(context, `${banner}\n`);
    return undefined;
  };
}

/** Signature, a size, and bytes that sum up to 0. */
function isOptionRom({ memory }: FirmwareContext, address: number): boolean {
  if (memory.read(address, 2) !== OPTION_ROM_SIGNATURE) return false;
  const bytes = memory.readBytes(address, memory.read(address + 2, 1) * OPTION_ROM_UNIT);
  return bytes.length > 0 && bytes.reduce((sum, byte) => (sum + byte) & 0xff, 0) === 0;
}

/** Vectors 60h–67h stay 0 for programs to take, as on the AT; F1h–FFh likewise. */
const FREE_VECTORS: readonly (readonly [first: number, last: number])[] = [
  [0x60, 0x67],
  [0xf1, 0xff],
];

function fillVectors(context: FirmwareContext, labels: RomLabels): void {
  for (let vector = 0; vector < 256; vector++) setVector(context, vector, ROM_SEGMENT, labels.sharedDefault);
  for (const [first, last] of FREE_VECTORS) {
    for (let vector = first; vector <= last; vector++) setVector(context, vector, 0, 0);
  }
  for (const [vector, offset] of labels.defaultHandlers) setVector(context, vector, ROM_SEGMENT, offset);
  for (const interrupt of serviceInterrupts) {
    setVector(context, interrupt, ROM_SEGMENT, labels.services[interrupt].offset);
  }
  const others: readonly (readonly [vector: number, offset: number])[] = [
    [0x02, labels.nmi],
    [0x05, labels.printScreen],
    [0x08, labels.timer],
    [0x09, labels.keyboard],
    [0x18, labels.bootFailed],
    [0x19, labels.boot],
    [0x1b, DUMMY_IRET],
    [0x1c, DUMMY_IRET],
    [0x1d, VIDEO_PARAMETERS],
    [0x1e, FLOPPY_PARAMETERS],
    [0x40, labels.services[0x13].offset],
    [0x42, labels.services[0x10].offset],
    [0x4a, DUMMY_IRET],
    [0x70, labels.clock],
    [0x71, labels.redirect],
    [0x74, labels.mouseInterrupt],
    [0x75, labels.coprocessor],
  ];
  for (const [vector, offset] of others) setVector(context, vector, ROM_SEGMENT, offset);
  setVector(context, 0x41, EBDA_SEGMENT, ebda.DISK_PARAMETERS - EBDA_SEGMENT * 16);
  setVector(context, 0x46, 0, 0);
}

/** Where the clock's memory has the same bits, and the bits of the equipment word: a floppy drive, a coprocessor, a mouse, 80x25 in colour; serial ports count from bit 9, printers from 14. */
const CMOS_EQUIPMENT = 0x14;
const EQUIPMENT_FLOPPY = 1;
const EQUIPMENT_COPROCESSOR = 2;
const EQUIPMENT_MOUSE = 4;
const EQUIPMENT_80X25 = 0x20;

function fillBiosData(context: FirmwareContext): void {
  const { memory } = context;
  const resetFlag = memory.read(bda.RESET_FLAG, 2);
  memory.writeBytes(BIOS_DATA, new Uint8Array(BIOS_DATA_SIZE));
  memory.writeBytes(ebda.SIZE, new Uint8Array(EBDA_SIZE_KIB * 1024));
  memory.write(bda.RESET_FLAG, 2, resetFlag);
  memory.write(ebda.SIZE, 1, EBDA_SIZE_KIB);

  const uarts = UART_BASES.filter((base) => hasUart(context, base));
  uarts.forEach((base, index) => {
    memory.write(bda.COM_PORTS + index * 2, 2, base);
    memory.write(bda.COM_TIMEOUTS + index, 1, SERIAL_TIMEOUT);
  });
  for (let port = 0; port < 3; port++) memory.write(bda.LPT_TIMEOUTS + port, 1, PRINTER_TIMEOUT);
  const printers = PRINTER_BASES.filter((base) => hasParallelPort(context, base));
  printers.forEach((base, index) => {
    memory.write(bda.LPT_PORTS + index * 2, 2, base);
  });
  const coprocessor = readCmos(context, CMOS_EQUIPMENT) & EQUIPMENT_COPROCESSOR;
  const drives = (context.floppy ? EQUIPMENT_FLOPPY : 0) | coprocessor | EQUIPMENT_MOUSE;
  memory.write(bda.EQUIPMENT, 2, EQUIPMENT_80X25 | drives | (uarts.length << 9) | (printers.length << 14));
  memory.write(bda.EBDA_SEGMENT, 2, EBDA_SEGMENT);
  memory.write(bda.MEMORY_SIZE, 2, CONVENTIONAL_KIB);
  memory.write(bda.KEYBOARD_START, 2, KEYBOARD_BUFFER_START);
  memory.write(bda.KEYBOARD_END, 2, KEYBOARD_BUFFER_END);
  memory.write(bda.KEYBOARD_HEAD, 2, KEYBOARD_BUFFER_START);
  memory.write(bda.KEYBOARD_TAIL, 2, KEYBOARD_BUFFER_START);
  memory.write(bda.KEYBOARD_FLAGS_3, 1, KEYS_101);
  memory.write(bda.DISK_COUNT, 1, context.disk ? 1 : 0);
  memory.write(bda.VIDEO_FLAGS, 1, FLAGS_400_LINES);
  memory.write(bda.DISPLAY_COMBINATION, 1, DISPLAY_COMBINATION_VGA);
  memory.write(bda.VIDEO_SAVE_TABLE, 4, ((ROM_SEGMENT << 16) | VIDEO_SAVE_POINTERS) >>> 0);
}

/** Looks for a UART; one that is there takes characters of 8 bits. */
function hasUart({ ports }: FirmwareContext, base: number): boolean {
  ports.write(base + UART_SCRATCH, 1, 0x5a);
  if (ports.read(base + UART_SCRATCH, 1) !== 0x5a) return false;
  ports.write(base + UART_LINE_CONTROL, 1, EIGHT_BITS);
  return true;
}

/** The data latch of a parallel port reads back what was written. */
function hasParallelPort({ ports }: FirmwareContext, base: number): boolean {
  ports.write(base, 1, 0xaa);
  if (ports.read(base, 1) !== 0xaa) return false;
  ports.write(base + 2, 1, 0x0c);
  return true;
}

/** Port writes in order; what each device's data sheet calls the bytes stands behind them. */
const controllerWrites: readonly (readonly [port: number, value: number])[] = [
  [0x20, 0x11], // ICW1: edge-triggered, cascade, ICW4
  [0x21, 0x08], // ICW2: vectors from 08h
  [0x21, 0x04], // ICW3: slave at level 2
  [0x21, 0x01], // ICW4: 8086 mode
  [0xa0, 0x11],
  [0xa1, 0x70], // vectors from 70h
  [0xa1, 0x02], // slave number 2
  [0xa1, 0x01],
  [0x21, 0xb8], // OCW1: timer, keyboard, cascade and floppy
  [0xa1, 0x9f], // coprocessor and disk
  [0xd6, 0xc0], // DMA channel 4 cascades
  [0xd4, 0x00], // and is open
  [0x43, 0x36], // counter 0: both bytes, mode 3
  [0x40, 0x00], // 65,536: 18.2 Hz
  [0x40, 0x00],
  [0x43, 0xb6], // counter 2: the speaker
  [0x42, 0x33],
  [0x42, 0x05],
  [0x43, 0x54], // counter 1: low byte, mode 2
  [0x41, 0x12], // refreshes memory
  [0x3f2, 0x0c], // floppy controller: out of reset, which ends with an interrupt
  [0x64, 0xaa], // self test: answers 55h
];

const CONTROLLER_DATA = 0x60;
const CONTROLLER = 0x64;
const WRITE_COMMAND_BYTE = 0x60;
/** Translation, auxiliary port off, system flag, IRQ1. */
const COMMAND_BYTE = 0x65;
const ENABLE_KEYBOARD = 0xae;

function startControllers({ ports }: FirmwareContext): void {
  for (const [port, value] of controllerWrites) ports.write(port, 1, value);
  ports.read(CONTROLLER_DATA, 1);
  ports.write(CONTROLLER, 1, WRITE_COMMAND_BYTE);
  ports.write(CONTROLLER_DATA, 1, COMMAND_BYTE);
  ports.write(CONTROLLER, 1, ENABLE_KEYBOARD);
}
