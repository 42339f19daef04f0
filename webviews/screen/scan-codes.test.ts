import { describe, expect, it } from 'vitest';
import { fixedKeyCodes, scanCodesOf } from './scan-codes.ts';

/** Every key of a PC keyboard with 104 or 105 keys, by KeyboardEvent.code. */
const PC_KEYS = [
  ...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'.split('').map((letter) => `Key${letter}`),
  ...'0123456789'.split('').flatMap((digit) => [`Digit${digit}`, `Numpad${digit}`]),
  ...Array.from({ length: 12 }, (_, index) => `F${index + 1}`),
  ...['Shift', 'Control', 'Alt', 'Meta'].flatMap((name) => [`${name}Left`, `${name}Right`]),
  ...'Escape Backquote Minus Equal Backspace Tab BracketLeft BracketRight Backslash CapsLock Semicolon Quote'.split(
    ' ',
  ),
  ...'Enter IntlBackslash Comma Period Slash Space ContextMenu PrintScreen ScrollLock Pause Insert Home'.split(' '),
  ...'PageUp Delete End PageDown ArrowUp ArrowLeft ArrowDown ArrowRight NumLock NumpadDivide'.split(' '),
  ...'NumpadMultiply NumpadSubtract NumpadAdd NumpadEnter NumpadDecimal'.split(' '),
];

const none = new Set<string>();
const hex = (codes: readonly number[] | undefined): string | undefined =>
  codes?.map((code) => code.toString(16).padStart(2, '0')).join(' ');

describe('scan codes', () => {
  it('are there for every key of a PC keyboard', () => {
    expect(PC_KEYS.filter((code) => scanCodesOf(code, none) === undefined)).toEqual([]);
  });

  it('are different for different keys', () => {
    const makes = [...fixedKeyCodes.values()].map(({ make }) => hex(make));
    expect(new Set(makes).size).toBe(makes.length);
  });

  it('of a release are those of the press with bit 7', () => {
    for (const [name, codes] of fixedKeyCodes) {
      const make = codes.make.at(-1) as number;
      expect(make, name).toBeLessThan(0x80);
      expect(codes.break.at(-1), name).toBe(make | 0x80);
      expect(codes.break.slice(0, -1), name).toEqual(codes.make.slice(0, -1));
    }
  });

  it.each([
    ['Escape', '01'],
    ['KeyA', '1e'],
    ['Digit0', '0b'],
    ['F12', '58'],
    ['ArrowLeft', 'e0 4b'],
    ['ControlRight', 'e0 1d'],
    ['AltRight', 'e0 38'],
    ['NumpadEnter', 'e0 1c'],
    ['MetaLeft', 'e0 5b'],
  ])('of %s are %s', (code, make) => {
    expect(hex(scanCodesOf(code, none)?.make)).toBe(make);
  });

  it.each([
    ['Pause', [], 'e1 1d 45 e1 9d c5', ''],
    ['Pause', ['ControlLeft'], 'e0 46 e0 c6', ''],
    ['PrintScreen', [], 'e0 2a e0 37', 'e0 b7 e0 aa'],
    ['PrintScreen', ['ShiftRight'], 'e0 37', 'e0 b7'],
    ['PrintScreen', ['AltLeft'], '54', 'd4'],
  ])('of %s with %j held are %s', (code, held, make, release) => {
    const codes = scanCodesOf(code, new Set(held));
    expect([hex(codes?.make), hex(codes?.break)]).toEqual([make, release]);
  });

  it('are absent for keys that a PC keyboard does not have', () => {
    expect(['Fn', '', 'Unidentified', 'constructor'].map((code) => scanCodesOf(code, none))).toEqual(
      new Array(4).fill(undefined),
    );
  });
});
