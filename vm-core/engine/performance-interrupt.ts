/**
 * The interrupt of the performance counters (PMI), which the branch trace store uses too: what IA32_DEBUGCTL lets it stop
 * (SDM vol. 3B §17.4.7), and the entry of the local APIC.
 */
import { interruptStops } from '../cpu/branches/guest-branches.ts';
import type { Processor } from './processor.ts';

/** Raises it. */
export function raisePerformanceInterrupt(processor: Processor): void {
  const { state, model, counters, localApic } = processor;
  if (interruptStops(state, model)) counters.freeze();
  localApic.apic.counterOverflowed();
}
