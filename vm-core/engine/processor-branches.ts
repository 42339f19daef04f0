/** The recording of branches of a processor, put between it and its memory. */
import { GuestBranches } from '../cpu/branches/guest-branches.ts';
import type { TraceMemory } from '../cpu/branches/branch-trace-store.ts';
import { isCanonical, isLongMode } from '../cpu/mode.ts';
import { ACCESS_IMPLICIT, ACCESS_WRITE } from '../memory/page-access.ts';
import type { PhysicalMap } from '../memory/physical-map.ts';
import { type Address, lowHalf, offsetInPage, pageStart, plus } from '../state/address.ts';
import { BranchRing } from './branch-ring.ts';
import type { InstructionPlace } from './instruction-place.ts';
import { raisePerformanceInterrupt } from './performance-interrupt.ts';
import type { Processor } from './processor.ts';

/** Makes the place that hears of all branches. */
export function createBranchRing(processor: Processor, place: InstructionPlace, map: PhysicalMap): BranchRing {
  const guest = new GuestBranches(processor.state, processor.model, {
    memory: traceMemory(processor, map),
    now: () => processor.now(),
    interrupt: () => raisePerformanceInterrupt(processor),
    log: (message) => processor.log(message),
  });
  return new BranchRing(processor, place, guest);
}

/** Records of branches go to RAM, and only where the guest has mapped it: there is no instruction that could fault. */
function traceMemory(processor: Processor, map: PhysicalMap): TraceMemory {
  const { state, translations, linear } = processor;
  const cut = (at: Address): Address => (isLongMode(state) ? at : lowHalf(at) >>> 0);
  const isRam = (at: Address): boolean => {
    if (isLongMode(state) && !isCanonical(state, at)) return false;
    const physical = translations.find(pageStart(at), ACCESS_IMPLICIT | ACCESS_WRITE, offsetInPage(at));
    return physical >= 0 && map.isRam(physical);
  };
  return {
    // A range is shorter than a page; its words may cross the end of one.
    isWritable: (at, bytes) => isRam(cut(at)) && isRam(cut(plus(at, bytes - 1))),
    readWord: (at) => linear.readSystem(cut(at), 4),
    writeWord: (at, value) => linear.writeSystem(cut(at), 4, value),
  };
}
