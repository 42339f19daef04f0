/** A VGA with its display for tests: ports by number, modes by number, pictures as text. Used by tests only. */
import type { Display } from '../../machine/machine.ts';
import { createTestBench, type TestBench } from '../test-bench.ts';
import { dacPalette } from './default-palettes.ts';
import { createDisplay } from './display.ts';
import { font8x16 } from './font-8x16.ts';
import { type VgaMode, vgaModes } from './mode-table.ts';
import { createVga, type Vga } from './vga.ts';

export interface VgaBench {
  readonly bench: TestBench;
  readonly vga: Vga;
  readonly display: Display;
  in(port: number): number;
  out(port: number, value: number): void;
  /** Writes an indexed register: index to `port`, value to the next port. */
  set(port: number, index: number, value: number): void;
  /** Reads an indexed register. */
  get(port: number, index: number): number;
  /** Writes an attribute controller register and shows the picture again. */
  setAttribute(index: number, value: number): void;
  /** Reads and writes memory by guest-physical address. */
  peek(address: number): number;
  poke(address: number, ...bytes: number[]): void;
  /** Sets a mode by its number. */
  setMode(number: number): VgaMode;
  /** Puts a string into text memory at B8000h. */
  print(column: number, row: number, text: string, attribute?: number): void;
  /** Part of the picture, a character for each colour in the order given (RRGGBB); `?` for others. */
  picture(colors: Readonly<Record<string, string>>, part: Part): string;
  /** Colour of a pixel as RRGGBB. */
  pixel(x: number, y: number): string;
}

/** A rectangle of the picture. */
export interface Part {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const FIRST_PORT = 0x3b0;
const FIRST_ADDRESS = 0xa0000;

export function modeOf(number: number): VgaMode {
  const mode = vgaModes.find((candidate) => candidate.number === number);
  if (mode === undefined) throw new Error(`There is no mode ${number.toString(16)}h`);
  return mode;
}

export function createVgaBench(): VgaBench {
  const bench = createTestBench();
  const vga = createVga(bench.context);
  const display = createDisplay(vga, bench.context);
  const ports = vga.ports['registers'] as Vga['ports'][string];
  const window = vga.memory?.['window'] as Vga['ports'][string];
  const self: VgaBench = {
    bench,
    vga,
    display,
    in: (port) => ports.read(port - FIRST_PORT, 1),
    out: (port, value) => ports.write(port - FIRST_PORT, 1, value),
    set(port, index, value) {
      self.out(port, index);
      self.out(port + 1, value);
    },
    get(port, index) {
      self.out(port, index);
      return self.in(port + 1);
    },
    setAttribute(index, value) {
      self.in(0x3da);
      self.out(0x3c0, index);
      self.out(0x3c0, value);
      self.out(0x3c0, 0x20);
    },
    peek: (address) => window.read(address - FIRST_ADDRESS, 1),
    poke: (address, ...bytes) => {
      for (const [index, byte] of bytes.entries()) window.write(address - FIRST_ADDRESS + index, 1, byte);
    },
    setMode: (number) => programMode(self, modeOf(number)),
    print(column, row, text, attribute = 7) {
      for (const [index, character] of [...text].entries()) {
        self.poke(0xb8000 + (row * 80 + column + index) * 2, character.charCodeAt(0), attribute);
      }
    },
    picture: (colors, part) => pictureText(display, colors, part),
    pixel: (x, y) => colorAt(display.render(), x, y),
  };
  return self;
}

/** Programs the registers, the DAC and, in text modes, the 8x16 font; clears the screen. */
export function programMode(vga: VgaBench, mode: VgaMode): VgaMode {
  vga.out(0x3c2, mode.miscOutput);
  const crtcPort = (mode.miscOutput & 1) !== 0 ? 0x3d4 : 0x3b4;
  for (const [index, value] of mode.sequencer.entries()) vga.set(0x3c4, index, value);
  vga.set(crtcPort, 0x11, 0);
  for (const [index, value] of mode.crtc.entries()) vga.set(crtcPort, index, value);
  for (const [index, value] of mode.graphics.entries()) vga.set(0x3ce, index, value);
  vga.in(crtcPort + 6);
  for (const [index, value] of mode.attribute.entries()) {
    vga.out(0x3c0, index);
    vga.out(0x3c0, value);
  }
  vga.out(0x3c0, 0x20);
  vga.out(0x3c8, 0);
  for (const component of dacPalette(mode.palette)) vga.out(0x3c9, component);
  vga.vga.state.videoMemory.fill(0);
  if (mode.kind === 'text') loadFont(vga, font8x16, 16);
  vga.vga.restored?.();
  return mode;
}

/** Loads a font into plane 2 through the window, as the BIOS does. */
export function loadFont(vga: VgaBench, font: Uint8Array, height: number, firstAddress = FIRST_ADDRESS): void {
  const saved = [vga.get(0x3c4, 2), vga.get(0x3c4, 4), vga.get(0x3ce, 5), vga.get(0x3ce, 6)] as const;
  vga.set(0x3c4, 2, 4);
  vga.set(0x3c4, 4, 6);
  vga.set(0x3ce, 5, 0);
  vga.set(0x3ce, 6, 4);
  for (let code = 0; code < 256; code++) {
    vga.poke(firstAddress + code * 32, ...font.subarray(code * height, (code + 1) * height));
  }
  vga.set(0x3c4, 2, saved[0]);
  vga.set(0x3c4, 4, saved[1]);
  vga.set(0x3ce, 5, saved[2]);
  vga.set(0x3ce, 6, saved[3]);
}

function colorAt({ pixels, width }: ReturnType<Display['render']>, x: number, y: number): string {
  const position = (y * width + x) * 4;
  return Array.from(pixels.subarray(position, position + 3), (part) => part.toString(16).padStart(2, '0')).join('');
}

function pictureText(display: Display, colors: Readonly<Record<string, string>>, part: Part): string {
  const frame = display.render();
  const lines: string[] = [];
  for (let y = part.y; y < part.y + part.height; y++) {
    let line = '';
    for (let x = part.x; x < part.x + part.width; x++) line += colors[colorAt(frame, x, y)] ?? '?';
    lines.push(line);
  }
  return lines.join('\n');
}
