import { describe, expect, it } from 'vitest';
import { describeRegister, deviceChanged, formatRegister, NO_DEVICES, withUpdate } from './device-model.ts';

const register = { name: 'IMR', description: 'mask_of *IRQs*', width: 8, reset: 0, writable: 0xff, place: 'data+1' };
const device = { name: 'pic-1', title: 'Interrupt controller', specification: '8259A', registers: [register] };

describe('the device tree', () => {
  it('keeps values until other devices come', () => {
    const known = withUpdate(NO_DEVICES, { type: 'devices', devices: [device] });
    expect(deviceChanged(known, 0)).toBe(false);
    const valued = withUpdate(known, { type: 'values', values: [[{ value: 3, changed: true }]] });
    expect(deviceChanged(valued, 0)).toBe(true);
    expect(valued.devices).toEqual([device]);
    expect(withUpdate(valued, { type: 'devices', devices: [] })).toEqual(NO_DEVICES);
  });

  it('writes values in their width', () => {
    expect([formatRegister(1, 1), formatRegister(10, 8), formatRegister(10, 12), formatRegister(2 ** 31, 32)]).toEqual([
      '1',
      '0x0a',
      '0x00a',
      '0x80000000',
    ]);
  });

  it('says what is declared of a register', () => {
    expect(describeRegister(register)).toBe(
      '**IMR**: mask\\_of \\*IRQs\\*\n\n8 bits, at `data+1`, 0x00 after reset, writable bits 0xff',
    );
    const { place: _, ...hidden } = register;
    expect(describeRegister({ ...hidden, width: 1, writable: 0 })).toMatch(/1 bit, 0 after reset, read-only$/);
  });
});
