import { describe, expect, it } from 'vitest';
import { cloneState, resetState } from './device-state.ts';

const sample = () => ({
  number: 1,
  text: 'a',
  flag: true,
  bytes: Uint8Array.of(1, 2),
  list: [1, [2, { deep: 3 }]],
  nested: { bytes: Uint8Array.of(9) },
});

describe('device state', () => {
  it('is copied whole and shares nothing', () => {
    const original = sample();
    const copy = cloneState(original);
    expect(copy).toEqual(original);
    copy.bytes[0] = 7;
    copy.nested.bytes[0] = 7;
    copy.list[0] = 7;
    (copy.list[1] as [number, { deep: number }])[1].deep = 7;
    expect(original).toEqual(sample());
  });

  it('is reset in place to copies, and keeps what the values do not name', () => {
    const values = sample();
    const state = { ...sample(), number: 5, kept: 6 };
    const same = state;
    resetState(state, values);
    expect(same).toEqual({ ...sample(), kept: 6 });
    state.bytes[0] = 7;
    expect(values.bytes[0]).toBe(1);
  });
});
