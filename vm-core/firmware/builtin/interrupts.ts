/**
 * Hooks of the interrupt handlers that are no services: timer, clock, and the default handlers of everything that nobody
 * has claimed (IBM PC AT Technical Reference, BIOS listing, "TIMER_INT", "RTC_INT", "D11").
 */
import type { FirmwareContext, FirmwareHook } from '../firmware.ts';
import { bda, changeBits } from './bios-data.ts';
import { Caller } from './caller.ts';
import { TICKS_PER_DAY } from './clock-services.ts';
import { readCmos } from './cmos.ts';
import { handleScanCode, type KeyboardResult } from './keyboard/keyboard-interrupt.ts';
import type { RomLabels } from './rom.ts';
import { goTo, hex } from './service.ts';
import { countWait } from './system-services.ts';
import { countBell, ringBell } from './video/teletype.ts';

/** IRQ0: counts the tick; the day ends at 24 hours. */
export const timerHook: FirmwareHook = (context) => {
  const { memory } = context;
  const ticks = memory.read(bda.TIMER_TICKS, 4) + 1;
  if (ticks >= TICKS_PER_DAY) {
    memory.write(bda.TIMER_TICKS, 4, 0);
    memory.write(bda.TIMER_OVERFLOW, 1, 1);
  } else {
    memory.write(bda.TIMER_TICKS, 4, ticks);
  }
  countBell(context);
  countMotor(context);
  return undefined;
};

const FLOPPY_OUTPUT = 0x3f2;
/** Out of reset, with DMA, and every motor off. */
const MOTORS_OFF = 0x0c;

/** 40:40 counts the ticks after which the motors of the floppy drives are to stop; 0 stands for no count. */
function countMotor(context: FirmwareContext): void {
  const { memory, ports } = context;
  const count = memory.read(bda.FLOPPY_MOTOR_COUNT, 1);
  if (count === 0) return;
  memory.write(bda.FLOPPY_MOTOR_COUNT, 1, count - 1);
  if (count > 1) return;
  changeBits(context, bda.FLOPPY_MOTOR, 0x0f, 0);
  ports.write(FLOPPY_OUTPUT, 1, MOTORS_OFF);
}

const REGISTER_B = 0x0b;
const REGISTER_C = 0x0c;
const PERIODIC = 0x40;
const ALARM = 0x20;

/** IRQ8: counts INT 15h's waits, and calls INT 4Ah for an alarm. */
export function clockHook(labels: RomLabels): FirmwareHook {
  return (context) => {
    const flags = readCmos(context, REGISTER_C) & readCmos(context, REGISTER_B);
    if ((flags & PERIODIC) !== 0) countWait(context);
    if ((flags & ALARM) !== 0) goTo(new Caller(context), labels.clock, labels.clockAlarm);
    return undefined;
  };
}

/** IRQ1: the ROM has read the scan code into AL. */
export function keyboardHook(labels: RomLabels): FirmwareHook {
  const ways: Readonly<Record<KeyboardResult, number>> = {
    done: labels.keyboardEnd,
    full: labels.keyboardEnd,
    reset: labels.keyboardEnd,
    break: labels.keyboardBreak,
    print: labels.keyboardPrint,
    'request-down': labels.keyboardRequestDown,
    'request-up': labels.keyboardRequestUp,
    pause: labels.keyboardPause,
  };
  return (context) => {
    const caller = new Caller(context);
    const result = handleScanCode(context, caller.al);
    if (result === 'full') ringBell(context);
    if (result === 'reset') context.request({ kind: 'reset' });
    goTo(caller, labels.keyboardHook, ways[result]);
    return undefined;
  };
}

const PAUSED = 1 << 3;

/** Pause: sleeps on until a key has ended it. */
export function pauseHook(labels: RomLabels): FirmwareHook {
  return (context) => {
    const paused = (context.memory.read(bda.KEYBOARD_FLAGS_2, 1) & PAUSED) !== 0;
    if (paused) goTo(new Caller(context), labels.keyboardPauseHook, labels.keyboardPauseLoop);
    return undefined;
  };
}

const MASTER = 0x20;
const SLAVE = 0xa0;
const READ_IN_SERVICE = 0x0b;
const READ_REQUESTS = 0x0a;

function inService({ ports }: FirmwareContext, controller: number): number {
  ports.write(controller, 1, READ_IN_SERVICE);
  const levels = ports.read(controller, 1);
  ports.write(controller, 1, READ_REQUESTS);
  return levels;
}

/** Names of the exceptions that share the low vectors (SDM vol. 3A table 6-1). */
const exceptionNames: Readonly<Record<number, string>> = {
  0: 'divide error (#DE)',
  1: 'single step (#DB)',
  3: 'breakpoint (#BP)',
  4: 'overflow (#OF)',
  6: 'invalid opcode (#UD)',
  7: 'device not available (#NM)',
  11: 'segment overrun (vector 0Bh)',
  12: 'stack fault (#SS)',
  13: 'general protection (#GP)',
};

const FLOPPY_VECTOR = 0x0e;
const DISK_VECTOR = 0x76;
const INTERRUPT_HAPPENED = 0x80;
const FIRST_IRQ_VECTOR = 0x08;
const FIRST_SLAVE_VECTOR = 0x70;

/**
 * A vector without a handler. An IRQ is acknowledged at the controllers that have it in service; an exception is
 * reported and returns, which for a fault means that it happens again, as on every PC.
 */
export function defaultHook(labels: RomLabels, vector: number): FirmwareHook {
  const entry = labels.defaultHandlers.get(vector) as number;
  return (context) => {
    const caller = new Caller(context);
    const slave = vector >= FIRST_SLAVE_VECTOR;
    const level = 1 << (vector & 7);
    const busy = (inService(context, slave ? SLAVE : MASTER) & level) !== 0;
    if (vector < FIRST_IRQ_VECTOR || (!slave && !busy)) {
      const { cs, ip } = caller.returnAddress;
      const name = exceptionNames[vector] ?? `interrupt ${hex(vector, 2)}h`;
      context.logOnce(`BIOS: ${name} at ${hex(cs, 4)}:${hex(ip, 4)} has no handler`);
      return undefined;
    }
    if (vector === FLOPPY_VECTOR) changeBits(context, bda.FLOPPY_RECALIBRATE, 0, INTERRUPT_HAPPENED);
    if (vector === DISK_VECTOR) context.memory.write(bda.DISK_INTERRUPT, 1, 0xff);
    // A spurious interrupt of the slave is in service at the master only.
    if (slave) goTo(caller, entry, busy ? labels.endBoth : labels.endMaster);
    else goTo(caller, entry, labels.endMaster);
    return undefined;
  };
}

const INT_OPCODE = 0xcd;

/** The handler of all vectors that only software calls: the byte before the return address tells which it was. */
export const sharedDefaultHook: FirmwareHook = (context) => {
  const { cs, ip } = new Caller(context).returnAddress;
  const at = (distance: number): number => context.memory.read((cs << 4) + ((ip - distance) & 0xffff), 1);
  const vector = at(2) === INT_OPCODE ? `INT ${hex(at(1), 2)}h` : 'An interrupt';
  context.logOnce(`BIOS: ${vector} called at ${hex(cs, 4)}:${hex((ip - 2) & 0xffff, 4)} has no handler`);
  return undefined;
};

export const nmiHook: FirmwareHook = (context) => {
  context.logOnce('BIOS: a non-maskable interrupt has no handler');
  return undefined;
};
