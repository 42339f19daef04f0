/** Rare operands of x87 functions, as the native oracle has found them on a processor of Intel. */
import { expect, it } from 'vitest';
import { LongGuest } from '../../engine/long-guest.ts';

const INFINITY = (0x7fffn << 64n) | (1n << 63n);
const DENORMAL = 1n;
/** A number whose top bit is set, with an exponent of zero. */
const PSEUDO_DENORMAL = 1n << 63n;
const DE = 2n;

/** Executes D9 and a byte with two operands in ST(0) and ST(1), all exceptions masked. */
function execute(byte: number, st0: bigint, st1: bigint) {
  const guest = new LongGuest(Uint8Array.of(0xd9, byte, 0xf4), 'max');
  for (const [name, value] of Object.entries({ FPR0: st0, FPR1: st1, FCW: 0x37fn, FSW: 0n, FTW: 3n })) {
    guest.set(name, value);
  }
  expect(guest.runToHalt()).toBe('program');
  return guest;
}

it('FYL2XP1 of infinity looks whether y is denormal', () => {
  expect(execute(0xf9, INFINITY, DENORMAL).get('FSW') & 0x3fn).toBe(DE);
  expect(execute(0xf9, INFINITY, INFINITY).get('FSW') & 0x3fn).toBe(0n);
});

it.each([0xf5, 0xf8])('the remainder by infinity (D9 %i) gives a pseudo-denormal number its exponent', (byte) => {
  expect(execute(byte, PSEUDO_DENORMAL, INFINITY).get('FPR0')).toBe((1n << 64n) | (1n << 63n));
  expect(execute(byte, DENORMAL, INFINITY).get('FPR0')).toBe(DENORMAL);
});
