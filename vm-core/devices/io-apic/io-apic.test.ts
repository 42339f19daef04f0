/** The I/O APIC by its data sheet (82093AA, 290566): registers, edges, levels, destinations. */
import { describe, expect, it } from 'vitest';
import type { InterruptMessage } from '../interrupt-bus.ts';
import { createTestBench, registerValues } from '../test-bench.ts';
import { createIoApic } from './io-apic.ts';

const MASKED = 0x1_0000;
const LEVEL = 0x8000;
const ACTIVE_LOW = 0x2000;
const REMOTE_IRR = 0x4000;

function bench() {
  const { context, bus } = createTestBench();
  const device = createIoApic(context);
  const sent: InterruptMessage[] = [];
  bus.connect({ isAddressed: () => true, priority: 0, receive: (message) => sent.push(message) });
  const registers = device.memory?.['registers'] as NonNullable<typeof device.memory>[string];
  const write = (index: number, value: number) => {
    registers.write(0, 4, index);
    registers.write(0x10, 4, value >>> 0);
  };
  const read = (index: number) => {
    registers.write(0, 4, index);
    return registers.read(0x10, 4);
  };
  const pin = (number: number, high: boolean) => device.inputs?.[`pin${number}`]?.(high);
  return { device, bus, sent, write, read, pin, registers };
}

describe('the registers', () => {
  it('after RESET are those of the data sheet', () => {
    const { read, device } = bench();
    expect([read(0), read(1), read(2)]).toEqual([0, 0x17_0011, 0]);
    for (let n = 0; n < 24; n++) expect([read(0x10 + n * 2), read(0x11 + n * 2)]).toEqual([MASKED, 0]);
    expect([read(0x40), read(0xff)]).toEqual([0, 0]);
    expect(registerValues(device)['IOREDTBL23.low']).toBe(MASKED);
  });

  it('keep what cannot be written', () => {
    const { read, write } = bench();
    for (const index of [0, 1, 0x10, 0x11, 0x40]) write(index, 0xffff_ffff);
    expect([read(0), read(1), read(0x10), read(0x11), read(0x40)]).toEqual([
      ...[0x0f00_0000, 0x17_0011, 0x1_afff, 0xff00_0000, 0],
    ]);
  });

  it('are reached by the window only, and a look changes nothing', () => {
    const { registers, write } = bench();
    write(0x11, 0x1200_0000);
    expect([registers.read(0x10, 1), registers.read(0x13, 1), registers.peek?.(0x13)]).toEqual([0, 0x12, 0x12]);
    registers.write(0x13, 1, 0x55);
    expect(registers.read(0x10, 4)).toBe(0x1200_0000);
    expect(registers.read(0x20, 4)).toBe(0);
  });
});

describe('edges', () => {
  it('are sent when they come', () => {
    const { write, pin, sent } = bench();
    write(0x15, 0x0500_0000);
    write(0x14, 0x0931);
    pin(2, true);
    pin(2, false);
    expect(sent).toEqual([{ destination: 5, isLogical: true, mode: 1, vector: 0x31, isLevel: false }]);
  });

  it('of a masked pin are lost', () => {
    const { write, pin, sent } = bench();
    pin(2, true);
    write(0x14, 0x31);
    expect(sent).toEqual([]);
    pin(2, false);
    pin(2, true);
    expect(sent.length).toBe(1);
  });

  it('are those of the other direction where the pin is active low', () => {
    const { write, pin, sent } = bench();
    pin(4, true);
    write(0x18, ACTIVE_LOW | 0x31);
    pin(4, false);
    expect(sent.length).toBe(1);
    pin(4, true);
    expect(sent.length).toBe(1);
  });
});

describe('levels', () => {
  it('are sent once until their end, and again while the pin is high', () => {
    const { write, read, pin, sent, bus } = bench();
    write(0x20, LEVEL | 0x41);
    pin(8, true);
    pin(8, false);
    pin(8, true);
    expect([sent.length, read(0x20)]).toEqual([1, LEVEL | REMOTE_IRR | 0x41]);
    bus.end(0x42);
    expect(sent.length).toBe(1);
    bus.end(0x41);
    expect([sent.length, sent[1]?.isLevel]).toEqual([2, true]);
    pin(8, false);
    bus.end(0x41);
    expect([sent.length, read(0x20)]).toEqual([2, LEVEL | 0x41]);
  });

  it('are sent when they are unmasked', () => {
    const { write, pin, sent } = bench();
    pin(8, true);
    write(0x20, MASKED | LEVEL | 0x41);
    expect(sent.length).toBe(0);
    write(0x20, LEVEL | 0x41);
    expect(sent.length).toBe(1);
  });

  it('that become edges are no longer waited for', () => {
    const { write, read, pin } = bench();
    write(0x20, LEVEL | 0x41);
    pin(8, true);
    write(0x20, MASKED | 0x41);
    expect(read(0x20)).toBe(MASKED | 0x41);
  });

  it('that nobody takes are not waited for', () => {
    const { context } = createTestBench();
    const device = createIoApic(context);
    device.memory?.['registers']?.write(0, 4, 0x10);
    device.memory?.['registers']?.write(0x10, 4, LEVEL | 0x41);
    device.inputs?.['pin0']?.(true);
    expect(device.state.low[0]).toBe(LEVEL | 0x41);
  });
});
