import { describe, expect, it } from 'vitest';
import { slot } from '../state/layout.ts';
import { SLOT_SIZE } from '../state/register-table.ts';
import { activeBreakpoints, DR6_BS, matchBreakpoints, reportDebugReasons } from './debug-registers.ts';
import { FakeCpu } from './fake-cpu.ts';

function breakpoints(control: number, addresses: readonly number[]) {
  const { state } = new FakeCpu();
  state.write32(slot.DR7, control);
  addresses.forEach((address, index) => {
    state.write32(slot.DR0 + index * SLOT_SIZE, address);
  });
  return activeBreakpoints(state);
}

describe('DR7', () => {
  it('turns breakpoints on locally or globally', () => {
    expect(breakpoints(0x400, [1, 2, 3, 4])).toEqual([]);
    expect(breakpoints(0b1000_0001, [1, 2, 3, 0xffff_ffff]).map(({ index }) => index)).toEqual([0, 3]);
  });

  it('gives kind and length; execution is always one byte, other addresses are aligned', () => {
    const control = 0x55 | (0b1100 << 16) | (0b1101 << 20) | (0b0110 << 24) | ((0b1111 << 28) >>> 0);
    expect(breakpoints(control, [0x103, 0x107, 0x3f9, 0x203])).toEqual([
      { index: 0, kind: 'execute', linearAddress: 0x103, length: 1 },
      { index: 1, kind: 'write', linearAddress: 0x104, length: 4 },
      { index: 2, kind: 'io', linearAddress: 0x3f8, length: 2 },
      { index: 3, kind: 'read-write', linearAddress: 0x200, length: 4 },
    ]);
  });
});

describe('matching', () => {
  const control = 0x55 | (0b1101 << 16) | (0b0111 << 20) | (0b0000 << 24) | (0b0110 << 28);
  const active = breakpoints(control, [0x1000, 0x2000, 0x3000, 0x60]);

  it('wants the right kind of access', () => {
    expect(matchBreakpoints(active, 'write', 0x1000, 1)).toBe(1);
    expect(matchBreakpoints(active, 'read', 0x1000, 1)).toBe(0);
    expect(matchBreakpoints(active, 'read', 0x2001, 1)).toBe(2);
    expect(matchBreakpoints(active, 'write', 0x2001, 1)).toBe(2);
    expect(matchBreakpoints(active, 'execute', 0x3000, 1)).toBe(4);
    expect(matchBreakpoints(active, 'write', 0x3000, 1)).toBe(0);
    expect(matchBreakpoints(active, 'io', 0x61, 1)).toBe(8);
  });

  it('takes accesses that overlap only in part', () => {
    expect(matchBreakpoints(active, 'write', 0xfff, 2)).toBe(1);
    expect(matchBreakpoints(active, 'write', 0xffe, 2)).toBe(0);
    expect(matchBreakpoints(active, 'write', 0x1003, 4)).toBe(1);
    expect(matchBreakpoints(active, 'write', 0x1004, 4)).toBe(0);
  });

  it('reports every breakpoint that was met', () => {
    const same = breakpoints(0x5 | (0b0001 << 16) | (0b0011 << 20), [0x10, 0x10]);
    expect(matchBreakpoints(same, 'write', 0x10, 1)).toBe(3);
  });
});

describe('DR6', () => {
  it('collects reasons', () => {
    const { state } = new FakeCpu();
    reportDebugReasons(state, 1);
    reportDebugReasons(state, DR6_BS);
    expect(state.read32(slot.DR6)).toBe(0xffff_4ff1);
  });
});
