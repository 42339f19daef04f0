/** A segment register loaded with what a descriptor says, deriving anew only what can have changed (SDM vol. 3A §3.4.3). */
import type { CpuState } from '../state/cpu-state.ts';
import { SEGMENT_ATTRIBUTES, SEGMENT_BASE, SEGMENT_LIMIT, segmentSlots } from '../state/layout.ts';

/** The privilege level in the attributes, on which nothing that is derived depends. */
const ATTRIBUTE_LEVEL = 3 << 5;

/** As `setSegment`; the parts are given one by one, so that nothing is allocated. */
export function loadSegmentCache(
  state: CpuState,
  index: number,
  selector: number,
  base: number,
  limit: number,
  attributes: number,
): void {
  const at = segmentSlots[index] as number;
  const before = state.read16(at + SEGMENT_ATTRIBUTES);
  state.write16(at, selector);
  state.write16(at + SEGMENT_ATTRIBUTES, attributes);
  const isSame =
    ((before ^ attributes) & ~ATTRIBUTE_LEVEL) === 0 &&
    state.read32(at + SEGMENT_LIMIT) === limit &&
    state.readAddress(at + SEGMENT_BASE) === base;
  if (isSame) return;
  state.writeAddress(at + SEGMENT_BASE, base);
  state.write32(at + SEGMENT_LIMIT, limit);
  state.onDerivedChange(at);
}
