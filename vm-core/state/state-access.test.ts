/** Tag/value access against the single-register accessors, and its errors. */
import { describe, expect, it } from 'vitest';
import { createMemory } from '../memory/layout.ts';
import { CpuState } from './cpu-state.ts';
import { ARITHMETIC_FLAGS, lazyPairOf, materializeFlags } from './lazy-flags.ts';
import { TLB_READ } from '../memory/layout.ts';
import { CPU_STATE_SIZE } from './layout.ts';
import { registers } from './register-table.ts';
import { changedState, readState, writeState } from './state-access.ts';

function newState(): CpuState {
  return new CpuState(createMemory(0x100000), 0x1000);
}

describe('tag/value access', () => {
  it('reads everything in the order of the table', () => {
    const halves = registers.map(({ wholeOf }) => wholeOf);
    const whole = registers.map(({ name }) => name).filter((name) => !halves.includes(name));
    expect(readState(newState()).map(({ tag }) => tag)).toEqual(whole);
  });

  it('writes any writable register and changes no other', () => {
    for (const register of registers.filter(({ attributes }) => attributes !== 'read-only')) {
      const state = newState();
      const before = readState(state);
      const value = /^[ER]FLAGS$/.test(register.name) ? 0x246n : (1n << BigInt(register.size * 8)) - 1n;
      writeState(state, [{ tag: register.name, value }]);
      const shown = registers.find(({ wholeOf }) => wholeOf === register.name) ?? register;
      expect(changedState(before, readState(state))).toEqual([{ tag: shown.name, value }]);
    }
  });

  it('brings a whole state back', () => {
    const state = newState();
    const saved = readState(state);
    writeState(state, [
      { tag: 'EAX', value: 5n },
      { tag: 'CS.base', value: 0xffff0000n },
    ]);
    const isWritable = (tag: string) => registers.find(({ name }) => name === tag)?.attributes !== 'read-only';
    const restorable = saved.filter(({ tag }) => isWritable(tag));
    writeState(state, restorable);
    expect(readState(state)).toEqual(saved);
  });

  it.each([
    ['RAX2', 0n, /no register is named "RAX2"/],
    ['CPL', 0n, /CPL is read-only/],
    ['CS', 0x10000n, /does not fit into the 16 bits of CS/],
    ['EAX', -1n, /does not fit/],
  ])('refuses %s = %d and writes nothing', (tag, value, message) => {
    const state = newState();
    const before = readState(state);
    expect(() =>
      writeState(state, [
        { tag: 'EBX', value: 7n },
        { tag, value },
      ]),
    ).toThrow(message);
    expect(readState(state)).toEqual(before);
  });
});

describe('layout', () => {
  it('fits into the page of a vCPU', () => {
    expect(CPU_STATE_SIZE).toBeLessThanOrEqual(TLB_READ);
  });

  it('keeps every combination of the arithmetic flags', () => {
    for (let flags = 0; flags <= ARITHMETIC_FLAGS; flags++) {
      if ((flags & ~ARITHMETIC_FLAGS) !== 0) continue;
      const { result, aux } = lazyPairOf(flags);
      expect(materializeFlags(result, 0, aux)).toBe(flags);
    }
  });
});
