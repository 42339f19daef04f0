import { describe, expect, it } from 'vitest';
import { keyNames, keyStrokes } from './key-strokes.ts';

const codes = (text: string): string[] => keyStrokes(text).map((stroke) => Buffer.from(stroke).toString('hex'));

describe('keyStrokes', () => {
  it.each([
    ['a', ['1e9e']],
    ['A', ['2a1e9eaa']],
    ['<', ['2a33b3aa']],
    ['a<b', ['1e9e', '2a33b3aa', '30b0']],
    ['1 0', ['0282', '39b9', '0b8b']],
    ['<enter>', ['1c9c']],
    ['<Enter>', ['1c9c']],
    ['\n', ['1c9c']],
    ['\r\n', ['1c9c']],
    ['\t', ['0f8f']],
    ['<up>', ['e048e0c8']],
    ['<f1><f10><f12>', ['3bbb', '44c4', '58d8']],
    ['<ctrl-c>', ['1d2eae9d']],
    ['<ctrl-alt-delete>', ['1d38e053e0d3b89d']],
    ['<shift-tab>', ['2a0f8faa']],
    ['<ctrl-->', ['1d0c8c9d']],
    ['<lt>', ['2a33b3aa']],
    ['DIR<enter>', ['2a20a0aa', '2a1797aa', '2a1393aa', '1c9c']],
    ['', []],
  ])('types %j', (text, expected) => expect(codes(text)).toEqual(expected));

  it('types every character of a US keyboard', () => {
    const printable = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index)).filter(
      (c) => c !== '<',
    );
    expect(keyStrokes(printable.join(''))).toHaveLength(94);
  });

  it('names what it does not know', () => {
    expect(() => keyStrokes('<entre>')).toThrow(`<entre> is no key; the names are ${keyNames.join(', ')}`);
    expect(() => keyStrokes('<meta-x>')).toThrow('<meta-x>: meta is none of ctrl, shift, alt');
    expect(() => keyStrokes('<__proto__>')).toThrow('is no key');
    expect(() => keyStrokes('<>')).toThrow('<> is no key');
    expect(() => keyStrokes('ä')).toThrow('"ä" is not on a US keyboard');
  });
});
