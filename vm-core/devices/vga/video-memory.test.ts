import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { createVgaBench, type VgaBench } from './vga-bench.ts';

/** The graphics controller once more, plane by plane and bit by bit, as the data sheet's figures show it. */
class ReferencePlanes {
  readonly planes = [0, 1, 2, 3].map(() => new Uint8Array(0x10000));
  readonly latches = [0, 0, 0, 0];
  readonly graphics = [0, 0, 0, 0, 0, 0, 0, 0, 0];
  mapMask = 0;

  write(address: number, value: number): void {
    const [setReset, enable, , rotateFunction, , mode] = this.graphics as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const rotate = rotateFunction & 7;
    const rotated = ((value >> rotate) | (value << (8 - rotate))) & 0xff;
    for (let plane = 0; plane < 4; plane++) {
      if (((this.mapMask >> plane) & 1) === 0) continue;
      const latch = this.latches[plane] as number;
      let result = 0;
      for (let bit = 0; bit < 8; bit++) {
        const of = (byte: number): number => (byte >> bit) & 1;
        const setResetBit = (setReset >> plane) & 1;
        const data = [
          ((enable >> plane) & 1) === 1 ? setResetBit : of(rotated),
          of(latch),
          (value >> plane) & 1,
          setResetBit,
        ];
        const input = data[mode & 3] as number;
        const combined = [input, input & of(latch), input | of(latch), input ^ of(latch)][
          rotateFunction >> 3
        ] as number;
        const masked = of((mode & 3) === 3 ? (this.graphics[8] as number) & rotated : (this.graphics[8] as number));
        const out = (mode & 3) === 1 ? of(latch) : masked === 1 ? combined : of(latch);
        result |= out << bit;
      }
      (this.planes[plane] as Uint8Array)[address] = result;
    }
  }

  read(address: number): number {
    for (let plane = 0; plane < 4; plane++) this.latches[plane] = this.planes[plane]?.[address] as number;
    if (((this.graphics[5] as number) & 8) === 0) return this.latches[this.graphics[4] as number] as number;
    let result = 0;
    for (let bit = 0; bit < 8; bit++) {
      const equal = [0, 1, 2, 3].every((plane) => {
        const cares = (((this.graphics[7] as number) >> plane) & 1) === 1;
        const wanted = ((this.graphics[2] as number) >> plane) & 1;
        return !cares || (((this.latches[plane] as number) >> bit) & 1) === wanted;
      });
      if (equal) result |= 1 << bit;
    }
    return result;
  }
}

const WRITABLE = [0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x0b, 0x00, 0x0f, 0xff];

/** A VGA whose planes are addressed one to one at A0000h. */
function planarVga(): VgaBench {
  const vga = createVgaBench();
  vga.setMode(0x12);
  return vga;
}

describe('graphics controller', () => {
  it('does what the reference does, for any registers', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('graphics'), index: fc.constantFrom(0, 1, 2, 3, 4, 5, 7, 8), value: fc.nat(0xff) }),
      fc.record({ kind: fc.constant('mapMask'), index: fc.constant(0), value: fc.nat(0x0f) }),
      fc.record({ kind: fc.constant('write'), index: fc.nat(3), value: fc.nat(0xff) }),
      fc.record({ kind: fc.constant('read'), index: fc.nat(3), value: fc.constant(0) }),
    );
    fc.assert(
      fc.property(fc.array(step, { minLength: 5, maxLength: 60 }), (steps) => {
        const vga = planarVga();
        const reference = new ReferencePlanes();
        vga.set(0x3ce, 7, 0);
        vga.set(0x3ce, 8, 0);
        vga.set(0x3c4, 2, 0);
        for (const { kind, index, value } of steps) {
          if (kind === 'graphics') {
            vga.set(0x3ce, index, value & (WRITABLE[index] as number));
            reference.graphics[index] = value & (WRITABLE[index] as number);
          } else if (kind === 'mapMask') {
            vga.set(0x3c4, 2, value);
            reference.mapMask = value;
          } else if (kind === 'write') {
            vga.poke(0xa0000 + index, value);
            reference.write(index, value);
          } else {
            expect(vga.peek(0xa0000 + index)).toBe(reference.read(index));
          }
        }
        const memory = vga.vga.state.videoMemory.subarray(0, 16);
        const expected = Array.from({ length: 16 }, (_, position) => reference.planes[position & 3]?.[position >> 2]);
        expect([...memory]).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });
});

describe('address decoding', () => {
  it.each([
    [0, [0xa0000, 0xaffff, 0xb0000, 0xbffff]],
    [1, [0xa0000, 0xaffff]],
    [2, [0xb0000, 0xb7fff]],
    [3, [0xb8000, 0xbffff]],
  ])('opens the window that memory map %i names', (map, open) => {
    const vga = planarVga();
    vga.set(0x3ce, 6, (map << 2) | 1);
    for (const address of [0xa0000, 0xaffff, 0xb0000, 0xb7fff, 0xb8000, 0xbffff]) {
      vga.vga.state.videoMemory.fill(0);
      vga.poke(address, 0x5a);
      const written = vga.vga.state.videoMemory.includes(0x5a);
      const inside = open.includes(address) || map === 0;
      expect(written, address.toString(16)).toBe(inside);
      expect(vga.peek(address), address.toString(16)).toBe(inside ? 0x5a : 0xff);
    }
  });

  it('closes with misc output bit 1', () => {
    const vga = planarVga();
    vga.out(0x3c2, 0x61);
    vga.poke(0xa0000, 0x12);
    expect(vga.peek(0xa0000)).toBe(0xff);
    expect(vga.vga.state.videoMemory[0]).toBe(0);
  });

  it('splits even and odd addresses between planes 0 and 1 in text modes', () => {
    const vga = createVgaBench();
    vga.setMode(3);
    vga.poke(0xb8002, 0x41, 0x1f);
    expect([...vga.vga.state.videoMemory.subarray(8, 12)]).toEqual([0x41, 0x1f, 0, 0]);
    expect([vga.peek(0xb8002), vga.peek(0xb8003)]).toEqual([0x41, 0x1f]);
    expect(vga.peek(0xa0002)).toBe(0xff);
  });

  it('turns through the planes in chain-4, every byte at its own place', () => {
    const vga = createVgaBench();
    vga.setMode(0x13);
    for (let address = 0; address < 0x10000; address++)
      vga.poke(0xa0000 + address, (address * 7 + (address >> 8)) & 0xff);
    for (let address = 0; address < 0x10000; address += 13) {
      expect(vga.peek(0xa0000 + address)).toBe((address * 7 + (address >> 8)) & 0xff);
    }
    expect([...vga.vga.state.videoMemory.subarray(0, 4)]).toEqual([0, 7, 14, 21]);
  });

  it('takes words and doublewords low byte first', () => {
    const vga = createVgaBench();
    vga.setMode(0x13);
    const window = vga.vga.memory?.['window'];
    window?.write(0x10, 4, 0x84838281);
    window?.write(0x14, 2, 0x8685);
    expect(window?.read(0x10, 4)).toBe(0x84838281);
    expect(window?.read(0x13, 2)).toBe(0x8584);
    expect(window?.read(0x1fffe, 4)).toBe(0xffffffff);
  });
});
