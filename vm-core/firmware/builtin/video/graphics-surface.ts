/**
 * Pixels of the graphics modes in their three memory layouts: CGA (packed, two banks), planar (EGA and VGA, through the
 * graphics controller's latches) and mode 13h (a byte per pixel). One interface, in units the BIOS works in: a cell column
 * is eight pixels wide.
 */
import type { FirmwareContext } from '../../firmware.ts';
import type { Screen } from './screen.ts';
import { readGraphics, writeGraphics, writeSequencer } from './vga-registers.ts';

/** What a BIOS draws with. Coordinates outside the picture are ignored by the callers, addresses wrap in the window. */
export interface Surface {
  /** Draws eight pixels: 1 bits in `color`, 0 bits in `background`; with `xor` the 1 bits are combined, the 0 bits kept. */
  drawCellRow(column: number, y: number, bits: number, color: number, background: number, xor: boolean): void;
  /** Eight pixels as bits: 1 where the colour is not `background`. */
  readCellRow(column: number, y: number, background: number): number;
  plot(x: number, y: number, color: number, xor: boolean): void;
  pixel(x: number, y: number): number;
  copyCells(column: number, count: number, fromY: number, toY: number): void;
  fillCells(column: number, count: number, y: number, color: number): void;
  /** Puts registers back to what the mode set left. */
  done(): void;
}

/** The surface of a page of the current graphics mode. */
export function surfaceOf(context: FirmwareContext, screen: Screen, page: number): Surface {
  return screen.mode.segment === 0xa000 && screen.mode.bitsPerPixel < 8
    ? new PlanarSurface(context, screen, page)
    : new PackedSurface(context, screen);
}

class PackedSurface implements Surface {
  readonly #context: FirmwareContext;
  readonly #bits: number;
  readonly #base: number;
  readonly #mask: number;

  constructor(context: FirmwareContext, { mode }: Screen) {
    this.#context = context;
    this.#bits = mode.bitsPerPixel;
    this.#base = mode.segment << 4;
    this.#mask = (1 << this.#bits) - 1;
  }

  drawCellRow(column: number, y: number, bits: number, color: number, background: number, xor: boolean): void {
    for (let index = 0; index < 8; index++) {
      const on = (bits & (0x80 >> index)) !== 0;
      if (on) this.plot(column * 8 + index, y, color, xor);
      else if (!xor) this.plot(column * 8 + index, y, background, false);
    }
  }

  readCellRow(column: number, y: number, background: number): number {
    let bits = 0;
    for (let index = 0; index < 8; index++) {
      if (this.pixel(column * 8 + index, y) !== background) bits |= 0x80 >> index;
    }
    return bits;
  }

  plot(x: number, y: number, color: number, xor: boolean): void {
    const { address, shift } = this.#at(x, y);
    const old = this.#context.memory.read(address, 1);
    const pixel = (color & this.#mask) << shift;
    const value = xor ? old ^ pixel : (old & ~(this.#mask << shift)) | pixel;
    this.#context.memory.write(address, 1, value & 0xff);
  }

  pixel(x: number, y: number): number {
    const { address, shift } = this.#at(x, y);
    return (this.#context.memory.read(address, 1) >> shift) & this.#mask;
  }

  copyCells(column: number, count: number, fromY: number, toY: number): void {
    const { memory } = this.#context;
    memory.writeBytes(this.#row(toY, column), memory.readBytes(this.#row(fromY, column), count * this.#bits));
  }

  fillCells(column: number, count: number, y: number, color: number): void {
    let byte = color & this.#mask;
    for (let width = this.#bits; width < 8; width *= 2) byte |= byte << width;
    this.#context.memory.writeBytes(this.#row(y, column), new Uint8Array(count * this.#bits).fill(byte));
  }

  done(): void {}

  #row(y: number, column: number): number {
    const offset = this.#bits === 8 ? y * 320 : (y >> 1) * 80 + (y & 1) * 0x2000;
    return this.#base + offset + column * this.#bits;
  }

  #at(x: number, y: number): { address: number; shift: number } {
    const bit = (x & 7) * this.#bits;
    return { address: this.#row(y, x >> 3) + (bit >> 3), shift: 8 - this.#bits - (bit & 7) };
  }
}

/** Graphics-controller registers. */
const DATA_ROTATE = 3;
const READ_MAP_SELECT = 4;
const GRAPHICS_MODE = 5;
const BIT_MASK = 8;
const FUNCTION_XOR = 0x18;

class PlanarSurface implements Surface {
  readonly #context: FirmwareContext;
  readonly #base: number;
  readonly #page: number;
  readonly #columns: number;
  readonly #bits: number;
  readonly #modeRegister: number;

  constructor(context: FirmwareContext, { mode, pageSize }: Screen, page: number) {
    this.#context = context;
    this.#base = mode.segment << 4;
    this.#page = page * pageSize;
    this.#columns = mode.width / 8;
    this.#bits = mode.bitsPerPixel;
    this.#modeRegister = readGraphics(context, GRAPHICS_MODE) & ~3;
    writeSequencer(context, 2, 0x0f);
    writeGraphics(context, 1, 0);
    this.#writeMode(2);
  }

  drawCellRow(column: number, y: number, bits: number, color: number, background: number, xor: boolean): void {
    const address = this.#address(column, y);
    if (xor) writeGraphics(this.#context, DATA_ROTATE, FUNCTION_XOR);
    this.#write(address, bits, color);
    if (xor) writeGraphics(this.#context, DATA_ROTATE, 0);
    else this.#write(address, ~bits & 0xff, background);
  }

  readCellRow(column: number, y: number, background: number): number {
    const address = this.#address(column, y);
    const paper = this.#planes(background);
    let bits = 0;
    for (let plane = 0; plane < 4; plane++) {
      if (!this.#hasPlane(plane)) continue;
      const byte = this.#readPlane(address, plane);
      bits |= (paper & (1 << plane)) !== 0 ? ~byte & 0xff : byte;
    }
    return bits;
  }

  plot(x: number, y: number, color: number, xor: boolean): void {
    if (xor) writeGraphics(this.#context, DATA_ROTATE, FUNCTION_XOR);
    this.#write(this.#address(x >> 3, y), 0x80 >> (x & 7), color);
    if (xor) writeGraphics(this.#context, DATA_ROTATE, 0);
  }

  pixel(x: number, y: number): number {
    const address = this.#address(x >> 3, y);
    let planes = 0;
    for (let plane = 0; plane < 4; plane++) {
      if (!this.#hasPlane(plane)) continue;
      if ((this.#readPlane(address, plane) & (0x80 >> (x & 7))) !== 0) planes |= 1 << plane;
    }
    return this.#bits === 2 ? (planes & 1) | ((planes >> 1) & 2) : planes;
  }

  copyCells(column: number, count: number, fromY: number, toY: number): void {
    this.#writeMode(1);
    for (let index = 0; index < count; index++) {
      this.#context.memory.read(this.#address(column + index, fromY), 1);
      this.#context.memory.write(this.#address(column + index, toY), 1, 0);
    }
    this.#writeMode(2);
  }

  fillCells(column: number, count: number, y: number, color: number): void {
    writeGraphics(this.#context, BIT_MASK, 0xff);
    const planes = this.#planes(color);
    for (let index = 0; index < count; index++) {
      this.#context.memory.write(this.#address(column + index, y), 1, planes);
    }
  }

  done(): void {
    writeGraphics(this.#context, DATA_ROTATE, 0);
    writeGraphics(this.#context, READ_MAP_SELECT, 0);
    this.#writeMode(0);
    writeGraphics(this.#context, BIT_MASK, 0xff);
  }

  #address(column: number, y: number): number {
    return this.#base + ((this.#page + y * this.#columns + column) & 0xffff);
  }

  /** Colour number to planes: one-colour modes light all of them, the monochrome mode has planes 0 and 2. */
  #planes(color: number): number {
    if (this.#bits === 1) return (color & 1) !== 0 ? 0x0f : 0;
    return this.#bits === 2 ? (color & 1) | ((color & 2) << 1) : color & 0x0f;
  }

  #hasPlane(plane: number): boolean {
    return this.#bits === 4 || plane === 0 || (this.#bits === 2 && plane === 2);
  }

  /** Reading fills the latches, which keep the pixels that the bit mask leaves out. */
  #write(address: number, bitMask: number, color: number): void {
    writeGraphics(this.#context, BIT_MASK, bitMask);
    this.#context.memory.read(address, 1);
    this.#context.memory.write(address, 1, this.#planes(color));
  }

  #readPlane(address: number, plane: number): number {
    writeGraphics(this.#context, READ_MAP_SELECT, plane);
    return this.#context.memory.read(address, 1);
  }

  #writeMode(mode: 0 | 1 | 2): void {
    writeGraphics(this.#context, GRAPHICS_MODE, this.#modeRegister | mode);
  }
}
