/** The 8042's state and registers (IBM PS/2 Technical Reference, keyboard and auxiliary device controller). */
import type { DeviceDescription } from '../device.ts';
import { type KeyboardState, POWER_ON_KEYBOARD } from './keyboard.ts';
import { type MouseState, POWER_ON_MOUSE } from './mouse.ts';

export type KeyboardControllerState = {
  keyboard: KeyboardState;
  mouse: MouseState;
  /** The earliest time of the mouse's next packet. */
  nextSample: number;
  /** The controller's RAM; its first byte is the command byte. */
  ram: Uint8Array;
  outputBuffer: number;
  /** Status bits OBF and AUX OBF. */
  outputFull: boolean;
  outputAuxiliary: boolean;
  /** Status bit A2: the last write went to the command port. */
  lastWriteCommand: boolean;
  /** The controller command whose parameter comes next on the data port, or 0. */
  command: number;
  /** The A20 pin of the output port. */
  a20: boolean;
  /** Translation saw the break prefix of set 2. */
  breakSeen: boolean;
};

export const COMMAND_INTERRUPT_1 = 0x01;
export const COMMAND_INTERRUPT_12 = 0x02;
export const COMMAND_SYSTEM_FLAG = 0x04;
export const COMMAND_DISABLE_1 = 0x10;
export const COMMAND_DISABLE_2 = 0x20;
export const COMMAND_TRANSLATE = 0x40;

const STATUS_OUTPUT_FULL = 0x01;
const STATUS_SYSTEM_FLAG = 0x04;
const STATUS_COMMAND = 0x08;
const STATUS_UNLOCKED = 0x10;
const STATUS_AUXILIARY = 0x20;

const RAM_SIZE = 32;
export const OUTPUT_PORT_A20 = 0x02;

export const POWER_ON_CONTROLLER: KeyboardControllerState = {
  keyboard: POWER_ON_KEYBOARD,
  mouse: POWER_ON_MOUSE,
  nextSample: 0,
  ram: Uint8Array.from({ length: RAM_SIZE }, (_, index) => (index === 0 ? COMMAND_TRANSLATE | COMMAND_INTERRUPT_1 : 0)),
  outputBuffer: 0,
  outputFull: false,
  outputAuxiliary: false,
  lastWriteCommand: false,
  command: 0,
  // The port's pins float high: A20 is open at reset, so that the reset vector reaches the ROM below 4 GiB.
  a20: true,
  breakSeen: false,
};

/** Bits 0 and 1 interrupts, 2 system flag, 4 and 5 ports off, 6 translation. */
export const commandByte = (state: KeyboardControllerState): number => state.ram[0] as number;

/** The status register at the command port. */
export function statusOf(state: KeyboardControllerState): number {
  return (
    STATUS_UNLOCKED |
    (state.outputFull ? STATUS_OUTPUT_FULL : 0) |
    ((commandByte(state) & COMMAND_SYSTEM_FLAG) !== 0 ? STATUS_SYSTEM_FLAG : 0) |
    (state.lastWriteCommand ? STATUS_COMMAND : 0) |
    (state.outputFull && state.outputAuxiliary ? STATUS_AUXILIARY : 0)
  );
}

/** Bit 0 reset (low: active), bit 1 A20, bits 4 and 5 the interrupts, bits 6 and 7 the keyboard's clock and data. */
export function outputPortOf(state: KeyboardControllerState): number {
  const interrupts = state.outputFull ? (state.outputAuxiliary ? 0x20 : 0x10) : 0;
  return 0xcd | (state.a20 ? OUTPUT_PORT_A20 : 0) | interrupts;
}

export const keyboardControllerDescription: DeviceDescription<KeyboardControllerState> = {
  name: 'keyboard-controller',
  title: 'Keyboard controller, keyboard and mouse',
  specification: 'IBM PS/2 Technical Reference, keyboard and auxiliary device controller; keyboard; auxiliary device',
  version: 3,
  registers: [
    {
      name: 'STATUS',
      region: 'command',
      offset: 0,
      width: 8,
      reset: 0x10,
      writable: 0,
      description: 'bit 0 output full, 2 system flag, 3 command, 5 auxiliary',
      value: statusOf,
    },
    {
      name: 'OUTPUT',
      region: 'data',
      offset: 0,
      width: 8,
      reset: 0,
      writable: 0,
      description: 'output buffer',
      value: (s) => s.outputBuffer,
    },
    {
      name: 'COMMAND',
      width: 8,
      reset: 0x41,
      writable: 0x7f,
      description: 'bits 0, 1 interrupts, 4, 5 ports off, 6 translation',
      value: commandByte,
    },
    {
      name: 'OUTPUT_PORT',
      width: 8,
      reset: 0xcf,
      writable: 0x03,
      description: 'bit 0 reset (low: active), bit 1 A20',
      value: outputPortOf,
    },
    {
      name: 'LEDS',
      width: 3,
      reset: 0,
      writable: 7,
      description: 'bit 0 Scroll Lock, 1 Num Lock, 2 Caps Lock',
      value: (s) => s.keyboard.leds,
    },
    {
      name: 'SCAN_SET',
      width: 2,
      reset: 2,
      writable: 3,
      description: 'scan code set of the keyboard',
      value: (s) => s.keyboard.scanCodeSet,
    },
    {
      name: 'SCANNING',
      width: 1,
      reset: 1,
      writable: 1,
      description: 'keyboard enabled',
      value: (s) => (s.keyboard.scanning ? 1 : 0),
    },
    {
      name: 'TYPEMATIC',
      width: 7,
      reset: 0x2b,
      writable: 0x7f,
      description: 'repeat rate and delay',
      value: (s) => s.keyboard.typematic,
    },
    {
      name: 'MOUSE_TYPE',
      width: 3,
      reset: 0,
      writable: 0,
      description: '0 three buttons, 3 with a wheel, 4 with a wheel and five buttons',
      value: (s) => s.mouse.identification,
    },
    {
      name: 'MOUSE_REPORTING',
      width: 1,
      reset: 0,
      writable: 1,
      description: 'mouse sends packets by itself',
      value: (s) => (s.mouse.reporting ? 1 : 0),
    },
    {
      name: 'MOUSE_RATE',
      width: 8,
      reset: 100,
      writable: 0xff,
      description: 'packets a second',
      value: (s) => s.mouse.sampleRate,
    },
    {
      name: 'MOUSE_RESOLUTION',
      width: 2,
      reset: 2,
      writable: 3,
      description: '1, 2, 4 or 8 counts per millimetre',
      value: (s) => s.mouse.resolution,
    },
  ],
};
