import { describe, expect, it } from 'vitest';
import { formatFar, formatValue, splitNotation } from './format.ts';

describe('formatValue', () => {
  it.each([
    [0x1f, 32, 'x', '0x0000001f'],
    [0x1f, 8, 'x', '0x1f'],
    [1, 1, 'x', '1'],
    [3, 2, 'x', '0x3'],
    [200, 8, 'd', '-56 (200 unsigned)'],
    [100, 8, 'd', '100'],
    [1, 1, 'd', '1'],
    [5, 8, 'b', '0b00000101'],
    [65, 8, 'c', "'A'"],
    [7, 8, 'c', '0x07'],
  ] as const)('%i of %i bits as %s', (value, width, notation, text) => {
    expect(formatValue(value, width, notation)).toBe(text);
  });
});

describe('splitNotation', () => {
  it('takes the notation behind the last comma', () => {
    expect(splitNotation('eax, d')).toEqual({ expression: 'eax', notation: 'd' });
    expect(splitNotation('eax')).toEqual({ expression: 'eax', notation: undefined });
    expect(splitNotation('eax,q')).toEqual({ expression: 'eax,q', notation: undefined });
  });
});

describe('formatFar', () => {
  it('has as many digits as the code segment needs', () => {
    expect(formatFar(0, 0x7c00, 16)).toBe('0000:7C00');
    expect(formatFar(8, 0x7c00, 32)).toBe('0008:00007C00');
  });
});
