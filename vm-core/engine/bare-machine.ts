/** A processor with RAM and nothing else, for tests of instructions: no devices, no firmware, ports that read all ones. */
import { resetCpu } from '../cpu/reset.ts';
import type { PortSpace } from '../cpu/cpu.ts';
import { createEventQueue, type EventQueue } from '../devices/event-queue.ts';
import type { CpuModel } from '../isa/cpu-model.ts';
import { createMemory } from '../memory/layout.ts';
import { PhysicalMap } from '../memory/physical-map.ts';
import type { Engine } from './compiler/tiers.ts';
import { Processor } from './processor.ts';
import { Scheduler } from './scheduler.ts';

export interface BareMachine {
  readonly processor: Processor;
  readonly map: PhysicalMap;
  readonly loop: Scheduler;
  readonly events: EventQueue;
}

const EMPTY_PORTS: PortSpace = { read: (_port, size) => 2 ** (size * 8) - 1, write: () => {} };

/** RAM of `memorySize` bytes (a multiple of 64 KiB), all of it plain, also between A0000h and 1 MiB. */
export function createBareMachine(
  memorySize: number,
  ports: PortSpace = EMPTY_PORTS,
  model: CpuModel = '386',
  codeCacheSize?: number,
  engine?: Engine,
): BareMachine {
  const memory = createMemory(memorySize);
  const map = new PhysicalMap(memory, memorySize, { plain: true });
  const events = createEventQueue();
  const processor: Processor = new Processor(memory, map, {
    model,
    ...(codeCacheSize === undefined ? {} : { codeCacheSize }),
    ports,
    engine,
    acknowledgeInterrupt: () => 0xff,
    interruptPending: () => false,
    startTime: () => loop.time,
  });
  const loop: Scheduler = new Scheduler([processor], {
    events,
    takeRequest: () => undefined,
    hasFirmwareHook: () => false,
    firmwareHook: () => undefined,
  });
  processor.code.isHooked = (linear, physical) => loop.hasBreakpoint(linear, physical);
  resetCpu(processor.state, processor.model);
  processor.refresh();
  return { processor, map, loop, events };
}
