/**
 * A bench for tests of the built-in BIOS: the devices of a real machine, plain memory, and a processor that only has
 * registers. Hooks are called as the machine would call them; the ROM's own instructions are not executed. Used by tests
 * only.
 */
import { InterruptBus } from '../../devices/interrupt-bus.ts';
import { createEventQueue } from '../../devices/event-queue.ts';
import type { MachineRequest } from '../../devices/device.ts';
import type { BlockStore } from '../../machine/block-store.ts';
import { createDeviceBus, type DeviceBus } from '../../machine/device-bus.ts';
import { isaPc } from '../../machine/isa-pc.ts';
import { CpuState } from '../../state/cpu-state.ts';
import { segmentSlots, SS, slot } from '../../state/layout.ts';
import type { Firmware, FirmwareContext } from '../firmware.ts';
import { createBuiltinBios } from './builtin-bios.ts';
import { Caller } from './caller.ts';
import { wrapMemory } from './wrapped-memory.ts';
import { buildRom, ROM_BASE, ROM_SEGMENT, type RomLabels, STACK_TOP } from './rom.ts';

export interface BenchOptions {
  readonly floppy?: BlockStore;
  readonly disk?: BlockStore;
  readonly cdrom?: BlockStore;
  readonly ramSize?: number;
  readonly startTimeMs?: number;
  /** Leaves memory and devices as they are at reset. */
  readonly withoutPost?: boolean;
}

/** How a service ended, and the flags its caller gets back. */
export interface CallResult {
  readonly end: 'return' | 'wait' | 'poll' | 'mouse' | 'protected' | Promise<void>;
  readonly carry: boolean;
  readonly zero: boolean;
}

export interface BiosBench {
  readonly context: FirmwareContext;
  /** RAM from address 0. */
  readonly ram: Uint8Array;
  readonly bus: DeviceBus;
  readonly caller: Caller;
  readonly messages: string[];
  readonly requests: MachineRequest[];
  readonly labels: RomLabels;
  readonly firmware: Firmware;
  /** Calls an interrupt's service with the registers as they are. */
  call(interrupt: number): CallResult;
  /** Runs the hook at a place of the ROM; returns the offset where the processor would go on. */
  runHook(offset: number): number | Promise<void>;
  /** Turns the clock; events run at their times. */
  advance(ticks: number): void;
}

export const TICKS_PER_SECOND = 200_000_000;
const FLAGS_AT_CALL = 0x0246;
/** Where the hook of a service can go on. */
const ends = ['wait', 'poll', 'mouse', 'protected'] as const;
const CARRY = 1;
const ZERO = 0x40;
const noFont = (height: number): Uint8Array => new Uint8Array(256 * height);
const romLabels = buildRom({ font8x8: noFont(8), font8x14: noFont(14), font8x16: noFont(16) }).labels;

/** Makes a bench after power-on: the screen is in mode 3 and empty but for the cursor. */
export function createBiosBench(options: BenchOptions = {}): BiosBench {
  const ramSize = options.ramSize ?? 0x20_0000;
  const firmware = createBuiltinBios({ quiet: true, machine: { memorySize: ramSize, cpuModel: '386' } });
  const ram = new Uint8Array(ramSize);
  const messages: string[] = [];
  const requests: MachineRequest[] = [];
  const events = createEventQueue();
  let now = 0;
  const bus = createDeviceBus(
    isaPc,
    {
      machineType: 'isa-1',
      cpuModel: '386',
      memorySize: ramSize,
      firmware: 'builtin',
      exitDevice: false,
      startTimeMs: options.startTimeMs ?? 0,
      ...(options.floppy ? { floppy: options.floppy } : {}),
      ...(options.disk ? { disk: options.disk } : {}),
      ...(options.cdrom ? { cdrom: options.cdrom } : {}),
    },
    {
      now: () => now,
      ticksPerSecond: TICKS_PER_SECOND,
      startTimeMs: options.startTimeMs ?? 0,
      timer: (name, callback) => events.timer(name, callback),
      dma: { read: (at, length) => ram.slice(at, at + length), write: (at, bytes) => ram.set(bytes, at) },
      output: () => {},
      request: (request) => requests.push(request),
      log: (message) => messages.push(message),
      setA20: () => {},
      ignoreFloatErrors: () => {},
      setNonMaskableInterrupt: () => {},
      interruptBus: new InterruptBus(),
      setInterruptPending: () => {},
    },
  );
  const state = new CpuState(new WebAssembly.Memory({ initial: 1 }), 0);
  const context: FirmwareContext = {
    state,
    ports: bus.ports,
    memory: createMemory(ram, firmware.rom, bus),
    load: (address, bytes) => ram.set(bytes, address),
    ram: { low: ramSize, high: 0 },
    floppy: options.floppy,
    disk: options.disk,
    cdrom: options.cdrom,
    kernel: undefined,
    now: () => now,
    ticksPerSecond: TICKS_PER_SECOND,
    request: (request) => requests.push(request),
    logOnce: (message) => {
      if (!messages.includes(message)) messages.push(message);
    },
  };
  const caller = new Caller({ ...context, memory: wrapMemory(context.memory) });

  const runHook = (offset: number): number | Promise<void> => {
    state.setSegment(1, { selector: ROM_SEGMENT, base: ROM_BASE, limit: 0xffff, attributes: 0x9b });
    state.eip = offset;
    const hook = firmware.hooks.get(ROM_BASE + offset);
    if (!hook) throw new Error(`no hook at ${offset.toString(16)}h`);
    return hook(context) ?? state.eip;
  };

  const call = (interrupt: number): CallResult => {
    const entry = romLabels.services[interrupt as keyof RomLabels['services']];
    const stack = state.segment(SS).base + state.read16(slot.ESP);
    context.memory.write(stack + 4, 2, FLAGS_AT_CALL);
    const next = runHook(entry.offset);
    const flags = context.memory.read(stack + 4, 2);
    const end = typeof next !== 'number' ? next : (ends.find((name) => next === entry[name]) ?? 'return');
    if (end === 'return' && next !== entry.offset) throw new Error(`the service went on at ${next}`);
    return { end, carry: (flags & CARRY) !== 0, zero: (flags & ZERO) !== 0 };
  };

  const advance = (ticks: number): void => {
    const end = now + ticks;
    for (let next = events.nextDeadline(); next <= end; next = events.nextDeadline()) {
      now = Math.max(now, next);
      events.runDue(now);
    }
    now = end;
  };

  for (let index = 0; index < segmentSlots.length; index++) {
    state.setSegment(index, { selector: 0, base: 0, limit: 0xffff, attributes: 0x93 });
  }
  state.write32(slot.ESP, STACK_TOP - 6);
  if (options.withoutPost !== true) runHook(romLabels.postHook);
  return { context, ram, bus, caller, messages, requests, labels: romLabels, firmware, call, runHook, advance };
}

/** RAM, the ROM below 1 MiB, and the devices' windows; elsewhere all ones. */
function createMemory(ram: Uint8Array, rom: Uint8Array, bus: DeviceBus): FirmwareContext['memory'] {
  const windowAt = (address: number) =>
    bus.memory.find(({ start, size }) => address >= start && address < start + size);
  const readByte = (address: number): number => {
    if (!Number.isInteger(address) || address < 0 || address > 0xffff_ffff)
      throw new Error(`${address} is no physical address`);
    const window = windowAt(address);
    if (window) return window.region.read(address - window.start, 1);
    if (address >= ROM_BASE && address < ROM_BASE + rom.length) return rom[address - ROM_BASE] as number;
    return ram[address] ?? 0xff;
  };
  const writeByte = (address: number, value: number): void => {
    if (!Number.isInteger(address) || address < 0 || address > 0xffff_ffff)
      throw new Error(`${address} is no physical address`);
    const window = windowAt(address);
    if (window) window.region.write(address - window.start, 1, value & 0xff);
    else if (address < ram.length && !(address >= 0xa0000 && address < 0x100000)) ram[address] = value;
  };
  return {
    read: (address, size) => {
      let value = 0;
      for (let index = size - 1; index >= 0; index--) value = value * 256 + readByte(address + index);
      return value;
    },
    write: (address, size, value) => {
      for (let index = 0; index < size; index++) writeByte(address + index, Math.floor(value / 256 ** index));
    },
    readBytes: (address, length) => Uint8Array.from({ length }, (_, index) => readByte(address + index)),
    writeBytes: (address, bytes) =>
      bytes.forEach((value, index) => {
        writeByte(address + index, value);
      }),
  };
}
