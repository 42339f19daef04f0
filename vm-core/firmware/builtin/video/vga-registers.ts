/**
 * The VGA's registers through their ports (IBM PS/2 Video Subsystem Technical Reference): what the video BIOS writes for a
 * mode, a palette or a font.
 */
import { dacPalette } from '../../../devices/vga/default-palettes.ts';
import type { VgaMode } from '../../../devices/vga/mode-table.ts';
import type { PortSpace } from '../../../cpu/cpu.ts';
import type { FirmwareContext } from '../../firmware.ts';
import { bda } from '../bios-data.ts';
import { writeDispi } from './dispi-ports.ts';

export const ATTRIBUTE = 0x3c0;
const ATTRIBUTE_DATA_READ = 0x3c1;
const MISC_OUTPUT = 0x3c2;
const SEQUENCER = 0x3c4;
const PEL_MASK = 0x3c6;
const DAC_READ_INDEX = 0x3c7;
const DAC_WRITE_INDEX = 0x3c8;
const DAC_DATA = 0x3c9;
const GRAPHICS = 0x3ce;
const CRTC_COLOR = 0x3d4;
const CRTC_MONOCHROME = 0x3b4;
/** Distance from the CRTC's index port to Input Status 1, whose read resets the attribute controller. */
const STATUS_FROM_CRTC = 6;
/** Index bit that lets the attribute controller show the picture. */
const SHOW_PICTURE = 0x20;

/** Bits of 40:89. */
const PALETTE_NOT_LOADED = 1 << 3;
const GRAY_SUMMING = 1 << 1;

/** The CRTC's index port; whatever the guest wrote to the BIOS data area, one of the two that exist. */
export function crtcPort(context: FirmwareContext): number {
  return context.memory.read(bda.CRTC_PORT, 2) === CRTC_MONOCHROME ? CRTC_MONOCHROME : CRTC_COLOR;
}

function writeIndexed(ports: PortSpace, port: number, index: number, value: number): void {
  ports.write(port, 1, index);
  ports.write(port + 1, 1, value & 0xff);
}

function readIndexed(ports: PortSpace, port: number, index: number): number {
  ports.write(port, 1, index);
  return ports.read(port + 1, 1);
}

export function writeSequencer(context: FirmwareContext, index: number, value: number): void {
  writeIndexed(context.ports, SEQUENCER, index, value);
}

export function readSequencer(context: FirmwareContext, index: number): number {
  return readIndexed(context.ports, SEQUENCER, index);
}

export function writeGraphics(context: FirmwareContext, index: number, value: number): void {
  writeIndexed(context.ports, GRAPHICS, index, value);
}

export function readGraphics(context: FirmwareContext, index: number): number {
  return readIndexed(context.ports, GRAPHICS, index);
}

export function writeCrtc(context: FirmwareContext, index: number, value: number): void {
  writeIndexed(context.ports, crtcPort(context), index, value);
}

export function readCrtc(context: FirmwareContext, index: number): number {
  return readIndexed(context.ports, crtcPort(context), index);
}

/** Changes AR`index` and shows the picture again. */
export function writeAttribute(context: FirmwareContext, index: number, value: number): void {
  const { ports } = context;
  ports.read(crtcPort(context) + STATUS_FROM_CRTC, 1);
  ports.write(ATTRIBUTE, 1, index & 0x1f);
  ports.write(ATTRIBUTE, 1, value & 0xff);
  ports.write(ATTRIBUTE, 1, SHOW_PICTURE);
}

export function readAttribute(context: FirmwareContext, index: number): number {
  const { ports } = context;
  ports.read(crtcPort(context) + STATUS_FROM_CRTC, 1);
  ports.write(ATTRIBUTE, 1, index & 0x1f);
  const value = ports.read(ATTRIBUTE_DATA_READ, 1);
  ports.read(crtcPort(context) + STATUS_FROM_CRTC, 1);
  ports.write(ATTRIBUTE, 1, SHOW_PICTURE);
  return value;
}

/** Red, green and blue, as many bits of each as the DAC takes: 6, or 8 if a VBE program has asked for them. */
export type DacColor = readonly [number, number, number];

export function writeDac(context: FirmwareContext, index: number, color: DacColor): void {
  context.ports.write(DAC_WRITE_INDEX, 1, index & 0xff);
  for (const gun of color) context.ports.write(DAC_DATA, 1, gun & 0xff);
}

export function readDac(context: FirmwareContext, index: number): DacColor {
  context.ports.write(DAC_READ_INDEX, 1, index & 0xff);
  const gun = (): number => context.ports.read(DAC_DATA, 1);
  return [gun(), gun(), gun()];
}

export function writePelMask(context: FirmwareContext, value: number): void {
  context.ports.write(PEL_MASK, 1, value);
}

export function readPelMask(context: FirmwareContext): number {
  return context.ports.read(PEL_MASK, 1);
}

/** Replaces colours by grays of the same brightness: 30 % red, 59 % green, 11 % blue. */
export function sumToGray(context: FirmwareContext, first: number, count: number): void {
  for (let index = first; index < Math.min(first + count, 256); index++) {
    const [red, green, blue] = readDac(context, index);
    const gray = Math.min(0x3f, Math.round(red * 0.3 + green * 0.59 + blue * 0.11));
    writeDac(context, index, [gray, gray, gray]);
  }
}

/** Programs every register for a mode, and the DAC unless the caller has switched that off (INT 10h, AX=12xxh, BL=31h). */
export function programMode(context: FirmwareContext, mode: VgaMode): void {
  const { ports, memory } = context;
  memory.write(bda.CRTC_PORT, 2, (mode.miscOutput & 1) !== 0 ? CRTC_COLOR : CRTC_MONOCHROME);
  writeDispi(context, 'ENABLE', 0);
  writeSequencer(context, 0, 1);
  ports.write(MISC_OUTPUT, 1, mode.miscOutput);
  for (let index = 1; index < mode.sequencer.length; index++) {
    writeSequencer(context, index, mode.sequencer[index] as number);
  }
  writeSequencer(context, 0, mode.sequencer[0] as number);
  writeCrtc(context, 0x11, readCrtc(context, 0x11) & 0x7f);
  mode.crtc.forEach((value, index) => {
    writeCrtc(context, index, value);
  });
  mode.graphics.forEach((value, index) => {
    writeGraphics(context, index, value);
  });
  loadPalette(context, mode);
}

function loadPalette(context: FirmwareContext, mode: VgaMode): void {
  const flags = context.memory.read(bda.VIDEO_FLAGS, 1);
  const kept = (flags & PALETTE_NOT_LOADED) !== 0;
  mode.attribute.forEach((value, index) => {
    if (!kept || index === 0x10 || index > 0x11) writeAttribute(context, index, value);
  });
  if (kept) return;
  writePelMask(context, 0xff);
  const colors = dacPalette(mode.palette);
  for (let index = 0; index < 256; index++) {
    const at = index * 3;
    writeDac(context, index, [colors[at] as number, colors[at + 1] as number, colors[at + 2] as number]);
  }
  if ((flags & GRAY_SUMMING) !== 0) sumToGray(context, 0, 256);
}
