import { describe, expect, it } from 'vitest';
import { codePage437 } from '../../vm-core/devices/vga/code-page-437.ts';
import { byteOf, characterOf } from './code-page.ts';

describe('code page 437', () => {
  it('shows what the screen shows', () => {
    for (let byte = 1; byte < 0x100; byte++) expect(characterOf(byte, 'cp437')).toBe(codePage437[byte]);
    expect(characterOf(0, 'cp437')).toBe(' ');
  });

  it('shows a dot for what ASCII does not have', () => {
    expect([0, 0x1f, 0x20, 0x41, 0x7e, 0x7f, 0x80, 0xff].map((byte) => characterOf(byte, 'ascii')).join('')).toBe(
      '.. A~...',
    );
  });

  it('gives the bytes of characters', () => {
    expect(['A', ' ', 'é', '▒', '€', ''].map(byteOf)).toEqual([0x41, 0x20, 0x82, 0xb1, undefined, undefined]);
  });
});
