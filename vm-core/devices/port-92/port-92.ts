/** System control port A of the PS/2 (IBM PS/2 Technical Reference, port 92h): the fast A20 gate and the fast reset. */
import type { Device, DeviceContext, DeviceDescription, Region } from '../device.ts';
import { resetState } from '../device-state.ts';

export type Port92State = {
  /** Bit 1 A20, bit 3 the lock of the power-on password, bits 6 and 7 the fixed disk's lamp. */
  control: number;
};

const RESET = 0x01;
const A20 = 0x02;
const WRITABLE = 0xca;

const POWER_ON: Port92State = { control: 0 };

export const port92Description: DeviceDescription<Port92State> = {
  name: 'port-92',
  title: 'System control port A',
  specification: 'IBM PS/2 Technical Reference, port 92h',
  version: 1,
  registers: [
    {
      name: 'CONTROL_A',
      region: 'control',
      offset: 0,
      width: 8,
      reset: 0,
      writable: WRITABLE,
      description: 'bit 0 reset (a pulse), bit 1 A20',
      value: (state) => state.control,
    },
  ],
};

/** Makes the port: region `control` (1 port), line `a20`. */
export function createPort92(context: DeviceContext): Device<Port92State> {
  const state: Port92State = { ...POWER_ON };
  const update = (): void => context.setLine('a20', (state.control & A20) !== 0);

  const control: Region = {
    size: 1,
    width: 8,
    read: () => state.control,
    write(_offset, _size, value) {
      state.control = value & WRITABLE;
      update();
      if ((value & RESET) !== 0) context.request({ kind: 'reset' });
    },
  };

  return {
    description: port92Description,
    state,
    ports: { control },
    reset() {
      resetState(state, POWER_ON);
      update();
    },
  };
}
