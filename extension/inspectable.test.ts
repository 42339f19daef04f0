import { describe, expect, it } from 'vitest';
import { parseExpression } from '../debug-adapter/expressions/parse.ts';
import { contextOf, inspectableAt, inspectables, type LineContext } from './inspectable.ts';

const REAL: LineContext = { parent: 'print', codeSize: 16 };
const FLAT: LineContext = { parent: 'main', codeSize: 32 };
const expressionsOf = (line: string, context = REAL) => inspectables(line, context).map(({ expression }) => expression);

describe('inspectables', () => {
  it.each([
    ['        mov al, bl', ['al', 'bl']],
    ['        mov ax, [si+2]', ['ax', 'word[ds:(si+2) & 0xffff]', 'si']],
    ['        cmp byte [es:di], 0', ['byte[es:di]', 'di', 'es'].sort()],
    ['        mov [key], al', ['byte[key]', 'al']],
    ['        mov eax, [bp - 4]', ['eax', 'dword[ss:(bp - 4) & 0xffff]', 'bp']],
    ['        mov ds, [bx]', ['ds', 'word[ds:bx]', 'bx']],
    ['        mov cl, [table + bx]', ['cl', 'byte[table + bx]', 'bx']],
    ['        mov cl, [cs:table]', ['cl', 'byte[table]', 'cs']],
    ['        mov cl, [es:table]', ['cl', 'es', 'table']],
    ['        mov ax, [0x46c]', ['ax', 'word[ds:0x46c]']],
    ['        call [handler]', ['word[handler]']],
    ['        jmp far [handler]', ['handler']],
    ['        lgdt [gdt]', ['gdt']],
    ['        lea di, [bp+si]', ['di', '(bp+si) & 0xffff', 'bp', 'si']],
    ['.loop:  rep es movsb', []],
    ['        jmp 0x0000:.next', ['print.next']],
    ['        inc word [.count]', ['word[print.count]']],
    ['        mov si, message ; not [bx]', ['si', 'message']],
    ["        mov al, 'b'", ['al']],
    ['        say "ax, bx", cx', ['cx']],
    ['        times 3 mov dx, 0', ['dx']],
  ])('%s', (line, expected) => {
    expect(expressionsOf(line).sort()).toEqual([...expected].sort());
  });

  it.each([
    ['        mov eax, [ebp+8]', 'dword[ss:ebp+8]'],
    ['        mov eax, [ebx+ebp*4]', 'dword[ds:ebx+ebp*4]'],
    ['        push dword [esp+4]', 'dword[ss:esp+4]'],
    ['        call [eax]', 'dword[ds:eax]'],
    ['        mov ax, [bx+2]', 'word[ds:(bx+2) & 0xffff]'],
  ])('in 32-bit code: %s', (line, expression) => {
    expect(expressionsOf(line, FLAT)).toContain(expression);
  });

  it.each([
    '        org 0x7c00',
    '        times 510 - ($ - $$) db 0',
    '%define ax bx',
    '        %if cx',
    'SIZE equ label - $$',
    '        dw ax, label',
    '; mov ax, bx',
    '',
    '        mov 1, 0ah',
    '        dd 0',
    '        fld dword',
    '        %1 dword',
  ])('none in: %s', (line) => {
    expect(inspectables(line, REAL)).toEqual([]);
  });

  it('shows what lies at a label that is defined before data', () => {
    expect(expressionsOf('key     db 0')).toEqual(['byte[key]']);
    expect(expressionsOf('.count: times 4 dw 1')).toEqual(['word[print.count]']);
    expect(expressionsOf('buffer: resd 1')).toEqual(['dword[buffer]']);
  });

  it('makes expressions that the language can read', () => {
    const lines = ['mov ax, [si+2]', 'cmp byte [es:di], 0', 'mov eax, [ebx+ebp*4]', 'mov al, [table + bx]'];
    for (const line of lines) {
      for (const expression of expressionsOf(line)) expect(() => parseExpression(expression)).not.toThrow();
    }
  });

  it('takes the innermost part at a column', () => {
    const line = 'mov ax, word [si+2]';
    const textAt = (column: number) => inspectableAt(line, column, REAL)?.text;
    expect([0, 4, 8, 13, 14, 16, 17, 18].map(textAt)).toEqual([
      ...[undefined, 'ax', '[si+2]', '[si+2]', 'si', '[si+2]', '[si+2]', '[si+2]'],
    ]);
  });
});

describe('contextOf', () => {
  const lines = ['bits 16', 'first:', '.local:', 'data db 0', '  nop', '[bits 32]', '  nop', 'second: nop', '.x:'];
  const context = (index: number) => contextOf((at) => lines[at] ?? '', index);

  it('knows the label above and the size of code', () => {
    expect(context(2)).toEqual({ parent: 'first', codeSize: 16 });
    expect(context(4)).toEqual({ parent: 'data', codeSize: 16 });
    expect(context(6)).toEqual({ parent: 'data', codeSize: 32 });
    expect(context(8)).toEqual({ parent: 'second', codeSize: 32 });
    expect(contextOf(() => '', 3)).toEqual({ parent: '', codeSize: 16 });
  });
});
