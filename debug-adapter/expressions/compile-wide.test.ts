import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Address } from '../../vm-core/index.ts';
import { compileAddress, compileExpression } from './compile.ts';
import { makeContext } from './fake-context.ts';
import { wideOperand } from './operands.ts';

describe('with 64 bits', () => {
  const wide = (text: string, is64Bit = true): number | bigint =>
    compileExpression(text, makeContext(true, is64Bit)).evaluate();

  it.each([
    ['rbx', 0xffff_ffff_8000_0400n],
    ['rax', 0x1234_5678n],
    ['rax == eax', 1],
    ['r9 + 1', 0xffff_8000_0000_1235n],
    ['r9d', 0x1234],
    ['r9w + r9b', 0x1268],
    ['rbx + 0x80000000', 0x400n],
    ['ebx + 0x80000000', 0x400],
    ['0xffffffffffffffff', 0xffff_ffff_ffff_ffffn],
    ['9007199254740993', 9007199254740993n],
    ['0x20000000000001 + 2', 0x20_0000_0000_0003n],
    ['rax * 0x100000000', 0x1234_5678_0000_0000n],
    ['r9 / 2', 0x7fff_c000_0000_091an],
    ['r9 % 0x10', 4n],
    ['-rax', 0xffff_ffff_edcb_a988n],
    ['~rax', 0xffff_ffff_edcb_a987n],
    ['rax - rax - 1 == -1', 1],
    ['eax - eax - 1 == -1', 1],
    ['eax - eax - 1 == 0xffffffff', 1],
    ['rax - rax - 1 == 0xffffffff', 0],
    ['!rbx', 0],
    ['!!rbx', 1],
    ['rbx && 1', 1],
    ['rbx > 0x7fffffffffffffff', 1],
    ['1 << 40', 0],
    ['0x100000000 >> 4', 0x1000_0000n],
    ['rax << 63', 0n],
    ['rax << 64', 0n],
    ['1 << r9', 0],
    ['1 << rbx', 0],
    ['rax >> 4', 0x123_4567n],
    ['rax & -16', 0x1234_5670n],
    ['eax ? 1 : rbx', 1n],
    ['cf || rbx ? 7 : 8', 7],
    ['qword[0x400]', 0x8070_6050_4030_2010n],
    ['qword[0x400] >> 32 == dword[0x404]', 1],
    ['qword[rbx]', 0x8070_6050_4030_2010n],
    ['byte[rbx + 3]', 0x40],
    ['byte[fs:0x401]', 0x20],
    ['linear(fs:0x401)', 0xffff_ffff_8000_0401n],
    ['word[0x40000000000403]', 0x2010],
    ['word[0x40000000000404]', 0x3020],
    ['word[ds:0x400]', 0x2010],
    ['word[0008:0000000000000400]', 0],
    ['high', 0xffff_ffff_8000_0400n],
    ['high == rbx', 1],
    ['start', 0x7c00n],
    ['byte[high + 1]', 0x20],
    ['physical(high)', 0x10_0400n],
    ['cr0.pg', 1],
    ['fs.base', 0xffff_ffff_8000_0000n],
  ])('%s', (text, value) => {
    expect(wide(text)).toBe(value);
  });

  it('wraps the sum of a segment base and an offset by the mode', () => {
    expect(wide('linear(fs:0x80000400)')).toBe(0x400n);
    expect(wide('linear(fs:eax)', false)).toBe(0x9234_5678n);
    expect(wide('linear(ds:0)')).toBe(0);
    expect(wide('linear(ds:0)', false)).toBe(0x400);
  });

  it('fails by what is wrong', () => {
    expect(() => wide('byte[r9]')).toThrow('nothing is mapped at linear address 0xffff800000001234');
    expect(() => wide('rax / (rbx - rbx)')).toThrow('division by zero');
  });

  it('assigns with the width of the place', () => {
    const context = makeContext(true, true);
    const run = (text: string): number | bigint => compileExpression(text, context, { assignment: true }).evaluate();
    expect(run('rax = -1')).toBe(0xffff_ffff_ffff_ffffn);
    expect(run('eax = 5')).toBe(5);
    expect(run('rax')).toBe(0xffff_ffff_0000_0005n);
    expect(run('qword[rbx] = r9 + 1')).toBe(0xffff_8000_0000_1235n);
    expect(run('qword[0x400]')).toBe(0xffff_8000_0000_1235n);
    expect(run('dword[rbx] = rbx')).toBe(0x8000_0400);
    expect(compileExpression('-1', context, { valueWidth: 64 }).evaluate()).toBe(0xffff_ffff_ffff_ffffn);
  });

  it('has addresses as the machine takes them, exact beyond 2^53', () => {
    const context = makeContext(true, true);
    const address = (text: string): Address | undefined => compileExpression(text, context).address?.();
    expect(address('qword[rbx]')).toBe(-0x8000_0000 + 0x400);
    expect(address('high')).toBe(-0x8000_0000 + 0x400);
    expect(address('byte[0xff11000000000001]')).toBe(-0xee_ffff_ffff_ffffn);
    expect(compileAddress('rbx + 1', context)()).toBe(-0x8000_0000 + 0x401);
  });

  it('shows values with the width of what is named, addresses with that of the mode', () => {
    const widths = (is64Bit: boolean): readonly number[] =>
      ['rax', 'r9d', 'qword[0]', 'rax + 1', 'eax + 1', 'fs.base', 'es.base', 'linear(ds:0)', 'rax == 1'].map(
        (text) => compileExpression(text, makeContext(true, is64Bit)).width,
      );
    expect(widths(true)).toEqual([64, 32, 64, 64, 32, 64, 64, 64, 32]);
    expect(widths(false)).toEqual([64, 32, 64, 64, 32, 32, 32, 32, 32]);
  });

  it('knows variables of 64 bits', () => {
    const context = { ...makeContext(true, true), variables: { new: wideOperand(() => 0xffff_ffff_ffff_fffdn) } };
    expect(compileExpression('new == -3', context).evaluate()).toBe(1);
  });

  it('computes as BigInt does, whatever the operands', () => {
    const context = makeContext(true, true);
    const value = fc.oneof(
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      fc.bigInt({ min: 2n ** 63n, max: 2n ** 64n - 1n }),
    );
    const operators = {
      '+': (a: bigint, b: bigint) => a + b,
      '-': (a: bigint, b: bigint) => a - b,
      '*': (a: bigint, b: bigint) => a * b,
      '&': (a: bigint, b: bigint) => a & b,
      '|': (a: bigint, b: bigint) => a | b,
      '^': (a: bigint, b: bigint) => a ^ b,
    };
    fc.assert(
      fc.property(
        value,
        value,
        fc.constantFrom(...(Object.keys(operators) as (keyof typeof operators)[])),
        (a, b, op) => {
          const text = `(rax - rax + ${a}) ${op} ${b}`;
          expect(compileExpression(text, context).evaluate()).toBe(BigInt.asUintN(64, operators[op](a, b)));
          const compared = compileExpression(`rax - rax + ${a} < ${b}`, context).evaluate();
          expect(compared).toBe(a < b ? 1 : 0);
        },
      ),
    );
  });
});
