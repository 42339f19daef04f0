import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Region } from '../device.ts';
import { registerValues } from '../test-bench.ts';
import { DISPI_INDEX, DISPI_NOCLEARMEM } from './dispi.ts';
import { LINEAR_MEMORY_SIZE } from './linear-memory.ts';
import { createVgaBench, type VgaBench } from './vga-bench.ts';

let vga: VgaBench;
beforeEach(() => {
  vga = createVgaBench();
  vga.setMode(3);
});

const dispiOf = ({ vga: device }: VgaBench): Region => device.ports['dispi'] as Region;
const linearOf = ({ vga: device }: VgaBench): Region => device.memory?.['linear'] as Region;

function set(index: number, value: number): void {
  dispiOf(vga).write(0, 2, index);
  dispiOf(vga).write(1, 2, value);
}
function get(index: number): number {
  dispiOf(vga).write(0, 2, index);
  return dispiOf(vga).read(1, 2);
}
function enter(width: number, height: number, depth: number, flags = 0x40): void {
  set(DISPI_INDEX.ENABLE, 0);
  set(DISPI_INDEX.XRES, width);
  set(DISPI_INDEX.YRES, height);
  set(DISPI_INDEX.BPP, depth);
  set(DISPI_INDEX.ENABLE, 1 | flags);
}
const poke = (offset: number, size: 1 | 2 | 4, value: number): void => linearOf(vga).write(offset, size, value);
const peek = (offset: number, size: 1 | 2 | 4 = 1): number => linearOf(vga).read(offset, size);
const line = (width: number, y = 0): string[] => Array.from({ length: width }, (_, x) => vga.pixel(x, y));

describe('the display interface', () => {
  it('tells its version and takes older ones', () => {
    expect(get(DISPI_INDEX.ID)).toBe(0xb0c5);
    set(DISPI_INDEX.ID, 0xb0c0);
    expect(get(DISPI_INDEX.ID)).toBe(0xb0c0);
    set(DISPI_INDEX.ID, 0xb0c6);
    expect(get(DISPI_INDEX.ID)).toBe(0xb0c0);
    expect(get(DISPI_INDEX.VIDEO_MEMORY_64K)).toBe(256);
    expect(get(0x0b)).toBe(0);
  });

  it('answers at 1D0h too, and takes no bytes as data', () => {
    dispiOf(vga).write(0, 2, DISPI_INDEX.XRES);
    expect(dispiOf(vga).read(0, 2)).toBe(DISPI_INDEX.XRES);
    dispiOf(vga).write(2, 2, 800);
    expect(dispiOf(vga).read(2, 2)).toBe(800);
    dispiOf(vga).write(1, 1, 3);
    expect(get(DISPI_INDEX.XRES)).toBe(800);
    expect(vga.bench.messages).toHaveLength(1);
  });

  it('tells its limits while they are asked for', () => {
    set(DISPI_INDEX.ENABLE, 2);
    expect([get(DISPI_INDEX.XRES), get(DISPI_INDEX.YRES), get(DISPI_INDEX.BPP)]).toEqual([1920, 1200, 32]);
    set(DISPI_INDEX.ENABLE, 0);
    expect([get(DISPI_INDEX.XRES), get(DISPI_INDEX.YRES), get(DISPI_INDEX.BPP)]).toEqual([640, 480, 8]);
  });

  it('ignores sizes that are not possible, and every size while it is on', () => {
    for (const [index, value] of [
      [DISPI_INDEX.XRES, 0],
      [DISPI_INDEX.XRES, 1921],
      [DISPI_INDEX.YRES, 1201],
      [DISPI_INDEX.BPP, 5],
      [DISPI_INDEX.BANK, 256],
    ] as const) {
      const before = get(index);
      set(index, value);
      expect(get(index)).toBe(before);
    }
    enter(800, 600, 16);
    set(DISPI_INDEX.XRES, 320);
    expect(get(DISPI_INDEX.XRES)).toBe(800);
    expect(vga.bench.messages).toHaveLength(1);
    set(DISPI_INDEX.ENABLE, 0);
    set(DISPI_INDEX.BPP, 0);
    expect(get(DISPI_INDEX.BPP)).toBe(8);
  });

  it('shows its registers in the device view', () => {
    enter(1024, 768, 32);
    expect(registerValues(vga.vga)).toMatchObject({ DISPI_XRES: 1024, DISPI_BPP: 32, DISPI_VIRT_HEIGHT: 4096 });
  });

  it('gives the screen back to the VGA, whose memory it left alone', () => {
    vga.print(0, 0, 'text');
    enter(640, 480, 8);
    poke(0, 4, 0x01020304);
    expect(vga.display.text()).toBeUndefined();
    set(DISPI_INDEX.ENABLE, 0);
    expect(vga.display.text()?.[0]).toBe('text');
    expect(vga.display.render()).toMatchObject({ width: 720, height: 400 });
  });
});

describe('a linear picture', () => {
  it('has a byte, 15, 16, 24 or 32 bits a pixel', () => {
    enter(640, 400, 8);
    poke(0, 4, 0x3f040201);
    expect(line(5)).toEqual(['0000aa', '00aa00', 'aa0000', 'ffffff', '000000']);
    enter(640, 400, 15);
    poke(0, 4, 0x001f7c00);
    poke(4, 4, 0x7fff03e0);
    poke(8, 2, 0x8421);
    expect(line(5)).toEqual(['ff0000', '0000ff', '00ff00', 'ffffff', '080808']);
    enter(640, 400, 16);
    poke(0, 4, 0x001ff800);
    poke(4, 4, 0x082107e0);
    expect(line(4)).toEqual(['ff0000', '0000ff', '00ff00', '080408']);
    enter(640, 400, 24);
    poke(0, 4, 0xaa112233);
    poke(4, 2, 0xccbb);
    expect(line(3)).toEqual(['112233', 'ccbbaa', '000000']);
    enter(640, 400, 32);
    poke(0, 4, 0xff112233);
    poke(640 * 4, 4, 0x445566);
    expect([...line(2), vga.pixel(0, 1)]).toEqual(['112233', '000000', '445566']);
  });

  it('has the shape of its monitor', () => {
    for (const [width, height, ratio] of [
      [320, 200, 4 / 3],
      [640, 400, 4 / 3],
      [1280, 1024, 5 / 4],
      [1920, 1080, 16 / 9],
    ] as const) {
      enter(width, height, 32);
      const frame = vga.display.render();
      expect([frame.width, frame.height, frame.pixels.length]).toEqual([width, height, width * height * 4]);
      expect(frame.aspectRatio).toBeCloseTo(ratio);
    }
  });

  it('moves over a larger one', () => {
    enter(320, 200, 32);
    set(DISPI_INDEX.VIRT_WIDTH, 1000);
    expect(get(DISPI_INDEX.VIRT_HEIGHT)).toBe(Math.floor(LINEAR_MEMORY_SIZE / 4000));
    poke((7 * 1000 + 5) * 4, 4, 0xabcdef);
    set(DISPI_INDEX.X_OFFSET, 5);
    set(DISPI_INDEX.Y_OFFSET, 7);
    expect(vga.pixel(0, 0)).toBe('abcdef');
    set(DISPI_INDEX.X_OFFSET, 681);
    expect(get(DISPI_INDEX.X_OFFSET)).toBe(5);
    set(DISPI_INDEX.Y_OFFSET, 4194 - 199);
    expect(get(DISPI_INDEX.Y_OFFSET)).toBe(7);
    set(DISPI_INDEX.VIRT_WIDTH, 319);
    expect(get(DISPI_INDEX.VIRT_WIDTH)).toBe(1000);
    set(DISPI_INDEX.VIRT_WIDTH, 320);
    expect([get(DISPI_INDEX.X_OFFSET), get(DISPI_INDEX.Y_OFFSET)]).toEqual([0, 0]);
  });

  it('is cleared when it is switched on, unless it is to be kept', () => {
    enter(640, 480, 8);
    poke(LINEAR_MEMORY_SIZE - 1, 1, 9);
    poke(0x10000, 1, 7);
    enter(640, 480, 8, DISPI_NOCLEARMEM);
    expect([peek(0x10000), peek(LINEAR_MEMORY_SIZE - 1)]).toEqual([7, 9]);
    enter(640, 480, 8);
    expect([peek(0x10000), peek(LINEAR_MEMORY_SIZE - 1)]).toEqual([0, 0]);
  });

  it('appears at A0000h bank by bank', () => {
    enter(640, 480, 8);
    set(DISPI_INDEX.BANK, 3);
    vga.poke(0xa0000, 1, 2);
    vga.poke(0xaffff, 3);
    vga.poke(0xb0000, 4);
    expect([peek(0x30000, 2), peek(0x3ffff), peek(0x40000)]).toEqual([0x0201, 3, 0]);
    expect([vga.peek(0xa0001), vga.peek(0xb0000)]).toEqual([2, 0xff]);
    expect(vga.vga.memory?.['window']?.peek?.(1)).toBe(2);
  });

  it('takes colours of 8 bits when asked, and keeps those there are', () => {
    enter(320, 200, 8);
    poke(0, 1, 1);
    enter(320, 200, 8, 0x20 | DISPI_NOCLEARMEM);
    expect(vga.pixel(0, 0)).toBe('0000a8');
    vga.out(0x3c8, 1);
    for (const component of [0x12, 0x34, 0xfe]) vga.out(0x3c9, component);
    expect(vga.pixel(0, 0)).toBe('1234fe');
    vga.out(0x3c7, 1);
    expect([vga.in(0x3c9), vga.in(0x3c9), vga.in(0x3c9)]).toEqual([0x12, 0x34, 0xfe]);
    set(DISPI_INDEX.ENABLE, 1);
    vga.out(0x3c7, 1);
    expect([vga.in(0x3c9), vga.in(0x3c9), vga.in(0x3c9)]).toEqual([0x04, 0x0d, 0x3f]);
  });

  it('is black while the screen is off', () => {
    enter(320, 200, 32);
    poke(0, 4, 0xffffff);
    vga.set(0x3c4, 1, 0x21);
    expect(vga.pixel(0, 0)).toBe('000000');
  });

  it('counts as changed when what is shown changes', () => {
    enter(320, 200, 32);
    const { generation } = vga.display;
    poke(320 * 200 * 4, 4, 1);
    poke(0, 4, 0);
    vga.bench.advance(1_000_000_000);
    expect(vga.display.generation).toBe(generation);
    poke(320 * 200 * 4 - 4, 4, 1);
    expect(vga.display.generation).toBe(generation + 1);
    set(DISPI_INDEX.Y_OFFSET, 1);
    expect(vga.display.generation).toBe(generation + 2);
    poke(0, 4, 5);
    expect(vga.display.generation).toBe(generation + 2);
    set(DISPI_INDEX.ENABLE, 0);
    expect(vga.display.generation).toBe(generation + 3);
    poke(320 * 200, 4, 77);
    expect(vga.display.generation).toBe(generation + 3);
  });
});

describe('a hostile guest', () => {
  it('gets a bounded picture from any registers of the interface', () => {
    const value = fc.oneof(fc.constantFrom(0, 1, 8, 15, 24, 32, 0x41, 0xe3, 1920, 1200, 0xffff), fc.nat(0xffff));
    const write = fc.tuple(fc.nat(11), value, fc.nat(LINEAR_MEMORY_SIZE - 4));
    fc.assert(
      fc.property(fc.array(write, { maxLength: 60 }), (writes) => {
        vga = createVgaBench();
        for (const [index, data, offset] of writes) {
          set(index, data);
          expect(get(index)).toBeLessThanOrEqual(0xffff);
          poke(offset, 4, data);
          expect(peek(offset, 2)).toBeLessThanOrEqual(0xffff);
          vga.poke(0xa0000 + (offset & 0x1ffff), data & 0xff);
        }
        const { width, height, pixels } = vga.display.render();
        expect(width * height).toBeLessThanOrEqual(1920 * 1200);
        expect(pixels).toHaveLength(width * height * 4);
        expect(vga.display.generation).toBeGreaterThan(0);
      }),
      { numRuns: 60 },
    );
  });

  describe('with four bits a pixel', () => {
    /** Mode 12h underneath: the window reaches planes at A0000h, whose colours the palette gives. */
    const enterPlanar = (width: number, height: number): void => {
      vga.setMode(0x12);
      enter(width, height, 4, 0);
    };
    const RED = 'aa0000';
    const GREEN = '00aa00';
    const BLACK = '000000';

    it('shows planes that the window writes as in the modes of the VGA', () => {
      enterPlanar(1024, 768);
      expect(vga.display.render()).toMatchObject({ width: 1024, height: 768 });
      expect([get(DISPI_INDEX.VIRT_WIDTH), get(DISPI_INDEX.VIRT_HEIGHT)]).toEqual([1024, 0x1000000 / 512]);
      vga.set(0x3c4, 2, 0x04);
      vga.poke(0xa0000, 0xa0);
      vga.set(0x3c4, 2, 0x02);
      vga.poke(0xa0000, 0x01);
      expect(line(8)).toEqual([RED, BLACK, RED, BLACK, BLACK, BLACK, BLACK, GREEN]);
      // Read mode 0 gives the plane that is chosen.
      vga.set(0x3ce, 4, 2);
      expect(vga.peek(0xa0000)).toBe(0xa0);
    });

    it('reaches the rest of the picture by banks of 64 KiB of each plane', () => {
      enterPlanar(1024, 768);
      vga.set(0x3c4, 2, 0x04);
      set(DISPI_INDEX.BANK, 1);
      // 98,304 bytes of each plane: the last is 7FFFh of the second bank.
      vga.poke(0xa0000 + 0x7fff, 0x01);
      expect([vga.pixel(1023, 767), vga.pixel(1022, 767)]).toEqual([RED, BLACK]);
    });

    it('pans by single pixels, over a virtual picture of whole bytes', () => {
      enterPlanar(640, 480);
      set(DISPI_INDEX.VIRT_WIDTH, 805);
      expect(get(DISPI_INDEX.VIRT_WIDTH)).toBe(800);
      vga.set(0x3c4, 2, 0x04);
      vga.poke(0xa0000 + 100, 0x10);
      set(DISPI_INDEX.Y_OFFSET, 1);
      expect([vga.pixel(3, 0), vga.pixel(0, 0)]).toEqual([RED, BLACK]);
      set(DISPI_INDEX.X_OFFSET, 3);
      expect([vga.pixel(0, 0), vga.pixel(1, 0)]).toEqual([RED, BLACK]);
    });

    it('tells of changes, and a debugger may look without touching the latches', () => {
      enterPlanar(640, 480);
      vga.set(0x3c4, 2, 0x0f);
      const before = vga.display.generation;
      vga.poke(0xa0000, 0xff);
      expect(vga.display.generation).toBeGreaterThan(before);
      vga.vga.state.latches = 0x1234;
      expect(vga.vga.memory?.['window']?.peek?.(0)).toBe(0xff);
      expect(vga.vga.state.latches).toBe(0x1234);
    });
  });
});
