import { describe, expect, it } from 'vitest';
import { parseBound, parsePattern } from './find-pattern.ts';

/** The pattern as `byte/mask` pairs, or the message. */
function parsed(...given: Parameters<typeof parsePattern>): string {
  const result = parsePattern(...given);
  if ('message' in result) return result.message;
  const hex = (byte: number | undefined): string => (byte ?? 0).toString(16).padStart(2, '0');
  return [...result.pattern].map((byte, index) => `${hex(byte)}/${hex(result.mask[index])}`).join(' ');
}

describe('what to look for', () => {
  it.each([
    ['EB FE', 'eb/ff fe/ff'],
    ['ebfe', 'eb/ff fe/ff'],
    ['0xEB, FEh 9', 'eb/ff fe/ff 09/ff'],
    ['B8 ?? 0?', 'b8/ff 00/00 00/f0'],
    ['', 'Type what to look for.'],
    ['EBF', 'EBF ends in half a byte.'],
    ['text', 'text is not hexadecimal; text can be looked for as Text.'],
    ['??', 'Every byte matches that.'],
    ['00'.repeat(257), 'At most 256 bytes can be looked for.'],
  ])('bytes %j', (text, expected) => {
    expect(parsed(text, 'bytes', false)).toBe(expected);
  });

  it('is text with or without case', () => {
    expect(parsed('aZ1é', 'text', false)).toBe('61/df 5a/df 31/ff 82/ff');
    expect(parsed('aZ', 'text', true)).toBe('61/ff 5a/ff');
    expect(parsed('1 €', 'text', true)).toBe('€ is not in code page 437.');
  });

  it('lies in a range of hexadecimal addresses', () => {
    const bounds = ['', ' 7c00', '0x7C00', '7C00h', 'ffffffff', 'ffffffff80000000', '10000000000000000', 'x'];
    expect(bounds.map((text) => parseBound(text, 5))).toEqual([
      ...[5, 0x7c00, 0x7c00, 0x7c00, 0xffffffff, -0x8000_0000],
      ...[undefined, undefined],
    ]);
  });
});
