/** The blocks that tell a program what the VESA BIOS extension can do (VBE 3.0, functions 00h and 01h). */
import { LINEAR_MEMORY_SIZE, LINEAR_PAGE_SIZE } from '../../../devices/vga/linear-memory.ts';
import type { VgaMode } from '../../../devices/vga/mode-table.ts';
import { ROM_SEGMENT, VBE_WINDOW_FUNCTION } from '../rom.ts';
import { bytesOf, colorFieldsOf, type VbeMode, vbeModeNumbers } from './vbe-modes.ts';

/** Physical address of the linear framebuffer, where the machine's map has it. */
export const LINEAR_FRAMEBUFFER = 0xe0000000;

const VERSION = 0x0300;
const SOFTWARE_REVISION = 0x0100;
/** The DAC can be switched to 8 bits of each component. */
const CAPABILITIES = 1;
const MODE_LIST = 0x22;
const MODE_LIST_END = 0xffff;
export const INFO_SIZE = 256;
/** A caller that writes 'VBE2' into the block takes 512 bytes and the newer fields. */
export const INFO_SIZE_VBE2 = 512;

/** The fields of strings, and what they say. */
const STRINGS: readonly (readonly [field: number, text: string, since: 1 | 2])[] = [
  [0x06, 'x86 VM Debugger', 1],
  [0x16, 'x86 VM Debugger', 2],
  [0x1a, 'VGA with display interface', 2],
  [0x1e, '1.0', 2],
];

function putText(bytes: Uint8Array, at: number, text: string): void {
  for (const [index, character] of [...text].entries()) bytes[at + index] = character.charCodeAt(0);
}

/** The block for a buffer at `segment:offset`; mode list and strings lie in it behind the fields. */
export function controllerInfo(segment: number, offset: number, vbe2: boolean): Uint8Array {
  const bytes = new Uint8Array(vbe2 ? INFO_SIZE_VBE2 : INFO_SIZE);
  const view = new DataView(bytes.buffer);
  const setPointer = (field: number, target: number): void => {
    view.setUint16(field, (offset + target) & 0xffff, true);
    view.setUint16(field + 2, segment, true);
  };
  putText(bytes, 0, 'VESA');
  view.setUint16(0x04, VERSION, true);
  view.setUint32(0x0a, CAPABILITIES, true);
  setPointer(0x0e, MODE_LIST);
  view.setUint16(0x12, LINEAR_MEMORY_SIZE / LINEAR_PAGE_SIZE, true);
  if (vbe2) view.setUint16(0x14, SOFTWARE_REVISION, true);
  const numbers = [...vbeModeNumbers, MODE_LIST_END];
  for (const [index, number] of numbers.entries()) view.setUint16(MODE_LIST + index * 2, number, true);
  let position = MODE_LIST + numbers.length * 2;
  for (const [field, text, since] of STRINGS) {
    if (since === 2 && !vbe2) continue;
    putText(bytes, position, text);
    setPointer(field, position);
    position += text.length + 1;
  }
  return bytes;
}

/** Supported, with the information of this block, in colour, graphics, with a linear framebuffer. */
const MODE_ATTRIBUTES = 0x9b;
/** The window exists and can be read and written. */
const WINDOW_ATTRIBUTES = 7;
const WINDOW_KIB = 64;
const WINDOW_SEGMENT = 0xa000;
const PACKED_PIXEL = 4;
const DIRECT_COLOR = 6;
/** The left-over bits of a pixel may be used by the program. */
const RESERVED_USABLE = 2;
/** Hz; no mode has a faster one, and nothing depends on it. */
export const PIXEL_CLOCK_MAX = 230_000_000;

/** The 256 bytes that describe a mode. */
export function modeInfo(mode: VbeMode): Uint8Array {
  const bytes = new Uint8Array(INFO_SIZE);
  const view = new DataView(bytes.buffer);
  const { line } = bytesOf(mode);
  const images = Math.min(Math.floor(LINEAR_MEMORY_SIZE / (line * mode.height)) - 1, 0xff);
  const direct = mode.bitsPerPixel !== 8;
  const fields = colorFieldsOf(mode);
  view.setUint16(0x00, MODE_ATTRIBUTES, true);
  view.setUint8(0x02, WINDOW_ATTRIBUTES);
  view.setUint16(0x04, WINDOW_KIB, true); // granularity
  view.setUint16(0x06, WINDOW_KIB, true); // size
  view.setUint16(0x08, WINDOW_SEGMENT, true);
  view.setUint16(0x0c, VBE_WINDOW_FUNCTION, true);
  view.setUint16(0x0e, ROM_SEGMENT, true);
  view.setUint16(0x10, line, true);
  view.setUint16(0x12, mode.width, true);
  view.setUint16(0x14, mode.height, true);
  view.setUint8(0x16, 8); // cell of a character
  view.setUint8(0x17, 16);
  view.setUint8(0x18, 1); // planes
  view.setUint8(0x19, mode.bitsPerPixel);
  view.setUint8(0x1a, 1); // banks
  view.setUint8(0x1b, direct ? DIRECT_COLOR : PACKED_PIXEL);
  view.setUint8(0x1d, images);
  view.setUint8(0x1e, 1);
  for (const [index, field] of fields.entries()) bytes.set(field, 0x1f + index * 2);
  view.setUint8(0x27, direct ? RESERVED_USABLE : 0);
  view.setUint32(0x28, LINEAR_FRAMEBUFFER, true);
  view.setUint16(0x32, line, true);
  view.setUint8(0x34, images);
  view.setUint8(0x35, images);
  for (const [index, field] of fields.entries()) bytes.set(field, 0x36 + index * 2);
  view.setUint32(0x3e, PIXEL_CLOCK_MAX, true);
  return bytes;
}

/** As above, without a linear framebuffer, and with the text functions of the BIOS. */
const PLANAR_ATTRIBUTES = 0x1f;
const TEXT_ATTRIBUTES = 0x0f;
const TEXT = 0;
const PLANAR = 3;
const TEXT_WINDOW_KIB = 32;

/** The same for a mode of the VGA: four planes behind one window that does not move; text is measured in characters. */
export function vgaModeInfo(mode: VgaMode): Uint8Array {
  const bytes = new Uint8Array(INFO_SIZE);
  const view = new DataView(bytes.buffer);
  const isText = mode.kind === 'text';
  const line = isText ? mode.columns * 2 : mode.width / 8;
  const windowKib = isText ? TEXT_WINDOW_KIB : WINDOW_KIB;
  view.setUint16(0x00, isText ? TEXT_ATTRIBUTES : PLANAR_ATTRIBUTES, true);
  view.setUint8(0x02, WINDOW_ATTRIBUTES);
  view.setUint16(0x04, windowKib, true);
  view.setUint16(0x06, windowKib, true);
  view.setUint16(0x08, mode.segment, true);
  view.setUint16(0x0c, VBE_WINDOW_FUNCTION, true);
  view.setUint16(0x0e, ROM_SEGMENT, true);
  view.setUint16(0x10, line, true);
  view.setUint16(0x12, isText ? mode.columns : mode.width, true);
  view.setUint16(0x14, isText ? mode.rows : mode.height, true);
  view.setUint8(0x16, 8);
  view.setUint8(0x17, mode.characterHeight);
  view.setUint8(0x18, 4);
  view.setUint8(0x19, 4);
  view.setUint8(0x1a, 1);
  view.setUint8(0x1b, isText ? TEXT : PLANAR);
  view.setUint8(0x1d, mode.pageCount - 1);
  view.setUint8(0x1e, 1);
  view.setUint16(0x32, line, true);
  return bytes;
}
