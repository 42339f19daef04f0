import { describe, expect, it } from 'vitest';
import { createTestBench, hex, MICROSECOND, readPort, registerValues, writePort } from '../test-bench.ts';
import { createUart } from './uart.ts';

const [DATA, IER, IIR, LCR, MCR, LSR, MSR, SCR] = [0, 1, 2, 3, 4, 5, 6, 7] as const;
const FCR = IIR;
const EIGHT_BITS = 0x03;
const OUT2 = 0x08;
const LOOPBACK = 0x10;

/** A port at 115,200 bits per second, 8 bits, no parity: a character takes 86.8 µs. */
function bench({ fifo = false, ier = 0, mcr = OUT2 } = {}) {
  const around = createTestBench();
  const uart = createUart(around.context);
  uart.reset();
  const read = (offset: number): number => readPort(uart, 'registers', offset);
  const write = (offset: number, ...values: number[]): void => writePort(uart, 'registers', offset, ...values);
  write(LCR, EIGHT_BITS);
  if (fifo) write(FCR, 0x01);
  write(MCR, mcr);
  write(IER, ier);
  return {
    uart,
    ...around,
    read,
    write,
    hear: (...bytes: number[]) => uart.channels?.['serial']?.(Uint8Array.from(bytes)),
    characters: (count: number) => around.advance(Math.ceil(count * 86.81 * MICROSECOND)),
    irq: () => around.lines.get('irq') === true,
  };
}

describe('16550A registers', () => {
  it('have the reset values of the data sheet', () => {
    const around = createTestBench();
    const uart = createUart(around.context);
    expect([1, 2, 3, 4, 5, 6, 7].map((offset) => hex(readPort(uart, 'registers', offset)))).toEqual([
      '00',
      '01',
      '00',
      '00',
      '60',
      'B0',
      '00',
    ]);
  });

  it('take only the bits they have', () => {
    const { read, write } = bench();
    for (const offset of [IER, LCR, MCR, SCR]) write(offset, offset === LCR ? 0x7f : 0xff);
    expect([IER, LCR, MCR, SCR].map((offset) => hex(read(offset)))).toEqual(['0F', '7F', '1F', 'FF']);
  });

  it('reach the divisor through DLAB', () => {
    const { uart, read, write } = bench();
    write(LCR, 0x83);
    write(DATA, 0x34);
    write(IER, 0x12);
    expect([read(DATA), read(IER), registerValues(uart)['DL']]).toEqual([0x34, 0x12, 0x1234]);
    write(LCR, 0x03);
    expect(read(IER)).toBe(0);
  });

  it('show FIFOs in IIR', () => {
    const { read, write } = bench();
    expect(read(IIR)).toBe(0x01);
    write(FCR, 0xc1);
    expect(read(IIR)).toBe(0xc1);
    write(FCR, 0xc0);
    expect(read(IIR)).toBe(0x01);
  });
});

describe('16550A transmitter', () => {
  it('sends at once and is busy for the time of the characters', () => {
    const { read, write, outputs, characters } = bench();
    write(DATA, 0x41);
    expect([outputs, read(LSR)]).toEqual([['serial:41'], 0x20]);
    write(DATA, 0x42);
    expect(read(LSR)).toBe(0x00);
    characters(1);
    expect(read(LSR)).toBe(0x20);
    characters(1);
    expect(read(LSR)).toBe(0x60);
  });

  it.each([
    { name: '115,200, 8N1', divisor: 1, lcr: 0x03, microseconds: 86.8 },
    { name: '9,600, 8N1', divisor: 12, lcr: 0x03, microseconds: 1041.7 },
    { name: '300, 7E2', divisor: 384, lcr: 0x1e, microseconds: 36_666.7 },
    { name: '115,200, 5N1.5', divisor: 1, lcr: 0x04, microseconds: 65.1 },
    { name: 'divisor 0 counts as 65,536', divisor: 0, lcr: 0x03, microseconds: 5_688_888.9 },
  ])('takes the time of $name', ({ divisor, lcr, microseconds }) => {
    const { read, write, advance } = bench();
    write(LCR, 0x80);
    write(DATA, divisor & 0xff);
    write(IER, divisor >> 8);
    write(LCR, lcr);
    write(DATA, 0x55);
    advance(Math.floor((microseconds - 0.1) * MICROSECOND));
    expect(read(LSR) & 0x40).toBe(0);
    advance(0.2 * MICROSECOND);
    expect(read(LSR) & 0x40).toBe(0x40);
  });

  it('takes 16 bytes with FIFOs on and drains them one by one', () => {
    const { read, write, characters, messages } = bench({ fifo: true });
    write(DATA, ...Array.from({ length: 17 }, (_, index) => index));
    expect([read(LSR), messages]).toEqual([0, []]);
    characters(16);
    expect(read(LSR)).toBe(0x20);
    characters(1);
    expect(read(LSR)).toBe(0x60);
  });

  it('gives the host what a hasty guest writes and says so once', () => {
    const { write, outputs, messages } = bench();
    write(DATA, 1, 2, 3, 4);
    expect(outputs).toEqual(['serial:01', 'serial:02', 'serial:03', 'serial:04']);
    expect(messages[0]).toContain('not ready');
  });

  it('interrupts when it becomes empty until IIR is read or a byte is written', () => {
    const { read, write, irq, characters } = bench({ ier: 0x02 });
    expect([irq(), read(IIR), irq(), read(IIR)]).toEqual([true, 0x02, false, 0x01]);
    write(DATA, 1, 2);
    expect(irq()).toBe(false);
    characters(1);
    expect(irq()).toBe(true);
    write(DATA, 3);
    expect(irq()).toBe(false);
  });
});

describe('16550A receiver', () => {
  it('has a byte after the time it takes on the line', () => {
    const { read, hear, characters, advance } = bench();
    hear(0x41, 0x42);
    advance(80 * MICROSECOND);
    expect(read(LSR) & 1).toBe(0);
    characters(1);
    expect([read(LSR) & 1, read(DATA), read(LSR) & 1]).toEqual([1, 0x41, 0]);
    characters(1);
    expect(read(DATA)).toBe(0x42);
    expect(read(DATA)).toBe(0x42);
  });

  it('lets the sender wait while it is full, so that nothing is lost', () => {
    const { read, hear, characters } = bench({ fifo: true });
    hear(...Array.from({ length: 40 }, (_, index) => index));
    characters(100);
    const seen: number[] = [];
    for (let step = 0; step < 40; step += 1) {
      seen.push(read(DATA));
      characters(1);
    }
    expect(seen).toEqual(Array.from({ length: 40 }, (_, index) => index));
    expect(read(LSR) & 2).toBe(0);
  });

  it.each([
    { fcr: 0x01, trigger: 1 },
    { fcr: 0x41, trigger: 4 },
    { fcr: 0x81, trigger: 8 },
    { fcr: 0xc1, trigger: 14 },
  ])('interrupts at $trigger characters', ({ fcr, trigger }) => {
    const { read, write, hear, irq, characters } = bench({ ier: 0x01 });
    write(FCR, fcr);
    hear(...Array.from({ length: trigger }, () => 0x55));
    characters(trigger - 0.5);
    expect(irq()).toBe(false);
    characters(1);
    expect([irq(), read(IIR)]).toEqual([true, 0xc4]);
    read(DATA);
    expect(irq()).toBe(false);
  });

  it('reports a few characters after four idle character times', () => {
    const { read, write, hear, irq, characters } = bench({ ier: 0x01 });
    write(FCR, 0xc1);
    hear(1, 2);
    characters(5.9);
    expect(irq()).toBe(false);
    characters(0.3);
    expect([irq(), read(IIR)]).toEqual([true, 0xcc]);
    read(DATA);
    expect(irq()).toBe(false);
    characters(4.1);
    expect(irq()).toBe(true);
    read(DATA);
    characters(5);
    expect(irq()).toBe(false);
  });

  it('drops what the host sends without end and says so', () => {
    const { uart, hear, messages } = bench();
    for (let block = 0; block < 20; block += 1) hear(...new Uint8Array(0x1000));
    expect(uart.state.incoming.length).toBeLessThanOrEqual(0x10000);
    expect(messages[0]).toContain('dropped');
  });

  it('clears its FIFO on command', () => {
    const { read, write, hear, characters } = bench({ fifo: true });
    hear(1, 2, 3);
    characters(4);
    write(FCR, 0x03);
    expect(read(LSR) & 1).toBe(0);
  });
});

describe('16550A loopback', () => {
  it('hears itself and keeps quiet outside', () => {
    const { read, write, outputs, characters } = bench({ mcr: LOOPBACK });
    write(DATA, 0x5a);
    characters(1);
    expect([read(LSR) & 1, read(DATA), outputs]).toEqual([1, 0x5a, []]);
  });

  it('cuts to the word length', () => {
    const { read, write, characters } = bench({ mcr: LOOPBACK });
    write(LCR, 0x00);
    write(DATA, 0xff);
    characters(1);
    expect(read(DATA)).toBe(0x1f);
  });

  it('overruns: the buffer takes the new character, the FIFO keeps the old ones', () => {
    const plain = bench({ mcr: LOOPBACK });
    plain.write(DATA, 1);
    plain.characters(1);
    plain.write(DATA, 2);
    plain.characters(1);
    expect([plain.read(LSR) & 3, plain.read(LSR) & 3, plain.read(DATA)]).toEqual([3, 1, 2]);
    const buffered = bench({ fifo: true, mcr: LOOPBACK });
    for (let byte = 0; byte < 17; byte += 1) {
      buffered.write(DATA, byte);
      buffered.characters(1);
    }
    expect([buffered.read(LSR) & 3, buffered.read(DATA)]).toEqual([3, 0]);
  });

  it.each([
    { mcr: 0x01, msr: 0x20 },
    { mcr: 0x02, msr: 0x10 },
    { mcr: 0x04, msr: 0x40 },
    { mcr: 0x08, msr: 0x80 },
  ])('connects output $mcr to input $msr', ({ mcr, msr }) => {
    const { read, write } = bench({ mcr: LOOPBACK });
    read(MSR);
    write(MCR, LOOPBACK | mcr);
    const change = msr === 0x40 ? 0 : msr >> 4;
    expect([read(MSR), read(MSR)]).toEqual([msr | change, msr]);
    write(MCR, LOOPBACK);
    expect(read(MSR)).toBe(msr >> 4);
  });

  it('breaks', () => {
    const { read, write } = bench({ fifo: true, mcr: LOOPBACK });
    write(LCR, 0x43);
    expect([hex(read(LSR)), hex(read(LSR)), read(DATA)]).toEqual(['F1', '61', 0]);
  });
});

describe('16550A interrupts', () => {
  it('come by priority, one at a time', () => {
    const { read, write, characters } = bench({ ier: 0x0f, mcr: LOOPBACK | OUT2 });
    write(DATA, 1);
    characters(1);
    write(DATA, 2);
    characters(1);
    write(MCR, LOOPBACK);
    expect(read(IIR)).toBe(0x06);
    read(LSR);
    expect(read(IIR)).toBe(0x04);
    read(DATA);
    expect(read(IIR)).toBe(0x02);
    expect(read(IIR)).toBe(0x00);
    read(MSR);
    expect(read(IIR)).toBe(0x01);
  });

  it('reach the line only through OUT2', () => {
    const { write, irq } = bench({ ier: 0x02, mcr: 0 });
    expect(irq()).toBe(false);
    write(MCR, OUT2);
    expect(irq()).toBe(true);
    write(MCR, OUT2 | LOOPBACK);
    expect(irq()).toBe(false);
  });
});
