import { describe, expect, it } from 'vitest';
import { type Column, type Cursor, completed, movedCursor, placeCursor, typed } from './cursor.ts';
import type { GroupSize } from './cells.ts';

const at = (address: number, column: Column = 'hex', digits = ''): Cursor => ({ address, column, digits });

/** Where a key leads from an address. */
function move(key: string, address: number, column: Column = 'hex', groupSize: GroupSize = 1): number | undefined {
  const [name = '', control] = key.split('+').toReversed();
  const steps = { bytesPerRow: 16, groupSize, rowsPerPage: 10 };
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
    expect(placeCursor(2 ** 32 + 4, 'hex', { groupSize: 4 }).address).toBe(0xfffffffc);
  });
});

describe('typing', () => {
  it('collects the digits of a value and writes it little-endian', () => {
    let cursor = at(0x10);
    for (const digit of '123') cursor = typed(cursor, digit, 2)?.cursor ?? cursor;
    expect(cursor).toEqual(at(0x10, 'hex', '123'));
    expect(typed(cursor, 'a', 2)).toEqual({ cursor: at(0x12), write: { address: 0x10, bytes: [0x3a, 0x12] } });
    expect(typed(cursor, 'g', 2)).toBeUndefined();
  });

  it('writes a character at once', () => {
    expect(typed(at(7, 'text'), 'A', 4)).toEqual({ cursor: at(8, 'text'), write: { address: 7, bytes: [0x41] } });
    expect(typed(at(7, 'text'), '€', 4)).toBeUndefined();
    expect(typed(at(0xffffffff, 'text'), 'A', 1)?.cursor.address).toBe(0xffffffff);
  });

  it('completes a value with the digits that were there', () => {
    expect(completed(at(4, 'hex', 'AB'), '12345678')).toEqual({ address: 4, bytes: [0x78, 0x56, 0x34, 0xab] });
    expect(completed(at(4), '12345678')).toBeUndefined();
    expect(completed(at(4, 'hex', 'A'), '··')).toBeUndefined();
  });
});
