import { describe, expect, it } from 'vitest';
import type { Region } from '../devices/device.ts';
import { createPortSpace } from './port-space.ts';

/** A region that writes down its accesses and reads as `value`. */
function recorder(size: number, width: 8 | 16 | 32, value = 0): Region & { readonly log: string[] } {
  const log: string[] = [];
  return {
    size,
    width,
    log,
    read(offset, accessSize) {
      log.push(`r${accessSize}@${offset}`);
      return value;
    },
    write(offset, accessSize, written) {
      log.push(`w${accessSize}@${offset}=${written.toString(16)}`);
    },
  };
}

function bench() {
  const unclaimed: string[] = [];
  const ports = createPortSpace((port, direction) => unclaimed.push(`${direction} ${port.toString(16)}`));
  return { ports, unclaimed };
}

describe('port space', () => {
  it('passes accesses that the device is wide enough for', () => {
    const { ports } = bench();
    const region = recorder(4, 32, 0x1234_5678);
    ports.map(0xf4, region, 'exit');
    expect([ports.read(0xf4, 4), ports.read(0xf6, 2), ports.read(0xf7, 1)]).toEqual([0x1234_5678, 0x5678, 0x78]);
    ports.write(0xf4, 4, 0xffff_ffff);
    expect(region.log).toEqual(['r4@0', 'r2@2', 'r1@3', 'w4@0=ffffffff']);
  });

  it.each([
    { width: 8, log: ['w1@0=44', 'w1@1=33', 'w1@2=22', 'w1@3=81'] },
    { width: 16, log: ['w2@0=3344', 'w2@2=8122'] },
    { width: 32, log: ['w4@0=81223344'] },
  ] as const)('splits for a device of $width bits, low part first', ({ width, log }) => {
    const { ports } = bench();
    const region = recorder(4, width);
    ports.map(0x100, region, 'device');
    ports.write(0x100, 4, 0x8122_3344);
    expect(region.log).toEqual(log);
  });

  it('puts the parts of a read together, unsigned', () => {
    const { ports } = bench();
    ports.map(0x100, recorder(4, 8, 0xfe), 'device');
    expect([ports.read(0x100, 2), ports.read(0x100, 4)]).toEqual([0xfefe, 0xfefe_fefe]);
  });

  it('cuts what a device returns to the size of the access', () => {
    const { ports } = bench();
    ports.map(0x100, recorder(4, 32, -1), 'device');
    expect([ports.read(0x100, 1), ports.read(0x100, 2), ports.read(0x100, 4)]).toEqual([0xff, 0xffff, 0xffff_ffff]);
  });

  it('splits an access over the ends of regions', () => {
    const { ports, unclaimed } = bench();
    const first = recorder(1, 32, 0x11);
    const second = recorder(2, 32, 0x22);
    ports.map(0x100, first, 'first');
    ports.map(0x101, second, 'second');
    expect(ports.read(0x100, 4)).toBe(0xff22_2211);
    expect([first.log, second.log, unclaimed]).toEqual([['r1@0'], ['r1@0', 'r1@1'], ['read 103']]);
  });

  it('reads all ones where nobody is, and says so once for each 16 ports', () => {
    const { ports, unclaimed } = bench();
    expect([ports.read(0x300, 1), ports.read(0x300, 2), ports.read(0x300, 4)]).toEqual([0xff, 0xffff, 0xffff_ffff]);
    ports.write(0x300, 1, 0);
    ports.read(0x30f, 1);
    ports.write(0x317, 1, 0);
    ports.write(0x400, 1, 0);
    expect(unclaimed).toEqual(['read 300', 'write 317', 'write 400']);
  });

  it('wraps at the end of the space', () => {
    const { ports, unclaimed } = bench();
    ports.map(0, recorder(1, 8, 0x55), 'first');
    expect(ports.read(0xffff, 2)).toBe(0x55ff);
    expect(unclaimed).toEqual(['read ffff']);
  });

  it('refuses overlaps and ports out of range', () => {
    const { ports } = bench();
    ports.map(0x100, recorder(8, 8), 'first');
    expect(() => ports.map(0x107, recorder(1, 8), 'second')).toThrow('second and first both claim port 107h');
    expect(() => ports.map(0xffff, recorder(2, 8), 'third')).toThrow('out of range');
    expect([ports.ownerOf(0x107), ports.ownerOf(0x108)]).toEqual(['first', undefined]);
  });

  it('shows each access to the trace as the instruction made it', () => {
    const { ports } = bench();
    const seen: string[] = [];
    ports.map(0x100, recorder(2, 8, 0x5a), 'device');
    ports.trace = (direction, port, size, value) => seen.push(`${direction} ${port} ${size} ${value}`);
    ports.read(0x100, 2);
    ports.write(0x100, 1, 7);
    ports.trace = undefined;
    ports.read(0x100, 1);
    expect(seen).toEqual(['read 256 2 23130', 'write 256 1 7']);
  });
});
