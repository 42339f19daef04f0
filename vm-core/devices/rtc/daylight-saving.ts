/**
 * Daylight saving as the MC146818 does it by itself (data sheet, register B, "DSE"): on the last Sunday of April the second
 * behind 1:59:59 is 3:00:00; on the last Sunday of October it is 1:00:00 when 1:59:59 comes for the first time.
 */
import { type CalendarSeconds, dateFromDays, daysFromDate } from './calendar.ts';

const SECONDS_PER_DAY = 86_400;
const HOUR = 3600;
const APRIL = 4;
const OCTOBER = 10;

/** The last Sunday of a month with at most 31 days, at 2:00:00. */
function lastSunday(year: number, month: number): CalendarSeconds {
  const lastDay = daysFromDate(year, month + 1, 1) - 1;
  // 1 January 1970 was a Thursday.
  const weekday = (((lastDay + 4) % 7) + 7) % 7;
  return (lastDay - weekday) * SECONDS_PER_DAY + 2 * HOUR;
}

/** The next change behind a moment. */
function nextChange(after: CalendarSeconds): { readonly at: CalendarSeconds; readonly isSpring: boolean } {
  const { year } = dateFromDays(Math.floor(after / SECONDS_PER_DAY));
  const spring = lastSunday(year, APRIL);
  const autumn = lastSunday(year, OCTOBER);
  if (after < spring) return { at: spring, isSpring: true };
  if (after < autumn) return { at: autumn, isSpring: false };
  return { at: lastSunday(year + 1, APRIL), isSpring: true };
}

/** A moment, and whether the hour before the change of October goes for the second time. */
export interface SavedTime {
  readonly seconds: CalendarSeconds;
  readonly isSecondHour: boolean;
}

/** What a clock with daylight saving shows `count` seconds later. */
export function passWithDaylightSaving(from: SavedTime, count: number): SavedTime {
  let { seconds, isSecondHour } = from;
  for (let left = count; ; ) {
    const { at, isSpring } = nextChange(seconds);
    // Who sets the clock begins anew.
    if (isSpring || at - seconds > HOUR) isSecondHour = false;
    if (at - seconds > left) return { seconds: seconds + left, isSecondHour };
    left -= at - seconds;
    if (isSpring) seconds = at + HOUR;
    else seconds = isSecondHour ? at : at - HOUR;
    isSecondHour = !isSpring && !isSecondHour;
  }
}
