/** What holds for every device: its declaration, its reset, its snapshots, and its calm under random accesses. */
import { describe, expect, it } from 'vitest';
import type { BlockStore } from '../machine/block-store.ts';
import { createDeviceBench, type DeviceBench, testConfig } from '../machine/device-bench.ts';
import { isaPc } from '../machine/isa-pc.ts';
import type { StateValue } from './device.ts';

const names = isaPc.devices.map(({ name }) => name);

/** A small generator of known quality (xorshift32): the seed is in the test's name. */
function createRandom(seed: number): (bound: number) => number {
  let state = seed | 1;
  return (bound) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
}

function isPlain(value: StateValue): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object') return typeof value === 'boolean' || typeof value === 'string';
  if (value instanceof Uint8Array) return true;
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== Array.prototype) return false;
  return Object.values(value).every(isPlain);
}

describe.each(names)('%s', (name) => {
  it('declares its registers once each, inside its regions, with masks that fit', () => {
    const device = createDeviceBench().bus.devices.get(name);
    const { registers } = device?.description ?? { registers: [] };
    expect(new Set(registers.map((register) => register.name)).size).toBe(registers.length);
    for (const { name: register, region, offset, width, reset, writable, description } of registers) {
      const limit = 2 ** width;
      expect([register, reset >= 0 && reset < limit, writable >= 0 && writable < limit]).toEqual([
        register,
        true,
        true,
      ]);
      expect(description).not.toBe('');
      if (region === undefined) continue;
      const size = (device?.ports[region] ?? device?.memory?.[region])?.size ?? 0;
      expect([register, offset !== undefined && offset < size]).toEqual([register, true]);
    }
  });

  it('has its reset values at power-on and after RESET', () => {
    const bench = createDeviceBench();
    const device = bench.bus.devices.get(name);
    const values = (): [string, number][] =>
      (device?.description.registers ?? []).map((register) => [register.name, register.value(device?.state ?? {})]);
    const declared = (device?.description.registers ?? []).map((register) => [register.name, register.reset]);
    expect(values()).toEqual(declared);
    device?.reset();
    expect(values()).toEqual(declared);
  });
});

/** A disk that looks the same however often it is written. */
const patternDisk = (name: string, size: number): BlockStore => ({
  name,
  size,
  memoryUsed: 0,
  read(offset, target) {
    target.forEach((_, index) => {
      target[index] = (offset + index) % 251;
    });
    return undefined;
  },
  write: () => undefined,
});

const fuzzConfig = {
  ...testConfig,
  floppy: patternDisk('floppy', 1440 * 1024),
  disk: patternDisk('disk', 5000 * 512),
  cdrom: patternDisk('disc', 300 * 2048),
};

type Operation = (bench: DeviceBench, random: (bound: number) => number) => number;

const sizes = [1, 2, 4] as const;
const anyValue = (random: (bound: number) => number): number =>
  random(4) === 0 ? random(0x1_0000) * 0x1_0000 + random(0x1_0000) : random(0x100);

/** Ports of the map and their neighbours: ports of devices, and some of nobody. */
function anyPort({ bus }: DeviceBench, random: (bound: number) => number): number {
  const row = isaPc.devices[random(isaPc.devices.length)];
  const places = Object.entries(row?.ports ?? {});
  const [region, base] = places[random(places.length)] ?? ['', 0];
  const size = bus.devices.get(row?.name ?? '')?.ports[region]?.size ?? 0;
  return (base + random(size + 2)) & 0xffff;
}

const operations: readonly Operation[] = [
  (bench, random) => bench.bus.ports.read(anyPort(bench, random), sizes[random(3)] ?? 1),
  (bench, random) => {
    bench.bus.ports.write(anyPort(bench, random), sizes[random(3)] ?? 1, anyValue(random));
    return 0;
  },
  ({ bus }, random) => {
    const window = bus.memory[random(bus.memory.length)];
    return (window?.region.read(random(window.size - 4), 1) ?? 0) & 0xff;
  },
  ({ bus }, random) => {
    const window = bus.memory[random(bus.memory.length)];
    window?.region.write(random(window.size - 4), 1, random(0x100));
    return 0;
  },
  ({ bus, advance }, random) => {
    advance(random(3) === 0 ? random(100_000_000) : random(10_000));
    return bus.interruptPending() ? bus.acknowledgeInterrupt() : 0;
  },
  ({ bus }, random) => {
    const bytes = Uint8Array.from({ length: random(20) }, () => random(0x100));
    if (random(2) === 0) bus.input('keyboard', random(2) === 0 ? 'keys' : 'mouse', bytes);
    else bus.input(random(2) === 0 ? 'uart-1' : 'uart-2', 'serial', bytes);
    return 0;
  },
  ({ bus }, random) => {
    // A floppy command with parameters that often make sense, and the controller ready for it.
    bus.ports.write(0x3f2, 1, 0x1c);
    bus.ports.write(0x3f7, 1, random(2) * 2);
    const code = [0x06, 0x05, 0x02, 0x0d, 0x0a, 0x11, 0x16, 0x03, 0x07, 0x0f][random(10)] ?? 0;
    const bytes = [code | (random(8) << 5), random(8), random(3), random(2), random(20), 2, 18, 0x1b, random(0x100)];
    for (const byte of bytes) bus.ports.write(0x3f5, 1, byte);
    return bus.ports.read(0x3f4, 1);
  },
  ({ bus }, random) => {
    // A DMA channel that is open, for a few bytes.
    for (const [port, value] of [
      [0xd6, 0xc0],
      [0xd4, 0],
      [0x0b, 0x42 | (random(4) << 2)],
      [0x04, random(0x100)],
      [0x05, random(0x100)],
      [0x0a, 2],
    ] as const) {
      bus.ports.write(port, 1, value);
    }
    return bus.ports.read(0x08, 1);
  },
];
/** What often makes sense to a drive: commands, and the first bytes of packets. */
const ataCommands = [0x20, 0x24, 0x30, 0x39, 0x40, 0xc4, 0xc5, 0xc6, 0xec, 0xe4, 0xe8, 0xa0, 0xa1, 0x90, 0x08] as const;
const packetCodes = [0x00, 0x03, 0x12, 0x1b, 0x25, 0x28, 0x43, 0x46, 0x4a, 0x5a, 0xa8, 0xbe] as const;

const deviceOperations: readonly Operation[] = [
  ({ bus }, random) => {
    bus.ports.write(0x64, 1, 0xd4);
    bus.ports.write(
      0x60,
      1,
      [0xe7, 0xe8, 0xe9, 0xeb, 0xf0, 0xf2, 0xf3, 0xf4, 0xf6, 0xff, 80, 100, 200][random(13)] ?? 0,
    );
    return bus.ports.read(0x60, 1);
  },
  ({ bus, advance }, random) => {
    const base = [0x1f0, 0x170][random(2)] ?? 0;
    for (const [register, bound] of [
      [1, 2],
      [2, 8],
      [3, 0x100],
      [4, 0x20],
      [5, 2],
    ] as const) {
      bus.ports.write(base + register, 1, random(bound));
    }
    bus.ports.write(base + 6, 1, 0x40 | (random(8) === 0 ? 0x10 : 0));
    const command = ataCommands[random(ataCommands.length)] ?? 0;
    bus.ports.write(base + 7, 1, command);
    advance(random(300_000));
    if (command === 0xa0) {
      const packet = [
        packetCodes[random(packetCodes.length)] ?? 0,
        0,
        0,
        0,
        random(2),
        random(0x100),
        0,
        0,
        random(4),
        0,
      ];
      for (let at = 0; at < 12; at += 2) bus.ports.write(base, 2, (packet[at] ?? 0) | ((packet[at + 1] ?? 0) << 8));
    }
    return bus.ports.read(base + 7, 1);
  },
  ({ bus }, random) => {
    const base = [0x1f0, 0x170][random(2)] ?? 0;
    let sum = 0;
    for (let word = random(600); word > 0; word -= 1) {
      if (random(2) === 0) bus.ports.write(base, 2, word);
      sum = (sum * 31 + bus.ports.read(base, 2)) % 0xffff;
    }
    return sum;
  },
];
/** Reads and writes are what guests do most. */
const weighted = [0, 0, 0, 1, 1, 1, 1, 2, 3, 4, 4, 5, 6, 7, 8, 9, 10] as const;

function randomStep(bench: DeviceBench, random: (bound: number) => number): number {
  const operation = [...operations, ...deviceOperations][weighted[random(weighted.length)] ?? 0] as Operation;
  return operation(bench, random);
}

function checkRegisters(bench: DeviceBench): void {
  for (const [name, { description, state }] of bench.bus.devices) {
    for (const { name: register, width, value } of description.registers) {
      const shown = value(state);
      const inRange = Number.isInteger(shown) && shown >= 0 && shown < 2 ** width;
      if (!inRange) throw new Error(`${name}.${register} shows ${shown}`);
    }
  }
}

describe('random guests', () => {
  it.each(Array.from({ length: 12 }, (_, index) => 0x2545_f491 + index * 7919))('do no harm (seed %i)', (seed) => {
    const random = createRandom(seed);
    const bench = createDeviceBench(fuzzConfig);
    for (let step = 0; step < 4000; step += 1) {
      const value = randomStep(bench, random);
      if (!(Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff)) throw new Error(`step ${step}: ${value}`);
      if (bench.events.nextDeadline() <= bench.now())
        throw new Error(`step ${step}: an event is due and does not pass`);
      if (step % 100 === 0) checkRegisters(bench);
      if (random(500) === 0) bench.bus.reset();
      if (bench.seen.length > 10_000) bench.seen.length = 0;
    }
    for (const [name, { state }] of bench.bus.devices) expect([name, isPlain(state)]).toEqual([name, true]);
  });

  it.each(Array.from({ length: 8 }, (_, index) => 0x1234_5677 + index * 104_729))(
    'cannot tell a restored machine from the one it was taken of (seed %i)',
    (seed) => {
      const before = createRandom(seed);
      const first = createDeviceBench(fuzzConfig);
      for (let step = 0; step < 1500; step += 1) randomStep(first, before);
      const saved = structuredClone({ bus: first.bus.save(), events: first.events.save(), now: first.now() });

      const second = createDeviceBench(fuzzConfig);
      for (let step = 0; step < 300; step += 1) randomStep(second, createRandom(seed + step));
      second.setTime(saved.now);
      second.events.restore(saved.events);
      second.bus.restore(saved.bus);

      first.seen.length = 0;
      second.seen.length = 0;
      const [forFirst, forSecond] = [createRandom(seed + 1), createRandom(seed + 1)];
      for (let step = 0; step < 1500; step += 1) {
        const value = randomStep(first, forFirst);
        if (randomStep(second, forSecond) !== value) throw new Error(`step ${step} differs`);
      }
      const guestVisible = (bench: DeviceBench): string[] => bench.seen.filter((line) => !line.includes(' log '));
      expect(guestVisible(second)).toEqual(guestVisible(first));
      expect(second.bus.save()).toEqual(first.bus.save());
      expect(second.events.save()).toEqual(first.events.save());
    },
  );
});
