import { expect, it } from 'vitest';
import { addressDigits, floorTo, hexadecimal, limitsOf, windowOf } from './address-space.ts';

const legacy = { linear: 32, physical: 32, shown: 32 } as const;
const long = { linear: 48, physical: 46, shown: 64 } as const;

it('knows the half of the space that an address lies in', () => {
  expect(limitsOf('linear', legacy, 0x7c00)).toEqual({ start: 0, end: 2 ** 32 });
  expect(limitsOf('physical', legacy, 0x7c00)).toEqual({ start: 0, end: 2 ** 32 });
  expect(limitsOf('physical', long, 0)).toEqual({ start: 0, end: 2 ** 46 });
  expect(limitsOf('linear', long, 0x7c00)).toEqual({ start: 0, end: 2 ** 47 });
  expect(limitsOf('linear', long, -1)).toEqual({ start: -(2 ** 47), end: 0 });
  expect(limitsOf('linear', { ...long, linear: 57 }, -1)).toEqual({ start: -(2 ** 53), end: 0 });
  // An address of 64-bit mode that is shown before its mode is known.
  expect(limitsOf('linear', legacy, -0x8000_0000)).toEqual({ start: -(2 ** 53), end: 0 });
});

it('divides it into what a scroll bar can lead through', () => {
  expect(windowOf(0xffff_ffff)).toBe(0);
  expect(windowOf(-0x8000_0000)).toBe(-(2 ** 32));
  expect(windowOf(-(2 ** 47))).toBe(-(2 ** 47));
  expect(floorTo(-1, 16)).toBe(-16);
  expect(floorTo(0x12345, 16)).toBe(0x12340);
});

it('writes addresses as the mode has them', () => {
  expect(hexadecimal(0x7c00, addressDigits('linear', legacy))).toBe('00007C00');
  expect(hexadecimal(0x7c00, addressDigits('linear', long))).toBe('0000000000007C00');
  expect(hexadecimal(0x7c00, addressDigits('physical', long))).toBe('00007C00');
  expect(hexadecimal(-0x8000_0000, 8)).toBe('FFFFFFFF80000000');
  expect(hexadecimal(2 ** 40, 8)).toBe('10000000000');
});
