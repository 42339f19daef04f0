/** How the real-time clock's time passes: the calendar, its flags, and the next event worth waiting for. */
import {
  alarmMatches,
  DAY_OF_WEEK,
  decodeCalendar,
  encodeCalendar,
  HOURS,
  HOURS_ALARM,
  MINUTES,
  MINUTES_ALARM,
  SECONDS,
  SECONDS_ALARM,
} from './calendar.ts';
import { passWithDaylightSaving, type SavedTime } from './daylight-saving.ts';
import {
  ALARM,
  B_DAYLIGHT_SAVING,
  INTERRUPTS,
  isRunning,
  isSetting,
  PERIODIC,
  periodOf,
  registerB,
  RTC_FREQUENCY,
  type RtcState,
  UPDATE,
} from './rtc-state.ts';

const SECONDS_PER_DAY = 86_400;
const WEEK = 7;
/** The seconds of a day, and of the hours that daylight saving takes away. */
const ALARM_SECONDS_MAX: number = SECONDS_PER_DAY + 3600;

/** Brings time and flags up to `cycle`. */
export function synchronize(state: RtcState, cycle: number): void {
  if (isRunning(state)) {
    const period = periodOf(state);
    const periodsAt = (at: number): number => Math.floor((at - state.secondStart) / period);
    if (period !== 0 && periodsAt(cycle) !== periodsAt(state.cycle)) state.flags |= PERIODIC;
    const seconds = Math.floor((cycle - state.secondStart) / RTC_FREQUENCY);
    if (seconds > 0 && !isSetting(state)) advance(state, seconds);
    state.secondStart += seconds * RTC_FREQUENCY;
  }
  state.cycle = cycle;
}

/** Lets `count` seconds pass: the calendar, the update flag, and the alarm if one of them met it. */
function advance(state: RtcState, count: number): void {
  const { cmos } = state;
  const format = registerB(state);
  const weekday = cmos[DAY_OF_WEEK] as number;
  const before = decodeCalendar(cmos, format);
  let time: SavedTime = { seconds: before, isSecondHour: state.secondHour };
  state.flags |= UPDATE;
  // A day has every time an alarm can be set to, so no more than its seconds are worth looking at.
  let passed = 0;
  for (; passed < Math.min(count, ALARM_SECONDS_MAX) && (state.flags & ALARM) === 0; passed += 1) {
    time = later(state, time, 1);
    encodeCalendar(cmos, format, time.seconds);
    if (isAlarmTime(cmos)) state.flags |= ALARM;
  }
  time = later(state, time, count - passed);
  encodeCalendar(cmos, format, time.seconds);
  cmos[DAY_OF_WEEK] = weekdayLater(weekday, dayOf(time.seconds) - dayOf(before));
  state.secondHour = time.isSecondHour;
}

const dayOf = (seconds: number): number => Math.floor(seconds / SECONDS_PER_DAY);

/** The day of the week counts by itself, whatever the date says; numbers that are none stay. */
function weekdayLater(weekday: number, days: number): number {
  return weekday >= 1 && weekday <= WEEK ? ((weekday - 1 + days) % WEEK) + 1 : weekday;
}

function later(state: RtcState, time: SavedTime, count: number): SavedTime {
  if ((registerB(state) & B_DAYLIGHT_SAVING) !== 0) return passWithDaylightSaving(time, count);
  return { seconds: time.seconds + count, isSecondHour: false };
}

function isAlarmTime(cmos: Uint8Array): boolean {
  const matches = (alarm: number, time: number): boolean => alarmMatches(cmos[alarm] as number, cmos[time] as number);
  return matches(SECONDS_ALARM, SECONDS) && matches(MINUTES_ALARM, MINUTES) && matches(HOURS_ALARM, HOURS);
}

/** The cycle at which an enabled interrupt that is not yet flagged may come; Infinity if none can. */
export function nextEvent(state: RtcState): number {
  if (!isRunning(state)) return Number.POSITIVE_INFINITY;
  const awaited = registerB(state) & INTERRUPTS & ~state.flags;
  const period = periodOf(state);
  const elapsed = state.cycle - state.secondStart;
  let next = Number.POSITIVE_INFINITY;
  if ((awaited & PERIODIC) !== 0 && period !== 0) {
    next = state.secondStart + (Math.floor(elapsed / period) + 1) * period;
  }
  if ((awaited & (ALARM | UPDATE)) !== 0 && !isSetting(state)) next = Math.min(next, state.secondStart + RTC_FREQUENCY);
  return next;
}
