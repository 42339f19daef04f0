import { describe, expect, it } from 'vitest';
import { bitsOfResult, foldBinary } from './constant-folding.ts';
import type { Value, Variable } from './function-builder.ts';

const any: Value = { type: 'i32', local: 0 };
const short: Value = { type: 'i32', local: 1, bits: 16 };
const variable: Variable = { type: 'i32', local: 2, bits: 16, mutable: true };
const constant = (value: number): Value => ({ type: 'i32', local: -1, constant: value });

describe('masks', () => {
  it('are left out where they keep all bits that there can be', () => {
    expect(foldBinary('and', short, constant(0xffff))).toBe(short);
    expect(foldBinary('and', short, constant(-1))).toBe(short);
    expect(foldBinary('and', short, constant(0x1ffff))).toBe(short);
  });

  it('stay where they clear one, where nothing is known, and where the value may change', () => {
    for (const mask of [0xfffe, 0x7fff, 0xff]) expect(foldBinary('and', short, constant(mask))).toBeUndefined();
    expect(foldBinary('and', any, constant(0xffff))).toBeUndefined();
    expect(foldBinary('and', variable, constant(0xffff))).toBeUndefined();
  });
});

describe('bits that there can be', () => {
  it('are those of the shorter operand behind a mask, of the longer one behind OR and XOR', () => {
    expect(bitsOfResult('and', any, constant(0xff))).toBe(8);
    expect(bitsOfResult('and', short, any)).toBe(16);
    expect(bitsOfResult('or', short, constant(0x1_0000))).toBe(17);
    expect(bitsOfResult('xor', short, short)).toBe(16);
    expect(bitsOfResult('xor', short, constant(-1))).toBeUndefined();
    expect(bitsOfResult('or', short, any)).toBeUndefined();
  });

  it('become fewer by shifts to the right, of which the low five bits count', () => {
    expect(bitsOfResult('shrU', any, constant(8))).toBe(24);
    expect(bitsOfResult('shrU', short, constant(33))).toBe(15);
    expect(bitsOfResult('shrU', short, constant(20))).toBe(0);
    expect(bitsOfResult('shrU', any, constant(32))).toBeUndefined();
  });

  it('are not known of sums, products, shifts by what is not known, and 64 bits', () => {
    expect(bitsOfResult('add', short, short)).toBeUndefined();
    expect(bitsOfResult('shrU', short, short)).toBeUndefined();
    expect(bitsOfResult('and', { type: 'i64', local: 3 }, { type: 'i64', local: -1, constant: 0xffn })).toBeUndefined();
  });
});
