/** 32-bit addresses in 64-bit mode (67h): they are cut before they are used, whatever they are made of (SDM vol. 1 §3.3.7). */
import { describe, expect, it } from 'vitest';
import { LongGuest } from './long-guest.ts';

const PLACE = 0xffff_fff0n;

/** Instructions that write 12h there, without any register, with one, with an index, as an offset; their last byte is HLT. */
const codes = {
  'a displacement alone': '67 c6 04 25 f0 ff ff ff 12 f4',
  'a base': '31 c0 67 c6 80 f0 ff ff ff 12 f4',
  'an index': '31 c0 67 c6 04 85 f0 ff ff ff 12 f4',
  'an offset': 'b0 12 67 a2 f0 ff ff ff f4',
} as const;

describe('an address of 32 bits beyond 2 GiB', () => {
  it.each(Object.entries(codes))('from %s is not extended with its sign', (_, text) => {
    const code = Uint8Array.from(text.split(' '), (byte) => Number.parseInt(byte, 16));
    const guest = new LongGuest(code, 'max', 4);
    guest.map(PLACE & ~0xfffn, 0x40000);
    expect(guest.runToHalt()).toBe('program');
    expect(guest.read64(0x40ff0) & 0xffn).toBe(0x12n);
  });
});
