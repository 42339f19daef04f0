import { describe, expect, it } from 'vitest';
import { evaluateNasmExpression, parseNasmNumber } from './nasm-expression.ts';

const names = new Map([
  ['LOAD', 0x7c00],
  ['size', 16],
]);
const evaluate = (text: string): number | undefined => evaluateNasmExpression(text, (name) => names.get(name));

describe('parseNasmNumber', () => {
  it.each([
    ['0x7c00', 0x7c00],
    ['7C00h', 0x7c00],
    ['07C00H', 0x7c00],
    ['$7c00', 0x7c00],
    ['0h7c00', 0x7c00],
    ['31744', 31744],
    ['31744d', 31744],
    ['0d10', 10],
    ['1010b', 10],
    ['0b1010', 10],
    ['0bh', 11],
    ['777q', 511],
    ['0o17', 15],
    ['10_000', 10000],
  ])('reads %s', (text, value) => expect(parseNasmNumber(text)).toBe(BigInt(value)));

  it.each(['', 'abc', 'h', '12z', '8q', '$', '1.5', '9b2'])('refuses %j', (text) => {
    expect(parseNasmNumber(text)).toBeUndefined();
  });
});

describe('evaluateNasmExpression', () => {
  it.each([
    ['LOAD', 0x7c00],
    ['LOAD+0x200', 0x7e00],
    ['2 + 3 * 4', 14],
    ['(2 + 3) * 4', 20],
    ['-1 + 2', 1],
    ['~0 & 0xff', 255],
    ['1 << 4 | 1', 17],
    ['LOAD >> 8', 0x7c],
    ['17 / size + 17 % size', 2],
    ['0xf0 ^ 0xff', 15],
    ['0xffffffff80000000', -0x8000_0000],
    ['0xffffffff80000000 + LOAD', -0x8000_0000 + 0x7c00],
    ['-1 << 47', -(2 ** 47)],
    ['0xffff_8000_0000_0000 >> 47', 0x1ffff],
    ['1 << 64 | 5', 5],
    ['-8 / 2 >> 62', 1],
  ])('evaluates %s', (text, value) => expect(evaluate(text)).toBe(value));

  it.each([
    '',
    'unknown',
    '1 +',
    '(1',
    '1)',
    '1 2',
    '$ - $$',
    "'a'",
    '1 / 0',
    '1 % 0',
    '1 << 62',
    '__proto__',
    'constructor',
    '+'.repeat(9999),
  ])('has no value for %j', (text) => expect(evaluate(text)).toBeUndefined());
});
