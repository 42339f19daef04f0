import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { createVgaBench } from './vga-bench.ts';

const WIDTH_MAX = 1920;
const HEIGHT_MAX = 1200;

describe('a hostile guest', () => {
  it('gets a bounded picture from any registers', () => {
    const write = fc.tuple(fc.integer({ min: 0x3b0, max: 0x3df }), fc.nat(0xff));
    const poke = fc.tuple(fc.integer({ min: 0xa0000, max: 0xbffff }), fc.nat(0xff));
    fc.assert(
      fc.property(
        fc.constantFrom(undefined, 3, 4, 0x12, 0x13),
        fc.array(fc.oneof({ weight: 4, arbitrary: write }, poke), { maxLength: 300 }),
        (mode, writes) => {
          const vga = createVgaBench();
          if (mode !== undefined) vga.setMode(mode);
          for (const [where, value] of writes) {
            if (where >= 0xa0000) vga.poke(where, value);
            else vga.out(where, value);
            expect(where >= 0xa0000 ? vga.peek(where) : vga.in(where)).toBeLessThanOrEqual(0xff);
          }
          vga.bench.advance(1_000_000);
          const { width, height, pixels } = vga.display.render();
          expect(width).toBeGreaterThan(0);
          expect(width).toBeLessThanOrEqual(WIDTH_MAX);
          expect(height).toBeGreaterThan(0);
          expect(height).toBeLessThanOrEqual(HEIGHT_MAX);
          expect(pixels).toHaveLength(width * height * 4);
          for (const row of vga.display.text() ?? []) expect(row.length).toBeLessThanOrEqual(256);
          expect(vga.display.generation).toBeGreaterThan(0);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('gets its largest picture in bounded work', () => {
    for (const [chain, misc] of [
      [0x00, 0x00],
      [0x00, 0x01],
      [0x40, 0x01],
      [0x20, 0x01],
    ] as const) {
      const vga = createVgaBench();
      vga.setMode(3);
      vga.set(0x3d4, 0x11, 0);
      for (const index of [0, 1, 6, 7, 0x12, 0x13]) vga.set(0x3d4, index, 0xff);
      vga.set(0x3d4, 9, 0);
      vga.set(0x3ce, 5, chain);
      vga.set(0x3ce, 6, misc);
      const { width, height } = vga.display.render();
      expect(width * height).toBeLessThanOrEqual(WIDTH_MAX * HEIGHT_MAX);
      expect(height).toBe(1024);
      expect(vga.display.generation).toBe(1);
    }
  });
});
