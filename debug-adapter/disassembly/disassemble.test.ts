import { describe, expect, it } from 'vitest';
import { type CodeSource, disassemble } from './disassemble.ts';

const BASE = 0x7c00;
// mov ax,0x1234; mov bx,0x5678; add ax,bx; int 0x10; jmp 0x7c00; then data that looks like a long instruction.
const CODE = [0xb8, 0x34, 0x12, 0xbb, 0x78, 0x56, 0x01, 0xd8, 0xcd, 0x10, 0xeb, 0xf4, 0xb8, 0x00];

function source(known: readonly number[] = [], code: readonly number[] = CODE): CodeSource {
  return {
    codeSizeOf: () => 16,
    read: (address, length) => {
      const from = address - BASE;
      if (from < 0 || from >= code.length) return new Uint8Array(0);
      return Uint8Array.from(code.slice(from, from + length));
    },
    offsetOf: (address) => address & 0xffff,
    knownStarts: (start, end) => known.filter((address) => address >= start && address < end),
  };
}

const listing = (from: CodeSource, address: number, offset: number, count: number): string[] =>
  disassemble(from, address, offset, count).map(
    (line) => `${line.address.toString(16)} ${line.instruction?.text ?? '??'}`,
  );

describe('disassemble', () => {
  it('lists forward and fills with ?? where nothing is mapped', () => {
    expect(listing(source(), BASE, 0, 8)).toEqual([
      '7c00 mov ax, 0x1234',
      '7c03 mov bx, 0x5678',
      '7c06 add ax, bx',
      '7c08 int 0x10',
      '7c0a jmp 0x7c00',
      '7c0c db 0xb8',
      '7c0d db 0x00',
      '7c0e ??',
    ]);
  });

  it('skips forward', () => {
    expect(listing(source(), BASE, 2, 2)).toEqual(['7c06 add ax, bx', '7c08 int 0x10']);
  });

  it('ends exactly at the address when it goes backward', () => {
    expect(listing(source([BASE]), 0x7c08, -3, 5)).toEqual([
      '7c00 mov ax, 0x1234',
      '7c03 mov bx, 0x5678',
      '7c06 add ax, bx',
      '7c08 int 0x10',
      '7c0a jmp 0x7c00',
    ]);
  });

  it('fills before the first mapped byte', () => {
    expect(listing(source([BASE]), 0x7c03, -3, 3)).toEqual(['7bfe ??', '7bff ??', '7c00 mov ax, 0x1234']);
  });

  it('can lie wholly before the address', () => {
    expect(listing(source([BASE]), 0x7c0a, -4, 2)).toEqual(['7c00 mov ax, 0x1234', '7c03 mov bx, 0x5678']);
  });

  it('puts bytes in front of a known start rather than run across it', () => {
    expect(listing(source([BASE, 0x7c02]), BASE, 0, 3)).toEqual([
      '7c00 db 0xb8',
      '7c01 db 0x34',
      '7c02 adc bh, [bp+di+0x5678]',
    ]);
  });

  it('always gives exactly what was asked for', () => {
    for (const [offset, count] of [
      [-50, 100],
      [-3, 0],
      [-1, 1],
      [0, 1],
      [40, 7],
      [-200, 50],
    ] as const) {
      for (const address of [0, BASE, 0x7c05, 0xffffffff, 0x100]) {
        expect(disassemble(source(), address, offset, count)).toHaveLength(count);
      }
    }
  });

  it('has no gap and no overlap', () => {
    const lines = disassemble(source([BASE, 0x7c06]), 0x7c08, -6, 20);
    for (const [index, line] of lines.entries()) {
      expect(lines[index + 1]?.address ?? line.address + Math.max(1, line.bytes.length)).toBe(
        line.address + Math.max(1, line.bytes.length),
      );
    }
  });
});
