import { describe, expect, it } from 'vitest';
import type { Device, DeviceContext } from '../devices/device.ts';
import { createDeviceBench, testConfig } from './device-bench.ts';
import type { DeviceRow, MachineMap } from './device-bus.ts';
import { isaPc } from './isa-pc.ts';

/** Programs both interrupt controllers as the BIOS does: vectors 08h and 70h, nothing masked. */
function programPics(bench: ReturnType<typeof createDeviceBench>): void {
  const { ports } = bench.bus;
  for (const [port, vector, cascade] of [
    [0x20, 0x08, 0x04],
    [0xa0, 0x70, 0x02],
  ] as const) {
    ports.write(port, 1, 0x11);
    for (const word of [vector, cascade, 0x01, 0x00]) ports.write(port + 1, 1, word);
  }
}

describe('the ISA PC', () => {
  it('has each device at its ports', () => {
    const { bus } = createDeviceBench();
    const owners: readonly (readonly [number, string])[] = [
      [0x00, 'dma'],
      [0x0f, 'dma'],
      [0x20, 'pic-master'],
      [0x40, 'pit'],
      [0x43, 'pit'],
      [0x60, 'keyboard'],
      [0x61, 'pit'],
      [0x64, 'keyboard'],
      [0x70, 'rtc'],
      [0x80, 'post-code'],
      [0x81, 'dma'],
      [0x8f, 'dma'],
      [0x92, 'port-92'],
      [0xa1, 'pic-slave'],
      [0xc0, 'dma'],
      [0xdf, 'dma'],
      [0xe9, 'debug-console'],
      [0xf4, 'debug-exit'],
      [0x170, 'ide-2'],
      [0x1f7, 'ide-1'],
      [0x2f8, 'uart-2'],
      [0x376, 'ide-2'],
      [0x37a, 'parallel-1'],
      [0x3c0, 'vga'],
      [0x3d4, 'vga'],
      [0x3f0, 'floppy-controller'],
      [0x3f5, 'floppy-controller'],
      [0x3f6, 'ide-1'],
      [0x3f7, 'floppy-controller'],
      [0x3ff, 'uart-1'],
      [0x402, 'firmware-console'],
      [0x510, 'firmware-config'],
    ];
    expect(owners.map(([port]) => [port, bus.ports.ownerOf(port)])).toEqual(owners);
    expect(bus.memory.map(({ device, start, size }) => ({ device, start, size }))).toContainEqual({
      device: 'vga',
      start: 0xa0000,
      size: 0x20000,
    });
  });

  it('has the exit device only where it is asked for', () => {
    const { bus } = createDeviceBench({ ...testConfig, exitDevice: false });
    expect([bus.devices.has('debug-exit'), bus.ports.ownerOf(0xf4)]).toEqual([false, undefined]);
  });

  it.each([
    {
      name: 'counter 0',
      vector: 0x08,
      cause: [
        [0x43, 0x34],
        [0x40, 0x00],
        [0x40, 0x01],
      ],
    },
    { name: 'a key', vector: 0x09, cause: [], keys: [0x1e] },
    {
      name: 'serial port 2',
      vector: 0x0b,
      cause: [
        [0x2fc, 0x08],
        [0x2f9, 0x02],
      ],
    },
    {
      name: 'serial port 1',
      vector: 0x0c,
      cause: [
        [0x3fc, 0x08],
        [0x3f9, 0x02],
      ],
    },
    {
      name: 'the parallel port',
      vector: 0x0f,
      cause: [
        [0x37a, 0x1c],
        [0x37a, 0x1d],
      ],
    },
    {
      name: 'the clock',
      vector: 0x70,
      cause: [
        [0x70, 0x0b],
        [0x71, 0x42],
      ],
    },
    {
      name: 'the auxiliary port',
      vector: 0x74,
      cause: [
        [0x64, 0x60],
        [0x60, 0x43],
        [0x64, 0xd3],
        [0x60, 0x00],
      ],
    },
  ] as const)('brings the interrupt of $name as its vector', ({ vector, cause, ...input }) => {
    const bench = createDeviceBench();
    programPics(bench);
    expect(bench.bus.interruptPending()).toBe(false);
    for (const [port, value] of cause) bench.bus.ports.write(port, 1, value);
    if ('keys' in input) bench.bus.input('keyboard', 'keys', Uint8Array.from(input.keys));
    bench.advance(400_000);
    expect([bench.bus.interruptPending(), bench.bus.acknowledgeInterrupt()]).toEqual([true, vector]);
    expect(bench.seen.filter((line) => line.endsWith('intr high')).length).toBeGreaterThan(0);
  });

  it('has the log port of a firmware image only with one', () => {
    const { bus } = createDeviceBench({ ...testConfig, firmware: 'builtin' });
    expect([bus.ports.ownerOf(0x402), bus.ports.ownerOf(0x510)]).toEqual([undefined, 'firmware-config']);
  });

  it('opens A20 by the keyboard controller or by port 92h', () => {
    const bench = createDeviceBench();
    const { ports } = bench.bus;
    const keyboardA20 = (open: boolean): void => ports.write(0x64, 1, open ? 0xdf : 0xdd);
    expect(bench.seen).toEqual(['0 a20 open']);
    ports.write(0x92, 1, 0x02);
    keyboardA20(false);
    expect(bench.seen).toEqual(['0 a20 open']);
    ports.write(0x92, 1, 0x00);
    expect(bench.seen).toEqual(['0 a20 open', '0 a20 closed']);
    keyboardA20(true);
    bench.bus.reset();
    expect(bench.seen).toEqual(['0 a20 open', '0 a20 closed', '0 a20 open']);
  });

  it('says which ports and messages are not modelled, once', () => {
    const bench = createDeviceBench();
    for (let round = 0; round < 2; round += 1) {
      bench.bus.ports.read(0x300, 1);
      bench.bus.ports.write(0x64, 1, 0xb8);
    }
    expect(bench.seen.filter((line) => line.includes('log'))).toEqual([
      '0 log no device at port 300h (first access: read)',
      '0 log keyboard: keyboard controller command B8h is not modelled',
    ]);
  });

  it('does not name every empty port for a guest that tries them all', () => {
    const bench = createDeviceBench();
    for (let port = 0x600; port < 0x10000; port += 1) bench.bus.ports.read(port, 1);
    const said = bench.seen.filter((line) => line.includes('no device'));
    expect(said).toHaveLength(33);
    expect(said.at(-1)).toBe('0 log no device at many more ports, which are not named');
  });

  it('names what is there when input goes astray', () => {
    const { bus } = createDeviceBench();
    expect(() => bus.input('mouse', 'x', new Uint8Array())).toThrow(/no device "mouse"; it has pic-master, .*uart-1/);
    expect(() => bus.input('rtc', 'keys', new Uint8Array())).toThrow('the device "rtc" has no input channel "keys"');
  });

  it('takes all interrupts back at reset', () => {
    const bench = createDeviceBench();
    programPics(bench);
    bench.bus.ports.write(0x3fc, 1, 0x08);
    bench.bus.ports.write(0x3f9, 1, 0x02);
    expect(bench.bus.interruptPending()).toBe(true);
    bench.bus.reset();
    expect(bench.bus.interruptPending()).toBe(false);
    programPics(bench);
    expect(bench.bus.interruptPending()).toBe(false);
  });

  it('refuses a snapshot that its devices cannot take', () => {
    const bench = createDeviceBench();
    const saved = bench.bus.save();
    const devices = { ...saved.devices, pit: { version: 99, state: {} } };
    expect(() => bench.bus.restore({ ...saved, devices })).toThrow('no state that the device "pit"');
  });
});

describe('mistakes in a map', () => {
  const device = (context: DeviceContext, ports: Device['ports'] = {}): Device => ({
    description: { name: 'x', title: 'x', specification: 'x', version: 1, registers: [] },
    state: {},
    ports,
    reset: () => context.setLine('out', true),
  });
  const dmaDevice = (context: DeviceContext): Device => {
    context.dmaChannel('data');
    return device(context);
  };
  const mapWith = (row: Partial<DeviceRow>): MachineMap => ({
    ...isaPc,
    devices: [
      ...isaPc.devices,
      { name: 'x', create: (context) => device(context), ports: {}, lines: { out: 'machine.intr' }, ...row },
    ],
  });
  const region = { size: 1, width: 8, read: () => 0, write: () => {} } as const;

  it.each([
    { name: 'a line that goes nowhere', row: { lines: {} }, message: 'does not connect the line "out" of "x"' },
    { name: 'a line to an input that is not there', row: { lines: { out: 'pit.nothing' } }, message: '"pit.nothing"' },
    {
      name: 'a DMA channel that is not connected',
      row: { create: dmaDevice },
      message: 'does not connect the DMA channel "data" of "x"',
    },
    {
      name: 'a DMA channel that does not exist',
      row: {
        create: dmaDevice,
        dmaChannels: { data: 'dma.channel4' },
      },
      message: '"dma.channel4", which does not exist',
    },
    {
      name: 'a region without a place',
      row: { create: (context: DeviceContext) => device(context, { registers: region }) },
      message: 'no place for the region "registers" of "x"',
    },
    {
      name: 'ports of another device',
      row: { create: (context: DeviceContext) => device(context, { registers: region }), ports: { registers: 0x60 } },
      message: 'x and keyboard both claim port 60h',
    },
  ] as const)('$name', ({ row, message }) => {
    expect(() => createDeviceBench(testConfig, mapWith(row))).toThrow(message);
  });

  it('an interrupt controller that is none', () => {
    const map = { ...isaPc, interruptControllers: { master: 'pit', slave: 'pic-slave' } };
    expect(() => createDeviceBench(testConfig, map)).toThrow('"pit" is no interrupt controller');
  });
});
