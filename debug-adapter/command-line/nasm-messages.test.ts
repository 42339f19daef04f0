import { describe, expect, it } from 'vitest';
import { parseNasmMessages } from './nasm-messages.ts';

const parse = (text: string): unknown => parseNasmMessages(text, '/src/boot.asm');

describe('parseNasmMessages', () => {
  it('reads errors and warnings, in whichever file they are', () => {
    const text =
      'boot.asm:3: error: parser: instruction expected\ninc/print.inc:12: warning: word data exceeds bounds [-w+x]\n';
    expect(parse(text)).toEqual([
      { severity: 'error', file: '/src/boot.asm', line: 3, message: 'parser: instruction expected' },
      { severity: 'warning', file: '/src/inc/print.inc', line: 12, message: 'word data exceeds bounds [-w+x]' },
    ]);
  });

  it('puts the place of the macro into the message before', () => {
    const text = "boot.asm:6: error: symbol `zz' not defined\r\nboot.asm:2: ... from macro `bad' defined here\r\n";
    expect(parse(text)).toEqual([
      {
        severity: 'error',
        file: '/src/boot.asm',
        line: 6,
        message: "symbol `zz' not defined (boot.asm:2: from macro `bad' defined here)",
      },
    ]);
  });

  it('puts errors without a place on the first line of the source', () => {
    expect(parse("nasm: fatal: unable to open input file `x'")).toEqual([
      { severity: 'error', file: '/src/boot.asm', line: 1, message: "unable to open input file `x'" },
    ]);
    expect(parse('boot.asm:0: error: phase')).toMatchObject([{ line: 1 }]);
  });

  it('passes over everything else', () => {
    expect(parse('')).toEqual([]);
    expect(parse('hello\nboot.asm:2: ... from nowhere\n')).toEqual([]);
  });
});
