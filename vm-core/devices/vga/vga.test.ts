import { describe, expect, it } from 'vitest';
import { cloneState } from '../device-state.ts';
import { registerValues } from '../test-bench.ts';
import { registersOf } from './register-table.ts';
import { createVgaBench, type VgaBench } from './vga-bench.ts';

const colorVga = (): VgaBench => {
  const vga = createVgaBench();
  vga.out(0x3c2, 0x63);
  return vga;
};

describe('VGA registers', () => {
  it.each([
    ['sequencer', 0x3c4],
    ['crtc', 0x3d4],
    ['graphics', 0x3ce],
  ] as const)('read back what is writable of the %s', (bank, port) => {
    const vga = colorVga();
    for (const { index, name, writable } of registersOf(bank)) {
      vga.set(port, index, 0xff);
      expect(vga.get(port, index), name).toBe(writable);
      vga.set(port, index, 0);
      expect(vga.get(port, index), name).toBe(0);
    }
  });

  it('read back what is writable of the attribute controller', () => {
    const vga = colorVga();
    for (const { index, name, writable } of registersOf('attribute')) {
      vga.setAttribute(index, 0xff);
      vga.in(0x3da);
      vga.out(0x3c0, index);
      expect(vga.in(0x3c1), name).toBe(writable);
      expect(vga.in(0x3c0)).toBe(index);
    }
  });

  it('have their reset values after reset, and the device view shows them', () => {
    const vga = createVgaBench();
    const initial = registerValues(vga.vga);
    for (const { name, reset } of vga.vga.description.registers) expect(initial[name], name).toBe(reset);
    vga.setMode(0x12);
    expect(registerValues(vga.vga)['CR12']).toBe(0xdf);
    vga.vga.reset();
    expect(registerValues(vga.vga)).toEqual(initial);
    expect(vga.display.render()).toMatchObject({ width: 640, height: 400 });
  });

  it('are named once each in the device view', () => {
    const names = createVgaBench().vga.description.registers.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  it('ignore indices that have no register', () => {
    const vga = colorVga();
    const before = cloneState(vga.vga.state);
    vga.set(0x3c4, 7, 0xff);
    vga.set(0x3ce, 0x0f, 0xff);
    vga.set(0x3d4, 0x3f, 0xff);
    expect([vga.get(0x3c4, 7), vga.get(0x3ce, 0x0f), vga.get(0x3d4, 0x3f)]).toEqual([0, 0, 0]);
    expect(cloneState(vga.vga.state)).toEqual({ ...before, sequencerIndex: 7, graphicsIndex: 0x0f, crtcIndex: 0x3f });
  });

  it('keep CR00–CR07 behind the protection bit, except the line compare bit', () => {
    const vga = colorVga();
    vga.set(0x3d4, 0x00, 0x55);
    vga.set(0x3d4, 0x07, 0x00);
    vga.set(0x3d4, 0x11, 0x80);
    vga.set(0x3d4, 0x00, 0xaa);
    vga.set(0x3d4, 0x07, 0xff);
    expect([vga.get(0x3d4, 0x00), vga.get(0x3d4, 0x07)]).toEqual([0x55, 0x10]);
    vga.set(0x3d4, 0x08, 0x11);
    expect(vga.get(0x3d4, 0x08)).toBe(0x11);
  });

  it('answer at 3Dxh or at 3Bxh as misc output bit 0 says', () => {
    const vga = colorVga();
    vga.set(0x3d4, 0x0c, 0x12);
    expect(vga.get(0x3b4, 0x0c)).toBe(0xff);
    vga.out(0x3c2, 0x62);
    expect(vga.get(0x3b4, 0x0c)).toBe(0x12);
    expect([vga.in(0x3d5), vga.in(0x3da), vga.in(0x3d4)]).toEqual([0xff, 0xff, 0xff]);
    vga.set(0x3b4, 0x0c, 0x34);
    vga.out(0x3d5, 0x56);
    expect(vga.in(0x3b5)).toBe(0x34);
    expect(vga.in(0x3cc)).toBe(0x62);
  });

  it('read FFh where there is nothing', () => {
    const vga = colorVga();
    for (const port of [0x3b0, 0x3bf, 0x3cb, 0x3cd, 0x3d0, 0x3d8, 0x3d9, 0x3df]) {
      expect(vga.in(port), port.toString(16)).toBe(0xff);
      vga.out(port, 0x12);
    }
  });

  it('take feature control at 3DAh and give it at 3CAh; 3C3h keeps its bit', () => {
    const vga = colorVga();
    vga.out(0x3da, 0xff);
    expect(vga.in(0x3ca)).toBe(3);
    expect(vga.in(0x3c3)).toBe(1);
    vga.out(0x3c3, 0xfe);
    expect(vga.in(0x3c3)).toBe(0);
  });
});

it('answers nowhere but at 3C3h while the subsystem is off', () => {
  const vga = createVgaBench();
  vga.setMode(3);
  vga.poke(0xb8000, 0x41);
  vga.out(0x3c3, 0);
  expect([vga.in(0x3cc), vga.peek(0xb8000), vga.in(0x3c3)]).toEqual([0xff, 0xff, 0]);
  vga.poke(0xb8000, 0x42);
  vga.set(0x3d4, 0x0d, 0x55);
  vga.out(0x3c3, 1);
  expect([vga.in(0x3cc), vga.peek(0xb8000), vga.get(0x3d4, 0x0d)]).toEqual([0x67, 0x41, 0]);
});

describe('vertical retrace interrupt', () => {
  /** Mode 3 at the beginning of a frame: retrace begins with line 412 of 449. */
  const inMode3 = () => {
    const vga = createVgaBench();
    vga.setMode(3);
    const { frameTicks } = vga.vga.timing();
    vga.bench.advance(frameTicks - (vga.bench.now() % frameTicks));
    return { ...vga, retraceTicks: Math.ceil((412 * frameTicks) / 449), frameTicks };
  };
  const pending = (vga: { in(port: number): number }): number => vga.in(0x3c2) >> 7;

  it('comes with the retrace of every frame, and stays until it is cleared', () => {
    const vga = inMode3();
    vga.set(0x3d4, 0x11, 0x1e);
    vga.bench.advance(vga.retraceTicks - 1);
    expect([pending(vga), vga.bench.edges, vga.in(0x3da) & 8]).toEqual([0, [], 0]);
    vga.bench.advance(1);
    expect([pending(vga), vga.bench.edges, vga.in(0x3da) & 8]).toEqual([1, ['+irq'], 8]);
    vga.bench.advance(vga.frameTicks);
    expect([pending(vga), vga.bench.edges]).toEqual([1, ['+irq']]);
    vga.set(0x3d4, 0x11, 0x0e);
    expect([pending(vga), vga.bench.edges]).toEqual([0, ['+irq', '-irq']]);
    vga.set(0x3d4, 0x11, 0x1e);
    vga.bench.advance(vga.frameTicks);
    expect(vga.bench.edges).toEqual(['+irq', '-irq', '+irq']);
  });

  it('does not come while it is disabled or held clear, and wakes nobody', () => {
    const vga = inMode3();
    for (const control of [0x0e, 0x2e, 0x3e]) {
      vga.set(0x3d4, 0x11, control);
      expect(vga.bench.events.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
      vga.bench.advance(vga.frameTicks);
      expect([control, pending(vga), vga.bench.edges]).toEqual([control, 0, []]);
    }
  });

  it('moves with the timing, does not come where the frame ends before, and ends with reset', () => {
    const vga = inMode3();
    vga.set(0x3d4, 0x11, 0x1e);
    vga.set(0x3d4, 0x10, 100);
    vga.set(0x3d4, 0x07, 0x1b);
    vga.bench.advance(Math.ceil((100 * vga.frameTicks) / 449));
    expect(vga.bench.edges).toEqual(['+irq']);
    vga.set(0x3d4, 0x11, 0x0e);
    vga.set(0x3d4, 0x07, 0xff);
    vga.set(0x3d4, 0x11, 0x1e);
    vga.set(0x3d4, 0x06, 0);
    vga.set(0x3d4, 0x07, 0x84);
    expect(vga.bench.events.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
    vga.set(0x3d4, 0x07, 0);
    vga.vga.reset();
    expect([vga.bench.lines.get('irq'), vga.bench.events.nextDeadline()]).toEqual([false, Number.POSITIVE_INFINITY]);
  });
});

describe('attribute flip-flop', () => {
  it('alternates between index and data and starts over at a read of input status 1', () => {
    const vga = colorVga();
    vga.in(0x3da);
    vga.out(0x3c0, 0x11);
    vga.out(0x3c0, 0x2a);
    vga.out(0x3c0, 0x12);
    vga.in(0x3da);
    vga.out(0x3c0, 0x11);
    expect(vga.in(0x3c1)).toBe(0x2a);
    vga.out(0x3c0, 0x15);
    expect(vga.in(0x3c1)).toBe(0x15);
    expect(vga.vga.state.attribute[0x12]).toBe(0);
  });

  it('is not touched by reads of 3C0h and 3C1h, nor by input status 1 at the other address', () => {
    const vga = colorVga();
    vga.in(0x3da);
    vga.out(0x3c0, 0x11);
    vga.in(0x3c0);
    vga.in(0x3c1);
    vga.in(0x3ba);
    vga.out(0x3c0, 0x33);
    expect(vga.vga.state.attribute[0x11]).toBe(0x33);
  });
});

describe('DAC', () => {
  it('takes three components of six bits and counts up, separately from reading', () => {
    const vga = colorVga();
    vga.out(0x3c8, 0xff);
    for (const value of [0x01, 0x42, 0xff, 0x0a, 0x0b, 0x0c]) vga.out(0x3c9, value);
    expect(vga.in(0x3c8)).toBe(1);
    expect(vga.in(0x3c7)).toBe(0);
    vga.out(0x3c7, 0xff);
    expect(vga.in(0x3c7)).toBe(3);
    expect(Array.from({ length: 6 }, () => vga.in(0x3c9))).toEqual([0x01, 0x02, 0x3f, 0x0a, 0x0b, 0x0c]);
  });

  it('changes a colour only when its blue has arrived', () => {
    const vga = colorVga();
    vga.out(0x3c8, 5);
    vga.out(0x3c9, 0x3f);
    vga.out(0x3c9, 0x3f);
    vga.out(0x3c7, 5);
    expect([vga.in(0x3c9), vga.in(0x3c9), vga.in(0x3c9)]).toEqual([0, 0, 0]);
  });
});

describe('snapshots', () => {
  it('bring back memory and picture', () => {
    const vga = createVgaBench();
    vga.setMode(3);
    vga.print(0, 0, 'before');
    const saved = cloneState(vga.vga.state);
    const generation = vga.display.generation;
    vga.print(0, 0, 'after ');
    vga.setMode(0x13);
    Object.assign(vga.vga.state, cloneState(saved));
    vga.vga.restored?.();
    expect(vga.display.text()?.[0]).toBe('before');
    expect(vga.display.generation).toBeGreaterThan(generation);
    vga.print(0, 0, 'B');
    expect(vga.display.text()?.[0]).toBe('Before');
  });
});
