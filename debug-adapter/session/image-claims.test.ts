import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sizeClaimProblem } from './image-claims.ts';

function sector(...writes: readonly (readonly [number, ...number[]])[]): Uint8Array {
  const bytes = new Uint8Array(512);
  for (const [at, ...values] of [[0x1fe, 0x55, 0xaa] as const, ...writes]) bytes.set(values, at);
  return bytes;
}

/** 512 bytes a sector, 1 sector a cluster, 1 reserved, 2 FATs, 224 entries, 2880 sectors, F0h. */
const floppy = sector([0x0b, 0, 2, 1, 1, 0, 2, 224, 0, 0x40, 0x0b, 0xf0]);
/** Active, type 6, from sector 63, 2000 sectors; a second one of type 5 behind it. */
const partitioned = sector(
  [0x1be, 0x80, 0, 0, 0, 6, 0, 0, 0, 63, 0, 0, 0, 0xd0, 7, 0, 0],
  [0x1ce, 0, 0, 0, 0, 5, 0, 0, 0, 0x0f, 8, 0, 0, 0xe8, 3, 0, 0],
);

describe('the size that an image says', () => {
  it('is the size that it has', () => {
    expect(sizeClaimProblem(2880 * 512, floppy)).toBeUndefined();
    expect(sizeClaimProblem((63 + 2000 + 1000) * 512, partitioned)).toBeUndefined();
    expect(sizeClaimProblem(10_000_000, partitioned)).toBeUndefined();
  });

  it('is more or less than it has', () => {
    expect(sizeClaimProblem(720 * 1024, floppy)).toBe(
      'has 737280 bytes, but its BIOS parameter block says 1474560; what is missing cannot be read',
    );
    expect(sizeClaimProblem(2880 * 512 + 3, floppy)).toMatch(/says 1474560; the rest belongs to no file system$/);
    expect(sizeClaimProblem(1_000_000, partitioned)).toBe(
      'has 1000000 bytes, but partition 2 of its partition table ends at 1568256; what is missing cannot be read',
    );
  });

  it('is nothing where there is code, no signature or no sector', () => {
    expect(sizeClaimProblem(512, sector([0x0b, 0xcd, 0x10]))).toBeUndefined();
    expect(sizeClaimProblem(512, sector([0x1be, 0xb8, 3, 0, 0xcd, 0x10]))).toBeUndefined();
    expect(sizeClaimProblem(512, new Uint8Array(512))).toBeUndefined();
    expect(sizeClaimProblem(511, floppy.subarray(0, 511))).toBeUndefined();
  });

  it('is found or not in any sector', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), fc.nat(), (bytes, size) => {
        expect(['string', 'undefined']).toContain(typeof sizeClaimProblem(size, bytes));
      }),
    );
  });
});
