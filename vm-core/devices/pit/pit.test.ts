import { describe, expect, it } from 'vitest';
import { createDeviceClock } from '../device-clock.ts';
import { createTestBench, readPort, registerValues, writePort } from '../test-bench.ts';
import { createPit, PIT_FREQUENCY } from './pit.ts';

const TICKS_PER_SECOND = 200_000_000;
const clock = createDeviceClock(PIT_FREQUENCY, TICKS_PER_SECOND);

function bench() {
  const around = createTestBench({ ticksPerSecond: TICKS_PER_SECOND });
  const pit = createPit(around.context);
  pit.reset();
  return {
    pit,
    ...around,
    command: (value: number) => writePort(pit, 'registers', 3, value),
    write: (counter: number, ...bytes: number[]) => writePort(pit, 'registers', counter, ...bytes),
    read: (counter: number) => readPort(pit, 'registers', counter),
    portB: () => readPort(pit, 'port-b'),
    /** Turns the clock to the given cycle of the timer's input. */
    toCycle: (cycle: number) => around.advance(clock.timeOf(cycle) - around.now()),
  };
}

describe('8254 ports', () => {
  it('reads a latched count in two parts and then the live one', () => {
    const { command, write, read, toCycle } = bench();
    command(0x34);
    write(0, 0x34, 0x12);
    toCycle(1 + 0x34);
    command(0x00);
    toCycle(1 + 0x234);
    command(0x00);
    expect([read(0), read(0)]).toEqual([0x00, 0x12]);
    expect([read(0), read(0)]).toEqual([0x00, 0x10]);
  });

  it.each([
    { name: 'low byte only', access: 0x10, written: [0x21], reads: [0x20, 0x20] },
    { name: 'high byte only', access: 0x20, written: [0x03], reads: [0x02, 0x02] },
    { name: 'both', access: 0x30, written: [0x21, 0x03], reads: [0x20, 0x03] },
  ])('accesses $name', ({ access, written, reads }) => {
    const { command, write, read, toCycle } = bench();
    command(0x80 | access | 0x00);
    write(2, ...written);
    command(0x40 | access | 0x00);
    write(1, ...written);
    toCycle(2);
    expect([read(1), read(1)]).toEqual(reads);
  });

  it('read-back latches status before count, of several counters at once', () => {
    const { command, write, read, toCycle } = bench();
    command(0x36);
    write(0, 0x10, 0x00);
    command(0x54);
    write(1, 0x20);
    toCycle(1 + 8);
    command(0xc6);
    toCycle(100);
    expect([read(0), read(0), read(0)]).toEqual([0x36, 0x10, 0x00]);
    expect([read(1), read(1)]).toEqual([0x94, 0x18]);
  });

  it('read-back of status alone leaves the count live', () => {
    const { command, write, read } = bench();
    command(0x30);
    write(0, 0x10);
    command(0xe2);
    expect(read(0)).toBe(0x70);
    command(0xd2);
    expect([read(0), read(0)]).toEqual([0x00, 0x00]);
  });

  it('gives all ones at the control port', () => {
    const { read } = bench();
    expect(read(3)).toBe(0xff);
  });

  it('shows its registers', () => {
    const { pit, command, write, toCycle } = bench();
    command(0x34);
    write(0, 0x00, 0x10);
    toCycle(11);
    pit.ports['port-b']?.read(0, 1);
    expect(registerValues(pit)).toMatchObject({ COUNTER0: 0x0ff6, STATUS0: 0xb4 });
  });
});

describe('counter 0', () => {
  it('drives irq0 at exactly its edges', () => {
    const { command, write, edges, toCycle } = bench();
    command(0x34);
    write(0, 0x64, 0x00);
    expect(edges).toEqual(['+irq0']);
    toCycle(99);
    expect(edges).toHaveLength(1);
    toCycle(100);
    expect(edges).toEqual(['+irq0', '-irq0']);
    toCycle(101);
    expect(edges).toEqual(['+irq0', '-irq0', '+irq0']);
  });

  it('arms nothing that is of no consequence', () => {
    const { command, write, events, toCycle } = bench();
    expect(events.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
    command(0x74);
    write(1, 18, 0);
    command(0xb6);
    write(2, 0, 0);
    expect(events.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
    command(0x30);
    write(0, 10, 0);
    toCycle(20);
    expect(events.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
  });

  it.each([
    { hours: 1, count: 0 },
    { hours: 10, count: 0 },
    { hours: 1, count: 11_931 },
  ])('does not drift in $hours hours at count $count', ({ hours, count }) => {
    const { command, write, advance, edges } = bench();
    command(0x34);
    write(0, count & 0xff, count >> 8);
    edges.length = 0;
    advance(hours * 3600 * TICKS_PER_SECOND);
    // The count was loaded at cycle 1; each period ends with a rising edge.
    const cycles = hours * 3600 * PIT_FREQUENCY;
    expect(edges.filter((edge) => edge === '+irq0')).toHaveLength(Math.floor((cycles - 1) / (count || 0x10000)));
  });
});

describe('system control port B', () => {
  it('gates counter 2 and shows its output', () => {
    const { pit, command, write, portB, toCycle } = bench();
    command(0xb0);
    write(2, 20, 0);
    toCycle(100);
    expect(portB() & 0x2f).toBe(0);
    writePort(pit, 'port-b', 0, 0xff);
    expect(portB() & 0x2f).toBe(0x0f);
    toCycle(100 + 19);
    expect(portB() & 0x20).toBe(0);
    toCycle(100 + 20);
    expect(portB() & 0x20).toBe(0x20);
  });

  it('shows the refresh toggle', () => {
    const { portB, toCycle } = bench();
    const bits = [0, 17, 18, 35, 36].map((cycle) => {
      toCycle(cycle);
      return (portB() >> 4) & 1;
    });
    expect(bits).toEqual([0, 0, 1, 1, 0]);
  });
});
