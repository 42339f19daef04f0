import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  alarmMatches,
  dateFromDays,
  daysFromDate,
  decodeCalendar,
  encodeCalendar,
  FORMAT_24_HOURS,
  FORMAT_BINARY,
} from './calendar.ts';

const hexOf = (bytes: Uint8Array): string =>
  [0x32, 9, 8, 7, 6, 4, 2, 0].map((index) => (bytes[index] as number).toString(16).padStart(2, '0')).join(' ');

describe('calendar', () => {
  it('agrees with the platform on every date of 800 years', () => {
    fc.assert(
      fc.property(fc.integer({ min: -146_097, max: 146_097 }), (days) => {
        const { year, month, day } = dateFromDays(days);
        const date = new Date(days * 86_400_000);
        expect([year, month, day]).toEqual([date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()]);
        expect(daysFromDate(year, month, day)).toBe(days);
      }),
      { numRuns: 5000 },
    );
  });

  /** Century, year, month, day, day of the week, hours, minutes, seconds. */
  it.each([
    ['1970-01-01T00:00:00Z', FORMAT_24_HOURS, '19 70 01 01 05 00 00 00'],
    ['1999-12-31T23:59:59Z', FORMAT_24_HOURS, '19 99 12 31 06 23 59 59'],
    ['2000-02-29T12:34:56Z', FORMAT_24_HOURS, '20 00 02 29 03 12 34 56'],
    ['2024-05-05T00:00:00Z', 0, '20 24 05 05 01 12 00 00'],
    ['2024-05-05T12:00:00Z', 0, '20 24 05 05 01 92 00 00'],
    ['2024-05-05T23:00:00Z', FORMAT_BINARY, '20 18 05 05 01 8b 00 00'],
    ['2024-05-05T23:00:00Z', FORMAT_BINARY | FORMAT_24_HOURS, '20 18 05 05 01 17 00 00'],
  ])('%s in format %i', (text, format, expected) => {
    const bytes = new Uint8Array(128);
    const seconds = Date.parse(text) / 1000;
    encodeCalendar(bytes, format, seconds);
    expect(hexOf(bytes)).toBe(expected);
    expect(decodeCalendar(bytes, format)).toBe(seconds);
  });

  it('counts on from dates that do not exist', () => {
    expect(dateFromDays(daysFromDate(2023, 2, 31))).toEqual({ year: 2023, month: 3, day: 3 });
    expect(dateFromDays(daysFromDate(2023, 13, 1))).toEqual({ year: 2024, month: 1, day: 1 });
    expect(dateFromDays(daysFromDate(2023, 0, 1))).toEqual({ year: 2022, month: 12, day: 1 });
  });

  it('has alarm bytes that match everything', () => {
    expect([
      alarmMatches(0x12, 0x12),
      alarmMatches(0x12, 0x13),
      alarmMatches(0xc0, 0x13),
      alarmMatches(0xff, 0),
    ]).toEqual([true, false, true, true]);
  });
});
