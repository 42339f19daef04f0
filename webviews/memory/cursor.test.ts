import { describe, expect, it } from 'vitest';
import { type Column, type Cursor, completed, movedCursor, placeCursor, typed } from './cursor.ts';
import type { GroupSize } from './cells.ts';

const limits = { start: 0, end: 2 ** 32 };
const at = (address: number, column: Column = 'hex', digits = ''): Cursor => ({ address, column, digits });

/** Where a key leads from an address. */
function move(key: string, address: number, column: Column = 'hex', groupSize: GroupSize = 1): number | undefined {
  const [name = '', control] = key.split('+').toReversed();
  const steps = {
    bytesPerRow: 16,
    groupSize,
    rowsPerPage: 10,
    limits: address < 0 ? { start: -(2 ** 47), end: 0 } : limits,
  };
  return movedCursor(at(address, column), { key: name, ctrlKey: control === 'Control' }, steps)?.address;
}

describe('keys', () => {
  it('move by value, by byte, by row, by page and to the ends', () => {
    expect(move('ArrowRight', 0x100)).toBe(0x101);
    expect(move('ArrowRight', 0x100, 'hex', 4)).toBe(0x104);
    expect(move('ArrowRight', 0x101, 'text', 4)).toBe(0x102);
    expect(move('ArrowLeft', 0x100, 'hex', 2)).toBe(0xfe);
    expect(move('ArrowDown', 0x105)).toBe(0x115);
    expect(move('PageUp', 0x105)).toBe(0x65);
    expect(move('PageUp', 0x45)).toBe(0x5);
    expect(move('PageDown', 0xfffffff5)).toBe(0xfffffff5);
    expect(move('Home', 0x105)).toBe(0x100);
    expect(move('End', 0x105, 'hex', 4)).toBe(0x10c);
    expect(move('Control+Home', 0x105)).toBe(0);
    expect(move('Control+End', 0x105, 'hex', 4)).toBe(0xfffffffc);
    expect(move('a', 0x105)).toBeUndefined();
  });

  it('do not leave the address space', () => {
    expect(move('ArrowUp', 5)).toBe(5);
    expect(move('ArrowLeft', 0)).toBe(0);
    expect(move('ArrowRight', 0xffffffff)).toBe(0xffffffff);
    expect(placeCursor(2 ** 32 + 4, 'hex', { groupSize: 4, limits }).address).toBe(0xfffffffc);
  });
});

it('moves in the upper half as in the lower one, and does not wrap', () => {
  expect(move('ArrowLeft', -0x8000_0000)).toBe(-0x8000_0001);
  expect(move('ArrowLeft', -0x7ffe, 'hex', 4)).toBe(-0x8004);
  expect(move('ArrowRight', -1)).toBe(-1);
  expect(move('ArrowDown', -0x25)).toBe(-0x15);
  expect(move('Home', -0x25)).toBe(-0x30);
  expect(move('End', -0x25, 'hex', 4)).toBe(-0x24);
  expect(move('PageDown', -0x25)).toBe(-5);
  expect(move('PageUp', -(2 ** 47) + 5)).toBe(-(2 ** 47) + 5);
  expect(move('Control+Home', -0x25)).toBe(-(2 ** 47));
  expect(move('Control+End', -(2 ** 47))).toBe(-1);
});

describe('typing', () => {
  it('collects the digits of a value and writes it little-endian', () => {
    let cursor = at(0x10);
    for (const digit of '123') cursor = typed(cursor, digit, { groupSize: 2, limits })?.cursor ?? cursor;
    expect(cursor).toEqual(at(0x10, 'hex', '123'));
    expect(typed(cursor, 'a', { groupSize: 2, limits })).toEqual({
      cursor: at(0x12),
      write: { address: 0x10, bytes: [0x3a, 0x12] },
    });
    expect(typed(cursor, 'g', { groupSize: 2, limits })).toBeUndefined();
  });

  it('takes sixteen digits for a quadword', () => {
    let cursor = at(0x10);
    const steps = { groupSize: 8, limits } as const;
    for (const digit of '123456789ABCDEF') cursor = typed(cursor, digit, steps)?.cursor ?? cursor;
    expect(typed(cursor, '0', steps)).toEqual({
      cursor: at(0x18),
      write: { address: 0x10, bytes: [0xf0, 0xde, 0xbc, 0x9a, 0x78, 0x56, 0x34, 0x12] },
    });
  });

  it('writes a character at once', () => {
    expect(typed(at(7, 'text'), 'A', { groupSize: 4, limits })).toEqual({
      cursor: at(8, 'text'),
      write: { address: 7, bytes: [0x41] },
    });
    expect(typed(at(7, 'text'), '€', { groupSize: 4, limits })).toBeUndefined();
    expect(typed(at(0xffffffff, 'text'), 'A', { groupSize: 1, limits })?.cursor.address).toBe(0xffffffff);
  });

  it('completes a value with the digits that were there', () => {
    expect(completed(at(4, 'hex', 'AB'), '12345678')).toEqual({ address: 4, bytes: [0x78, 0x56, 0x34, 0xab] });
    expect(completed(at(4), '12345678')).toBeUndefined();
    expect(completed(at(4, 'hex', 'A'), '··')).toBeUndefined();
  });
});
