/**
 * INT 10h, AH=4Fh: the VESA BIOS extension (VBE Core Functions Standard, version 3.0). Linear pictures are the display
 * interface's.
 */
import { DISPI_ENABLED, DISPI_LFB_ENABLED, DISPI_NOCLEARMEM } from '../../../devices/vga/dispi.ts';
import { LINEAR_MEMORY_SIZE, LINEAR_PAGE_SIZE } from '../../../devices/vga/linear-memory.ts';
import type { VgaMode } from '../../../devices/vga/mode-table.ts';
import { DISPI_8BIT_DAC } from '../../../devices/vga/vga-state.ts';
import { ES } from '../../../state/layout.ts';
import type { FirmwareContext } from '../../firmware.ts';
import { bda, ebda } from '../bios-data.ts';
import type { Caller } from '../caller.ts';
import { ROM_SEGMENT, VBE_PROTECTED_INTERFACE } from '../rom.ts';
import type { Service } from '../service.ts';
import { PROTECTED_INTERFACE } from './protected-interface.ts';
import { isDispiEnabled, readDispi, writeDispi } from './dispi-ports.ts';
import { setMode } from './mode-set.ts';
import { findMode } from './screen.ts';
import { controllerInfo, modeInfo, PIXEL_CLOCK_MAX, vgaModeInfo } from './vbe-blocks.ts';
import { bytesOf, findVbeMode, type VbeMode, vbeVgaModes } from './vbe-modes.ts';
import { programMode, readDac, writeDac } from './vga-registers.ts';
import { restoreState, saveState, stateBlocks } from './video-state.ts';

/** What AH says afterwards; AL is 4Fh for every function that exists. */
const OK = 0;
const FAILED = 1;
const NOT_SUPPORTED = 2;
const WRONG_MODE = 3;
type Status = typeof OK | typeof FAILED | typeof NOT_SUPPORTED | typeof WRONG_MODE;

const row = (al: number, name: string, run: (caller: Caller) => Status): Service => ({
  interrupt: 0x10,
  function: { ax: 0x4f00 | al },
  name: `VBE: ${name}`,
  run: (caller) => {
    const status = run(caller);
    caller.ax = (status << 8) | 0x4f;
    return undefined;
  },
});

/** A mode of the VGA's table. */
const vgaMode = (number: number): VgaMode => findMode(number) as VgaMode;

/** The mode that is set, with its flags, while a linear picture is shown. */
function currentMode(context: FirmwareContext): VbeMode | undefined {
  const number = context.memory.read(ebda.VBE_MODE, 2) & MODE_NUMBER;
  return isDispiEnabled(context) ? findVbeMode(number) : undefined;
}

/** Runs a function that needs a VBE mode to be set. */
const inMode =
  (run: (caller: Caller, mode: VbeMode) => Status) =>
  (caller: Caller): Status => {
    const mode = currentMode(caller.context);
    return mode ? run(caller, mode) : WRONG_MODE;
  };

/** 'VBE2'. */
const VBE2_SIGNATURE = 0x32454256;

function getControllerInfo(caller: Caller): Status {
  const address = caller.es(caller.di);
  const vbe2 = caller.memory.read(address, 4) === VBE2_SIGNATURE;
  const segment = caller.state.segment(ES).selector;
  caller.memory.writeBytes(address, controllerInfo(segment, caller.di, vbe2));
  return OK;
}

function getModeInfo(caller: Caller): Status {
  const number = caller.cx & MODE_NUMBER;
  const mode = findVbeMode(number);
  const vgaNumber = vbeVgaModes.get(number);
  if (mode) caller.memory.writeBytes(caller.es(caller.di), modeInfo(mode));
  else if (vgaNumber !== undefined) caller.memory.writeBytes(caller.es(caller.di), vgaModeInfo(vgaMode(vgaNumber)));
  else return FAILED;
  return OK;
}

/** Bits of BX for "set mode": number, linear framebuffer, keep the memory. Bit 11 gives a timing, which nothing needs. */
const MODE_NUMBER = 0x01ff;
const LINEAR = 0x4000;
const KEEP_MEMORY = 0x8000;
const MODE_BITS: number = MODE_NUMBER | 0x0800 | LINEAR | KEEP_MEMORY;
/** Bit 7 of a number for AH=00h keeps the memory too. */
const KEEP_VGA_MEMORY = 0x80;
/** What 40:49 says in a VBE mode: none of the VGA's. */
const NO_VGA_MODE = 0x7f;
const BASE_MODE = 0x13;

function setVbeMode(caller: Caller): Status {
  const { context, bx } = caller;
  if ((bx & ~MODE_BITS) !== 0) return FAILED;
  const number = bx & MODE_NUMBER;
  const keep = (bx & KEEP_MEMORY) !== 0;
  const vgaNumber = vbeVgaModes.get(number) ?? number;
  if (vgaNumber < KEEP_VGA_MEMORY) {
    const linear = (bx & LINEAR) !== 0;
    return !linear && setMode(context, keep ? vgaNumber | KEEP_VGA_MEMORY : vgaNumber) ? OK : FAILED;
  }
  const mode = findVbeMode(number);
  if (!mode) return FAILED;
  showLinear(context, mode, (bx & LINEAR) !== 0, keep);
  context.memory.write(ebda.VBE_MODE, 2, bx & (MODE_NUMBER | LINEAR | KEEP_MEMORY));
  describeMode(context, mode);
  return OK;
}

/** Underneath, the VGA is in its mode of 256 colours, so that colours and synchronisation are there. */
function showLinear(context: FirmwareContext, mode: VbeMode, linear: boolean, keep: boolean): void {
  programMode(context, vgaMode(BASE_MODE));
  writeDispi(context, 'XRES', mode.width);
  writeDispi(context, 'YRES', mode.height);
  writeDispi(context, 'BPP', mode.bitsPerPixel);
  writeDispi(context, 'ENABLE', DISPI_ENABLED | (linear ? DISPI_LFB_ENABLED : 0) | (keep ? DISPI_NOCLEARMEM : 0));
}

const CHARACTER_WIDTH = 8;
const CHARACTER_HEIGHT = 16;

function describeMode({ memory }: FirmwareContext, { width, height }: VbeMode): void {
  memory.write(bda.VIDEO_MODE, 1, NO_VGA_MODE);
  memory.write(bda.VIDEO_COLUMNS, 2, width / CHARACTER_WIDTH);
  memory.write(bda.VIDEO_ROWS, 1, Math.floor(height / CHARACTER_HEIGHT) - 1);
  memory.write(bda.CHARACTER_HEIGHT, 2, CHARACTER_HEIGHT);
  memory.write(bda.VIDEO_PAGE, 1, 0);
  memory.write(bda.VIDEO_PAGE_START, 2, 0);
  memory.writeBytes(bda.CURSOR_POSITIONS, new Uint8Array(16));
}

function getVbeMode(caller: Caller): Status {
  const { context, memory } = caller;
  const vgaNumber = memory.read(bda.VIDEO_MODE, 1);
  if (isDispiEnabled(context)) caller.bx = memory.read(ebda.VBE_MODE, 2);
  else caller.bx = [...vbeVgaModes].find(([, number]) => number === vgaNumber)?.[0] ?? vgaNumber;
  return OK;
}

/** DL: 0 tells the size in blocks of 64 bytes, 1 saves, 2 restores; CX says what. */
function handleState(caller: Caller): Status {
  const { context, dl, cx } = caller;
  if (dl === 0) caller.bx = stateBlocks(cx);
  else if (dl === 1) saveState(context, cx, caller.es(caller.bx));
  else if (dl === 2) restoreState(context, cx, caller.es(caller.bx));
  else return FAILED;
  return OK;
}

/** BH: 0 sets the bank of window BL to DX, 1 gets it. There is one window, A, and none in a linear mode. */
function handleWindow(caller: Caller): Status {
  if ((readDispi(caller.context, 'ENABLE') & DISPI_LFB_ENABLED) !== 0) return WRONG_MODE;
  if (caller.bl !== 0 || caller.bh > 1) return FAILED;
  if (caller.bh === 1) {
    caller.dx = readDispi(caller.context, 'BANK');
    return OK;
  }
  if (caller.dx >= LINEAR_MEMORY_SIZE / LINEAR_PAGE_SIZE) return FAILED;
  writeDispi(caller.context, 'BANK', caller.dx);
  return OK;
}

/** BL: 0 sets pixels, 1 gets, 2 sets bytes, 3 gets the most. */
function handleLineLength(caller: Caller, mode: VbeMode): Status {
  const { context, bl } = caller;
  const pixelBytes = bytesOf(mode).pixel;
  const answer = (pixels: number): Status => {
    caller.bx = pixels * pixelBytes;
    caller.cx = pixels;
    caller.dx = Math.min(Math.floor(LINEAR_MEMORY_SIZE / (pixels * pixelBytes)), 0xffff);
    return OK;
  };
  if (bl > 3) return FAILED;
  if (bl === 3) return answer(Math.floor(Math.min(LINEAR_MEMORY_SIZE / mode.height, 0xffff) / pixelBytes));
  if (bl === 1) return answer(readDispi(context, 'VIRT_WIDTH'));
  const wanted = bl === 0 ? caller.cx : Math.ceil(caller.cx / pixelBytes);
  if (wanted * pixelBytes > 0xffff) return NOT_SUPPORTED;
  writeDispi(context, 'VIRT_WIDTH', wanted);
  return readDispi(context, 'VIRT_WIDTH') === wanted ? answer(wanted) : NOT_SUPPORTED;
}

/** Moves the picture, or leaves it where it is and returns false. */
function moveTo(context: FirmwareContext, x: number, y: number): boolean {
  const before = [readDispi(context, 'X_OFFSET'), readDispi(context, 'Y_OFFSET')] as const;
  const move = (column: number, line: number): boolean => {
    writeDispi(context, 'X_OFFSET', column);
    writeDispi(context, 'Y_OFFSET', line);
    return readDispi(context, 'X_OFFSET') === column && readDispi(context, 'Y_OFFSET') === line;
  };
  if (move(x, y)) return true;
  move(...before);
  return false;
}

/** Bit of BL: wait for the retrace, which changes nothing that a guest could see. */
const IN_RETRACE = 0x80;

/** BL: 0 sets the first pixel CX and line DX, 1 gets them, 2 sets the first byte ECX. */
function handleDisplayStart(caller: Caller, mode: VbeMode): Status {
  const { context, ecx } = caller;
  const { pixel } = bytesOf(mode);
  const pitch = readDispi(context, 'VIRT_WIDTH') * pixel;
  switch (caller.bl) {
    case 1:
      caller.bh = 0;
      caller.cx = readDispi(context, 'X_OFFSET');
      caller.dx = readDispi(context, 'Y_OFFSET');
      return OK;
    case 0:
    case IN_RETRACE:
      return moveTo(context, caller.cx, caller.dx) ? OK : FAILED;
    case 2:
    case IN_RETRACE | 2: {
      const line = Math.floor(ecx / pitch);
      const column = (ecx % pitch) / pixel;
      return line <= 0xffff && Number.isInteger(column) && moveTo(context, column, line) ? OK : FAILED;
    }
    default:
      return FAILED;
  }
}

/** BL: 0 sets the bits of a component to BH, 1 gets them. */
function handleDacWidth(caller: Caller, mode: VbeMode): Status {
  const { context, bl } = caller;
  if (bl > 1) return FAILED;
  if (mode.bitsPerPixel !== 8) return WRONG_MODE;
  const enable = readDispi(context, 'ENABLE');
  if (bl === 0) {
    writeDispi(context, 'ENABLE', caller.bh >= 8 ? enable | DISPI_8BIT_DAC : enable & ~DISPI_8BIT_DAC);
  }
  caller.bh = (readDispi(context, 'ENABLE') & DISPI_8BIT_DAC) !== 0 ? 8 : 6;
  return OK;
}

/** BL: 0 and 80h (in the retrace) set CX colours from DX on, 1 gets them; entries are blue, green, red and a filler. */
function handlePalette(caller: Caller): Status {
  const { context, bl, cx, dx } = caller;
  if (bl === 2 || bl === 3) return NOT_SUPPORTED;
  if ((bl > 1 && bl !== 0x80) || dx + cx > 256) return FAILED;
  const table = caller.es(caller.di);
  if (bl === 1) {
    const colors = Array.from({ length: cx }, (_, index) => [...readDac(context, dx + index)].reverse());
    caller.memory.writeBytes(table, Uint8Array.from(colors.flatMap((color) => [...color, 0])));
    return OK;
  }
  const bytes = caller.memory.readBytes(table, cx * 4);
  for (let index = 0; index < cx; index++) {
    const part = (offset: number): number => bytes[index * 4 + offset] as number;
    writeDac(context, dx + index, [part(2), part(1), part(0)]);
  }
  return OK;
}

/** BL: 0 gives the table in ES:DI and its length, with the code, in CX. */
function getProtectedInterface(caller: Caller): Status {
  if (caller.bl !== 0) return NOT_SUPPORTED;
  caller.setEs(ROM_SEGMENT);
  caller.di = VBE_PROTECTED_INTERFACE;
  caller.cx = PROTECTED_INTERFACE.length;
  return OK;
}

/** Any clock in ECX can be had, as none has an effect; DX is the mode that it is for. */
function getPixelClock(caller: Caller): Status {
  if (caller.bl !== 0 || !findVbeMode(caller.dx & MODE_NUMBER)) return FAILED;
  caller.ecx = Math.min(caller.ecx, PIXEL_CLOCK_MAX);
  return OK;
}

export const vbeServices: readonly Service[] = [
  row(0x00, 'get controller information', getControllerInfo),
  row(0x01, 'get mode information', getModeInfo),
  row(0x02, 'set mode', setVbeMode),
  row(0x03, 'get mode', getVbeMode),
  row(0x04, 'save and restore state', handleState),
  row(0x05, 'window control', inMode(handleWindow)),
  row(0x06, 'line length', inMode(handleLineLength)),
  row(0x07, 'display start', inMode(handleDisplayStart)),
  row(0x08, 'width of the DAC', inMode(handleDacWidth)),
  row(0x09, 'palette', handlePalette),
  row(0x0a, 'protected-mode interface', getProtectedInterface),
  row(0x0b, 'get pixel clock', getPixelClock),
];
