import { beforeEach, describe, expect, it } from 'vitest';
import { createDisplay } from '../../../devices/vga/display.ts';
import type { Vga } from '../../../devices/vga/vga.ts';
import { isaPc } from '../../../machine/isa-pc.ts';
import type { Frame } from '../../../machine/machine.ts';
import { type BiosBench, createBiosBench } from '../bios-bench.ts';
import { bda } from '../bios-data.ts';
import { ES } from '../../../state/layout.ts';
import { ROM_BASE, VBE_PROTECTED_INTERFACE, VBE_WINDOW_FUNCTION } from '../rom.ts';
import { serviceKey } from '../service.ts';
import { functionalityServices } from './functionality-services.ts';
import { LINEAR_FRAMEBUFFER } from './vbe-blocks.ts';
import { PROTECTED_INTERFACE } from './protected-interface.ts';
import { vbeModeNumbers, vbeModes } from './vbe-modes.ts';
import { vbeServices } from './vbe-services.ts';
import {
  readAttribute,
  readCrtc,
  readDac,
  readPelMask,
  writeAttribute,
  writeDac,
  writePelMask,
} from './vga-registers.ts';

let bench: BiosBench;
beforeEach(() => {
  bench = createBiosBench();
  bench.caller.setEs(0x1000);
});

interface Registers {
  readonly bx?: number;
  readonly cx?: number;
  readonly dx?: number;
  readonly di?: number;
}

function call(ax: number, { bx = 0, cx = 0, dx = 0, di = 0 }: Registers = {}): void {
  Object.assign(bench.caller, { ax, bx, cx, dx, di });
  expect(bench.call(0x10).end).toBe('return');
}
/** Calls a VBE function and expects a status. */
function vbe(al: number, status: number, registers?: Registers): void {
  call(0x4f00 | al, registers);
  expect([bench.caller.al, bench.caller.ah]).toEqual([0x4f, status]);
}
const render = (): Frame => createDisplay(bench.bus.devices.get('vga') as Vga, { now: () => 0 }).render();
const pixel = (x: number, y: number): number[] => {
  const { width, pixels } = render();
  return [...pixels.subarray((y * width + x) * 4, (y * width + x) * 4 + 3)];
};
const poke = (address: number, size: 1 | 2 | 4, value: number): void =>
  bench.context.memory.write(address, size, value);
const peek = (address: number, size: 1 | 2 | 4): number => bench.context.memory.read(address, size);
const BUFFER = 0x10000;

const cases: Readonly<Record<string, () => void>> = {
  '10h/4F00': () => {
    poke(BUFFER + 256, 4, 0x12345678);
    vbe(0x00, 0);
    expect([peek(BUFFER, 4), peek(BUFFER + 4, 2), peek(BUFFER + 256, 4)]).toEqual([0x41534556, 0x0300, 0x12345678]);
    expect(peek(BUFFER + 0x12, 2)).toBe(256);
    const textAt = (field: number): string => {
      const at = peek(BUFFER + field + 2, 2) * 16 + peek(BUFFER + field, 2);
      return String.fromCharCode(...bench.ram.subarray(at, bench.ram.indexOf(0, at)));
    };
    expect(textAt(6)).toBe('x86 VM Debugger');
    poke(BUFFER + 0x40, 4, 0x32454256);
    vbe(0x00, 0, { di: 0x40 });
    expect(peek(BUFFER + 0x40 + 0x16 + 2, 2)).toBe(0x1000);
    const list = peek(BUFFER + 0x40 + 0x10, 2) * 16 + peek(BUFFER + 0x40 + 0x0e, 2);
    const numbers = vbeModeNumbers.map((_, index) => peek(list + index * 2, 2));
    expect(numbers).toEqual(vbeModeNumbers);
    expect(peek(list + numbers.length * 2, 2)).toBe(0xffff);
    // Everything stays inside the first 256 bytes.
    expect(bench.ram.subarray(BUFFER + 0x140, BUFFER + 0x240).every((byte) => byte === 0)).toBe(true);
  },
  '10h/4F01': () => {
    for (const { number, width, height, bitsPerPixel } of vbeModes) {
      vbe(0x01, 0, { cx: number });
      expect([peek(BUFFER + 0x12, 2), peek(BUFFER + 0x14, 2), peek(BUFFER + 0x19, 1)]).toEqual([
        width,
        height,
        bitsPerPixel,
      ]);
      expect(peek(BUFFER, 2) & 0x81).toBe(0x81);
      expect(peek(BUFFER + 0x10, 2)).toBe((width * (bitsPerPixel === 15 ? 16 : bitsPerPixel)) / 8);
      expect(peek(BUFFER + 0x28, 4)).toBe(0xe0000000);
      expect(peek(BUFFER + 0x1b, 1)).toBe(bitsPerPixel === 8 ? 4 : 6);
    }
    vbe(0x01, 0, { cx: 0x111 | 0x4000 });
    expect([...bench.ram.subarray(BUFFER + 0x1f, BUFFER + 0x27)]).toEqual([5, 11, 6, 5, 5, 0, 0, 0]);
    vbe(0x01, 0, { cx: 0x102 });
    expect([peek(BUFFER, 2) & 0x81, peek(BUFFER + 0x10, 2), peek(BUFFER + 0x1b, 1), peek(BUFFER + 0x28, 4)]).toEqual([
      1, 100, 3, 0,
    ]);
    vbe(0x01, 1, { cx: 0x13 });
    vbe(0x01, 1, { cx: 0x1ff });
  },
  '10h/4F02': () => {
    for (const { number, width, height } of vbeModes) {
      vbe(0x02, 0, { bx: number | 0x4000 });
      expect(render()).toMatchObject({ width, height });
    }
    poke(LINEAR_FRAMEBUFFER + 4, 4, 0x00123456);
    expect(pixel(1, 0)).toEqual([0x12, 0x34, 0x56]);
    vbe(0x02, 0, { bx: 0x142 | 0xc000 });
    expect(pixel(1, 0)).toEqual([0x12, 0x34, 0x56]);
    vbe(0x02, 0, { bx: 0x142 });
    expect(pixel(1, 0)).toEqual([0, 0, 0]);
    expect([peek(bda.VIDEO_COLUMNS, 2), peek(bda.VIDEO_ROWS, 1)]).toEqual([80, 29]);
    for (const bx of [0x1ff, 0x4102, 0x4003, 0x104, 0x55, 0x2101]) vbe(0x02, 1, { bx });
    expect(render()).toMatchObject({ width: 640, height: 480 });
    vbe(0x02, 0, { bx: 0x03 });
    expect(render()).toMatchObject({ width: 720, height: 400 });
    poke(0xb8000, 2, 0x0741);
    vbe(0x02, 0, { bx: 0x8003 });
    expect(peek(0xb8000, 2)).toBe(0x0741);
  },
  '10h/4F03': () => {
    vbe(0x03, 0);
    expect(bench.caller.bx).toBe(3);
    vbe(0x02, 0, { bx: 0x4118 });
    vbe(0x03, 0);
    expect(bench.caller.bx).toBe(0x4118);
    call(0x0013);
    vbe(0x03, 0);
    expect(bench.caller.bx).toBe(0x13);
    vbe(0x02, 0, { bx: 0x102 });
    vbe(0x03, 0);
    expect(bench.caller.bx).toBe(0x102);
    expect(render()).toMatchObject({ width: 800, height: 600 });
    call(0x0c04, { cx: 799, dx: 599 });
    expect(pixel(799, 599)).toEqual([0xaa, 0, 0]);
  },
  '10h/4F04': () => {
    vbe(0x04, 0, { dx: 0, cx: 0x0f });
    expect(bench.caller.bx).toBe(15);
    vbe(0x04, 0, { dx: 0, cx: 0 });
    expect(bench.caller.bx).toBe(0);
    vbe(0x02, 0, { bx: 0x4103 });
    vbe(0x06, 0, { bx: 0, cx: 1000 });
    vbe(0x07, 0, { cx: 100, dx: 7 });
    poke(LINEAR_FRAMEBUFFER + 7 * 1000 + 100, 1, 4);
    writeDac(bench.context, 4, [63, 1, 2]);
    vbe(0x04, 0, { dx: 1, cx: 0x0f, bx: 0x100 });
    call(0x0003);
    vbe(0x04, 0, { dx: 2, cx: 0x0f, bx: 0x100 });
    expect(render()).toMatchObject({ width: 800, height: 600 });
    expect(pixel(0, 0)).toEqual([255, 4, 8]);
    vbe(0x03, 0);
    expect(bench.caller.bx).toBe(0x4103);
    vbe(0x04, 1, { dx: 3, cx: 0x0f });
  },
  '10h/4F05': () => {
    vbe(0x05, 3, { dx: 1 });
    vbe(0x02, 0, { bx: 0x4105 });
    vbe(0x05, 3, { dx: 1 });
    vbe(0x02, 0, { bx: 0x105 });
    vbe(0x05, 0, { dx: 5 });
    poke(0xa0010, 1, 0x77);
    expect(peek(LINEAR_FRAMEBUFFER + 0x50010, 1)).toBe(0x77);
    vbe(0x05, 0, { bx: 0x0100 });
    expect(bench.caller.dx).toBe(5);
    vbe(0x05, 1, { dx: 256 });
    vbe(0x05, 1, { bx: 1 });
    vbe(0x05, 1, { bx: 0x0200 });
    // The far function of the mode information is INT 10h and a far return.
    expect([...bench.firmware.rom.subarray(VBE_WINDOW_FUNCTION, VBE_WINDOW_FUNCTION + 6)]).toEqual([
      0xb8, 0x05, 0x4f, 0xcd, 0x10, 0xcb,
    ]);
  },
  '10h/4F06': () => {
    vbe(0x06, 3, { bx: 1 });
    vbe(0x02, 0, { bx: 0x4111 });
    const answer = (): number[] => [bench.caller.bx, bench.caller.cx, bench.caller.dx];
    vbe(0x06, 0, { bx: 1 });
    expect(answer()).toEqual([1280, 640, 13107]);
    vbe(0x06, 0, { bx: 0, cx: 1024 });
    expect(answer()).toEqual([2048, 1024, 8192]);
    vbe(0x06, 0, { bx: 2, cx: 1601 });
    expect(answer().slice(0, 2)).toEqual([1602, 801]);
    vbe(0x06, 2, { bx: 0, cx: 639 });
    vbe(0x06, 2, { bx: 0, cx: 0xffff });
    vbe(0x06, 0, { bx: 3 });
    expect(answer().slice(0, 2)).toEqual([34952, 17476]);
    vbe(0x06, 0, { bx: 0, cx: 17476 });
    vbe(0x06, 1, { bx: 4 });
  },
  '10h/4F07': () => {
    vbe(0x07, 3);
    vbe(0x02, 0, { bx: 0x4101 });
    poke(LINEAR_FRAMEBUFFER + 480 * 640, 1, 0x0f);
    vbe(0x07, 0, { bx: 0x80, dx: 480 });
    expect(pixel(0, 0)).toEqual([255, 255, 255]);
    vbe(0x07, 0, { bx: 1 });
    expect([bench.caller.cx, bench.caller.dx]).toEqual([0, 480]);
    vbe(0x07, 1, { cx: 1, dx: 0 });
    vbe(0x07, 0, { bx: 1 });
    expect([bench.caller.cx, bench.caller.dx]).toEqual([0, 480]);
    bench.caller.ecx = 0;
    vbe(0x07, 0, { bx: 2, cx: 640 * 3 });
    vbe(0x07, 1, { bx: 2, cx: 640 * 3 + 5 });
    bench.caller.ecx = 0xffff_0000;
    vbe(0x07, 1, { bx: 0x82, cx: 0 });
    vbe(0x07, 1, { bx: 3 });
    vbe(0x02, 0, { bx: 0x4111 });
    bench.caller.ecx = 0;
    vbe(0x07, 1, { bx: 2, cx: 1 });
    vbe(0x06, 0, { bx: 0, cx: 1000 });
    vbe(0x07, 0, { bx: 0x82, cx: 2000 * 4 + 2 * 7 });
    vbe(0x07, 0, { bx: 1 });
    expect([bench.caller.cx, bench.caller.dx]).toEqual([7, 4]);
  },
  '10h/4F08': () => {
    vbe(0x08, 3);
    vbe(0x02, 0, { bx: 0x4101 });
    vbe(0x08, 0, { bx: 1 });
    expect(bench.caller.bh).toBe(6);
    poke(LINEAR_FRAMEBUFFER, 1, 15);
    vbe(0x08, 0, { bx: 0x0800 });
    expect(bench.caller.bh).toBe(8);
    writeDac(bench.context, 15, [0x81, 0x42, 0x24]);
    expect(pixel(0, 0)).toEqual([0x81, 0x42, 0x24]);
    vbe(0x08, 0, { bx: 0x0600 });
    expect([bench.caller.bh, peek(LINEAR_FRAMEBUFFER, 1)]).toEqual([6, 15]);
    vbe(0x08, 1, { bx: 2 });
    vbe(0x02, 0, { bx: 0x4111 });
    vbe(0x08, 3, { bx: 1 });
  },
  '10h/4F09': () => {
    vbe(0x02, 0, { bx: 0x4101 });
    bench.ram.set([1, 2, 3, 0, 4, 5, 6, 0], BUFFER);
    vbe(0x09, 0, { cx: 2, dx: 254 });
    expect([readDac(bench.context, 254), readDac(bench.context, 255)]).toEqual([
      [3, 2, 1],
      [6, 5, 4],
    ]);
    vbe(0x09, 0, { bx: 1, cx: 1, dx: 255, di: 0x20 });
    expect([...bench.ram.subarray(BUFFER + 0x20, BUFFER + 0x25)]).toEqual([4, 5, 6, 0, 0]);
    vbe(0x09, 0, { bx: 0x80, cx: 1, dx: 0 });
    vbe(0x09, 1, { cx: 2, dx: 255 });
    vbe(0x09, 2, { bx: 2, cx: 1 });
    vbe(0x09, 1, { bx: 4, cx: 1 });
  },
  // Its code: later-guests.test.ts.
  '10h/4F0A': () => {
    vbe(0x0a, 0);
    const table = bench.caller.state.segment(ES).base + bench.caller.di;
    expect([table, bench.caller.cx]).toEqual([ROM_BASE + VBE_PROTECTED_INTERFACE, PROTECTED_INTERFACE.length]);
    for (const offset of [0, 2, 4]) expect(peek(table + peek(table + offset, 2), 1)).toBe(0x60);
    expect(peek(table + 6, 2)).toBe(0);
    vbe(0x0a, 2, { bx: 1 });
  },
  '10h/4F0B': () => {
    bench.caller.ecx = 0x0100_0000;
    vbe(0x0b, 0, { cx: 0x1234, dx: 0x144 });
    expect(bench.caller.ecx).toBe(0x0100_1234);
    bench.caller.ecx = 0xffff_0000;
    vbe(0x0b, 0, { dx: 0x144 });
    expect(bench.caller.ecx).toBe(230_000_000);
    vbe(0x0b, 1, { dx: 0x03 });
    vbe(0x0b, 1, { bx: 1, dx: 0x144 });
  },
  '10h/1B': () => {
    call(0x0012);
    call(0x1b00);
    expect(bench.caller.al).toBe(0x1b);
    expect(peek(peek(BUFFER + 2, 2) * 16 + peek(BUFFER, 2), 4)).toBe(0x000fe0ff);
    expect([peek(BUFFER + 4, 1), peek(BUFFER + 5, 2), peek(BUFFER + 0x22, 1), peek(BUFFER + 0x23, 2)]).toEqual([
      0x12, 80, 30, 16,
    ]);
    expect([peek(BUFFER + 0x25, 1), peek(BUFFER + 0x27, 2), peek(BUFFER + 0x2a, 1), peek(BUFFER + 0x31, 1)]).toEqual([
      8, 16, 3, 3,
    ]);
    call(0x1b00, { bx: 1 });
    expect(bench.caller.al).toBe(0);
  },
  '10h/1C': () => {
    call(0x1c00, { cx: 7 });
    expect([bench.caller.al, bench.caller.bx]).toEqual([0x1c, 14]);
    writeAttribute(bench.context, 1, 0x3a);
    writePelMask(bench.context, 0x7f);
    call(0x0200, { dx: 0x0304 });
    call(0x1c01, { cx: 7, bx: 0x200 });
    call(0x0013);
    call(0x1c02, { cx: 7, bx: 0x200 });
    expect([peek(bda.VIDEO_MODE, 1), peek(bda.CURSOR_POSITIONS, 2)]).toEqual([3, 0x0304]);
    expect([readAttribute(bench.context, 1), readPelMask(bench.context)]).toEqual([0x3a, 0x7f]);
    expect(readCrtc(bench.context, 0x13)).toBe(40);
    expect(render()).toMatchObject({ width: 720, height: 400 });
    call(0x1c03, { cx: 7 });
    expect(bench.caller.al).toBe(3);
  },
};

describe('VBE and functionality', () => {
  const rows = [...vbeServices, ...functionalityServices];
  it('have a case for every row', () => {
    expect(Object.keys(cases).sort()).toEqual(rows.map(serviceKey).sort());
  });

  it.each(rows.map((row) => [serviceKey(row), row.name]))('%s %s', (key) => {
    cases[key]?.();
  });

  it('name the framebuffer where the machine has it', () => {
    const vga = isaPc.devices.find(({ name }) => name === 'vga');
    expect(vga?.memory?.['linear']).toBe(LINEAR_FRAMEBUFFER);
  });

  it.each([
    { number: 0x108, columns: 80, rows: 60, width: 640, height: 480, character: 8 },
    { number: 0x109, columns: 132, rows: 25, width: 1056, height: 400, character: 16 },
    { number: 0x10a, columns: 132, rows: 43, width: 1056, height: 344, character: 8 },
    { number: 0x10b, columns: 132, rows: 50, width: 1056, height: 400, character: 8 },
    { number: 0x10c, columns: 132, rows: 60, width: 1056, height: 480, character: 8 },
  ])('set text of $columns x $rows and print in it', ({ number, columns, rows, width, height, character }) => {
    vbe(0x01, 0, { cx: number });
    expect([peek(BUFFER, 2), peek(BUFFER + 0x12, 2), peek(BUFFER + 0x14, 2), peek(BUFFER + 0x1b, 1)]).toEqual([
      ...[0x0f, columns, rows, 0],
    ]);
    expect([peek(BUFFER + 0x17, 1), peek(BUFFER + 0x10, 2), peek(BUFFER + 8, 2)]).toEqual([
      ...[character, columns * 2, 0xb800],
    ]);
    vbe(0x02, 1, { bx: 0x4000 | number });
    vbe(0x02, 0, { bx: number });
    vbe(0x03, 0);
    expect(bench.caller.bx).toBe(number);
    expect(render()).toMatchObject({ width, height });
    call(0x0200, { dx: ((rows - 1) << 8) | (columns - 2) });
    call(0x0e58, { bx: 7 });
    const text = createDisplay(bench.bus.devices.get('vga') as Vga, { now: () => 0 }).text();
    expect([text?.length, text?.at(-1)]).toEqual([rows, `${' '.repeat(columns - 2)}X`]);
    call(0x0f00);
    expect([bench.caller.ah, bench.caller.al]).toEqual([columns, 0x50 + number - 0x108]);
    call(0x0601, { dx: ((rows - 1) << 8) | (columns - 1), bx: 0x0700 });
    const scrolled = createDisplay(bench.bus.devices.get('vga') as Vga, { now: () => 0 }).text();
    expect(scrolled?.at(-2)).toBe(`${' '.repeat(columns - 2)}X`);
  });

  it('leave text functions of a VBE mode without effect', () => {
    vbe(0x02, 0, { bx: 0x4101 });
    call(0x0e41);
    call(0x0601, { dx: 0x184f });
    call(0x0c0f, { cx: 1, dx: 1 });
    expect(new Set(new Uint32Array(render().pixels.buffer))).toEqual(new Set([0xff000000]));
  });

  it('read the ROM of the far function where the mode information points', () => {
    vbe(0x01, 0, { cx: 0x101 });
    expect(peek(BUFFER + 0x0e, 2) * 16 + peek(BUFFER + 0x0c, 2)).toBe(ROM_BASE + VBE_WINDOW_FUNCTION);
  });
});
