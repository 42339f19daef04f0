/** Where addresses are canonical (SDM vol. 1 §3.3.7.1), for operands that reach over an edge. */
import { expect, it } from 'vitest';
import { isCanonical } from '../cpu/mode.ts';
import { addressOf } from '../state/address.ts';
import { LongGuest } from './long-guest.ts';

const EDGE = 1n << 47n;
const { state } = new LongGuest(Uint8Array.of(0xf4));
const isAt = (address: bigint, size: number) => isCanonical(state, addressOf(address), size);

it.each([
  [0n, 8, true],
  [EDGE - 8n, 8, true],
  [EDGE - 4n, 8, false],
  [EDGE, 1, false],
  [(1n << 63n) - 4n, 8, false],
  [-(1n << 63n), 8, false],
  [-EDGE - 4n, 8, false],
  [-EDGE, 8, true],
  [-4n, 8, true],
])('%d, %i bytes: %s', (address, size, expected) => {
  expect(isAt(address, size)).toBe(expected);
});
