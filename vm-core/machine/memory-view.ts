/** Physical memory as a machine's embedder sees it. */
import type { PhysicalMap } from '../memory/physical-map.ts';
import type { PhysicalMemoryView } from './machine.ts';

/** `written` hears of what the embedder writes. */
export function physicalMemoryView(
  map: PhysicalMap,
  written: (physicalAddress: number, size: number) => void,
): PhysicalMemoryView {
  return {
    ramSize: map.ramSize,
    read: (physicalAddress, length) => map.copyOut(physicalAddress, length),
    readInteger: (physicalAddress, size) => map.peek(physicalAddress, size),
    write: (physicalAddress, bytes) => {
      const count = map.copyIn(physicalAddress, bytes);
      written(physicalAddress, count);
      return count;
    },
  };
}
