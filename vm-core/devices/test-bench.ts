/**
 * A bench for tests of devices: a clock that the test turns, recorded lines and outputs, and the event queue of a real
 * machine. Used by tests only.
 */
import type { Device, DeviceContext, DeviceState, DmaProgress, MachineRequest } from './device.ts';
import { createEventQueue, type EventQueue } from './event-queue.ts';
import { InterruptBus } from './interrupt-bus.ts';

/** What is around the device under test. */
export interface TestBench {
  readonly context: DeviceContext;
  readonly events: EventQueue;
  /** Levels of the lines that were driven. */
  readonly lines: Map<string, boolean>;
  /** Every change of a line, as `+name` or `-name`. */
  readonly edges: string[];
  /** Bytes sent to the host, as `channel:hex`. */
  readonly outputs: string[];
  readonly requests: MachineRequest[];
  readonly messages: string[];
  /** What a bus master reaches; nothing is behind its end. */
  readonly memory: Uint8Array;
  /** What DMA channels do; a test may replace it. */
  readonly dma: { send(bytes: Uint8Array): DmaProgress; receive(target: Uint8Array): DmaProgress };
  /** A test may connect a receiver. */
  readonly bus: InterruptBus;
  now(): number;
  /** Turns the clock by `ticks`, running every event at its own time. */
  advance(ticks: number): void;
}

const MEMORY_SIZE = 0x20000;

export interface BenchOptions {
  readonly ticksPerSecond?: number;
  readonly startTimeMs?: number;
}

/** Ticks of one microsecond at the default rate. */
export const MICROSECOND = 200;

/** Makes a bench at time 0; 200 million ticks are a second unless the test says otherwise. */
export function createTestBench({ ticksPerSecond = 200_000_000, startTimeMs = 0 }: BenchOptions = {}): TestBench {
  const events = createEventQueue();
  const lines = new Map<string, boolean>();
  const edges: string[] = [];
  const outputs: string[] = [];
  const requests: MachineRequest[] = [];
  const messages: string[] = [];
  const memory = new Uint8Array(MEMORY_SIZE);
  const dma: TestBench['dma'] = {
    send: () => ({ count: 0, terminalCount: false }),
    receive: () => ({ count: 0, terminalCount: false }),
  };
  const bus = new InterruptBus();
  let now = 0;
  return {
    context: {
      now: () => now,
      ticksPerSecond,
      startTimeMs,
      timer: (name, callback) => events.timer(name, callback),
      setLine(name, high) {
        if ((lines.get(name) ?? false) !== high) edges.push(`${high ? '+' : '-'}${name}`);
        lines.set(name, high);
      },
      interruptBus: bus,
      output: (channel, bytes) => outputs.push(`${channel}:${[...bytes].map((byte) => hex(byte)).join(' ')}`),
      request: (request) => requests.push(request),
      dmaChannel: () => ({ send: (bytes) => dma.send(bytes), receive: (target) => dma.receive(target) }),
      dma: {
        read: (address, length) => memory.slice(address, address + length),
        write: (address, bytes) => {
          if (address < memory.length) memory.set(bytes.subarray(0, memory.length - address), address);
        },
      },
      logOnce: (message) => messages.push(message),
    },
    events,
    lines,
    edges,
    outputs,
    requests,
    messages,
    memory,
    dma,
    bus,
    now: () => now,
    advance(ticks) {
      const end = now + ticks;
      for (let next = events.nextDeadline(); next <= end; next = events.nextDeadline()) {
        now = Math.max(now, next);
        events.runDue(now);
      }
      now = end;
    },
  };
}

/** Two digits, as data sheets write bytes. */
export function hex(byte: number): string {
  return byte.toString(16).toUpperCase().padStart(2, '0');
}

/** Reads one byte of a device's port region. */
export function readPort(device: Device, region: string, offset = 0): number {
  return regionOf(device, region).read(offset, 1);
}

/** Writes bytes, one after the other, to the same offset of a device's port region. */
export function writePort(device: Device, region: string, offset: number, ...values: number[]): void {
  for (const value of values) regionOf(device, region).write(offset, 1, value);
}

/** The registers of a device by name, as the device view shows them. */
export function registerValues<State extends DeviceState>(device: Device<State>): Record<string, number> {
  return Object.fromEntries(device.description.registers.map(({ name, value }) => [name, value(device.state)]));
}

function regionOf(device: Device, region: string): Device['ports'][string] {
  const found = device.ports[region];
  if (found === undefined) throw new Error(`${device.description.name} has no region ${region}`);
  return found;
}
