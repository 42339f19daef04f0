import { describe, expect, it } from 'vitest';
import type { Region } from '../devices/device.ts';
import { createMemory } from './layout.ts';
import { PhysicalMap } from './physical-map.ts';

const MEBIBYTE = 0x100000;
const ROM_SIZE = 0x20000;

const createMap = (): PhysicalMap => new PhysicalMap(createMemory(2 * MEBIBYTE), 2 * MEBIBYTE);
const image = Uint8Array.from({ length: ROM_SIZE }, (_, index) => index % 253);

describe('a system ROM', () => {
  it('lies below 1 MiB and below 4 GiB and keeps what it has', () => {
    const map = createMap();
    const written: number[][] = [];
    map.onRomWrite = (...write) => written.push(write);
    map.addRom(MEBIBYTE - ROM_SIZE, image);
    map.write(0xf0000, 1, 0x5a);
    expect([map.read(0xf0000, 1), map.read(0xffff0000, 1)]).toEqual([image[0x10000], image[0x10000]]);
    expect([map.read(0xffffffff, 1), written, map.isRam(0xc0000)]).toEqual([
      image[ROM_SIZE - 1],
      [[0xf0000, 1, 0x5a]],
      false,
    ]);
  });

  it('is RAM where it is shadowed, with RAM below it, and comes back at RESET', () => {
    const map = createMap();
    map.addShadowedFirmware(image);
    for (const at of [0xc0000, 0xdffff, 0xf0000]) map.write(at, 1, 0x5a);
    expect([0xc0000, 0xdffff, 0xf0000].map((at) => map.read(at, 1))).toEqual([0x5a, 0x5a, 0x5a]);
    expect(map.read(0xfffffff0, 1)).toBe(image[ROM_SIZE - 16]);
    map.reloadShadows();
    expect([map.read(0xf0000, 1), map.read(0xdffff, 1)]).toEqual([image[0x10000], 0x5a]);
  });
});

describe('a shadowed option ROM', () => {
  it('is RAM that begins with the image', () => {
    const map = createMap();
    map.addShadowedRom(0xc0000, image.subarray(0, 0x8000));
    map.write(0xc0000, 1, 0x5a);
    expect([map.read(0xc0000, 1), map.read(0xc0001, 1), map.isRam(0xc8000)]).toEqual([0x5a, 1, false]);
    map.reloadShadows();
    expect(map.read(0xc0000, 1)).toBe(0);
  });
});

/** Sixteen pages of plain bytes. */
function bytesRegion(): { readonly region: Region; readonly bytes: Uint8Array } {
  const bytes = new Uint8Array(0x10000);
  const view = new DataView(bytes.buffer);
  const region: Region = {
    size: bytes.length,
    width: 32,
    read: (offset, size) => {
      if (size === 1) return view.getUint8(offset);
      return size === 2 ? view.getUint16(offset, true) : view.getUint32(offset, true);
    },
    write: (offset, size, value) => {
      if (size === 1) view.setUint8(offset, value);
      else if (size === 2) view.setUint16(offset, value, true);
      else view.setUint32(offset, value, true);
    },
    peek: (offset) => view.getUint8(offset),
  };
  return { region, bytes };
}

describe('a window above RAM', () => {
  const START = 0xe0000000;
  const map = createMap();
  const { region, bytes } = bytesRegion();
  map.addWindow({ device: 'test', start: START, size: region.size, region });

  it('takes reads and writes of every size, over pages too', () => {
    map.write(START, 4, 0x89abcdef);
    map.write(START + 0xffe, 4, 0x11223344);
    expect([...bytes.subarray(0, 4), ...bytes.subarray(0xffe, 0x1002)]).toEqual([
      0xef, 0xcd, 0xab, 0x89, 0x44, 0x33, 0x22, 0x11,
    ]);
    expect(map.read(START, 4)).toBe(0x89abcdef);
    expect(map.read(START + 0xffe, 4)).toBe(0x11223344);
    expect(map.read(START + 1, 2)).toBe(0xabcd);
  });

  it('is no RAM, and nothing answers beside it', () => {
    expect([map.isRam(START), map.hostAddress(START)]).toEqual([false, -1]);
    const lost: string[] = [];
    map.onUnclaimed = (at, direction) => lost.push(`${direction} ${at.toString(16)}`);
    expect([map.read(START - 4, 4), map.read(START + region.size, 1)]).toEqual([0xffffffff, 0xff]);
    map.write(START + region.size, 4, 1);
    expect(map.read(START + region.size, 4)).toBe(0xffffffff);
    expect(lost).toEqual(['read dffffffc', 'read e0010000', 'write e0010000', 'read e0010000']);
    map.onUnclaimed = () => {};
  });

  it('leaves the pages below 1 MiB as they are', () => {
    expect(map.isRam(0x9f000)).toBe(true);
    expect(map.read(0xa0000, 1)).toBe(0xff);
  });

  it('is seen and written by a debugger', () => {
    map.copyIn(START, Uint8Array.of(0x11, 0x22, 0x33, 0x44));
    expect([map.peek(START, 4), map.peek(START + 1, 2), map.peek(START + region.size, 1)]).toEqual([
      0x44332211,
      0x3322,
      undefined,
    ]);
    expect(map.copyIn(START + 0x20, Uint8Array.of(1, 2, 3))).toBe(3);
    expect([...map.copyOut(START + 0x1f, 5)]).toEqual([0, 1, 2, 3, 0]);
    expect(map.copyOut(START + region.size - 2, 5)).toHaveLength(2);
  });
});

describe('addresses above 4 GiB', () => {
  const map = createMap();
  map.addRom(MEBIBYTE - ROM_SIZE, image);

  it.each([0x1_0000_0000, 0x1_ffff_0000, 0xf_ffff_ffff_f000])('are open bus at %d', (at) => {
    map.write(at, 4, 0x1234_5678);
    expect([map.read(at, 1), map.read(at + 2, 2), map.read(at + 0xffe, 4)]).toEqual([0xff, 0xffff, 0xffff_ffff]);
    expect([map.hostAddress(at), map.isRam(at), map.peek32(at)]).toEqual([-1, false, 0xffff_ffff]);
    expect(map.copyOut(at, 4)).toHaveLength(0);
  });

  it('reach nothing below', () => {
    map.write(0x1_0000_0500, 4, 0xffff_ffff);
    expect(map.read(0x500, 4)).toBe(0);
    expect(map.read(0xffff_ffff, 1)).toBe(image[ROM_SIZE - 1]);
  });

  it('are gated like all others while A20 is closed', () => {
    const gated = createMap();
    gated.a20Mask = ~MEBIBYTE;
    expect([0x1_0010_0123, 0x1_0020_0123, 0x10_0123].map((at) => gated.throughGate(at))).toEqual([
      0x1_0000_0123, 0x1_0020_0123, 0x123,
    ]);
  });
});
