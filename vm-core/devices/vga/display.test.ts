import { describe, expect, it } from 'vitest';
import { font8x8 } from './font-8x8.ts';
import { createVgaBench, loadFont, type VgaBench } from './vga-bench.ts';

const GRAY = { aaaaaa: '#', '000000': '.' };

function textMode(): VgaBench {
  const vga = createVgaBench();
  vga.setMode(3);
  vga.set(0x3d4, 0x0a, 0x20);
  return vga;
}

const FIRST_CELL = { x: 0, y: 0, width: 9, height: 16 };

describe('text', () => {
  it('is drawn with the font in plane 2, nine dots wide', () => {
    const vga = textMode();
    vga.print(0, 0, 'A\xc4');
    expect(`\n${vga.picture(GRAY, { x: 0, y: 0, width: 18, height: 16 })}\n`).toMatchInlineSnapshot(`
      "
      ..................
      ..................
      ...#..............
      ..###.............
      .##.##............
      .##.##............
      ##...##...........
      ##...##..#########
      #######...........
      ##...##...........
      ##...##...........
      ##...##...........
      ..................
      ..................
      ..................
      ..................
      "
    `);
  });

  it('repeats the eighth dot for line graphics only, and only if AR10 says so', () => {
    const vga = textMode();
    vga.print(0, 0, '\xdb\xb0');
    const ninthDots = () => [vga.pixel(8, 0), vga.pixel(17, 0)];
    expect(ninthDots()).toEqual(['aaaaaa', '000000']);
    vga.setAttribute(0x10, 0x08);
    expect(ninthDots()).toEqual(['000000', '000000']);
  });

  it('takes colours from attribute, palette and DAC', () => {
    const vga = textMode();
    vga.print(0, 0, '\xdb\xdb\xdb', 0x1e);
    vga.print(3, 0, ' ', 0x1e);
    expect([vga.pixel(0, 0), vga.pixel(30, 0)]).toEqual(['ffff55', '0000aa']);
    vga.setAttribute(0x0e, 0x04);
    expect(vga.pixel(0, 0)).toBe('aa0000');
    vga.out(0x3c8, 4);
    for (const component of [1, 2, 3]) vga.out(0x3c9, component);
    expect(vga.pixel(0, 0)).toBe('04080c');
    vga.out(0x3c6, 0x03);
    expect(vga.pixel(0, 0)).toBe('000000');
  });

  it('hides blinking characters half the time, or makes their background bright', () => {
    const vga = textMode();
    vga.print(0, 0, '\xdb', 0x87);
    const frame = vga.vga.timing().frameTicks;
    expect(vga.pixel(0, 0)).toBe('aaaaaa');
    vga.bench.advance(frame * 16);
    expect(vga.pixel(0, 0)).toBe('000000');
    vga.bench.advance(frame * 16);
    expect(vga.pixel(0, 0)).toBe('aaaaaa');
    vga.bench.advance(frame * 16);
    vga.setAttribute(0x10, 0x04);
    vga.print(0, 0, ' ', 0x87);
    expect(vga.pixel(0, 0)).toBe('555555');
  });

  it('shows the cursor in the character’s colour, blinking, between its lines', () => {
    const vga = createVgaBench();
    vga.setMode(3);
    vga.print(0, 0, '  ');
    const cell = { x: 9, y: 0, width: 9, height: 16 };
    vga.set(0x3d4, 0x0f, 1);
    expect(`\n${vga.picture(GRAY, cell)}\n`).toMatchInlineSnapshot(`
      "
      .........
      .........
      .........
      .........
      .........
      .........
      .........
      .........
      .........
      .........
      .........
      .........
      .........
      #########
      #########
      .........
      "
    `);
    vga.bench.advance(vga.vga.timing().frameTicks * 8);
    expect(vga.picture(GRAY, cell)).not.toContain('#');
    vga.bench.advance(vga.vga.timing().frameTicks * 8);
    vga.set(0x3d4, 0x0b, 0x0c);
    expect(vga.picture(GRAY, cell)).not.toContain('#');
    vga.set(0x3d4, 0x0a, 0x00);
    expect(
      vga
        .picture(GRAY, cell)
        .split('\n')
        .slice(0, 14)
        .map((row) => row.includes('#')),
    ).toEqual([...new Array<boolean>(13).fill(true), false]);
    vga.set(0x3d4, 0x0a, 0x20);
    expect(vga.picture(GRAY, cell)).not.toContain('#');
  });

  it('underlines where CR14 says, as mode 7 does', () => {
    const vga = createVgaBench();
    vga.setMode(7);
    vga.set(0x3b4, 0x0a, 0x20);
    vga.poke(0xb0000, 0x20, 0x01, 0x20, 0x07);
    const row = (y: number) => vga.picture({ ...GRAY }, { x: 0, y, width: 18, height: 1 });
    expect(row(13)).toBe('#########.........');
    expect(row(12)).toBe('..................');
  });

  it('takes one of two fonts by attribute bit 3 when SR03 names two', () => {
    const vga = textMode();
    loadFont(vga, new Uint8Array(256 * 16).fill(0xff), 16, 0xa4000);
    vga.print(0, 0, ' ', 0x0f);
    expect(vga.pixel(0, 0)).toBe('000000');
    vga.set(0x3c4, 3, 0x04);
    expect(vga.pixel(0, 0)).toBe('ffffff');
    vga.print(0, 0, ' ', 0x07);
    expect(vga.pixel(0, 0)).toBe('000000');
    vga.set(0x3c4, 3, 0x20 | 0x10);
    loadFont(vga, new Uint8Array(256 * 16).fill(0xff), 16, 0xa2000);
    expect(vga.pixel(0, 0)).toBe('aaaaaa');
  });

  it('has 50 rows with the 8-line font, 8-dot cells when SR01 says so, and 40 columns', () => {
    const vga = textMode();
    loadFont(vga, font8x8, 8);
    vga.set(0x3d4, 9, 0x47);
    vga.set(0x3c4, 1, 0x01);
    vga.print(0, 49, 'last row');
    expect(vga.display.render()).toMatchObject({ width: 640, height: 400 });
    expect(vga.display.text()).toHaveLength(50);
    expect(vga.display.text()?.[49]).toBe('last row');
    vga.setMode(1);
    expect(vga.display.render()).toMatchObject({ width: 360, height: 400 });
  });

  it('scrolls by start address, preset row and panning, and stays at the split', () => {
    const vga = textMode();
    vga.print(0, 0, '\xdb');
    vga.print(0, 1, '\xdc');
    expect(vga.pixel(0, 16 + 8)).toBe('aaaaaa');
    vga.set(0x3d4, 0x0d, 80);
    expect(vga.picture(GRAY, { ...FIRST_CELL, width: 1 }).replaceAll('\n', '')).toBe('........########');
    vga.set(0x3d4, 0x08, 4);
    expect(vga.picture(GRAY, { ...FIRST_CELL, width: 1 }).replaceAll('\n', '')).toBe('....########....');
    vga.set(0x3d4, 0x08, 0);
    vga.setAttribute(0x13, 2);
    expect(vga.picture(GRAY, { x: 0, y: 8, width: 9, height: 1 })).toBe('######...');
    // Below line 99 memory is shown from address 0, and with AR10 bit 5 it is not panned.
    vga.set(0x3d4, 0x07, 0x0f);
    vga.set(0x3d4, 0x09, 0x0f);
    vga.set(0x3d4, 0x18, 99);
    vga.setAttribute(0x10, 0x2c);
    expect(vga.picture(GRAY, { x: 0, y: 99, width: 10, height: 2 })).toBe('..........\n#########.');
    expect(vga.display.text()?.[6]).toBe('█');
  });

  it('moves the part below the split by bytes, too, unless AR10 holds it', () => {
    const vga = textMode();
    vga.print(0, 0, 'abc');
    vga.set(0x3d4, 0x07, 0x0f);
    vga.set(0x3d4, 0x09, 0x0f);
    vga.set(0x3d4, 0x18, 95);
    vga.set(0x3d4, 0x08, 0x20);
    expect([vga.display.text()?.[0], vga.display.text()?.[6]]).toEqual(['bc', 'bc']);
    vga.setAttribute(0x10, 0x2c);
    expect([vga.display.text()?.[0], vga.display.text()?.[6]]).toEqual(['bc', 'abc']);
  });
});

describe('text()', () => {
  it('gives rows in Unicode without trailing spaces', () => {
    const vga = textMode();
    vga.print(0, 0, 'Gr\x81\xe1e ');
    vga.print(78, 24, '\x01\xcd');
    const rows = vga.display.text();
    expect(rows).toHaveLength(25);
    expect([rows?.[0], rows?.[1], rows?.[24]]).toEqual(['Grüße', '', `${' '.repeat(78)}☺═`]);
  });

  it('is undefined while no text is shown', () => {
    const vga = createVgaBench();
    expect(vga.display.text()).toBeUndefined();
    vga.setMode(3);
    vga.set(0x3c4, 1, 0x20);
    expect(vga.display.text()).toBeUndefined();
  });
});

describe('graphics', () => {
  const palette = {
    '000000': '.',
    '0000aa': '1',
    '00aa00': '2',
    '00aaaa': '3',
    aa0000: '4',
    ffffff: 'F',
    '55ffff': 'c',
  };
  const corner = { x: 0, y: 0, width: 16, height: 2 };

  it('of mode 13h are one byte a pixel', () => {
    const vga = createVgaBench();
    vga.setMode(0x13);
    vga.poke(0xa0000, 1, 2, 3, 4, 0, 15);
    vga.poke(0xa0000 + 320, 4, 3, 2, 1);
    expect(vga.picture(palette, corner)).toBe('1234.F..........\n4321............');
    vga.poke(0xa0000 + 319, 2);
    vga.poke(0xa0000 + 320 * 199 + 319, 4);
    expect([vga.pixel(319, 0), vga.pixel(319, 199)]).toEqual(['00aa00', 'aa0000']);
  });

  it('without chain-4 (mode X) have the plane in the map mask and four times the pages', () => {
    const vga = createVgaBench();
    vga.setMode(0x13);
    vga.set(0x3c4, 4, 0x06);
    vga.set(0x3d4, 0x14, 0x00);
    vga.set(0x3d4, 0x17, 0xe3);
    for (const plane of [0, 1, 2, 3]) {
      vga.set(0x3c4, 2, 1 << plane);
      vga.poke(0xa0000, plane + 1);
      vga.poke(0xa0000 + 80, 4 - plane);
      vga.poke(0xa4000, 4);
    }
    expect(vga.picture(palette, corner)).toBe('1234............\n4321............');
    vga.set(0x3d4, 0x0c, 0x40);
    expect(vga.picture(palette, corner)).toBe('4444............\n................');
  });

  it('of the planar modes have a bit of the colour in every plane', () => {
    const vga = createVgaBench();
    vga.setMode(0x12);
    for (const [plane, byte] of [0b1010_1010, 0b1100_1100, 0b1111_0000, 0b1111_0000].entries()) {
      vga.set(0x3c4, 2, 1 << plane);
      vga.poke(0xa0000, byte);
    }
    const colors = { ...palette, '555555': '8', '5555ff': '9', '55ff55': 'a', ff5555: 'c', ff55ff: 'd', ffff55: 'e' };
    expect(vga.picture(colors, { ...corner, height: 1 })).toBe('Fedc321.........');
    vga.setAttribute(0x12, 0x03);
    expect(vga.picture(colors, { ...corner, height: 1 })).toBe('321.321.........');
  });

  it('of mode 4 have four colours and two banks of lines', () => {
    const vga = createVgaBench();
    vga.setMode(4);
    const cga = { '000000': '.', '55ffff': '1', ff55ff: '2', ffffff: '3' };
    vga.poke(0xb8000, 0b00_01_10_11, 0b11_10_01_00);
    vga.poke(0xba000, 0b11_11_01_01);
    vga.poke(0xb8000 + 80, 0b10_10_10_10);
    expect(vga.picture(cga, { ...corner, height: 3 })).toBe('.123321.........\n3311............\n2222............');
  });

  it('of mode 6 have two colours and two banks of lines', () => {
    const vga = createVgaBench();
    vga.setMode(6);
    vga.poke(0xb8000, 0b1001_0110);
    vga.poke(0xba000, 0b1111_0000);
    vga.poke(0xb8000 + 80, 0xff);
    expect(vga.picture(palette, { ...corner, width: 8, height: 3 })).toBe('F..F.FF.\nFFFF....\nFFFFFFFF');
  });

  it('pan by pixels', () => {
    const vga = createVgaBench();
    vga.setMode(0x13);
    vga.poke(0xa0000, 1, 2, 3, 4);
    vga.setAttribute(0x13, 4);
    expect(vga.picture(palette, { ...corner, width: 4, height: 1 })).toBe('34..');
  });
});

describe('no picture', () => {
  it('is black without synchronisation, with the screen off and in reset; the border colour without palette', () => {
    const vga = createVgaBench();
    vga.setMode(0x13);
    vga.poke(0xa0000, 15);
    vga.setAttribute(0x11, 4);
    const shown = () => vga.pixel(0, 0);
    expect(shown()).toBe('ffffff');
    vga.set(0x3c4, 1, 0x21);
    expect(shown()).toBe('000000');
    expect(vga.display.render()).toMatchObject({ width: 320, height: 200 });
    vga.set(0x3c4, 1, 0x01);
    vga.set(0x3c4, 0, 1);
    expect(shown()).toBe('000000');
    expect(vga.display.render()).toMatchObject({ width: 640, height: 400 });
    vga.set(0x3c4, 0, 3);
    vga.set(0x3d4, 0x17, 0x23);
    expect(shown()).toBe('000000');
    vga.set(0x3d4, 0x17, 0xa3);
    vga.in(0x3da);
    vga.out(0x3c0, 0);
    expect(shown()).toBe('aa0000');
  });
});
