import { beforeEach, describe, expect, it } from 'vitest';
import { font8x8 } from '../../../devices/vga/font-8x8.ts';
import { font8x14 } from '../../../devices/vga/font-8x14.ts';
import { font8x16 } from '../../../devices/vga/font-8x16.ts';
import { ES } from '../../../state/layout.ts';
import { createDisplay } from '../../../devices/vga/display.ts';
import type { Vga } from '../../../devices/vga/vga.ts';
import { type BiosBench, createBiosBench } from '../bios-bench.ts';
import { bda } from '../bios-data.ts';
import { FONT_8X8, FONT_8X16, ROM_SEGMENT } from '../rom.ts';
import { serviceKey } from '../service.ts';
import { displayServices } from './display-services.ts';
import { fontServices } from './font-services.ts';
import { readCrtc, readGraphics, readSequencer, writeGraphics } from './vga-registers.ts';

let bench: BiosBench;
beforeEach(() => {
  bench = createBiosBench();
});

function video(ax: number, registers: { bx?: number; cx?: number; dx?: number; bp?: number } = {}): void {
  const { caller } = bench;
  caller.ax = ax;
  caller.bx = registers.bx ?? 0;
  caller.cx = registers.cx ?? 0;
  caller.dx = registers.dx ?? 0;
  caller.bp = registers.bp ?? 0;
  expect(bench.call(0x10).end).toBe('return');
}

/** Lines of a character in plane 2, read through a flat window as an image viewer would. */
function glyph(character: number, block = 0): number[] {
  const { context } = bench;
  const saved = [4, 5, 6].map((index) => readGraphics(context, index));
  [2, 0, 4].forEach((value, index) => {
    writeGraphics(context, 4 + index, value);
  });
  const bytes = context.memory.readBytes(0xa0000 + block * 0x4000 + character * 32, 32);
  saved.forEach((value, index) => {
    writeGraphics(context, 4 + index, value);
  });
  return [...bytes];
}

const padded = (font: Uint8Array, character: number, height: number): number[] => [
  ...font.subarray(character * height, (character + 1) * height),
  ...new Array<number>(32 - height).fill(0),
];
const userFont = (): void =>
  bench.ram.set(
    Uint8Array.from({ length: 20 }, (_, index) => index + 1),
    0x9000,
  );
const rows = (): number[] => [
  (bench.ram[bda.VIDEO_ROWS] as number) + 1,
  bench.ram[bda.CHARACTER_HEIGHT] as number,
  (readCrtc(bench.context, 9) & 0x1f) + 1,
];
const vector = (number: number): number => bench.context.memory.read(number * 4, 4);

const shownHeight = (): number => createDisplay(bench.bus.devices.get('vga') as Vga, { now: () => 0 }).render().height;

const cases: Readonly<Record<string, () => void>> = {
  '10h/1100': () => {
    userFont();
    video(0x1100, { bx: 0x0a01, cx: 2, dx: 0x41, bp: 0x9000 });
    expect(glyph(0x41, 1).slice(0, 11)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0]);
    expect(glyph(0x42, 1)[0]).toBe(11);
    expect(rows()).toEqual([25, 16, 16]);
    video(0x1100, { bx: 0xff00, cx: 0xffff, dx: 0xffff, bp: 0xffff });
  },
  '10h/1101': () => {
    video(0x1101);
    expect(glyph(0x41)).toEqual(padded(font8x14, 0x41, 14));
  },
  '10h/1102': () => {
    video(0x1102);
    expect(glyph(0x41)).toEqual(padded(font8x8, 0x41, 8));
    expect(rows()).toEqual([25, 16, 16]);
  },
  '10h/1103': () => {
    video(0x1103, { bx: 0x0011 });
    expect(readSequencer(bench.context, 3)).toBe(0x11);
  },
  '10h/1104': () => {
    video(0x1102);
    video(0x1104);
    expect(glyph(0x41)).toEqual(padded(font8x16, 0x41, 16));
  },
  '10h/1110': () => {
    userFont();
    video(0x1110, { bx: 0x0a00, cx: 1, dx: 0x41, bp: 0x9000 });
    expect(rows()).toEqual([40, 10, 10]);
  },
  '10h/1111': () => {
    video(0x1111);
    expect(rows()).toEqual([28, 14, 14]);
  },
  '10h/1112': () => {
    video(0x1112);
    expect(rows()).toEqual([50, 8, 8]);
    video(0x0200, { dx: 0x3100 });
    video(0x0e41);
    expect(bench.context.memory.read(0xb8000 + 49 * 160, 1)).toBe(0x41);
  },
  '10h/1114': () => {
    video(0x1112);
    video(0x1114);
    expect(rows()).toEqual([25, 16, 16]);
  },
  '10h/1120': () => {
    bench.caller.setEs(0x1234);
    video(0x1120, { bp: 0x5678 });
    expect(vector(0x1f)).toBe(0x12345678);
  },
  '10h/1121': () => {
    bench.caller.setEs(0x1234);
    video(0x1121, { bx: 0, cx: 14, dx: 30, bp: 0x5678 });
    expect(vector(0x43)).toBe(0x12345678);
    expect(rows().slice(0, 2)).toEqual([30, 14]);
  },
  '10h/1122': () => {
    video(0x1122, { bx: 2 });
    expect(rows().slice(0, 2)).toEqual([25, 14]);
  },
  '10h/1123': () => {
    video(0x1123, { bx: 3 });
    expect(rows().slice(0, 2)).toEqual([43, 8]);
    expect(vector(0x43)).toBe(ROM_SEGMENT * 0x10000 + FONT_8X8);
  },
  '10h/1124': () => {
    video(0x1124, { bx: 1 });
    expect(rows().slice(0, 2)).toEqual([14, 16]);
  },
  '10h/1130': () => {
    video(0x1130, { bx: 0x0600 });
    expect([bench.caller.state.segment(ES).selector, bench.caller.bp]).toEqual([ROM_SEGMENT, FONT_8X16]);
    expect([bench.caller.cx, bench.caller.dl]).toEqual([16, 24]);
    const lines = bench.context.memory.readBytes(0xf0000 + FONT_8X16 + 0x41 * 16, 16);
    expect([...lines]).toEqual([...font8x16.subarray(0x410, 0x420)]);
    video(0x1130, { bx: 0x0100 });
    expect(bench.caller.bp).toBe(FONT_8X16);
    video(0x1130, { bx: 0xff00, bp: 0x77 });
    expect(bench.caller.bp).toBe(0x77);
  },
  '10h/12': () => {
    video(0x1200, { bx: 0x0010 });
    expect([bench.caller.bx, bench.caller.cx]).toEqual([3, 9]);
    video(0x1202, { bx: 0x0030 });
    expect(bench.caller.al).toBe(0x12);
    video(0x1203, { bx: 0x0030 });
    expect(bench.caller.al).toBe(3);
    for (const [code, height, rows] of [
      [0, 200, 25],
      [1, 350, 43],
      [2, 400, 50],
    ] as const) {
      video(0x1200 | code, { bx: 0x0030 });
      video(0x0003);
      expect(shownHeight()).toBe(height);
      expect(bench.ram[bda.CHARACTER_HEIGHT]).toBe([8, 14, 16][code]);
      video(0x1112);
      expect([bench.ram[bda.VIDEO_ROWS], shownHeight()]).toEqual([rows - 1, rows * 8]);
    }
    video(0x1201, { bx: 0x0030 });
    video(0x0007);
    video(0x1114);
    expect([bench.ram[bda.VIDEO_ROWS], shownHeight()]).toEqual([24, 400]);
    video(0x1202, { bx: 0x0030 });
    video(0x0003);
    video(0x1201, { bx: 0x0031 });
    expect((bench.ram[bda.VIDEO_FLAGS] as number) & 8).toBe(8);
    video(0x1201, { bx: 0x0032 });
    expect(bench.context.ports.read(0x3cc, 1) & 2).toBe(0);
    video(0x1200, { bx: 0x0032 });
    video(0x1200, { bx: 0x0033 });
    expect((bench.ram[bda.VIDEO_FLAGS] as number) & 2).toBe(2);
    video(0x1201, { bx: 0x0034 });
    expect((bench.ram[bda.VIDEO_CONTROL] as number) & 1).toBe(1);
    video(0x1201, { bx: 0x0036 });
    expect([bench.caller.al, readSequencer(bench.context, 1)]).toEqual([0x12, 0x20]);
    video(0x1200, { bx: 0x0036 });
    expect([bench.caller.al, readSequencer(bench.context, 1)]).toEqual([0x12, 0x00]);
    video(0x1202, { bx: 0x0036 });
    expect(bench.caller.al).toBe(2);
    video(0x1200, { bx: 0x0020 });
    expect(bench.messages).toEqual([]);
    video(0x1200, { bx: 0x0099 });
    expect(bench.messages.at(-1)).toContain('BL=99h');
  },
  '10h/1A': () => {
    video(0x1a00);
    expect([bench.caller.al, bench.caller.bx]).toEqual([0x1a, 8]);
    video(0x1a07);
    expect(bench.caller.al).toBe(7);
  },
};

describe('INT 10h fonts and display', () => {
  const services = [...fontServices, ...displayServices];
  it('has a case for every row', () => {
    expect(Object.keys(cases).sort()).toEqual(services.map(serviceKey).sort());
  });

  it.each(services.map((row) => [serviceKey(row), row.name]))('%s %s', (key) => {
    cases[key]?.();
  });
});
