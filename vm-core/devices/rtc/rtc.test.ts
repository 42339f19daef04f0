import { describe, expect, it } from 'vitest';
import { createTestBench, hex, MICROSECOND, readPort, registerValues, writePort } from '../test-bench.ts';
import { createRtc } from './rtc.ts';

const SECOND = 200_000_000;
const A = 0x0a;
const B = 0x0b;
const C = 0x0c;
const D = 0x0d;

function bench(start = '2024-05-05T10:20:30Z', cmos?: Uint8Array) {
  const around = createTestBench({ startTimeMs: Date.parse(start) });
  const rtc = createRtc(around.context, cmos);
  rtc.reset();
  const read = (index: number): number => {
    writePort(rtc, 'registers', 0, index);
    return readPort(rtc, 'registers', 1);
  };
  const write = (index: number, value: number): void => {
    writePort(rtc, 'registers', 0, index);
    writePort(rtc, 'registers', 1, value);
  };
  /** `YY-MM-DD HH:MM:SS` as the bytes say it in hexadecimal. */
  const time = (): string => {
    const [year, month, day, hours, minutes, seconds] = [9, 8, 7, 4, 2, 0].map((index) => hex(read(index)));
    return `${year}-${month}-${day} ${hours}:${minutes}:${seconds}`;
  };
  return { rtc, ...around, read, write, time, irq: () => around.lines.get('irq8') === true };
}

describe('MC146818 time', () => {
  it('starts with the host and goes with virtual time', () => {
    const { time, advance, read } = bench();
    expect([time(), hex(read(0x32)), read(6)]).toEqual(['24-05-05 10:20:30', '20', 1]);
    advance(30 * SECOND);
    expect(time()).toBe('24-05-05 10:21:00');
    advance(14 * 3600 * SECOND);
    expect(time()).toBe('24-05-06 00:21:00');
  });

  it('keeps the fraction of the second at which the machine started', () => {
    const { time, advance } = bench('2024-05-05T10:20:30.750Z');
    advance(SECOND / 4 - 100 * MICROSECOND);
    expect(time()).toBe('24-05-05 10:20:30');
    advance(200 * MICROSECOND);
    expect(time()).toBe('24-05-05 10:20:31');
  });

  it('does not drift in a hundred days, looked at or not', () => {
    const { time, advance } = bench();
    for (let day = 0; day < 100; day += 1) {
      advance(86_400 * SECOND - 1);
      if (day % 2 === 0) time();
      advance(1);
    }
    expect(time()).toBe('24-08-13 10:20:30');
  });

  it('counts in 12 hours and binary as register B asks, once the bytes are written so', () => {
    const { read, write, advance } = bench();
    write(B, 0x84);
    for (const [index, value] of [
      [9, 24],
      [8, 5],
      [7, 5],
      [4, 0x0c],
      [2, 59],
      [0, 59],
    ] as const)
      write(index, value);
    write(B, 0x04);
    advance(SECOND);
    expect([read(4), read(2), read(0)]).toEqual([1, 0, 0]);
    advance(12 * 3600 * SECOND);
    expect([read(4), read(7)]).toEqual([0x81, 5]);
    write(B, 0x06);
    write(4, 23);
    advance(3600 * SECOND);
    expect([read(4), read(7)]).toEqual([0, 6]);
  });

  it('stands still while SET is set and takes what is written', () => {
    const { write, time, advance } = bench();
    write(B, 0x82);
    for (const [index, value] of [
      [9, 0x99],
      [8, 0x12],
      [7, 0x31],
      [4, 0x23],
      [2, 0x59],
      [0, 0x59],
      [0x32, 0x19],
    ] as const) {
      write(index, value);
    }
    advance(10 * SECOND);
    expect(time()).toBe('99-12-31 23:59:59');
    write(B, 0x02);
    advance(SECOND);
    expect(time()).toBe('00-01-01 00:00:00');
  });

  it('counts the day of the week by itself, whatever the date says', () => {
    const { read, write, advance } = bench();
    expect(read(6)).toBe(1);
    write(6, 6);
    advance(SECOND);
    expect(read(6)).toBe(6);
    advance(2 * 86_400 * SECOND);
    expect([read(6), read(7)]).toEqual([1, 7]);
    write(6, 0x55);
    advance(86_400 * SECOND);
    expect(read(6)).toBe(0x55);
  });

  it('reads back what was written even where no calendar has it', () => {
    const { read, write } = bench();
    write(B, 0x82);
    write(8, 0xee);
    write(7, 0xff);
    expect([read(8), read(7)]).toEqual([0xee, 0xff]);
  });

  it('starts half a second after the divider is released', () => {
    const { write, read, advance } = bench();
    write(A, 0x76);
    advance(10 * SECOND);
    expect(hex(read(0))).toBe('30');
    write(A, 0x26);
    advance(SECOND / 2 - 100 * MICROSECOND);
    expect(hex(read(0))).toBe('30');
    advance(200 * MICROSECOND);
    expect(hex(read(0))).toBe('31');
  });

  it('says before an update that it is in progress', () => {
    const { read, write, advance } = bench();
    advance(SECOND - 2300 * MICROSECOND);
    expect(read(A)).toBe(0x26);
    advance(100 * MICROSECOND);
    expect(read(A)).toBe(0xa6);
    write(B, 0x82);
    expect(read(A)).toBe(0x26);
    write(B, 0x02);
    advance(2200 * MICROSECOND);
    expect(read(A)).toBe(0x26);
  });
});

describe('MC146818 interrupts', () => {
  it.each([
    { rate: 0x3, frequency: 8192 },
    { rate: 0x6, frequency: 1024 },
    { rate: 0x1, frequency: 256 },
    { rate: 0x2, frequency: 128 },
    { rate: 0xf, frequency: 2 },
  ])('periodic at rate $rate comes $frequency times a second', ({ rate, frequency }) => {
    const { write, read, advance, irq, events, now } = bench();
    write(A, 0x20 | rate);
    write(B, 0x42);
    let count = 0;
    while (events.nextDeadline() <= SECOND) {
      advance(events.nextDeadline() - now());
      expect([irq(), read(C), irq()]).toEqual([true, expect.toSatisfy((c: number) => (c & 0xc0) === 0xc0), false]);
      count += 1;
    }
    expect(count).toBe(frequency);
  });

  it('periodic sets its flag without an interrupt and wakes nobody', () => {
    const { read, advance, irq, events } = bench();
    expect(events.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
    advance(2000 * MICROSECOND);
    expect([read(C), irq()]).toEqual([0x40, false]);
    expect(read(C)).toBe(0);
  });

  it('update ended comes each second until it is disabled', () => {
    const { write, read, advance, irq } = bench();
    write(A, 0x20);
    write(B, 0x12);
    advance(SECOND - 1);
    expect(irq()).toBe(false);
    advance(1);
    expect([irq(), read(C), irq(), read(C)]).toEqual([true, 0x90, false, 0]);
    write(B, 0x02);
    advance(SECOND);
    expect([irq(), read(C)]).toEqual([false, 0x10]);
  });

  it('SET takes the update interrupt away', () => {
    const { write, read } = bench();
    write(B, 0x92);
    expect(read(B)).toBe(0x82);
  });

  it.each([
    { name: 'at a time', alarm: [0x10, 0x21, 0x05], after: 35 },
    { name: 'at a second of every minute', alarm: [0xff, 0xff, 0x05], after: 35 },
    { name: 'at a minute of every hour', alarm: [0xc0, 0x22, 0x00], after: 90 },
    { name: 'the next day', alarm: [0x10, 0x20, 0x30], after: 86_400 },
  ])('alarm $name', ({ alarm, after }) => {
    const { write, read, advance, irq } = bench();
    const [hours, minutes, seconds] = alarm as [number, number, number];
    write(A, 0x20);
    write(5, hours);
    write(3, minutes);
    write(1, seconds);
    write(B, 0x22);
    read(C);
    advance(after * SECOND - 1);
    expect(irq()).toBe(false);
    advance(1);
    expect([irq(), read(C) & 0xa0]).toEqual([true, 0xa0]);
  });

  it('finds an alarm in time that nobody looked at', () => {
    const { write, read, advance } = bench();
    write(1, 0x00);
    write(3, 0x00);
    write(5, 0x09);
    advance(86_400 * 3 * SECOND);
    expect(read(C) & 0x20).toBe(0x20);
  });
});

describe('CMOS RAM', () => {
  it('holds what the firmware writes; C and D are read-only, D is valid', () => {
    const { read, write } = bench();
    write(0x2e, 0x12);
    write(0x7f, 0x34);
    write(C, 0xff);
    write(D, 0x00);
    expect([read(0x2e), read(0x7f), read(C), read(D)]).toEqual([0x12, 0x34, 0, 0x80]);
  });

  it('takes its contents from the machine, the clock its own', () => {
    const { read, time } = bench('2024-05-05T10:20:30Z', new Uint8Array(128).fill(0x77));
    expect([read(0x10), read(0x7f), time()]).toEqual([0x77, 0x77, '24-05-05 10:20:30']);
  });

  it('masks NMI with bit 7 of the index', () => {
    const { rtc, read } = bench();
    read(0x8f);
    expect(registerValues(rtc)).toMatchObject({ INDEX: 0x0f, NMI_MASK: 1 });
    expect(readPort(rtc, 'registers', 0)).toBe(0xff);
  });

  it('survives reset, and the enables do not', () => {
    const { rtc, read, write, advance, irq, time } = bench();
    write(0x40, 0x99);
    write(B, 0x72);
    advance(SECOND);
    expect(irq()).toBe(true);
    rtc.reset();
    expect([irq(), read(B), read(C), read(0x40), time()]).toEqual([false, 0x02, 0, 0x99, '24-05-05 10:20:31']);
  });
});

describe('MC146818 daylight saving', () => {
  /** A clock with DSE set, `seconds` later. */
  const timeAfter = (start: string, seconds: number, enable = 0x03): string => {
    const { write, advance, time, messages } = bench(start);
    write(B, enable);
    advance(seconds * SECOND);
    expect(messages).toEqual([]);
    return time();
  };

  it.each([
    ['spring', '2024-04-28T01:59:59Z', 1, '24-04-28 03:00:00'],
    ['the hour before spring', '2024-04-28T01:59:59Z', 0, '24-04-28 01:59:59'],
    ['no other Sunday of April', '2024-04-21T01:59:59Z', 1, '24-04-21 02:00:00'],
    ['autumn', '2024-10-27T01:59:59Z', 1, '24-10-27 01:00:00'],
    ['autumn, the second time', '2024-10-27T01:59:59Z', 3601, '24-10-27 02:00:00'],
    ['both', '2024-04-27T12:00:00Z', 183 * 86_400, '24-10-27 12:00:00'],
    ['a whole year', '2024-01-01T00:00:00Z', 366 * 86_400, '25-01-01 00:00:00'],
  ])('%s: %s and %i seconds', (_name, start, seconds, expected) => {
    expect(timeAfter(start, seconds)).toBe(expected);
  });

  it('is the software’s without the bit', () => {
    expect(timeAfter('2024-04-28T01:59:59Z', 1, 0x02)).toBe('24-04-28 02:00:00');
  });

  it('comes to the same if somebody looks every quarter of an hour', () => {
    const { write, advance, time } = bench('2024-10-27T00:00:00Z');
    write(B, 0x03);
    const seen: string[] = [];
    for (let quarter = 0; quarter < 16; quarter += 1) {
      advance(900 * SECOND);
      seen.push(time().slice(9, 14));
    }
    expect(seen.filter((shown) => shown.startsWith('01'))).toHaveLength(8);
    expect(seen.at(-1)).toBe('03:00');
  });

  it('changes again on a day that was set again', () => {
    const { write, advance, time } = bench('2024-10-27T01:59:59Z');
    write(B, 0x03);
    advance(SECOND);
    write(B, 0x83);
    for (const [index, value] of [
      [7, 0x26],
      [4, 0x23],
    ] as const) {
      write(index, value);
    }
    write(B, 0x03);
    advance(3 * 3600 * SECOND);
    expect(time()).toBe('24-10-27 01:00:00');
  });
});
