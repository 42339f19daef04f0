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
  const isWord = (at: Address): boolean => {
    if (isLongMode(state) && !isCanonical(state, at, 4)) return false;
    const physical = translations.find(pageStart(at), ACCESS_IMPLICIT | ACCESS_WRITE, offsetInPage(at));
    return physical >= 0 && map.isRam(physical);
  };
  return {
    isWritable: (at, bytes) => {
      for (let n = 0; n < bytes; n += 4) if (!isWord(cut(plus(at, n))) || !isWord(cut(plus(at, n + 3)))) return false;
      return true;
    },
    readWord: (at) => linear.readSystem(cut(at), 4),
    writeWord: (at, value) => linear.writeSystem(cut(at), 4, value),
  };
}
