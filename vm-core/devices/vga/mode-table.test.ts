import { describe, expect, it } from 'vitest';
import { dacPalette } from './default-palettes.ts';
import { textModeOf, type VgaMode, vgaModes } from './mode-table.ts';
import { pictureLayout } from './picture-layout.ts';
import { registersOf } from './register-table.ts';
import { createVgaBench, modeOf, programMode } from './vga-bench.ts';

/** Bytes that light the first pixel: a full block, or a pixel in a colour that is not black. */
const lit = (mode: VgaMode): readonly number[] =>
  mode.kind === 'text' ? [0xdb, 0x0f] : [mode.bitsPerPixel === 8 ? 0x0f : 0xff];

const cases = vgaModes.map((mode) => ({ name: `mode ${mode.number.toString(16)}h`, mode }));

describe('standard modes', () => {
  it('are there once each, in order', () => {
    expect(vgaModes.map(({ number }) => number)).toEqual([
      0, 1, 2, 3, 4, 5, 6, 7, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x13, 0x50, 0x51, 0x52, 0x53, 0x54, 0x6a,
    ]);
  });

  it.each(cases)('$name gives the picture it promises', ({ mode }) => {
    const vga = createVgaBench();
    vga.setMode(mode.number);
    expect(vga.display.render()).toMatchObject({ width: mode.width, height: mode.height, aspectRatio: 4 / 3 });
    const text = vga.display.text();
    if (mode.kind === 'text') expect(text).toHaveLength(mode.rows);
    else expect(text).toBeUndefined();
  });

  it.each(cases)('$name sets every register, within what is writable', ({ mode }) => {
    for (const bank of ['sequencer', 'crtc', 'graphics', 'attribute'] as const) {
      const rows = registersOf(bank);
      expect(mode[bank]).toHaveLength(rows.length);
      for (const { index, name, writable } of rows) {
        expect((mode[bank][index] as number) & ~writable, name).toBe(0);
      }
    }
  });

  it.each(cases)('$name shows the first byte of its memory in the top left corner', ({ mode }) => {
    const vga = createVgaBench();
    vga.setMode(mode.number);
    vga.bench.advance(vga.vga.timing().frameTicks * 8);
    const before = vga.display.render().pixels;
    vga.poke(mode.segment * 16, ...lit(mode));
    const after = vga.display.render().pixels;
    expect(after.subarray(0, 4)).not.toEqual(before.subarray(0, 4));
  });

  it.each(cases.filter(({ mode }) => mode.pageCount > 1))('$name has pages $mode.pageSize bytes apart', ({ mode }) => {
    const vga = createVgaBench();
    vga.setMode(mode.number);
    // Text and CGA memory has two bytes for each count of the start address.
    const start = mode.kind === 'text' ? mode.pageSize / 2 : mode.pageSize;
    const port = (mode.miscOutput & 1) !== 0 ? 0x3d4 : 0x3b4;
    vga.set(port, 0x0c, start >> 8);
    vga.set(port, 0x0d, start & 0xff);
    const before = vga.display.render().pixels;
    vga.poke(mode.segment * 16 + mode.pageSize, ...lit(mode));
    expect(vga.display.render().pixels.subarray(0, 4)).not.toEqual(before.subarray(0, 4));
    expect(pictureLayout(vga.vga.state).startAddress).toBe(start);
  });
});

describe('default palettes', () => {
  const colors = (name: Parameters<typeof dacPalette>[0], ...indices: number[]): string[] =>
    indices.map((index) =>
      Array.from(dacPalette(name).subarray(index * 3, index * 3 + 3), (part) =>
        part.toString(16).padStart(2, '0'),
      ).join(' '),
    );

  it('hold the enhanced colours', () => {
    expect(colors('enhanced-64', 0, 1, 4, 0x14, 7, 0x38, 0x3f)).toEqual([
      '00 00 00',
      '00 00 2a',
      '2a 00 00',
      '2a 15 00',
      '2a 2a 2a',
      '15 15 15',
      '3f 3f 3f',
    ]);
  });

  it('hold brown and the bright colours of the CGA', () => {
    expect(colors('color-16', 6, 0x10, 0x16, 0x17)).toEqual(['2a 15 00', '15 15 15', '3f 3f 15', '3f 3f 3f']);
  });

  it('hold three grays for monochrome', () => {
    expect(colors('monochrome', 0, 8, 0x10, 0x18)).toEqual(['00 00 00', '2a 2a 2a', '15 15 15', '3f 3f 3f']);
  });

  it('hold 256 colours: sixteen, grays, nine hue circles, black', () => {
    expect(colors('color-256', 6, 15, 0x10, 0x1f)).toEqual(['2a 15 00', '3f 3f 3f', '00 00 00', '3f 3f 3f']);
    expect(colors('color-256', 0x20, 0x24, 0x28, 0x2c, 0x30, 0x34, 0x37)).toEqual([
      '00 00 3f',
      '3f 00 3f',
      '3f 00 00',
      '3f 3f 00',
      '00 3f 00',
      '00 3f 3f',
      '00 10 3f',
    ]);
    expect(colors('color-256', 0x38, 0x68, 0xf7, 0xf8, 0xff)).toEqual([
      '1f 1f 3f',
      '00 00 1c',
      '0b 0c 10',
      '00 00 00',
      '00 00 00',
    ]);
  });
});

describe('text of fewer lines', () => {
  it.each([
    [3, 200, 640, '0000aa'],
    [3, 350, 640, '0000aa'],
    [1, 200, 320, '0000aa'],
    [0, 350, 320, '0000aa'],
  ] as const)('mode %i with %i lines gives the picture it promises', (number, lines, width, blue) => {
    const mode = textModeOf(modeOf(number), lines);
    expect([mode.width, mode.height]).toEqual([width, lines]);
    for (const bank of ['sequencer', 'crtc', 'graphics', 'attribute'] as const) {
      for (const { index, name, writable } of registersOf(bank)) {
        expect((mode[bank][index] as number) & ~writable, name).toBe(0);
      }
    }
    const vga = createVgaBench();
    programMode(vga, mode);
    vga.poke(0xb8000, 0x20, 0x10);
    expect(vga.display.render()).toMatchObject({ width, height: lines });
    expect(vga.display.text()).toHaveLength(25);
    expect(vga.pixel(0, 0)).toBe(blue);
    expect(vga.pixel(8, mode.characterHeight)).toBe('000000');
  });
});
