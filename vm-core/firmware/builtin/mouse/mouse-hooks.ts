/**
 * The pointing device interface of the BIOS: INT 15h, C2h as an exchange of bytes with the mouse, and IRQ 12, which gathers
 * packets for the program's handler (IBM PS/2 BIOS Interface Technical Reference, "Pointing device BIOS interface").
 *
 * While an exchange goes on both interrupts of the controller are off and the keyboard is held; a key that was already in
 * the output buffer goes back there at the end.
 */
import type { FirmwareContext, FirmwareHook } from '../../firmware.ts';
import { ebda } from '../bios-data.ts';
import { Caller } from '../caller.ts';
import type { RomLabels } from '../rom.ts';
import { goTo } from '../service.ts';
import {
  HANDLER_THERE,
  PACKET_INDEX,
  PACKET_SIZE,
  type Plan,
  planOf,
  STATUS_INTERFACE_ERROR,
  STATUS_OK,
  STATUS_RESEND,
} from './mouse-plan.ts';

const DATA = 0x60;
const CONTROLLER = 0x64;
const OUTPUT_FULL = 0x01;
const OUTPUT_AUXILIARY = 0x20;
const READ_COMMAND_BYTE = 0x20;
const WRITE_COMMAND_BYTE = 0x60;
const WRITE_OUTPUT_BUFFER = 0xd2;
const WRITE_TO_MOUSE = 0xd4;
/** Bits of the command byte. */
const INTERRUPT_KEYBOARD = 0x01;
const INTERRUPT_MOUSE = 0x02;
const KEYBOARD_OFF = 0x10;
const MOUSE_OFF = 0x20;

const ACK = 0xfa;
const RESEND = 0xfe;

const SLAVE_MASK = 0xa1;
const IRQ_12 = 0x10;

/** Where the exchange is, in the EBDA: it must survive between the hooks. */
const STEP: number = ebda.MOUSE_EXCHANGE;
const STEP_ANSWERS: number = STEP + 1;
const STATUS: number = STEP + 2;
const COMMAND_BYTE: number = STEP + 3;
/** Whether a key waits to go back, and which. */
const KEY_HELD: number = STEP + 4;
const KEY: number = STEP + 5;
const LOOKS: number = STEP + 6;
const ANSWER_COUNT: number = STEP + 7;
const ANSWERS: number = STEP + 8;
const ANSWERS_MAX = 4;
/** Each look takes some 200,000 instructions; the slowest machine needs seven for a byte. */
const LOOKS_MAX = 32;

/** The hooks with their places. */
export function mouseHooks(labels: RomLabels): readonly (readonly [number, FirmwareHook])[] {
  return [
    [labels.mouseStartHook, startHook(labels)],
    [labels.mouseByteHook, byteHook(labels)],
    [labels.mouseEndHook, endHook],
    [labels.mouseInterruptHook, interruptHook(labels)],
  ];
}

function writeCommandByte({ ports }: FirmwareContext, value: number): void {
  ports.write(CONTROLLER, 1, WRITE_COMMAND_BYTE);
  ports.write(DATA, 1, value);
}

function sendStep({ memory, ports }: FirmwareContext, { steps }: Plan): boolean {
  const step = steps[memory.read(STEP, 1)];
  if (!step) return false;
  memory.write(STEP_ANSWERS, 1, 0);
  memory.write(LOOKS, 1, 0);
  ports.write(CONTROLLER, 1, WRITE_TO_MOUSE);
  ports.write(DATA, 1, step.byte);
  return true;
}

function startHook(labels: RomLabels): FirmwareHook {
  return (context) => {
    const caller = new Caller(context);
    const plan = planOf(caller, caller.dl);
    const { memory } = context;
    memory.writeBytes(STEP, new Uint8Array(ANSWERS - STEP));
    if (typeof plan === 'number') {
      memory.write(STATUS, 1, plan);
      goTo(caller, labels.mouseStartHook, labels.mouseLeave);
      return undefined;
    }
    plan.begin?.();
    if (plan.steps.length === 0) {
      goTo(caller, labels.mouseStartHook, labels.mouseLeave);
      return undefined;
    }
    holdController(context);
    sendStep(context, plan);
    return undefined;
  };
}

/** Empties the output buffer, and keeps interrupts and keys away. */
function holdController(context: FirmwareContext): void {
  const { memory, ports } = context;
  const status = ports.read(CONTROLLER, 1);
  if ((status & OUTPUT_FULL) !== 0) {
    const byte = ports.read(DATA, 1);
    // Of a packet the rest will not come: the mouse gives it up for its answer.
    if ((status & OUTPUT_AUXILIARY) !== 0) memory.write(ebda.MOUSE_FLAGS_1, 1, 0);
    else memory.write(KEY_HELD, 2, 1 | (byte << 8));
  }
  ports.write(CONTROLLER, 1, READ_COMMAND_BYTE);
  const command = ports.read(DATA, 1);
  memory.write(COMMAND_BYTE, 1, command);
  writeCommandByte(context, (command | KEYBOARD_OFF) & ~(INTERRUPT_KEYBOARD | INTERRUPT_MOUSE | MOUSE_OFF));
}

function releaseController(context: FirmwareContext, port: Plan['port']): void {
  const { memory, ports } = context;
  let command = memory.read(COMMAND_BYTE, 1);
  if (port === 'open') {
    command = (command | INTERRUPT_MOUSE) & ~MOUSE_OFF;
    ports.write(SLAVE_MASK, 1, ports.read(SLAVE_MASK, 1) & ~IRQ_12);
  }
  if (port === 'closed') command = (command | MOUSE_OFF) & ~INTERRUPT_MOUSE;
  writeCommandByte(context, command);
  if (memory.read(KEY_HELD, 1) === 0) return;
  ports.write(CONTROLLER, 1, WRITE_OUTPUT_BUFFER);
  ports.write(DATA, 1, memory.read(KEY, 1));
}

/** Behind each look at the controller: takes what came, sends the next byte, or ends the exchange. */
function byteHook(labels: RomLabels): FirmwareHook {
  return (context) => {
    const caller = new Caller(context);
    const plan = planOf(caller, caller.dl);
    if (typeof plan === 'number') return undefined;
    const status = advance(context, plan);
    if (status === undefined) {
      goTo(caller, labels.mouseByteHook, labels.mouseLook);
      return undefined;
    }
    context.memory.write(STATUS, 1, status);
    releaseController(context, status === STATUS_OK ? plan.port : undefined);
    return undefined;
  };
}

/** The status with which the exchange ends, or undefined while it goes on. */
function advance(context: FirmwareContext, plan: Plan): number | undefined {
  const { memory, ports } = context;
  if ((ports.read(CONTROLLER, 1) & OUTPUT_FULL) === 0) {
    const looks = memory.read(LOOKS, 1) + 1;
    memory.write(LOOKS, 1, looks);
    return looks < LOOKS_MAX ? undefined : STATUS_INTERFACE_ERROR;
  }
  const byte = ports.read(DATA, 1);
  const count = memory.read(STEP_ANSWERS, 1);
  if (count === 0 && byte !== ACK) return byte === RESEND ? STATUS_RESEND : STATUS_INTERFACE_ERROR;
  if (count > 0) keepAnswer(context, byte);
  memory.write(STEP_ANSWERS, 1, count + 1);
  const step = memory.read(STEP, 1);
  if (count + 1 < (plan.steps[step]?.answers ?? 0)) return undefined;
  memory.write(STEP, 1, step + 1);
  return sendStep(context, plan) ? undefined : STATUS_OK;
}

function keepAnswer({ memory }: FirmwareContext, byte: number): void {
  const index = memory.read(ANSWER_COUNT, 1);
  if (index >= ANSWERS_MAX) return;
  memory.write(ANSWERS + index, 1, byte);
  memory.write(ANSWER_COUNT, 1, index + 1);
}

/** Registers are the caller's again. */
const endHook: FirmwareHook = (context) => {
  const { memory } = context;
  const caller = new Caller(context);
  const status = memory.read(STATUS, 1);
  const plan = planOf(caller, caller.al);
  if (status === STATUS_OK && typeof plan !== 'number') {
    plan.finish?.(caller, [...memory.readBytes(ANSWERS, Math.min(memory.read(ANSWER_COUNT, 1), ANSWERS_MAX))]);
  }
  caller.ah = status;
  caller.carry = status !== STATUS_OK;
  return undefined;
};

/** IRQ 12: without a handler the bytes are taken and forgotten. */
function interruptHook(labels: RomLabels): FirmwareHook {
  return (context) => {
    const { memory, ports } = context;
    const status = ports.read(CONTROLLER, 1);
    if ((status & OUTPUT_FULL) === 0 || (status & OUTPUT_AUXILIARY) === 0) return undefined;
    const byte = ports.read(DATA, 1);
    const flags = memory.read(ebda.MOUSE_FLAGS_2, 1);
    if ((flags & HANDLER_THERE) === 0) return undefined;
    const index = memory.read(ebda.MOUSE_FLAGS_1, 1) & PACKET_INDEX;
    memory.write(ebda.MOUSE_PACKET + index, 1, byte);
    const whole = index >= (flags & PACKET_SIZE);
    memory.write(ebda.MOUSE_FLAGS_1, 1, whole ? 0 : index + 1);
    if (!whole) return undefined;
    const caller = new Caller(context);
    const word = (at: number): number => (at > index ? 0 : memory.read(ebda.MOUSE_PACKET + at, 1));
    caller.ax = word(0);
    caller.bx = word(1);
    caller.cx = word(2);
    caller.dx = word(3);
    goTo(caller, labels.mouseInterruptHook, labels.mouseCall);
    return undefined;
  };
}
