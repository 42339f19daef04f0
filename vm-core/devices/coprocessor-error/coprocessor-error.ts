/**
 * How a PC/AT tells of floating-point errors (IBM PC/AT Technical Reference, math coprocessor; SDM vol. 1 §D.2): the
 * processor's FERR# raises IRQ 13, and a write to port F0h takes it back and lets the processor go on (IGNNE#).
 */
import type { Device, DeviceContext, DeviceDescription, Region } from '../device.ts';
import { resetState } from '../device-state.ts';

export type CoprocessorErrorState = {
  /** 1 from the error to the write that clears it. */
  latched: number;
};

const POWER_ON: CoprocessorErrorState = { latched: 0 };

/** Port F0h clears the latch; F1h resets an 80287, which is not there. */
const CLEAR = 0;

export const coprocessorErrorDescription: DeviceDescription<CoprocessorErrorState> = {
  name: 'coprocessor-error',
  title: 'Coprocessor error latch',
  specification: 'IBM PC/AT Technical Reference, math coprocessor',
  version: 1,
  registers: [
    {
      name: 'ERROR',
      region: 'control',
      offset: 0,
      width: 8,
      reset: 0,
      writable: 0,
      description: 'bit 0: an error is latched; any write clears it',
      value: (state) => state.latched,
    },
  ],
};

/** Makes the latch: region `control` (2 ports), lines `irq` and `ignne`, input `ferr`. */
export function createCoprocessorError(context: DeviceContext): Device<CoprocessorErrorState> {
  const state: CoprocessorErrorState = { ...POWER_ON };
  const update = (): void => context.setLine('irq', state.latched !== 0);

  const control: Region = {
    size: 2,
    width: 8,
    read: () => 0xff,
    write(offset) {
      if (offset !== CLEAR || state.latched === 0) return;
      state.latched = 0;
      update();
      context.setLine('ignne', true);
      context.setLine('ignne', false);
    },
  };

  return {
    description: coprocessorErrorDescription,
    state,
    ports: { control },
    inputs: {
      ferr(high) {
        if (high) state.latched = 1;
        update();
      },
    },
    reset() {
      resetState(state, POWER_ON);
      update();
    },
  };
}
