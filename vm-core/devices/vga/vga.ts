/**
 * A VGA: registers at ports 3B0h–3DFh, 256 KiB of video memory behind a window at A0000h (IBM PS/2 Hardware Interface
 * Technical Reference, "Video Subsystem"). It knows no modes; text and graphics come from the registers. The Bochs display
 * interface adds linear pictures with 16 MiB of memory of their own.
 */
import type { Device, DeviceContext, DeviceDescription, DeviceRegister } from '../device.ts';
import { type CrtTiming, crtTiming, nextRetrace } from './crt-timing.ts';
import { createDispiPorts, dispiDeviceRegisters } from './dispi.ts';
import { createLinearRegion, LINEAR_MEMORY_SIZE, LinearStorage } from './linear-memory.ts';
import { PictureChanges } from './picture-changes.ts';
import { createRegisterPorts, inputStatus0, REGISTERS_FIRST_PORT } from './register-ports.ts';
import { type RegisterBank, registersOf } from './register-table.ts';
import { resetState, type VgaState } from './vga-state.ts';
import { createWindow } from './video-memory.ts';

/** The device with what its display needs. */
export interface Vga extends Device<VgaState> {
  readonly changes: PictureChanges;
  /** The timing that the registers ask for now. */
  timing(): CrtTiming;
}

/** CR11: the two bits of the vertical retrace interrupt, and the one that is set to let it come. */
const CR11_INTERRUPT = 0x30;
const CR11_NOT_CLEAR = 0x10;

/** Registers that have a port of their own. */
const portRegisters: readonly DeviceRegister<VgaState>[] = (
  [
    ['MISC', 0x3cc, 0xef, 'miscellaneous output (written at 3C2h)', (state) => state.miscOutput],
    ['FEATURE', 0x3ca, 0x03, 'feature control (written at 3DAh)', (state) => state.featureControl],
    ['SR_INDEX', 0x3c4, 0x07, 'sequencer index', (state) => state.sequencerIndex],
    ['CR_INDEX', 0x3d4, 0x3f, 'CRT controller index', (state) => state.crtcIndex],
    ['GR_INDEX', 0x3ce, 0x0f, 'graphics controller index', (state) => state.graphicsIndex],
    ['AR_INDEX', 0x3c0, 0x3f, 'attribute controller index; bit 5 shows the picture', (state) => state.attributeIndex],
    ['DAC_INDEX', 0x3c8, 0xff, 'DAC colour that is read or written next', (state) => state.dacIndex],
  ] as readonly (readonly [string, number, number, string, (state: VgaState) => number])[]
).map(([name, port, writable, description, value]) => ({
  name,
  region: 'registers',
  offset: port - REGISTERS_FIRST_PORT,
  width: 8,
  reset: 0,
  writable,
  description,
  value,
}));

const dacMask: DeviceRegister<VgaState> = {
  name: 'DAC_MASK',
  region: 'registers',
  offset: 0x3c6 - REGISTERS_FIRST_PORT,
  width: 8,
  reset: 0xff,
  writable: 0xff,
  description: 'mask of DAC indices',
  value: (state) => state.dacMask,
};

const inputStatus: DeviceRegister<VgaState> = {
  name: 'INPUT_STATUS_0',
  region: 'registers',
  offset: 0x3c2 - REGISTERS_FIRST_PORT,
  width: 8,
  reset: 0x10,
  writable: 0,
  description: 'bit 4 switch sense, 7 vertical retrace interrupt pending',
  value: inputStatus0,
};

const indexedRegisters = (bank: RegisterBank): readonly DeviceRegister<VgaState>[] =>
  registersOf(bank).map(({ name, index, reset, writable, description }) => ({
    name,
    width: 8,
    reset,
    writable,
    description,
    value: (state) => state[bank][index] as number,
  }));

const description: DeviceDescription<VgaState> = {
  name: 'vga',
  title: 'VGA display adapter',
  specification: 'IBM PS/2 Hardware Interface Technical Reference, Video Subsystem',
  version: 3,
  registers: [
    ...portRegisters,
    dacMask,
    inputStatus,
    ...indexedRegisters('sequencer'),
    ...indexedRegisters('crtc'),
    ...indexedRegisters('graphics'),
    ...indexedRegisters('attribute'),
    ...dispiDeviceRegisters,
  ],
};

/**
 * Makes the device: ports `registers` (offset 0 is port 3B0h) and `dispi` (port 1CEh), memory `window` (offset 0 is A0000h)
 * and `linear`, line `irq` (vertical retrace).
 */
export function createVga(context: DeviceContext): Vga {
  const state = resetState();
  const changes = new PictureChanges();
  const linear = new LinearStorage(state, changes, context.directMemory?.(LINEAR_MEMORY_SIZE));
  let timing: CrtTiming | undefined;
  const currentTiming = (): CrtTiming => {
    timing ??= crtTiming(state, context.ticksPerSecond);
    return timing;
  };
  const retrace = context.timer('retrace', () => {
    state.retracePending = true;
    updateRetrace();
  });
  /** CR11: bit 4 clear holds the latch clear, bit 5 clear lets it interrupt. */
  const updateRetrace = (): void => {
    const control = (state.crtc[0x11] as number) & CR11_INTERRUPT;
    if ((control & CR11_NOT_CLEAR) === 0) state.retracePending = false;
    context.setLine('irq', state.retracePending && control === CR11_NOT_CLEAR);
    retrace.cancel();
    if (control !== CR11_NOT_CLEAR || state.retracePending) return;
    const next = nextRetrace(currentTiming(), context.now());
    if (next !== Number.POSITIVE_INFINITY) retrace.arm(next);
  };
  const restored = (): void => {
    timing = undefined;
    linear.restored();
    changes.layoutChanged();
  };
  return {
    description,
    state,
    changes,
    timing: currentTiming,
    ports: {
      registers: createRegisterPorts({
        state,
        changes,
        timing: currentTiming,
        now: () => context.now(),
        timingChanged: () => {
          timing = undefined;
          updateRetrace();
        },
      }),
      dispi: createDispiPorts({ state, changes, logOnce: (message) => context.logOnce(message) }),
    },
    memory: { window: createWindow(state, changes, linear), linear: createLinearRegion(state, linear) },
    reset() {
      Object.assign(state, resetState());
      restored();
      updateRetrace();
    },
    restored,
  };
}
