/**
 * The parallel port of the PS/2 (IBM PS/2 Technical Reference, parallel port controller) with a printer that is always
 * ready and prints to the host. A byte leaves with the strobe; the printer takes its time to say so.
 */
import type { Device, DeviceContext, DeviceDescription, Region } from '../device.ts';
import { resetState } from '../device-state.ts';

export type ParallelPortState = {
  data: number;
  control: number;
  /** What the printer does with the last byte: it is busy, then it pulses its acknowledge line. */
  printer: 'ready' | 'busy' | 'acknowledging';
  /** The printer has acknowledged a byte and not yet got another. */
  acknowledged: boolean;
};

const POWER_ON: ParallelPortState = { data: 0, control: 0, printer: 'ready', acknowledged: false };

const CONTROL_STROBE = 0x01;
const CONTROL_INTERRUPT = 0x10;
const CONTROL_INPUT = 0x20;
const CONTROL_WRITABLE = 0x3f;
/** The port has no other bits; they read as ones. */
const CONTROL_UNUSED = 0xc0;
/** No error, selected, paper; bits 0–2 are not there. */
const STATUS_IDLE = 0x1f;
const STATUS_NOT_ACKNOWLEDGING = 0x40;
const STATUS_NOT_BUSY = 0x80;

/** Microseconds that the printer needs for a byte, and those of the acknowledge pulse. */
const BYTE_TIME = 50;
const ACKNOWLEDGE_TIME = 5;

function statusOf({ printer }: ParallelPortState): number {
  const isQuiet = printer === 'acknowledging' ? 0 : STATUS_NOT_ACKNOWLEDGING;
  return STATUS_IDLE | isQuiet | (printer === 'ready' ? STATUS_NOT_BUSY : 0);
}

export const parallelPortDescription: DeviceDescription<ParallelPortState> = {
  name: 'parallel-port',
  title: 'Parallel port',
  specification: 'IBM PS/2 Technical Reference, parallel port controller',
  version: 1,
  registers: [
    {
      name: 'DATA',
      region: 'registers',
      offset: 0,
      width: 8,
      reset: 0,
      writable: 0xff,
      description: 'byte for the printer',
      value: (state) => state.data,
    },
    {
      name: 'STATUS',
      region: 'registers',
      offset: 1,
      width: 8,
      reset: 0xdf,
      writable: 0,
      description: 'bit 7 not busy, 6 not acknowledging, 5 out of paper, 4 selected, 3 no error',
      value: statusOf,
    },
    {
      name: 'CONTROL',
      region: 'registers',
      offset: 2,
      width: 8,
      reset: CONTROL_UNUSED,
      writable: CONTROL_WRITABLE,
      description: 'bit 0 strobe, 1 auto feed, 2 not initialize, 3 select, 4 interrupt, 5 data come from outside',
      value: (state) => CONTROL_UNUSED | state.control,
    },
  ],
};

/** Makes port and printer: region `registers` (3 ports), line `irq`, output channel `parallel`. */
export function createParallelPort(context: DeviceContext): Device<ParallelPortState> {
  const state: ParallelPortState = { ...POWER_ON };
  const ticks = (microseconds: number): number => Math.ceil((microseconds * context.ticksPerSecond) / 1_000_000);

  const update = (): void => {
    const enabled = (state.control & CONTROL_INTERRUPT) !== 0;
    // The line follows the acknowledge line: it rises with the end of the pulse.
    context.setLine('irq', enabled && state.acknowledged);
  };
  const timer = context.timer('printer', () => {
    if (state.printer === 'busy') {
      state.printer = 'acknowledging';
      timer.arm(context.now() + ticks(ACKNOWLEDGE_TIME));
    } else {
      state.printer = 'ready';
      state.acknowledged = true;
    }
    update();
  });

  /** The strobe tells the printer to take the byte. */
  const strobe = (): void => {
    context.output('parallel', Uint8Array.of(state.data));
    state.printer = 'busy';
    state.acknowledged = false;
    timer.arm(context.now() + ticks(BYTE_TIME));
  };

  const registers: Region = {
    size: 3,
    width: 8,
    read(offset) {
      if (offset === 1) return statusOf(state);
      if (offset === 2) return CONTROL_UNUSED | state.control;
      // The printer drives no data.
      return (state.control & CONTROL_INPUT) !== 0 ? 0xff : state.data;
    },
    write(offset, _size, value) {
      if (offset === 0) state.data = value;
      if (offset !== 2) return;
      const begins = value & ~state.control;
      state.control = value & CONTROL_WRITABLE;
      if ((begins & CONTROL_STROBE) !== 0) strobe();
      update();
    },
  };

  return {
    description: parallelPortDescription,
    state,
    ports: { registers },
    reset() {
      resetState(state, POWER_ON);
      timer.cancel();
      update();
    },
  };
}
