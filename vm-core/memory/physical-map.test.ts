import { describe, expect, it } from 'vitest';
import { createMemory } from './layout.ts';
import { PhysicalMap } from './physical-map.ts';

const MEBIBYTE = 0x100000;
const ROM_SIZE = 0x20000;

const createMap = (): PhysicalMap => new PhysicalMap(createMemory(2 * MEBIBYTE), 2 * MEBIBYTE);
const image = Uint8Array.from({ length: ROM_SIZE }, (_, index) => index % 253);

describe('a system ROM', () => {
  it('lies below 1 MiB and below 4 GiB and keeps what it has', () => {
    const map = createMap();
    const written: number[] = [];
    map.onRomWrite = (at) => written.push(at);
    map.addRom(MEBIBYTE - ROM_SIZE, image);
    map.write(0xf0000, 1, 0x5a);
    expect([map.read(0xf0000, 1), map.read(0xffff0000, 1)]).toEqual([image[0x10000], image[0x10000]]);
    expect([map.read(0xffffffff, 1), written, map.isRam(0xc0000)]).toEqual([image[ROM_SIZE - 1], [0xf0000], false]);
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
