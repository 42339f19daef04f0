import { beforeEach, describe, expect, it } from 'vitest';
import { type BiosBench, createBiosBench } from '../bios-bench.ts';
import { serviceKey } from '../service.ts';
import { paletteServices } from './palette-services.ts';
import { readAttribute, readDac } from './vga-registers.ts';

let bench: BiosBench;
beforeEach(() => {
  bench = createBiosBench();
});

function video(ax: number, registers: { bx?: number; cx?: number; dx?: number } = {}): void {
  const { caller } = bench;
  caller.ax = ax;
  caller.bx = registers.bx ?? 0;
  caller.cx = registers.cx ?? 0;
  caller.dx = registers.dx ?? 0;
  expect(bench.call(0x10).end).toBe('return');
}

const attribute = (index: number): number => readAttribute(bench.context, index);

const cases: Readonly<Record<string, () => void>> = {
  '10h/0B': () => {
    video(0x04);
    video(0x0b00, { bx: 0x0100 });
    expect([attribute(1), attribute(2), attribute(3)].map((color) => color & 7)).toEqual([2, 4, 6]);
    video(0x0b00, { bx: 0x0101 });
    expect([attribute(1), attribute(2), attribute(3)].map((color) => color & 7)).toEqual([3, 5, 7]);
    video(0x0b00, { bx: 0x0009 });
    expect(attribute(0x11)).toBe(0x11);
  },
  '10h/1000': () => {
    video(0x1000, { bx: 0x2a05 });
    expect(attribute(5)).toBe(0x2a);
    video(0x1000, { bx: 0x2aff });
    expect(attribute(0x1f & 0x14)).toBe(0);
  },
  '10h/1001': () => {
    video(0x1001, { bx: 0x0300 });
    expect(attribute(0x11)).toBe(3);
  },
  '10h/1002': () => {
    bench.ram.set(
      Array.from({ length: 17 }, (_, index) => 0x20 + index),
      0x9000,
    );
    video(0x1002, { dx: 0x9000 });
    expect([attribute(0), attribute(15), attribute(0x11)]).toEqual([0x20, 0x2f, 0x30]);
  },
  '10h/1003': () => {
    video(0x1003, { bx: 0 });
    expect(attribute(0x10) & 8).toBe(0);
    video(0x1003, { bx: 1 });
    expect(attribute(0x10) & 8).toBe(8);
  },
  '10h/1007': () => {
    video(0x1007, { bx: 0x0006 });
    expect(bench.caller.bh).toBe(0x14);
  },
  '10h/1008': () => {
    video(0x1001, { bx: 0x0700 });
    video(0x1008);
    expect(bench.caller.bh).toBe(7);
  },
  '10h/1009': () => {
    video(0x1009, { dx: 0x9000 });
    expect([...bench.ram.subarray(0x9000, 0x9011)]).toEqual([
      0, 1, 2, 3, 4, 5, 0x14, 7, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0,
    ]);
  },
  '10h/1010': () => {
    video(0x1010, { bx: 0x0040, cx: 0x1122, dx: 0x3300 });
    expect(readDac(bench.context, 0x40)).toEqual([0x33, 0x11, 0x22]);
  },
  '10h/1012': () => {
    bench.ram.set([1, 2, 3, 4, 5, 6], 0x9000);
    video(0x1012, { bx: 0x0010, cx: 2, dx: 0x9000 });
    expect([readDac(bench.context, 0x10), readDac(bench.context, 0x11)]).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    video(0x1012, { bx: 0x00ff, cx: 0xffff, dx: 0x9000 });
    expect(readDac(bench.context, 0xff)).toEqual([1, 2, 3]);
  },
  '10h/1013': () => {
    video(0x1013, { bx: 0x0100 });
    video(0x1013, { bx: 0x0501 });
    expect([attribute(0x10) & 0x80, attribute(0x14)]).toEqual([0x80, 5]);
  },
  '10h/1015': () => {
    video(0x1010, { bx: 0x0041, cx: 0x0102, dx: 0x0300 });
    video(0x1015, { bx: 0x0041 });
    expect([bench.caller.dh, bench.caller.cx]).toEqual([3, 0x0102]);
  },
  '10h/1017': () => {
    video(0x1010, { bx: 0x0020, cx: 0x0708, dx: 0x0900 });
    video(0x1017, { bx: 0x0020, cx: 1, dx: 0x9000 });
    expect([...bench.ram.subarray(0x9000, 0x9004)]).toEqual([9, 7, 8, 0]);
  },
  '10h/1018': () => {
    video(0x1018, { bx: 0x000f });
    expect(bench.context.ports.read(0x3c6, 1)).toBe(0x0f);
  },
  '10h/1019': () => {
    video(0x1018, { bx: 0x0055 });
    video(0x1019);
    expect(bench.caller.bl).toBe(0x55);
  },
  '10h/101A': () => {
    video(0x1013, { bx: 0x0201 });
    video(0x101a);
    expect(bench.caller.bx).toBe(0x0200);
  },
  '10h/101B': () => {
    video(0x1010, { bx: 0x0030, cx: 0x0000, dx: 0x3f00 });
    video(0x101b, { bx: 0x0030, cx: 1 });
    expect(readDac(bench.context, 0x30)).toEqual([19, 19, 19]);
  },
};

describe('INT 10h palettes', () => {
  it('has a case for every row', () => {
    expect(Object.keys(cases).sort()).toEqual(paletteServices.map(serviceKey).sort());
  });

  it.each(paletteServices.map((row) => [serviceKey(row), row.name]))('%s %s', (key) => {
    cases[key]?.();
  });
});
