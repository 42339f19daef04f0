import { describe, expect, it } from 'vitest';
import { cmosContents } from './cmos-contents.ts';
import { testConfig } from './device-bench.ts';

const MIB = 1024 * 1024;
const wordAt = (bytes: Uint8Array, index: number): number =>
  (bytes[index] as number) | ((bytes[index + 1] as number) << 8);
const storeOf = (kib: number) => ({
  name: 'image',
  size: kib * 1024,
  memoryUsed: 0,
  read: () => undefined,
  write: () => undefined,
});

describe('CMOS contents', () => {
  it.each([
    { memorySize: MIB, extended: 0, above16: 0 },
    { memorySize: 16 * MIB, extended: 15 * 1024, above16: 0 },
    { memorySize: 128 * MIB, extended: 0xffff, above16: 112 * 16 },
    { memorySize: 2048 * MIB, extended: 0xffff, above16: 2032 * 16 },
  ])('tell the size of $memorySize bytes', ({ memorySize, extended, above16 }) => {
    const bytes = cmosContents({ ...testConfig, memorySize });
    expect([0x15, 0x17, 0x30, 0x34].map((index) => wordAt(bytes, index))).toEqual([640, extended, extended, above16]);
  });

  it.each([
    { kib: 360, type: 1 },
    { kib: 720, type: 3 },
    { kib: 1200, type: 2 },
    { kib: 1440, type: 4 },
    { kib: 2880, type: 5 },
    { kib: 1, type: 4 },
  ])('tell a floppy of $kib KiB and boot from it first', ({ kib, type }) => {
    const bytes = cmosContents({ ...testConfig, floppy: storeOf(kib) });
    expect([bytes[0x10], bytes[0x14], bytes[0x3d]]).toEqual([type << 4, 1, 0x01]);
  });

  it('boot from floppy, disk and CD-ROM, in this order', () => {
    const store = storeOf(1440);
    const order = (config: Partial<typeof testConfig>): number[] => {
      const bytes = cmosContents({ ...testConfig, ...config });
      return [bytes[0x3d] ?? -1, bytes[0x38] ?? -1];
    };
    expect(order({ floppy: store, disk: store, cdrom: store })).toEqual([0x21, 0x30]);
    expect(order({ disk: store, cdrom: store })).toEqual([0x32, 0]);
    expect(order({ cdrom: store })).toEqual([0x03, 0]);
    expect(order({})).toEqual([0, 0]);
  });

  it('describe the hard disk', () => {
    const bytes = cmosContents({ ...testConfig, disk: storeOf(20 * 1024) });
    expect([bytes[0x12], bytes[0x19], wordAt(bytes, 0x1b), bytes[0x1d]]).toEqual([0xf0, 47, 40, 16]);
    expect([wordAt(bytes, 0x1e), bytes[0x20], wordAt(bytes, 0x21), bytes[0x23]]).toEqual([0xffff, 0xc8, 40, 63]);
    expect([...cmosContents(testConfig).subarray(0x19, 0x24)]).toEqual(new Array(11).fill(0));
  });

  it('have the checksum of bytes 10h to 2Dh, high byte first', () => {
    const bytes = cmosContents({ ...testConfig, floppy: storeOf(1440) });
    const sum = bytes.subarray(0x10, 0x2e).reduce((total, byte) => total + byte, 0);
    expect([bytes[0x2e], bytes[0x2f]]).toEqual([sum >> 8, sum & 0xff]);
  });
});
