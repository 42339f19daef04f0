/**
 * The 8042 keyboard controller of the AT and PS/2 (IBM PS/2 Technical Reference, keyboard and auxiliary device
 * controller) with a keyboard on its first port and a mouse on the auxiliary one. Its output port drives the A20 gate and
 * the reset of the machine.
 */
import type { Device, DeviceContext, Region } from '../device.ts';
import { resetState } from '../device-state.ts';
import {
  COMMAND_DISABLE_1,
  COMMAND_DISABLE_2,
  COMMAND_INTERRUPT_1,
  COMMAND_INTERRUPT_12,
  COMMAND_SYSTEM_FLAG,
  COMMAND_TRANSLATE,
  commandByte,
  type KeyboardControllerState,
  keyboardControllerDescription,
  OUTPUT_PORT_A20,
  outputPortOf,
  POWER_ON_CONTROLLER,
  statusOf,
} from './controller-state.ts';
import { hasByte, pressKeys, receiveByte, sendByte } from './keyboard.ts';
import { hasNews, mouseEvents, moveMouse, receiveMouseByte, sendPacket } from './mouse.ts';
import { BREAK_PREFIX, SET_1_BREAK, set2ToSet1 } from './scan-codes.ts';

/** Input port: keyboard not locked, colour display, no manufacturing jumper, second bank of memory. */
const INPUT_PORT = 0xb0;
/** The cable needs about this long for a byte; a driver that reads the data port twice relies on it. */
const BYTES_PER_SECOND = 4000;

/**
 * Makes controller and keyboard: regions `data` and `command` (1 port each), lines `irq1`, `irq12` and `a20`, input
 * channels `keys` (set 1 scan codes, whole codes at a time) and `mouse` (see `mouseEvents`).
 */
export function createKeyboardController(context: DeviceContext): Device<KeyboardControllerState> {
  const state: KeyboardControllerState = { ...POWER_ON_CONTROLLER };
  resetState(state, POWER_ON_CONTROLLER);
  const byteTicks = Math.max(1, Math.floor(context.ticksPerSecond / BYTES_PER_SECOND));
  const cable = context.timer('keyboard', () => {
    receive(state);
    update();
  });
  const sample = context.timer('mouse', () => {
    sendPacket(state.mouse);
    state.nextSample = context.now() + Math.floor(context.ticksPerSecond / state.mouse.sampleRate);
    update();
  });

  /** Drives the lines and starts the next transfer and the mouse's next packet when nothing holds them. */
  function update(): void {
    const command = commandByte(state);
    const full = (auxiliary: boolean): boolean => state.outputFull && state.outputAuxiliary === auxiliary;
    context.setLine('irq1', full(false) && (command & COMMAND_INTERRUPT_1) !== 0);
    context.setLine('irq12', full(true) && (command & COMMAND_INTERRUPT_12) !== 0);
    context.setLine('a20', state.a20);
    if (!keyboardMaySend(state) && !mouseMaySend(state)) cable.cancel();
    else if (cable.deadline === undefined) cable.arm(context.now() + byteTicks);
    if (!hasNews(state.mouse) || state.mouse.output.length > 0) sample.cancel();
    else if (sample.deadline === undefined) sample.arm(Math.max(context.now() + 1, state.nextSample));
  }

  const data: Region = {
    size: 1,
    width: 8,
    read() {
      state.outputFull = false;
      update();
      return state.outputBuffer;
    },
    write(_offset, _size, value) {
      state.lastWriteCommand = false;
      const { command } = state;
      state.command = 0;
      if (command !== 0) {
        writeParameter(context, state, command, value);
      } else {
        // Data for the keyboard opens its port.
        state.ram[0] = commandByte(state) & ~COMMAND_DISABLE_1;
        receiveByte(state.keyboard, value);
      }
      update();
    },
  };

  const command: Region = {
    size: 1,
    width: 8,
    read: () => statusOf(state),
    write(_offset, _size, value) {
      state.lastWriteCommand = true;
      state.command = 0;
      executeCommand(context, state, value);
      update();
    },
  };

  return {
    description: keyboardControllerDescription,
    state,
    ports: { data, command },
    channels: {
      keys(bytes) {
        pressKeys(state.keyboard, bytes);
        update();
      },
      mouse(bytes) {
        for (const event of mouseEvents(bytes)) moveMouse(state.mouse, event);
        update();
      },
    },
    reset() {
      resetState(state, POWER_ON_CONTROLLER);
      cable.cancel();
      sample.cancel();
      update();
    },
  };
}

function keyboardMaySend(state: KeyboardControllerState): boolean {
  return !state.outputFull && (commandByte(state) & COMMAND_DISABLE_1) === 0 && hasByte(state.keyboard);
}

function mouseMaySend(state: KeyboardControllerState): boolean {
  return !state.outputFull && (commandByte(state) & COMMAND_DISABLE_2) === 0 && state.mouse.output.length > 0;
}

/**
 * A cable delivered: one byte reaches the output buffer, the keyboard's first, which brings its break prefix with it if
 * it is translated.
 */
function receive(state: KeyboardControllerState): void {
  while (keyboardMaySend(state)) {
    const byte = sendByte(state.keyboard);
    if ((commandByte(state) & COMMAND_TRANSLATE) === 0) {
      state.breakSeen = false;
      fillOutput(state, byte);
    } else if (byte === BREAK_PREFIX) {
      state.breakSeen = true;
    } else {
      const code = set2ToSet1[byte] as number;
      fillOutput(state, state.breakSeen ? code | SET_1_BREAK : code);
      state.breakSeen = false;
    }
  }
  if (mouseMaySend(state)) fillOutput(state, state.mouse.output.shift() as number, true);
}

function fillOutput(state: KeyboardControllerState, byte: number, auxiliary = false): void {
  state.outputBuffer = byte;
  state.outputFull = true;
  state.outputAuxiliary = auxiliary;
}

const setPortDisabled = (state: KeyboardControllerState, bit: number, disabled: boolean): void => {
  state.ram[0] = disabled ? commandByte(state) | bit : commandByte(state) & ~bit;
};

/** A write to the command port. */
function executeCommand(context: DeviceContext, state: KeyboardControllerState, command: number): void {
  if (command >= 0x20 && command <= 0x3f) {
    fillOutput(state, state.ram[command - 0x20] as number);
  } else if ((command >= 0x60 && command <= 0x7f) || (command >= 0xd1 && command <= 0xd4)) {
    state.command = command;
  } else if (command >= 0xf0) {
    // Low bits of F0h–FFh choose the output port's pins to pulse low; only the reset pin has a taker.
    if ((command & 1) === 0) context.request({ kind: 'reset' });
  } else {
    executeSingle(context, state, command);
  }
}

function executeSingle(context: DeviceContext, state: KeyboardControllerState, command: number): void {
  switch (command) {
    case 0xa4: // No password is installed.
      fillOutput(state, 0xf1);
      break;
    case 0xa7:
    case 0xa8:
      setPortDisabled(state, COMMAND_DISABLE_2, command === 0xa7);
      break;
    case 0xa9: // Both ports pass their tests.
    case 0xab:
      fillOutput(state, 0x00);
      break;
    case 0xaa:
      state.ram[0] = commandByte(state) | COMMAND_SYSTEM_FLAG;
      fillOutput(state, 0x55);
      break;
    case 0xad:
    case 0xae:
      setPortDisabled(state, COMMAND_DISABLE_1, command === 0xad);
      break;
    case 0xc0:
      fillOutput(state, INPUT_PORT);
      break;
    case 0xd0:
      fillOutput(state, outputPortOf(state));
      break;
    case 0xdd: // Two commands that later controllers have for A20.
    case 0xdf:
      state.a20 = command === 0xdf;
      break;
    case 0xe0: // Test inputs: clock and data of the keyboard are idle.
      fillOutput(state, 0x03);
      break;
    default:
      context.logOnce(`keyboard controller command ${command.toString(16).toUpperCase()}h is not modelled`);
      break;
  }
}

/** A write to the data port after a command that asked for it. */
function writeParameter(context: DeviceContext, state: KeyboardControllerState, command: number, value: number): void {
  if (command < 0x80) {
    state.ram[command - 0x60] = value;
  } else if (command === 0xd1) {
    state.a20 = (value & OUTPUT_PORT_A20) !== 0;
    if ((value & 1) === 0) context.request({ kind: 'reset' });
  } else if (command === 0xd2 || command === 0xd3) {
    fillOutput(state, value, command === 0xd3);
  } else {
    // As with the keyboard, data for the mouse opens its port.
    state.ram[0] = commandByte(state) & ~COMMAND_DISABLE_2;
    receiveMouseByte(state.mouse, value);
  }
}
