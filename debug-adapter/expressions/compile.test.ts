import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileAddress, compileExpression } from './compile.ts';
import { makeContext } from './fake-context.ts';
import { ExpressionError } from './tokens.ts';

const evaluate = (text: string): number | bigint => compileExpression(text, makeContext()).evaluate();

function errorOf(text: string): string {
  try {
    return `no error, value ${evaluate(text)}`;
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    return `${error.position}: ${error.message}`;
  }
}

describe('expressions', () => {
  it.each([
    ['1+2*3', 7],
    ['(1+2)*3', 9],
    ['10 - 3 - 2', 5],
    ['0x10 + 10h + 0b11 + 11b + 0o17 + 10d', 0x10 + 0x10 + 3 + 3 + 15 + 10],
    ['0b1h', 0xb1],
    ['1_000', 1000],
    ["'A'", 65],
    ['-1', 0xffffffff],
    ['~0 == -1', 1],
    ['0 - 1 > 0', 1],
    ['!0 + !5', 1],
    ['7 / 2', 3],
    ['7 % 4', 3],
    ['1 << 31', 0x80000000],
    ['1 << 32', 0],
    ['0x80000000 >> 31', 1],
    ['0xffffffff * 0xffffffff', 1],
    ['1 | 2 ^ 3 & 6', 1 | (2 ^ (3 & 6))],
    ['1 < 2 == 1', 1],
    ['0 || 2 && 3', 1],
    ['0 && byte[0xffffffff]', 0],
    ['1 ? 2 : 0 ? 3 : 4', 2],
    ['eax', 0x12345678],
    ['EAX == 12345678h', 1],
    ['ax', 0x5678],
    ['ah', 0x56],
    ['al', 0x78],
    ['si', 4],
    ['zf', 1],
    ['IF && !CF', 1],
    ['eflags.if', 1],
    ['flags', 0x246],
    ['cr0.pg + cr0.pe', 2],
    ['iopl', 0],
    ['ds.base', 0x400],
    ['start + 2', 0x7c02],
    ['print.next', 0x7c00],
    ['$eax', 0x7c00],
    ['byte[0x400]', 0x10],
    ['word [400h]', 0x2010],
    ['dword[ds:si]', 0x80706050],
    ['byte[0x40:1]', 0x20],
    ['byte[byte[0x400] + 0x3f1]', 0x20],
    ['byte[1 ? 0x400 : 0]', 0x10],
    ['linear(ds:si)', 0x404],
    ['linear(0x40:0x10)', 0x410],
    ['linear(0x1234)', 0x1234],
    ['ds:si', 0x404],
    ['0x40:0x10 + 2', 0x412],
    ['07C0:0000', 0x7c00],
    ['0040:0010', 0x410],
    ['F000:fff0', 0xffff0],
    ['100b:0010', 0x100c0],
    ['byte[0040:0002]', 0x30],
    ['byte[0040:02 + 10]', 0],
    ['linear(0040:si)', 0x404],
    ['ds:10', 0x40a],
    ['add:0', 0x400],
    ['0add:0', 0xadd0],
    ['physical(0x10)', 0x100010],
  ])('%s = %i', (text, value) => {
    expect(evaluate(text)).toBe(value);
  });

  it.each([
    ['', '0: expected a value, found the end'],
    ['1 +', '3: expected a value, found the end'],
    ['1 2', '2: expected an operator, found "2"'],
    ['(1', '2: expected ")", found the end'],
    ['1 ? 2', '5: expected ":", found the end'],
    ['byte[1', '6: expected "]", found the end'],
    ['eax # 2', '4: unexpected character "#"'],
    ['2 + 7C00', '4: 7C00 is not a number; write 0x7C00 or 7C00h for a hexadecimal number'],
    ['12g', '0: 12g is not a number'],
    ['0x10000000000000000', '0: 0x10000000000000000 does not fit in 64 bits'],
    ['[0x7c00]', '0: say how much memory is meant: byte[…], word[…], dword[…] or qword[…]'],
    ['1 + nowhere', '4: no register, flag or label is called nowhere'],
    ['byte', '0: no register, flag or label is called byte'],
    ['eax = 1', '0: an assignment is not allowed here; write == to compare'],
    ['1 / cf', '2: division by zero'],
    ['1 % 0', '2: division by zero'],
    ['1 + byte[0x1000]', '4: nothing is mapped at linear address 0x1000'],
    ['dword[0xffe]', '0: nothing is mapped at linear address 0xffe'],
    ['byte[0xffff:0]', '5: selector 0xffff names no segment'],
    ['physical(0x2000)', '0: nothing is mapped at linear address 0x2000'],
  ])('%j fails with %s', (text, error) => {
    expect(errorOf(text)).toBe(error);
  });

  it('refuses nesting that would exhaust our stack', () => {
    expect(errorOf(`${'('.repeat(500)}1${')'.repeat(500)}`)).toMatch(/nested too deeply/);
    expect(errorOf(`${'-'.repeat(500)}1`)).toMatch(/nested too deeply/);
    expect(errorOf(`${'1+'.repeat(5000)}1`)).toBe('2000: longer than 2000 characters');
    expect(evaluate(`${'1+'.repeat(900)}1`)).toBe(901);
    expect(evaluate(`${'('.repeat(50)}1${')'.repeat(50)}`)).toBe(1);
  });

  it('assigns to registers, parts, flags and memory', () => {
    const context = makeContext();
    const run = (text: string): number | bigint => compileExpression(text, context, { assignment: true }).evaluate();
    expect(run('al = 0xff')).toBe(0xff);
    expect(run('eax')).toBe(0x123456ff);
    expect(run('ah = 0x1234')).toBe(0x34);
    expect(run('eax')).toBe(0x123434ff);
    expect(run('cf = 1')).toBe(1);
    expect(run('eflags')).toBe(0x247);
    run('word[ds:2] = 0xabcd');
    expect([...context.memory.subarray(0x400, 0x406)]).toEqual([0x10, 0x20, 0xcd, 0xab, 0x50, 0x60]);
    expect(() => run('1 = 2')).toThrow('this cannot be assigned to');
    expect(() => run('cpl = 3')).toThrow('CPL cannot be set to that');
    expect(() => run('byte[0x1000] = 1')).toThrow('nothing is mapped');
  });

  it('takes any text without failing otherwise than by an ExpressionError', () => {
    const context = makeContext();
    const word = fc.constantFrom(
      ...[
        'eax',
        'rbx',
        'qword',
        '0xfffffffff',
        '<<',
        '*',
        'byte',
        '[',
        ']',
        '(',
        ')',
        ':',
        '?',
        '+',
        '==',
        '0x1',
        'cf',
        'linear',
        ',',
        '~',
        'start',
        '/',
        '=',
      ],
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(word, { maxLength: 20 }).map((words) => words.join(' ')),
    );
    fc.assert(
      fc.property(text, (expression) => {
        try {
          const value = compileExpression(expression, context).evaluate();
          if (typeof value === 'number') expect(Number.isInteger(value) && value >= 0 && value < 2 ** 32).toBe(true);
          else expect(BigInt.asUintN(64, value)).toBe(value);
        } catch (error) {
          if (!(error instanceof ExpressionError)) throw error;
          expect(error.position).toBeGreaterThanOrEqual(0);
          expect(error.position).toBeLessThanOrEqual(expression.length);
        }
      }),
    );
  });

  it('says what has an address', () => {
    const context = makeContext();
    expect(compileExpression('byte[ds:si]', context).address?.()).toBe(0x404);
    expect(compileExpression('start', context).address?.()).toBe(0x7c00);
    expect(compileExpression('linear(ds:0)', context).address?.()).toBe(0x400);
    expect(compileExpression('eax', context).address).toBeUndefined();
    expect(compileAddress('ds:si + 1', context)()).toBe(0x405);
    expect(compileAddress('start', context)()).toBe(0x7c00);
  });

  it('knows the width of what is named', () => {
    const context = makeContext();
    expect(
      ['eax', 'ax', 'ah', 'zf', 'iopl', 'byte[0]', 'word[0]', '1'].map(
        (text) => compileExpression(text, context).width,
      ),
    ).toEqual([32, 16, 8, 1, 2, 8, 16, 32]);
  });
});
