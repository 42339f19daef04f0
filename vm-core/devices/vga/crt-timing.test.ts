import { describe, expect, it } from 'vitest';
import { createVgaBench, modeOf } from './vga-bench.ts';
import { vgaModes } from './mode-table.ts';

const RATES: Readonly<Record<number, number>> = { 350: 70, 400: 70, 200: 70, 480: 60, 600: 42.71 };
/** 132 columns take longer at the clock that a VGA has. */
const WIDE_RATES: Readonly<Record<number, number>> = { 344: 49.28, 400: 49.28, 480: 42.15 };

describe('virtual monitor', () => {
  it.each(vgaModes.map(({ number }) => number))('runs mode %i at its rate', (number) => {
    const vga = createVgaBench();
    const { height, columns } = vga.setMode(number);
    const rate = vga.bench.context.ticksPerSecond / vga.vga.timing().frameTicks;
    expect(Math.abs(rate - ((columns === 132 ? WIDE_RATES : RATES)[height] as number))).toBeLessThan(0.2);
  });

  it('shows retrace and display enable as the beam moves', () => {
    const vga = createVgaBench();
    vga.setMode(3);
    const { frameTicks } = vga.vga.timing();
    const lineTicks = frameTicks / 449;
    const statusAt = (line: number, part: number): number => {
      const target = Math.ceil((line + part) * lineTicks) + frameTicks;
      vga.bench.advance(target - (vga.bench.now() % frameTicks) + frameTicks);
      return vga.in(0x3da);
    };
    expect(statusAt(0, 0.1)).toBe(0);
    expect(statusAt(0, 0.95)).toBe(1);
    expect(statusAt(399, 0.1)).toBe(0);
    expect(statusAt(400, 0.1)).toBe(1);
    expect(statusAt(411, 0.9)).toBe(1);
    expect(statusAt(412, 0.1)).toBe(9);
    expect(statusAt(413, 0.9)).toBe(9);
    expect(statusAt(414, 0.1)).toBe(1);
  });

  it('counts every other line where CR17 says so', () => {
    const vga = createVgaBench();
    vga.setMode(3);
    const before = vga.vga.timing();
    vga.set(0x3d4, 0x17, 0xa7);
    const after = vga.vga.timing();
    for (const name of ['totalLines', 'displayLines', 'retraceStart', 'retraceLines'] as const) {
      expect([name, after[name]]).toEqual([name, before[name] * 2]);
    }
    expect(vga.display.render()).toMatchObject({ width: 720, height: 800 });
    expect(vga.display.text()).toHaveLength(50);
    // Lines are counted in pairs for the split as well.
    vga.set(0x3d4, 0x07, 0x0f);
    vga.set(0x3d4, 0x09, 0x0f);
    vga.set(0x3d4, 0x18, 199);
    vga.print(0, 0, 'top');
    expect(vga.display.text()?.[25]).toBe('top');
  });

  it('gives a polling guest both edges of retrace', () => {
    const vga = createVgaBench();
    vga.setMode(0x13);
    const seen: boolean[] = [];
    for (let step = 0; step < 6000; step++) {
      vga.bench.advance(1000);
      const retrace = (vga.in(0x3da) & 8) !== 0;
      if (seen.at(-1) !== retrace) seen.push(retrace);
    }
    expect(seen).toEqual([false, true, false, true, false]);
  });

  it('survives a CRT controller that was never programmed', () => {
    const vga = createVgaBench();
    vga.out(0x3c2, 1);
    vga.bench.advance(12345);
    expect(vga.in(0x3da) & ~9).toBe(0);
    expect(modeOf(3).crtc).toHaveLength(25);
  });
});
