/**
 * The reset control register that chip sets have at port CF9h (Intel 82371AB data sheet 290562, "RC—Reset Control Register",
 * §4.2.6): software that finds no other way to reboot writes to it.
 */
import type { Device, DeviceContext, DeviceDescription, Region } from '../device.ts';
import { resetState } from '../device-state.ts';

export type ResetControlState = { control: number };

const POWER_ON: ResetControlState = { control: 0 };

/** Bit 1 chooses a hard reset, bit 2 begins it when it changes from 0 to 1. */
const RESET_CPU = 0x04;
const WRITABLE = 0x06;

export const resetControlDescription: DeviceDescription<ResetControlState> = {
  name: 'reset-control',
  title: 'Reset control register',
  specification: 'Intel 82371AB data sheet 290562, reset control register',
  version: 1,
  registers: [
    {
      name: 'RC',
      region: 'control',
      offset: 0,
      width: 8,
      reset: 0,
      writable: WRITABLE,
      description: 'bit 1 hard reset, bit 2 reset when it becomes 1',
      value: (state) => state.control,
    },
  ],
};

/** Makes the register: region `control` (1 port). */
export function createResetControl(context: DeviceContext): Device<ResetControlState> {
  const state: ResetControlState = { ...POWER_ON };
  const control: Region = {
    size: 1,
    width: 8,
    read: () => state.control,
    write(_offset, _size, value) {
      const begins = (value & ~state.control & RESET_CPU) !== 0;
      state.control = value & WRITABLE;
      if (begins) context.request({ kind: 'reset' });
    },
  };
  return {
    description: resetControlDescription,
    state,
    ports: { control },
    reset: () => resetState(state, POWER_ON),
  };
}
