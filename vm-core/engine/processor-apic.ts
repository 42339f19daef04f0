/** The local APIC of a processor, put between it and the pins of its machine. */
import { LocalApicUnit } from '../cpu/local-apic/local-apic-unit.ts';
import { apicNumberOf } from '../cpu/topology.ts';
import { InterruptBus } from '../devices/interrupt-bus.ts';
import { internal } from '../state/layout.ts';
import type { Processor } from './processor.ts';
import type { ProcessorSurroundings } from './surroundings.ts';

/** For machines without an event queue. */
const silentTimer = { deadline: undefined, arm: (): void => {}, cancel: (): void => {} };

/** Makes the local APIC; it finds its page in the linear memory of the processor. */
export function createProcessorApic(processor: Processor, surroundings: ProcessorSurroundings): LocalApicUnit {
  const { interruptBus, timer, acknowledgeInterrupt, interruptPending, topology } = surroundings;
  if (topology) processor.state.write32(internal.APIC_NUMBER, apicNumberOf(topology, processor.index));
  const unit = new LocalApicUnit(processor.state, {
    model: processor.model,
    bus: interruptBus ?? new InterruptBus(),
    timer: timer ?? (() => silentTimer),
    now: () => processor.now(),
    isInterruptPinHigh: interruptPending,
    acknowledgeAtPin: acknowledgeInterrupt,
    wake: () => processor.requestExit(),
    log: (message) => processor.log(message),
  });
  unit.onPage = (page) => {
    processor.linear.ownPage = page;
    processor.forgetShortcuts();
  };
  return unit;
}
