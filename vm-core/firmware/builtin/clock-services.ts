/**
 * INT 1Ah: the tick count and the real-time clock (IBM PS/2 BIOS Interface Technical Reference, "Interrupt 1Ah"). The clock
 * cannot change while a hook runs, so its update cycle need not be waited for.
 */
import { daysFromDate } from '../../devices/rtc/calendar.ts';
import type { FirmwareContext } from '../firmware.ts';
import { bda } from './bios-data.ts';
import type { Caller } from './caller.ts';
import { readCmos, writeCmos } from './cmos.ts';
import type { Service } from './service.ts';

const SECONDS = 0x00;
const SECONDS_ALARM = 0x01;
const MINUTES = 0x02;
const MINUTES_ALARM = 0x03;
const HOURS = 0x04;
const HOURS_ALARM = 0x05;
const WEEKDAY = 0x06;
const DAY = 0x07;
const MONTH = 0x08;
const YEAR = 0x09;
const CENTURY = 0x32;
const REGISTER_B = 0x0b;
const B_SET = 0x80;
const B_ALARM = 0x20;
const B_BINARY = 0x04;
const B_24_HOURS = 0x02;
const B_DAYLIGHT = 0x01;
const PM = 0x80;

/** Ticks of a day at 1,193,182 / 65,536 per second. */
export const TICKS_PER_DAY = 0x1800b0;

const row = (ah: number, name: string, run: (caller: Caller) => undefined): Service => ({
  interrupt: 0x1a,
  function: { ah },
  name,
  run,
});

const toBcd = (value: number): number => (Math.floor(value / 10) << 4) | (value % 10);
const fromBcd = (value: number): number => (value >> 4) * 10 + (value & 0x0f);

/** A clock register as BCD, whatever format the guest has set. */
function readClock(context: FirmwareContext, index: number): number {
  const control = readCmos(context, REGISTER_B);
  const raw = readCmos(context, index);
  const isHours = index === HOURS;
  const afternoon = isHours && (control & B_24_HOURS) === 0 && (raw & PM) !== 0;
  const value = isHours && (control & B_24_HOURS) === 0 ? raw & ~PM : raw;
  const hours = (control & B_BINARY) !== 0 ? value : fromBcd(value);
  if (!isHours || (control & B_24_HOURS) !== 0) return toBcd(hours % 100);
  return toBcd((hours % 12) + (afternoon ? 12 : 0));
}

/** Writes BCD values and puts the clock to BCD and 24 hours, the BIOS's format. */
function writeClock(context: FirmwareContext, values: readonly (readonly [index: number, value: number])[]): void {
  const control = (readCmos(context, REGISTER_B) & ~B_BINARY) | B_24_HOURS;
  writeCmos(context, REGISTER_B, control | B_SET);
  for (const [index, value] of values) writeCmos(context, index, value);
  writeCmos(context, REGISTER_B, control & ~B_SET);
}

/** The tick count that belongs to the clock's time; used at power-on. */
export function ticksOfClock(context: FirmwareContext): number {
  const value = (index: number): number => fromBcd(readClock(context, index));
  const seconds = value(HOURS) * 3600 + value(MINUTES) * 60 + value(SECONDS);
  return Math.floor((seconds * TICKS_PER_DAY) / 86_400) % TICKS_PER_DAY;
}

function getTicks(caller: Caller): undefined {
  const { memory } = caller;
  const ticks = memory.read(bda.TIMER_TICKS, 4);
  caller.cx = ticks >>> 16;
  caller.dx = ticks & 0xffff;
  caller.al = memory.read(bda.TIMER_OVERFLOW, 1);
  caller.ah = 0;
  memory.write(bda.TIMER_OVERFLOW, 1, 0);
  caller.carry = false;
}

function setTicks(caller: Caller): undefined {
  caller.memory.write(bda.TIMER_TICKS, 4, caller.cx * 0x10000 + caller.dx);
  caller.memory.write(bda.TIMER_OVERFLOW, 1, 0);
  caller.ah = 0;
  caller.carry = false;
}

function getTime(caller: Caller): undefined {
  const { context } = caller;
  caller.ch = readClock(context, HOURS);
  caller.cl = readClock(context, MINUTES);
  caller.dh = readClock(context, SECONDS);
  caller.dl = readCmos(context, REGISTER_B) & B_DAYLIGHT;
  caller.ah = 0;
  caller.al = caller.ch;
  caller.carry = false;
}

function setTime(caller: Caller): undefined {
  writeClock(caller.context, [
    [SECONDS, caller.dh],
    [MINUTES, caller.cl],
    [HOURS, caller.ch],
  ]);
  const control = readCmos(caller.context, REGISTER_B) & ~B_DAYLIGHT;
  writeCmos(caller.context, REGISTER_B, control | (caller.dl & B_DAYLIGHT));
  caller.ah = 0;
  caller.carry = false;
}

function getDate(caller: Caller): undefined {
  const { context } = caller;
  caller.ch = readCmos(context, CENTURY);
  caller.cl = readClock(context, YEAR);
  caller.dh = readClock(context, MONTH);
  caller.dl = readClock(context, DAY);
  caller.ah = 0;
  caller.al = caller.ch;
  caller.carry = false;
}

const WEEK = 7;

/** 1 is Sunday; 1 January 1970 was a Thursday. */
function weekdayOf({ ch, cl, dh, dl }: Caller): number {
  const days = daysFromDate(fromBcd(ch) * 100 + fromBcd(cl), fromBcd(dh), fromBcd(dl));
  return ((((days + 4) % WEEK) + WEEK) % WEEK) + 1;
}

/** The clock counts the days of the week by themselves; the function does not take one. */
function setDate(caller: Caller): undefined {
  writeClock(caller.context, [
    [WEEKDAY, weekdayOf(caller)],
    [CENTURY, caller.ch],
    [YEAR, caller.cl],
    [MONTH, caller.dh],
    [DAY, caller.dl],
  ]);
  caller.ah = 0;
  caller.carry = false;
}

const SLAVE_MASK = 0xa1;
const CLOCK_MASK = 1;

/** Only one alarm can be set; INT 4Ah tells of it. */
function setAlarm(caller: Caller): undefined {
  const { context } = caller;
  const control = readCmos(context, REGISTER_B);
  if ((control & B_ALARM) !== 0) {
    caller.ax = 0;
    caller.carry = true;
    return;
  }
  writeCmos(context, SECONDS_ALARM, caller.dh);
  writeCmos(context, MINUTES_ALARM, caller.cl);
  writeCmos(context, HOURS_ALARM, caller.ch);
  context.ports.write(SLAVE_MASK, 1, context.ports.read(SLAVE_MASK, 1) & ~CLOCK_MASK);
  writeCmos(context, REGISTER_B, (control & ~B_SET) | B_ALARM);
  caller.carry = false;
}

const ALARM_OFF = 0;
const ALARM_ON = 1;

/** DL tells whether the alarm is on. */
function getAlarm(caller: Caller): undefined {
  const { context } = caller;
  caller.ch = readCmos(context, HOURS_ALARM);
  caller.cl = readCmos(context, MINUTES_ALARM);
  caller.dh = readCmos(context, SECONDS_ALARM);
  caller.dl = (readCmos(context, REGISTER_B) & B_ALARM) !== 0 ? ALARM_ON : ALARM_OFF;
  caller.carry = false;
}

function clearAlarm(caller: Caller): undefined {
  const control = readCmos(caller.context, REGISTER_B);
  writeCmos(caller.context, REGISTER_B, control & ~B_ALARM);
  caller.carry = false;
}

export const clockServices: readonly Service[] = [
  row(0x00, 'get tick count', getTicks),
  row(0x01, 'set tick count', setTicks),
  row(0x02, 'get clock time', getTime),
  row(0x03, 'set clock time', setTime),
  row(0x04, 'get clock date', getDate),
  row(0x05, 'set clock date', setDate),
  row(0x06, 'set alarm', setAlarm),
  row(0x07, 'clear alarm', clearAlarm),
  row(0x09, 'get alarm', getAlarm),
];
