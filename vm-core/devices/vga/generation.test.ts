import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { createVgaBench, type VgaBench } from './vga-bench.ts';

/** Whether what happens makes the generation grow. */
function grows(vga: VgaBench, action: () => void): boolean {
  const before = vga.display.generation;
  action();
  return vga.display.generation > before;
}

function quietText(): VgaBench {
  const vga = createVgaBench();
  vga.setMode(3);
  vga.set(0x3d4, 0x0a, 0x20);
  return vga;
}

describe('generation', () => {
  it('stays while nothing happens, however often it is read', () => {
    const vga = quietText();
    expect(grows(vga, () => {})).toBe(false);
    expect(grows(vga, () => vga.bench.advance(vga.vga.timing().frameTicks * 100))).toBe(false);
  });

  it('grows with what is seen and not with what is not, in text modes', () => {
    const vga = quietText();
    expect(grows(vga, () => vga.print(0, 0, 'x'))).toBe(true);
    expect(grows(vga, () => vga.print(0, 0, 'x'))).toBe(false);
    expect(grows(vga, () => vga.poke(0xb9000, 0x41))).toBe(false);
    expect(grows(vga, () => vga.set(0x3d4, 0x0c, 0x08))).toBe(true);
    expect(grows(vga, () => vga.poke(0xb9002, 0x41))).toBe(true);
    expect(grows(vga, () => vga.print(0, 0, 'y'))).toBe(false);
  });

  it('ignores registers that only the processor’s side uses', () => {
    const vga = quietText();
    expect(
      grows(vga, () => {
        vga.set(0x3ce, 0, 0x0f);
        vga.set(0x3ce, 4, 2);
        vga.set(0x3ce, 8, 0x55);
        vga.set(0x3c4, 2, 1);
        vga.in(0x3da);
      }),
    ).toBe(false);
    expect(grows(vga, () => vga.set(0x3d4, 0x09, 0x47))).toBe(true);
    expect(grows(vga, () => vga.setAttribute(7, 3))).toBe(true);
  });

  it('grows with colours that change', () => {
    const vga = quietText();
    const setColor = (blue: number) => {
      vga.out(0x3c8, 7);
      for (const component of [1, 2, blue]) vga.out(0x3c9, component);
    };
    expect(grows(vga, () => setColor(3))).toBe(true);
    expect(grows(vga, () => setColor(3))).toBe(false);
    expect(grows(vga, () => vga.out(0x3c6, 0x7f))).toBe(true);
  });

  it('grows with the fonts that are used', () => {
    const vga = quietText();
    const writeFont = (address: number) => {
      vga.vga.state.sequencer.set([3, 0, 4, 0, 6]);
      vga.vga.state.graphics.set([0, 0, 0, 0, 0, 0, 5]);
      vga.poke(address, 0xa5);
    };
    expect(grows(vga, () => writeFont(0xa4000))).toBe(false);
    expect(grows(vga, () => writeFont(0xa0000 + 0x41 * 32))).toBe(true);
  });

  it('follows a blinking cursor and blinking characters', () => {
    const vga = createVgaBench();
    vga.setMode(3);
    const frames = (count: number) => () => vga.bench.advance(vga.vga.timing().frameTicks * count);
    expect([8, 8, 8].map((count) => grows(vga, frames(count)))).toEqual([true, true, true]);
    expect(grows(vga, frames(1))).toBe(false);
    expect(grows(vga, () => vga.set(0x3d4, 0x0a, 0x20))).toBe(true);
    expect(grows(vga, frames(64))).toBe(false);
    expect(grows(vga, () => vga.print(0, 0, 'x', 0x87))).toBe(true);
    expect([16, 16].map((count) => grows(vga, frames(count)))).toEqual([true, true]);
    expect(grows(vga, () => vga.setAttribute(0x10, 0x04))).toBe(true);
    expect(grows(vga, frames(16))).toBe(false);
  });

  it('of equal numbers means equal pictures, whatever is written', () => {
    const visiblePorts = [0x3c0, 0x3c4, 0x3c5, 0x3c6, 0x3c8, 0x3c9, 0x3ce, 0x3cf, 0x3d4, 0x3d5, 0x3da];
    const step = fc.oneof(
      fc.record({ kind: fc.constant('port'), where: fc.constantFrom(...visiblePorts), value: fc.nat(0xff) }),
      fc.record({ kind: fc.constant('poke'), where: fc.nat(0x1ffff), value: fc.nat(0xff) }),
      fc.record({ kind: fc.constant('wait'), where: fc.constant(0), value: fc.nat(40) }),
    );
    fc.assert(
      fc.property(fc.constantFrom(1, 3, 4, 6, 0x0d, 0x12, 0x13), fc.array(step, { maxLength: 25 }), (mode, steps) => {
        const vga = createVgaBench();
        vga.setMode(mode);
        let generation = vga.display.generation;
        let picture = vga.display.render();
        for (const { kind, where, value } of steps) {
          if (kind === 'port') vga.out(where, value);
          else if (kind === 'poke') vga.poke(0xa0000 + where, value);
          else vga.bench.advance(value * 700_000);
          const next = vga.display.generation;
          const nextPicture = vga.display.render();
          if (next === generation) {
            expect([nextPicture.width, nextPicture.height]).toEqual([picture.width, picture.height]);
            expect(Buffer.compare(Buffer.from(nextPicture.pixels.buffer), Buffer.from(picture.pixels.buffer))).toBe(0);
          }
          expect(next).toBeGreaterThanOrEqual(generation);
          generation = next;
          picture = nextPicture;
        }
      }),
      { numRuns: 25 },
    );
  });
});
