/** Numbers as text: known values, and that what is shown reads as the same bits again. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FloatFormat, floatText, parseFloatText } from './float-text.ts';

const extended = (sign: bigint, exponent: bigint, significand: bigint) =>
  (sign << 79n) | (exponent << 64n) | significand;

describe('floating-point numbers', () => {
  it.each<readonly [FloatFormat, bigint, string]>([
    ['single', 0x3dcc_cccdn, '0.1'],
    ['single', 0x8000_0000n, '-0'],
    ['single', 0x7f80_0000n, 'Infinity'],
    ['single', 1n, '1e-45'],
    ['double', 0x3fb9_9999_9999_999an, '0.1'],
    ['double', 0xfff8_0000_0000_0000n, 'NaN'],
    ['extended', extended(0n, 0x4000n, 0xc90f_daa2_2168_c235n), '3.14159265358979323851'],
    ['extended', extended(1n, 0x3fffn, 0xc000_0000_0000_0000n), '-1.5'],
    ['extended', extended(0n, 0x4005n, 0xc800_0000_0000_0000n), '100'],
    ['extended', extended(0n, 0x3ffbn, 0xcccc_cccc_cccc_cccdn), '0.100000000000000000001'],
    ['extended', extended(0n, 0x7fffn, 1n << 63n), 'Infinity'],
    ['extended', extended(0n, 0x7ffen, (1n << 64n) - 1n), '1.18973149535723176502e+4932'],
    ['extended', 0n, '0'],
    ['extended', extended(0n, 0x3fffn, 1n), 'NaN'],
  ])('%s %x is %s', (format, bits, text) => {
    expect(floatText(bits, format)).toBe(text);
    if (text !== 'NaN') expect(parseFloatText(text, format)).toBe(bits);
  });

  it('read back as what they were', () => {
    const signs = fc.bigInt({ min: 0n, max: 1n });
    const exponents = fc.oneof(fc.bigInt({ min: 0n, max: 0x7ffen }), fc.constantFrom(0n, 1n, 0x3fffn, 0x7ffen));
    const fractions = fc.bigInt({ min: 0n, max: (1n << 63n) - 1n });
    fc.assert(
      fc.property(signs, exponents, fractions, (sign, exponent, fraction) => {
        const bits = extended(sign, exponent, fraction | (exponent === 0n ? 0n : 1n << 63n));
        expect(parseFloatText(floatText(bits, 'extended'), 'extended')).toBe(bits);
      }),
      { numRuns: 300 },
    );
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0x7f7f_ffff }), (bits) => {
        expect(parseFloatText(floatText(BigInt(bits), 'single'), 'single')).toBe(BigInt(bits));
      }),
    );
  });

  it('are not read from other text, and large exponents end', () => {
    for (const text of ['', '0x10', '1+1', 'eax', '1e', '--1'])
      expect(parseFloatText(text, 'extended')).toBeUndefined();
    expect(parseFloatText('1e99999', 'extended')).toBe(extended(0n, 0x7fffn, 1n << 63n));
    expect(parseFloatText('-1e-99999', 'extended')).toBe(extended(1n, 0n, 0n));
    expect(parseFloatText('nan', 'single')).toBe(0x7fc0_0000n);
  });
});
