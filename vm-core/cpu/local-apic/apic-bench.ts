/** A local APIC without a processor around it: registers, a clock that the test turns, pins. Used by tests only. */
import { createEventQueue } from '../../devices/event-queue.ts';
import { InterruptBus } from '../../devices/interrupt-bus.ts';
import { type CpuModel, modelFacts } from '../../isa/cpu-model.ts';
import { createMemory, cpuBase } from '../../memory/layout.ts';
import type { MemoryWindow } from '../../memory/physical-map.ts';
import { CpuState } from '../../state/cpu-state.ts';
import { resetCpu } from '../reset.ts';
import { LocalApicUnit } from './local-apic-unit.ts';

/** What a test does with it. */
export interface ApicBench {
  readonly unit: LocalApicUnit;
  readonly state: CpuState;
  readonly bus: InterruptBus;
  readonly messages: string[];
  /** Vectors that the external interrupt controller has for INTA cycles. */
  readonly external: number[];
  readonly page: () => MemoryWindow | undefined;
  read(offset: number): number;
  write(offset: number, value: number): void;
  /** Takes every interrupt that is due, each with its end, and gives the vectors. */
  takeAll(): number[];
  /** Turns the clock, each event at its time; gives the times at which an interrupt was there, taking and ending it. */
  advance(ticks: number): number[];
}

/** Makes one after RESET. */
export function createApicBench(model: CpuModel = 'max'): ApicBench {
  const state = new CpuState(createMemory(0x10000), cpuBase(0));
  const events = createEventQueue();
  const bus = new InterruptBus();
  const messages: string[] = [];
  const external: number[] = [];
  let time = 1000;
  let page: MemoryWindow | undefined;
  const unit = new LocalApicUnit(state, {
    model: modelFacts(model),
    bus,
    timer: (name, callback) => events.timer(name, callback),
    now: () => time,
    isInterruptPinHigh: () => external.length > 0,
    acknowledgeAtPin: () => external.shift() ?? 0xff,
    wake: () => {},
    log: (message) => messages.push(message),
  });
  unit.onPage = (moved) => {
    page = moved;
  };
  state.onDerivedChange = (offset) => unit.changed(offset);
  resetCpu(state, modelFacts(model));
  const write = (offset: number, value: number): void => page?.region.write(offset, 4, value >>> 0);
  const takeAll = (): number[] => {
    const taken: number[] = [];
    while (unit.apic.interruptPending()) {
      taken.push(unit.apic.acknowledge());
      unit.apic.endOfInterrupt();
    }
    return taken;
  };
  return {
    unit,
    state,
    bus,
    messages,
    external,
    page: () => page,
    read: (offset) => page?.region.read(offset, 4) ?? -1,
    write,
    takeAll,
    advance(ticks) {
      const end = time + ticks;
      const times: number[] = [];
      for (let next = events.nextDeadline(); next <= end; next = events.nextDeadline()) {
        time = Math.max(time, next);
        events.runDue(time);
        for (const _ of takeAll()) times.push(time);
      }
      time = end;
      return times;
    },
  };
}
