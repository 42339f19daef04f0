import { describe, expect, it } from 'vitest';
import { createTestBench, MICROSECOND, readPort, writePort } from '../test-bench.ts';
import { createParallelPort } from './parallel-port.ts';

const [DATA, STATUS, CONTROL] = [0, 1, 2] as const;
/** Printer selected and not held in reset. */
const QUIET = 0x0c;
const STROBE = 0x0d;
const READY = 0xdf;

function bench() {
  const around = createTestBench();
  const port = createParallelPort(around.context);
  port.reset();
  return {
    ...around,
    port,
    read: (offset: number) => readPort(port, 'registers', offset),
    write: (offset: number, ...values: number[]) => writePort(port, 'registers', offset, ...values),
  };
}

describe('the parallel port', () => {
  it('keeps data and the bits of the control register', () => {
    const { read, write } = bench();
    expect([DATA, STATUS, CONTROL].map(read)).toEqual([0, READY, 0xc0]);
    write(DATA, 0xa5);
    write(STATUS, 0x00);
    write(CONTROL, 0xde);
    expect([DATA, STATUS, CONTROL].map(read)).toEqual([0xa5, READY, 0xde]);
  });

  it('prints a byte with each strobe', () => {
    const { write, outputs } = bench();
    write(DATA, 0x41);
    write(CONTROL, QUIET, STROBE, STROBE, QUIET);
    write(DATA, 0x42);
    write(CONTROL, STROBE);
    expect(outputs).toEqual(['parallel:41', 'parallel:42']);
  });

  it('is busy, acknowledges, and is ready again', () => {
    const { write, read, advance } = bench();
    write(CONTROL, STROBE, QUIET);
    expect(read(STATUS)).toBe(0x5f);
    advance(50 * MICROSECOND);
    expect(read(STATUS)).toBe(0x1f);
    advance(5 * MICROSECOND);
    expect(read(STATUS)).toBe(READY);
  });

  it('interrupts with the end of the acknowledge pulse where it is told to', () => {
    const { write, advance, edges } = bench();
    write(CONTROL, STROBE, QUIET);
    advance(100 * MICROSECOND);
    expect(edges).toEqual([]);
    write(CONTROL, STROBE | 0x10, QUIET | 0x10);
    advance(54 * MICROSECOND);
    expect(edges).toEqual([]);
    advance(1 * MICROSECOND);
    expect(edges).toEqual(['+irq']);
    write(CONTROL, STROBE | 0x10, QUIET);
    expect(edges).toEqual(['+irq', '-irq']);
  });

  it('reads what nobody drives as ones when data come from outside', () => {
    const { write, read } = bench();
    write(DATA, 0x12);
    write(CONTROL, 0x20);
    expect(read(DATA)).toBe(0xff);
    write(CONTROL, 0x00);
    expect(read(DATA)).toBe(0x12);
  });

  it('forgets the byte at reset', () => {
    const { port, write, read, events } = bench();
    write(CONTROL, STROBE);
    port.reset();
    expect([read(STATUS), events.nextDeadline()]).toEqual([READY, Number.POSITIVE_INFINITY]);
  });
});
