/**
 * The calendar of a real-time clock: from the ten time bytes in the formats that register B chooses (MC146818 data sheet,
 * "Time, calendar and alarm locations") to seconds and back. Days are of the proleptic Gregorian calendar.
 */

/** Seconds since 1 January 1970, 00:00 of the clock's own local time. */
export type CalendarSeconds = number;

export const SECONDS = 0x00;
export const SECONDS_ALARM = 0x01;
export const MINUTES = 0x02;
export const MINUTES_ALARM = 0x03;
export const HOURS = 0x04;
export const HOURS_ALARM = 0x05;
export const DAY_OF_WEEK = 0x06;
export const DAY_OF_MONTH = 0x07;
export const MONTH = 0x08;
export const YEAR = 0x09;
/** Not in the MC146818; PCs keep the century here. */
export const CENTURY = 0x32;

/** Register B, bit 2: binary instead of BCD. Bit 1: 24 hours instead of 12. */
export const FORMAT_BINARY = 0x04;
export const FORMAT_24_HOURS = 0x02;
const PM = 0x80;

const SECONDS_PER_DAY = 86_400;
/** A year begins with March here, so that the leap day is its last. */
const DAYS_PER_400_YEARS = 146_097;
const DAYS_BEFORE_1970 = 719_468;

/** Days since 1 January 1970; a month or day out of range counts on from the month or year it is given for. */
export function daysFromDate(year: number, month: number, day: number): number {
  const monthFromMarch = month - 3;
  const marchYear = year + Math.floor(monthFromMarch / 12);
  const monthOfYear = ((monthFromMarch % 12) + 12) % 12;
  const daysOfMonths = Math.floor((153 * monthOfYear + 2) / 5);
  const leapDays = Math.floor(marchYear / 4) - Math.floor(marchYear / 100) + Math.floor(marchYear / 400);
  return marchYear * 365 + leapDays + daysOfMonths + day - 1 - DAYS_BEFORE_1970;
}

/** The inverse of `daysFromDate`. */
export function dateFromDays(days: number): { readonly year: number; readonly month: number; readonly day: number } {
  const shifted = days + DAYS_BEFORE_1970;
  const era = Math.floor(shifted / DAYS_PER_400_YEARS);
  const dayOfEra = shifted - era * DAYS_PER_400_YEARS;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthOfYear = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * monthOfYear + 2) / 5) + 1;
  const month = monthOfYear < 10 ? monthOfYear + 3 : monthOfYear - 9;
  return { year: era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, day };
}

/** Writes the time bytes (alarms excepted) of `seconds` into `bytes`. */
export function encodeCalendar(bytes: Uint8Array, format: number, seconds: CalendarSeconds): void {
  const days = Math.floor(seconds / SECONDS_PER_DAY);
  const second = seconds - days * SECONDS_PER_DAY;
  const { year, month, day } = dateFromDays(days);
  bytes[SECONDS] = encodeNumber(second % 60, format);
  bytes[MINUTES] = encodeNumber(Math.floor(second / 60) % 60, format);
  bytes[HOURS] = encodeHour(Math.floor(second / 3600), format);
  bytes[DAY_OF_WEEK] = encodeNumber(((((days + 4) % 7) + 7) % 7) + 1, format);
  bytes[DAY_OF_MONTH] = encodeNumber(day, format);
  bytes[MONTH] = encodeNumber(month, format);
  bytes[YEAR] = encodeNumber(year % 100, format);
  bytes[CENTURY] = toBcd(Math.floor(year / 100) % 100);
}

/** What the time bytes say; bytes that no calendar has count on (31 February is 3 March). */
export function decodeCalendar(bytes: Uint8Array, format: number): CalendarSeconds {
  const at = (index: number): number => decodeNumber(bytes[index] as number, format);
  const year = fromBcd(bytes[CENTURY] as number) * 100 + at(YEAR);
  const days = daysFromDate(year, at(MONTH), at(DAY_OF_MONTH));
  return days * SECONDS_PER_DAY + decodeHour(bytes[HOURS] as number, format) * 3600 + at(MINUTES) * 60 + at(SECONDS);
}

/** True when an alarm byte matches a time byte; alarm bytes from C0h match everything. */
export function alarmMatches(alarm: number, time: number): boolean {
  return alarm >= 0xc0 || alarm === time;
}

function encodeHour(hour: number, format: number): number {
  if ((format & FORMAT_24_HOURS) !== 0) return encodeNumber(hour, format);
  return encodeNumber(hour % 12 === 0 ? 12 : hour % 12, format) | (hour >= 12 ? PM : 0);
}

function decodeHour(byte: number, format: number): number {
  if ((format & FORMAT_24_HOURS) !== 0) return decodeNumber(byte, format);
  return (decodeNumber(byte & ~PM, format) % 12) + ((byte & PM) !== 0 ? 12 : 0);
}

const encodeNumber = (value: number, format: number): number => ((format & FORMAT_BINARY) !== 0 ? value : toBcd(value));
const decodeNumber = (byte: number, format: number): number => ((format & FORMAT_BINARY) !== 0 ? byte : fromBcd(byte));

function toBcd(value: number): number {
  return (Math.floor(value / 10) << 4) | (value % 10);
}

function fromBcd(byte: number): number {
  return (byte >> 4) * 10 + (byte & 15);
}
