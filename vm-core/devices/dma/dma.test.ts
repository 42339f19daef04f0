import { describe, expect, it } from 'vitest';
import { createTestBench, readPort, registerValues, writePort } from '../test-bench.ts';
import { createDma } from './dma.ts';

const [STATUS, COMMAND, REQUEST, MASK, MODE, FLIP_FLOP, MASTER_CLEAR, CLEAR_MASK, ALL_MASK] = [
  8, 8, 9, 10, 11, 12, 13, 14, 15,
] as const;
const SINGLE = 0x40;
const WRITE = 0x04;
const READ = 0x08;
const AUTOINITIALIZE = 0x10;
const DECREMENT = 0x20;
const CASCADE = 0xc0;
/** Register numbers of the pages, by channel. */
const pages = [7, 3, 1, 2, 15, 11, 9, 10] as const;

/** Both controllers as the BIOS leaves them: channel 4 cascades. */
function bench({ cascade = true } = {}) {
  const around = createTestBench();
  const dma = createDma(around.context);
  dma.reset();
  const write = (controller: number, register: number, ...values: number[]): void =>
    writePort(dma, controller === 0 ? 'controller-1' : 'controller-2', register << controller, ...values);
  const read = (controller: number, register: number): number =>
    readPort(dma, controller === 0 ? 'controller-1' : 'controller-2', register << controller);
  if (cascade) {
    write(1, MODE, CASCADE);
    write(1, MASK, 0);
  }
  return {
    ...around,
    device: dma,
    read,
    write,
    /** Programs a channel as drivers do and opens it. */
    program(number: number, { mode = SINGLE, page = 0, address = 0, count = 0 }): void {
      const [controller, channel] = [number >> 2, number & 3];
      write(controller, FLIP_FLOP, 0);
      write(controller, MODE, mode | channel);
      write(controller, channel * 2, address & 0xff, address >> 8);
      write(controller, channel * 2 + 1, count & 0xff, count >> 8);
      writePort(dma, 'pages', (pages[number] as number) - 1, page);
      write(controller, MASK, channel);
    },
    channel(number: number) {
      const found = dma.dmaChannels?.[`channel${number}`];
      if (found === undefined) throw new Error(`no channel ${number}`);
      return found;
    },
    shown: () => registerValues(dma),
  };
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

describe('8237A registers', () => {
  it('take and give addresses and counts low byte first', () => {
    const { write, read, shown } = bench();
    write(0, 4, 0x34, 0x12);
    write(0, 5, 0xff);
    write(0, 5, 0x01);
    expect([shown()['ADDRESS2'], shown()['COUNT2']]).toEqual([0x1234, 0x01ff]);
    expect([read(0, 4), read(0, 4), read(0, 5), read(0, 5)]).toEqual([0x34, 0x12, 0xff, 0x01]);
  });

  it('share one flip-flop, which has its own clear', () => {
    const { write, read, shown } = bench();
    write(0, 0, 0x11);
    expect(shown()['FLIP_FLOP1']).toBe(1);
    write(0, 2, 0x22);
    expect([shown()['ADDRESS0'], shown()['ADDRESS1']]).toEqual([0x0011, 0x2200]);
    read(0, 0);
    write(0, FLIP_FLOP, 0);
    expect(read(0, 0)).toBe(0x11);
  });

  it('mask by one, by all, and clear', () => {
    const { write, shown } = bench();
    const mask = (): number => shown()['MASK1'] as number;
    expect(mask()).toBe(0x0f);
    write(0, MASK, 2);
    expect(mask()).toBe(0x0b);
    write(0, MASK, 6);
    expect(mask()).toBe(0x0f);
    write(0, ALL_MASK, 0xf5);
    expect(mask()).toBe(0x05);
    write(0, CLEAR_MASK, 0);
    expect(mask()).toBe(0);
  });

  it('are cleared by master clear, but for addresses, counts and modes', () => {
    const { write, program, shown } = bench();
    program(2, { mode: SINGLE | READ, address: 0x4321, count: 7 });
    write(0, COMMAND, 0x10);
    write(0, 0, 0x55);
    write(0, MASTER_CLEAR, 0);
    expect(shown()).toMatchObject({
      ...{ COMMAND1: 0, STATUS1: 0, MASK1: 0x0f, FLIP_FLOP1: 0 },
      ...{ ADDRESS2: 0x4321, COUNT2: 7, MODE2: SINGLE | READ },
    });
  });

  it('read as a floating bus where there is nothing to read', () => {
    const { read } = bench();
    expect([REQUEST, MASK, MODE, FLIP_FLOP, CLEAR_MASK].map((register) => read(0, register))).toEqual(
      new Array(5).fill(0xff),
    );
  });

  it('of the second controller answer at even and odd ports', () => {
    const { device, shown } = bench();
    writePort(device, 'controller-2', 0x09, 0x34, 0x12);
    expect([shown()['ADDRESS6'], readPort(device, 'controller-2', 0x08)]).toEqual([0x1234, 0x34]);
  });

  it('have a page for each channel, and a few for nobody', () => {
    const { device, shown } = bench();
    for (let offset = 0; offset < 15; offset += 1) writePort(device, 'pages', offset, 0xa0 | offset);
    expect(pages.map((page, number) => shown()[`PAGE${number}`] === (0xa0 | (page - 1)))).toEqual(
      new Array(8).fill(true),
    );
    expect(readPort(device, 'pages', 3)).toBe(0xa3);
  });
});

describe('8237A transfers', () => {
  it('bring bytes of a device to memory and end with the count', () => {
    const { program, channel, memory, read, shown } = bench();
    program(2, { mode: SINGLE | WRITE, page: 1, address: 0x2000, count: 3 });
    expect(channel(2).send(bytes(1, 2, 3))).toEqual({ count: 3, terminalCount: false });
    expect([shown()['ADDRESS2'], shown()['COUNT2'], read(0, STATUS)]).toEqual([0x2003, 0, 0]);
    expect(channel(2).send(bytes(4, 5))).toEqual({ count: 1, terminalCount: true });
    expect([...memory.subarray(0x12000, 0x12005)]).toEqual([1, 2, 3, 4, 0]);
    // The status forgets when it was read; the channel has masked itself.
    expect([read(0, STATUS), read(0, STATUS), shown()['MASK1'], shown()['COUNT2']]).toEqual([4, 0, 0x0f, 0xffff]);
    expect(channel(2).send(bytes(6)).count).toBe(0);
  });

  it('bring bytes of memory to a device', () => {
    const { program, channel, memory } = bench();
    memory.set([9, 8, 7], 0x500);
    program(3, { mode: SINGLE | READ, address: 0x500, count: 2 });
    const target = new Uint8Array(4);
    expect(channel(3).receive(target)).toEqual({ count: 3, terminalCount: true });
    expect([...target]).toEqual([9, 8, 7, 0]);
  });

  it('start over by themselves when they are told to', () => {
    const { program, channel, memory, read, shown } = bench();
    program(1, { mode: SINGLE | WRITE | AUTOINITIALIZE, address: 0x700, count: 1 });
    expect(channel(1).send(bytes(1, 2))).toEqual({ count: 2, terminalCount: true });
    expect([shown()['ADDRESS1'], shown()['COUNT1'], shown()['MASK1']]).toEqual([0x700, 1, 0x0d]);
    expect(channel(1).send(bytes(3)).count).toBe(1);
    expect([...memory.subarray(0x700, 0x702), read(0, STATUS)]).toEqual([3, 2, 2]);
  });

  it('go downwards, and wrap inside their page', () => {
    const { program, channel, memory } = bench();
    program(0, { mode: SINGLE | WRITE | DECREMENT, address: 1, count: 9 });
    channel(0).send(bytes(1, 2, 3));
    expect([memory[1], memory[0], memory[0xffff]]).toEqual([1, 2, 3]);
    program(0, { mode: SINGLE | WRITE, address: 0xffff, count: 9 });
    channel(0).send(bytes(4, 5));
    expect([memory[0xffff], memory[0], memory[0x10000]]).toEqual([4, 5, 0]);
  });

  it('move words on the second controller', () => {
    const { program, channel, memory, shown } = bench();
    // Bit 0 of the page goes nowhere; the address counts words.
    program(5, { mode: SINGLE | WRITE, page: 0x01, address: 0x0800, count: 1 });
    expect(channel(5).send(bytes(1, 2, 3, 4, 5))).toEqual({ count: 4, terminalCount: true });
    expect([...memory.subarray(0x1000, 0x1005)]).toEqual([1, 2, 3, 4, 0]);
    expect(shown()['ADDRESS5']).toBe(0x0802);
  });

  it.each([
    { name: 'to verify', mode: SINGLE },
    { name: 'in the other direction', mode: SINGLE | READ },
  ])('only count on a channel that was programmed $name', ({ mode }) => {
    const { program, channel, memory, read } = bench();
    program(2, { mode, address: 0x600, count: 1 });
    expect(channel(2).send(bytes(1, 2))).toEqual({ count: 2, terminalCount: true });
    expect([memory[0x600], read(0, STATUS)]).toEqual([0, 4]);
  });

  it.each([
    { name: 'the channel is masked', write: [0, MASK, 6] },
    { name: 'the controller is off', write: [0, COMMAND, 4] },
    { name: 'the channel is a cascade', write: [0, MODE, CASCADE | 2] },
    { name: 'channel 4 is masked', write: [1, MASK, 4] },
    { name: 'channel 4 does not cascade', write: [1, MODE, SINGLE] },
    { name: 'the second controller is off', write: [1, COMMAND, 4] },
  ] as const)('wait while $name', ({ write: [controller, register, value] }) => {
    const { program, channel, write } = bench();
    program(2, { mode: SINGLE | WRITE, count: 9 });
    expect(channel(2).send(bytes(1)).count).toBe(1);
    write(controller, register, value);
    expect(channel(2).send(bytes(1))).toEqual({ count: 0, terminalCount: false });
  });

  it('of nothing are no transfers', () => {
    const { program, channel } = bench();
    program(2, { mode: SINGLE | WRITE, count: 9 });
    expect(channel(2).send(bytes())).toEqual({ count: 0, terminalCount: false });
  });

  it('read all ones where there is no memory', () => {
    const { program, channel } = bench();
    program(2, { mode: SINGLE | READ, page: 0x80, count: 9 });
    const target = new Uint8Array(2);
    channel(2).receive(target);
    expect([...target]).toEqual([0xff, 0xff]);
  });
});

describe('8237A software requests', () => {
  it('run to the terminal count', () => {
    const { program, write, memory, read, shown } = bench();
    program(1, { mode: 0x80 | WRITE, address: 0x100, count: 1 });
    write(0, REQUEST, 5);
    expect([...memory.subarray(0x100, 0x103)]).toEqual([0xff, 0xff, 0]);
    expect([read(0, STATUS), shown()['REQUEST1']]).toEqual([2, 0]);
  });

  it('wait in the status of a controller that is off', () => {
    const { write, read } = bench();
    write(0, COMMAND, 4);
    write(0, REQUEST, 6);
    expect(read(0, STATUS)).toBe(0x40);
    write(0, REQUEST, 2);
    expect(read(0, STATUS)).toBe(0);
  });

  it.each([
    { name: 'copy memory', command: 1, expected: [1, 2, 3, 4] },
    { name: 'fill memory while the address is held', command: 3, expected: [1, 1, 1, 1] },
  ])('$name', ({ command, expected }) => {
    const { program, write, memory, read, shown } = bench();
    memory.set([1, 2, 3, 4], 0x200);
    program(0, { mode: 0x80, address: 0x200, count: 9 });
    program(1, { mode: 0x80, page: 1, address: 0x300, count: 3 });
    write(0, COMMAND, command);
    write(0, REQUEST, 4);
    expect([...memory.subarray(0x10300, 0x10305)]).toEqual([...expected, 0]);
    expect([read(0, STATUS), read(0, 13), shown()['ADDRESS1']]).toEqual([2, expected[3], 0x304]);
  });
});
