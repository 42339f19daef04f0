/**
 * INT 10h, AH=0Bh and 10h: border, palette registers and the DAC (IBM PS/2 BIOS Interface Technical Reference).
 */
import { bda } from '../bios-data.ts';
import type { Caller } from '../caller.ts';
import type { Service } from '../service.ts';
import {
  readAttribute,
  readDac,
  readPelMask,
  sumToGray,
  writeAttribute,
  writeDac,
  writePelMask,
} from './vga-registers.ts';

const OVERSCAN = 0x11;
const MODE_CONTROL = 0x10;
const COLOR_SELECT = 0x14;
const BLINK = 1 << 3;
const SIXTEEN_COLOR_PAGES = 1 << 7;
const PALETTE_REGISTERS = 16;

const row = (al: number, name: string, run: (caller: Caller) => undefined): Service => ({
  interrupt: 0x10,
  function: { ax: 0x1000 | al },
  name,
  run,
});

/** The CGA's two palettes of foreground colours 1–3; the intensity bit of 40:66 makes them bright. */
const CGA_PALETTES: readonly (readonly number[])[] = [
  [2, 4, 6],
  [3, 5, 7],
];
const CGA_PALETTE_BIT = 1 << 5;
const CGA_INTENSITY = 1 << 4;

function setCgaColors({ context, bh, bl }: Caller): undefined {
  const { memory } = context;
  const old = memory.read(bda.CGA_PALETTE, 1);
  const value = bh === 0 ? (old & 0xe0) | (bl & 0x1f) : (old & ~CGA_PALETTE_BIT & 0xff) | ((bl & 1) << 5);
  memory.write(bda.CGA_PALETTE, 1, value);
  const background = (value & 7) | ((value & 8) << 1);
  if (bh === 0) {
    writeAttribute(context, OVERSCAN, background);
    writeAttribute(context, 0, background);
  }
  if (memory.read(bda.VIDEO_MODE, 1) > 3) {
    const colors = CGA_PALETTES[(value & CGA_PALETTE_BIT) === 0 ? 0 : 1] as readonly number[];
    colors.forEach((color, index) => {
      writeAttribute(context, index + 1, (value & CGA_INTENSITY) === 0 ? color : color | 0x10);
    });
  }
}

function setAll(caller: Caller): undefined {
  const { context } = caller;
  const values = context.memory.readBytes(caller.es(caller.dx), PALETTE_REGISTERS + 1);
  values.forEach((value, index) => {
    writeAttribute(context, index === PALETTE_REGISTERS ? OVERSCAN : index, value);
  });
}

function getAll(caller: Caller): undefined {
  const { context } = caller;
  const values = Array.from({ length: PALETTE_REGISTERS + 1 }, (_, index) =>
    readAttribute(context, index === PALETTE_REGISTERS ? OVERSCAN : index),
  );
  context.memory.writeBytes(caller.es(caller.dx), Uint8Array.from(values));
}

/** Colours from `bx` on, `cx` of them, as many as the DAC has. */
function dacRange({ bx, cx }: Caller): { first: number; count: number } {
  const first = bx & 0xff;
  return { first, count: Math.min(cx, 256 - first) };
}

function setDacBlock(caller: Caller): undefined {
  const { first, count } = dacRange(caller);
  const bytes = caller.memory.readBytes(caller.es(caller.dx), count * 3);
  for (let index = 0; index < count; index++) {
    const gun = (position: number): number => bytes[index * 3 + position] ?? 0;
    writeDac(caller.context, first + index, [gun(0), gun(1), gun(2)]);
  }
}

function getDacBlock(caller: Caller): undefined {
  const { first, count } = dacRange(caller);
  const colors = Array.from({ length: count }, (_, index) => readDac(caller.context, first + index)).flat();
  caller.memory.writeBytes(caller.es(caller.dx), Uint8Array.from(colors));
}

function setColorPage({ context, bl, bh }: Caller): undefined {
  const control = readAttribute(context, MODE_CONTROL);
  const sixteen = (control & SIXTEEN_COLOR_PAGES) !== 0;
  if (bl === 0) {
    writeAttribute(
      context,
      MODE_CONTROL,
      (bh & 1) !== 0 ? control | SIXTEEN_COLOR_PAGES : control & ~SIXTEEN_COLOR_PAGES,
    );
  } else {
    writeAttribute(context, COLOR_SELECT, sixteen ? bh & 0x0f : (bh & 3) << 2);
  }
}

function getColorPage(caller: Caller): undefined {
  const sixteen = (readAttribute(caller.context, MODE_CONTROL) & SIXTEEN_COLOR_PAGES) !== 0;
  const select = readAttribute(caller.context, COLOR_SELECT);
  caller.bl = sixteen ? 1 : 0;
  caller.bh = sixteen ? select & 0x0f : (select >> 2) & 3;
}

export const paletteServices: readonly Service[] = [
  { interrupt: 0x10, function: { ah: 0x0b }, name: 'set background or CGA palette', run: setCgaColors },
  row(0x00, 'set one palette register', ({ context, bl, bh }) => {
    if (bl <= COLOR_SELECT) writeAttribute(context, bl, bh);
  }),
  row(0x01, 'set border colour', ({ context, bh }) => {
    writeAttribute(context, OVERSCAN, bh);
  }),
  row(0x02, 'set all palette registers', setAll),
  row(0x03, 'choose blinking or bright backgrounds', ({ context, bl }) => {
    const control = readAttribute(context, MODE_CONTROL);
    writeAttribute(context, MODE_CONTROL, (bl & 1) !== 0 ? control | BLINK : control & ~BLINK);
  }),
  row(0x07, 'get one palette register', (caller) => {
    if (caller.bl <= COLOR_SELECT) caller.bh = readAttribute(caller.context, caller.bl);
  }),
  row(0x08, 'get border colour', (caller) => {
    caller.bh = readAttribute(caller.context, OVERSCAN);
  }),
  row(0x09, 'get all palette registers', getAll),
  row(0x10, 'set one DAC register', ({ context, bx, dh, ch, cl }) => {
    writeDac(context, bx & 0xff, [dh, ch, cl]);
  }),
  row(0x12, 'set a block of DAC registers', setDacBlock),
  row(0x13, 'select colour page', setColorPage),
  row(0x15, 'get one DAC register', (caller) => {
    const [red, green, blue] = readDac(caller.context, caller.bx & 0xff);
    caller.dh = red;
    caller.ch = green;
    caller.cl = blue;
  }),
  row(0x17, 'get a block of DAC registers', getDacBlock),
  row(0x18, 'set the pixel mask', ({ context, bl }) => {
    writePelMask(context, bl);
  }),
  row(0x19, 'get the pixel mask', (caller) => {
    caller.bl = readPelMask(caller.context);
  }),
  row(0x1a, 'get colour page', getColorPage),
  row(0x1b, 'sum colours to gray', (caller) => {
    const { first, count } = dacRange(caller);
    sumToGray(caller.context, first, count);
  }),
];
