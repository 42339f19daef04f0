import { beforeEach, describe, expect, it } from 'vitest';
import { vgaModes } from '../../../devices/vga/mode-table.ts';
import { type BiosBench, createBiosBench } from '../bios-bench.ts';
import { bda } from '../bios-data.ts';
import { serviceKey } from '../service.ts';
import { readCrtc } from './vga-registers.ts';
import { videoServices } from './video-services.ts';

let bench: BiosBench;
beforeEach(() => {
  bench = createBiosBench();
});

/** INT 10h with AX, and other registers. */
function video(
  ax: number,
  registers: { bx?: number; cx?: number; dx?: number; bp?: number } = {},
  end = 'return',
): void {
  const { caller } = bench;
  caller.ax = ax;
  caller.bx = registers.bx ?? 0;
  caller.cx = registers.cx ?? 0;
  caller.dx = registers.dx ?? 0;
  caller.bp = registers.bp ?? 0;
  expect(bench.call(0x10).end).toBe(end);
}

const cell = (row: number, column: number, page = 0): number =>
  bench.context.memory.read(0xb8000 + page * 0x1000 + (row * 80 + column) * 2, 2);
const text = (row: number, from: number, count: number): string =>
  String.fromCharCode(...Array.from({ length: count }, (_, index) => cell(row, from + index) & 0xff));
const cursor = (page = 0): number => bench.context.memory.read(bda.CURSOR_POSITIONS + page * 2, 2);
const shownCell = (): number => (readCrtc(bench.context, 0x0e) << 8) | readCrtc(bench.context, 0x0f);
const type = (characters: string): void => {
  for (const character of characters) video(0x0e00 | character.charCodeAt(0));
};

const cases: Readonly<Record<string, () => void>> = {
  '10h/00': () => {
    for (const mode of vgaModes) {
      video(mode.number);
      video(0x0f00);
      expect(bench.caller.ax).toBe((mode.columns << 8) | mode.number);
      expect(bench.ram[bda.VIDEO_ROWS]).toBe(mode.rows - 1);
      expect(readCrtc(bench.context, 0x13)).toBe(mode.crtc[0x13]);
    }
    video(0x03);
    type('kept');
    video(0x83);
    expect(text(0, 0, 4)).toBe('kept');
    video(0x03);
    expect(cell(0, 0)).toBe(0x0720);
    video(0x55);
    expect(bench.messages.at(-1)).toContain('no video mode 55h');
    expect(bench.ram[bda.VIDEO_MODE]).toBe(3);
  },
  '10h/01': () => {
    video(0x0100, { cx: 0x0607 });
    expect([readCrtc(bench.context, 0x0a), readCrtc(bench.context, 0x0b)]).toEqual([13, 14]);
    video(0x0100, { cx: 0x0007 });
    expect([readCrtc(bench.context, 0x0a), readCrtc(bench.context, 0x0b)]).toEqual([0, 15]);
    video(0x0100, { cx: 0x2000 });
    expect(readCrtc(bench.context, 0x0a) & 0x20).toBe(0x20);
    expect(bench.context.memory.read(bda.CURSOR_SHAPE, 2)).toBe(0x2000);
  },
  '10h/02': () => {
    video(0x0200, { dx: 0x0507 });
    expect(cursor()).toBe(0x0507);
    expect(shownCell()).toBe(5 * 80 + 7);
    video(0x0200, { bx: 0x0300, dx: 0x0102 });
    expect(cursor(3)).toBe(0x0102);
    expect(shownCell()).toBe(5 * 80 + 7);
  },
  '10h/03': () => {
    video(0x0200, { bx: 0x0200, dx: 0x1122 });
    video(0x0300, { bx: 0x0200 });
    expect([bench.caller.cx, bench.caller.dx]).toEqual([0x0607, 0x1122]);
  },
  '10h/04': () => {
    video(0x04ff);
    expect(bench.caller.ah).toBe(0);
  },
  '10h/05': () => {
    video(0x0502);
    expect((readCrtc(bench.context, 0x0c) << 8) | readCrtc(bench.context, 0x0d)).toBe(0x1000);
    expect(bench.ram[bda.VIDEO_PAGE]).toBe(2);
    type('p');
    expect(cell(0, 0, 2) & 0xff).toBe(0x70);
    expect(shownCell()).toBe(0x1001);
    video(0x0d);
    video(0x0501);
    expect((readCrtc(bench.context, 0x0c) << 8) | readCrtc(bench.context, 0x0d)).toBe(0x2000);
  },
  '10h/06': () => {
    type('one\r\ntwo\r\nthree');
    video(0x0601, { bx: 0x1f00, cx: 0x0000, dx: 0x0102 });
    expect(text(0, 0, 3)).toBe('two');
    expect(cell(1, 0)).toBe(0x1f20);
    expect(text(2, 0, 5)).toBe('three');
    video(0x0600, { bx: 0x0700, cx: 0, dx: 0x184f });
    expect(cell(2, 0)).toBe(0x0720);
  },
  '10h/07': () => {
    type('one\r\ntwo');
    video(0x0701, { bx: 0x0700, dx: 0xffff });
    expect(text(1, 0, 3)).toBe('one');
    expect(text(2, 0, 3)).toBe('two');
    expect(cell(0, 0)).toBe(0x0720);
  },
  '10h/08': () => {
    video(0x0941, { bx: 0x005c, cx: 1 });
    video(0x0800);
    expect(bench.caller.ax).toBe(0x5c41);
    for (const mode of [0x06, 0x12, 0x13]) {
      video(mode);
      video(0x0951, { bx: 0x000f, cx: 1 });
      video(0x0800);
      expect(bench.caller.al).toBe(0x51);
    }
  },
  '10h/09': () => {
    video(0x0200, { dx: 0x184e });
    video(0x0958, { bx: 0x001e, cx: 9 });
    expect([cell(24, 77), cell(24, 78), cell(24, 79)]).toEqual([0x0720, 0x1e58, 0x1e58]);
    expect(cell(0, 0, 1)).toBe(0x0720);
    expect(cursor()).toBe(0x184e);
  },
  '10h/0A': () => {
    video(0x0958, { bx: 0x001e, cx: 2 });
    video(0x0a59, { bx: 0x0077, cx: 1 });
    expect([cell(0, 0), cell(0, 1)]).toEqual([0x1e59, 0x1e58]);
  },
  '10h/0C': () => {
    for (const { number, width, height, bitsPerPixel, kind } of vgaModes) {
      if (kind === 'text') continue;
      video(number);
      const color = (1 << Math.min(bitsPerPixel, 7)) - 1;
      video(0x0c00 | color, { cx: width - 1, dx: height - 1 });
      video(0x0d00, { cx: width - 1, dx: height - 1 });
      expect([number, bench.caller.al & color]).toEqual([number, color]);
      video(0x0d00, { cx: width - 2, dx: height - 1 });
      expect([number, bench.caller.al & color]).toEqual([number, 0]);
      if (bitsPerPixel < 8) {
        video(0x0c80 | color, { cx: width - 1, dx: height - 1 });
        video(0x0d00, { cx: width - 1, dx: height - 1 });
        expect([number, bench.caller.al & color]).toEqual([number, 0]);
      }
    }
  },
  '10h/0D': () => {
    video(0x0d00, { cx: 5, dx: 5 });
    expect(bench.caller.al).toBe(0);
    video(0x13);
    bench.context.memory.write(0xa0000 + 320 * 7 + 9, 1, 0xab);
    video(0x0d00, { cx: 9, dx: 7 });
    expect(bench.caller.al).toBe(0xab);
    video(0x0d00, { cx: 0xffff, dx: 0xffff });
    expect(bench.caller.al).toBe(0);
  },
  '10h/0E': () => {
    type('ab\bc\r\nd');
    expect([text(0, 0, 2), text(1, 0, 1)]).toEqual(['ac', 'd']);
    type('\x07');
    expect(bench.context.ports.read(0x61, 1) & 3).toBe(3);
    video(0x0200, { dx: 0x184f });
    type('Z');
    expect([text(23, 79, 1), cell(24, 79), cursor()]).toEqual(['Z', 0x0720, 0x1800]);
    expect(text(0, 0, 1)).toBe('d');
    video(0x13);
    video(0x0e41, { bx: 5 });
    const pixels = bench.context.memory.readBytes(0xa0000, 320 * 8);
    expect([...new Set(pixels)].sort()).toEqual([0, 5]);
  },
  '10h/0F': () => {
    video(0x0094);
    video(0x0093);
    video(0x0f00);
    expect([bench.caller.ax, bench.caller.bh]).toEqual([0x2893, 0]);
  },
  '10h/13': () => {
    const writeString = (al: number, registers: Parameters<typeof video>[1]): number => {
      const { stringStartHook, stringPieceHook, stringAgain } = bench.labels;
      video(0x1300 | al, registers, 'poll');
      bench.runHook(stringStartHook);
      for (let pieces = 1; ; pieces++) if (bench.runHook(stringPieceHook) !== stringAgain) return pieces;
    };
    bench.ram.set([0x48, 0x1f, 0x69, 0x2e], 0x9000);
    writeString(3, { cx: 2, dx: 0x0203, bp: 0x9000 });
    expect([cell(2, 3), cell(2, 4), cursor()]).toEqual([0x1f48, 0x2e69, 0x0205]);
    writeString(0, { bx: 0x0070, cx: 1, dx: 0x0000, bp: 0x9000 });
    expect([cell(0, 0), cursor()]).toEqual([0x7048, 0x0205]);
    bench.ram.fill(0x0a, 0x9000, 0xa000);
    expect(writeString(0, { bx: 0x0017, cx: 4096, dx: 0x1700, bp: 0x9000 })).toBe(256);
    expect(text(0, 0, 1)).toBe(' ');
    expect(writeString(0, {})).toBe(1);
  },
};

describe('INT 10h', () => {
  it('has a case for every row', () => {
    expect(Object.keys(cases).sort()).toEqual(videoServices.map(serviceKey).sort());
  });

  it.each(videoServices.map((row) => [serviceKey(row), row.name]))('%s %s', (key) => {
    cases[key]?.();
  });

  it('scrolls every graphics mode by a row of characters', () => {
    for (const { number, kind, bitsPerPixel, characterHeight } of vgaModes) {
      if (kind === 'text') continue;
      video(number);
      video(0x0c01, { cx: 3, dx: characterHeight + 2 });
      video(0x0601, { dx: 0xffff });
      video(0x0d00, { cx: 3, dx: 2 });
      expect([number, bench.caller.al & 1]).toEqual([number, 1]);
      video(0x0d00, { cx: 3, dx: characterHeight + 2 });
      expect([number, bench.caller.al]).toEqual([number, 0]);
      expect(bitsPerPixel).toBeGreaterThan(0);
    }
  });

  it('draws the characters of the font of INT 43h over each other with XOR', () => {
    video(0x12);
    video(0x0941, { bx: 0x000f, cx: 1 });
    video(0x0941, { bx: 0x008f, cx: 1 });
    const planes = bench.context.memory.readBytes(0xa0000, 80 * 16);
    expect(planes.every((byte) => byte === 0)).toBe(true);
  });
});
