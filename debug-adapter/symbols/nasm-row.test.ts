import { describe, expect, it } from 'vitest';
import { HOLE, parseNasmRow } from './nasm-row.ts';

const data = (column: string): unknown => parseNasmRow(`     1 0000001E ${column.padEnd(18)}         source`)?.data;
const plain = { offset: 0x1e, unlisted: 0, repeat: 1, reserved: false, continues: false };

describe('parseNasmRow', () => {
  it('reads number, offset, bytes, level and text', () => {
    expect(parseNasmRow('    14 0000001B E80D00              <1>  call print ; <2>')).toEqual({
      line: 14,
      level: 1,
      text: 'call print ; <2>',
      data: { ...plain, offset: 0x1b, bytes: [0xe8, 0x0d, 0x00] },
    });
    expect(parseNasmRow('123456                              <12> x')).toMatchObject({
      line: 123456,
      level: 12,
      text: 'x',
    });
    expect(parseNasmRow('     7                                  start:')).toEqual({
      line: 7,
      level: 0,
      text: 'start:',
      data: undefined,
    });
    expect(parseNasmRow('    22                                  ')).toMatchObject({ line: 22, text: '' });
  });

  it.each([
    ['EBFE', { bytes: [0xeb, 0xfe] }],
    ['BE[2D00]', { bytes: [0xbe, HOLE, HOLE] }],
    ['66B8[00000000]90', { bytes: [0x66, 0xb8, HOLE, HOLE, HOLE, HOLE, 0x90] }],
    ['E8(1D000000)', { bytes: [0xe8, HOLE, HOLE, HOLE, HOLE] }],
    ['010203040506070809-', { bytes: [1, 2, 3, 4, 5, 6, 7, 8, 9], continues: true }],
    ['90<rep 4h>', { bytes: [0x90], repeat: 4 }],
    ['00<rep 191h>', { bytes: [0], repeat: 0x191 }],
    ['90<rept>', { bytes: [0x90], repeat: undefined }],
    ['<rep 2h>', { bytes: [], repeat: 2 }],
    ['<bin Ch>', { bytes: [], unlisted: 12 }],
    ['<res 10h>', { bytes: [], unlisted: 16, reserved: true }],
    ['<res 00000010>', { bytes: [], unlisted: 16, reserved: true }],
    ['????', { bytes: [HOLE, HOLE], reserved: true }],
  ])('reads the bytes column %s', (column, expected) => {
    expect(data(column)).toEqual({ ...plain, ...expected });
  });

  it.each([
    '',
    'hello',
    '    33          ******************       warning: uninitialized space declared',
    '- NASM Map file -------',
    '      12345678 90',
  ])('passes over %j', (line) => expect(parseNasmRow(line)).toBeUndefined());
});
