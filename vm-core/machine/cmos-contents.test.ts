import { describe, expect, it } from 'vitest';
import { cmosContents } from './cmos-contents.ts';
import { testConfig } from './device-bench.ts';

const MIB = 1024 * 1024;
const wordAt = (bytes: Uint8Array, index: number): number =>
  (bytes[index] as number) | ((bytes[index + 1] as number) << 8);
const floppyOf = (kib: number) => ({
  name: 'floppy',
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
    const bytes = cmosContents({ ...testConfig, floppy: floppyOf(kib) });
    expect([bytes[0x10], bytes[0x14], bytes[0x3d]]).toEqual([type << 4, 1, 0x21]);
  });

  it('have the checksum of bytes 10h to 2Dh, high byte first', () => {
    const bytes = cmosContents({ ...testConfig, floppy: floppyOf(1440) });
    const sum = bytes.subarray(0x10, 0x2e).reduce((total, byte) => total + byte, 0);
    expect([bytes[0x2e], bytes[0x2f]]).toEqual([sum >> 8, sum & 0xff]);
  });
});
