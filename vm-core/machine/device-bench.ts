/** All devices of a machine without its processor: what tests of the bus and of devices together use. */
import { InterruptBus } from '../devices/interrupt-bus.ts';
import { createEventQueue, type EventQueue } from '../devices/event-queue.ts';
import { createDeviceBus, type DeviceBus, type MachineMap } from './device-bus.ts';
import { isaPc } from './isa-pc.ts';
import type { MachineConfig } from './machine.ts';

/** A small machine with every device. */
export const testConfig: MachineConfig = {
  machineType: 'isa-1',
  cpuModel: '386',
  memorySize: 16 * 1024 * 1024,
  firmware: new Uint8Array(0x10000),
  exitDevice: true,
  startTimeMs: 0,
};

export interface DeviceBench {
  readonly bus: DeviceBus;
  readonly events: EventQueue;
  /** What the machine saw: outputs, requests, messages, and changes of A20 and INTR, with their times. */
  readonly seen: string[];
  now(): number;
  /** Turns the clock by `ticks`, running every event at its own time. */
  advance(ticks: number): void;
  /** Sets the clock, as a snapshot does. */
  setTime(time: number): void;
}

/** Builds the devices of `map` around a clock that the test turns. */
export function createDeviceBench(config: MachineConfig = testConfig, map: MachineMap = isaPc): DeviceBench {
  const events = createEventQueue();
  const seen: string[] = [];
  let now = 0;
  const note = (what: string): void => {
    seen.push(`${now} ${what}`);
  };
  const bus = createDeviceBus(map, config, {
    now: () => now,
    ticksPerSecond: config.ticksPerSecond ?? 200_000_000,
    startTimeMs: config.startTimeMs,
    timer: (name, callback) => events.timer(name, callback),
    dma: { read: (_address, length) => new Uint8Array(length), write: () => {} },
    output: (device, channel, bytes) => note(`${device} ${channel} ${[...bytes].join(' ')}`),
    request: (request) => note(request.kind),
    log: (message) => note(`log ${message}`),
    setA20: (open) => note(`a20 ${open ? 'open' : 'closed'}`),
    ignoreFloatErrors: () => {},
    setNonMaskableInterrupt: () => {},
    interruptBus: new InterruptBus(),
    setInterruptPending: (pending) => note(`intr ${pending ? 'high' : 'low'}`),
  });
  return {
    bus,
    events,
    seen,
    now: () => now,
    advance(ticks) {
      const end = now + ticks;
      for (let next = events.nextDeadline(); next <= end; next = events.nextDeadline()) {
        now = Math.max(now, next);
        events.runDue(now);
      }
      now = end;
    },
    setTime(time) {
      now = time;
    },
  };
}
