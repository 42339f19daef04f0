/** Which addresses of 64 bits are canonical, with operands of several bytes (SDM vol. 1 §3.3.7.1). */
import { describe, expect, it } from 'vitest';
import { internal } from '../state/layout.ts';
import { realCpu } from './fake-cpu.ts';
import { isCanonical } from './mode.ts';

describe('canonical addresses', () => {
  const { state } = realCpu();
  state.write32(internal.CANONICAL_SHIFT, 16);
  const END = 2n ** 47n;

  it.each([
    ['the first ones', 0n, 8, true],
    ['the last ones of the lower half', END - 8n, 8, true],
    ['over its end', END - 7n, 8, false],
    ['behind it', END, 1, false],
    ['before the upper half', -END - 1n, 1, false],
    ['into it', -END - 1n, 2, false],
    ['the first ones of the upper half', -END, 8, true],
    ['around the end of 64 bits', -4n, 8, true],
    ['over the end of positive addresses', 2n ** 63n - 4n, 8, false],
    ['at it', 2n ** 63n - 8n, 8, false],
    ['from the most negative one on', -(2n ** 63n), 8, false],
  ])('%s', (_, address, size, is) => {
    expect(isCanonical(state, address, size)).toBe(is);
  });
});
