/** Memory as system operations see it: by linear address, or through a segment with its checks (SDM vol. 3A §5.3). */
import { type CpuMemory, GuestFault, VECTOR_GP, VECTOR_SS } from '../cpu/cpu.ts';
import { is64BitMode, isCanonical } from '../cpu/mode.ts';
import { isWithinLimit } from '../cpu/segments.ts';
import type { LinearMemory } from '../memory/linear-memory.ts';
import type { Translator } from '../memory/translator.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { FS, type SegmentIndex, SS } from '../state/layout.ts';
import { mayAccess } from './derived-state.ts';

/** The linear address of an access that segment limits and rights allow; throws #SS(0) or #GP(0) otherwise. */
export function checkSegment(
  state: CpuState,
  index: SegmentIndex,
  offset: number,
  size: number,
  isWrite: boolean,
): number {
  const segment = state.segment(index);
  if (is64BitMode(state)) {
    const linear = (index >= FS ? segment.base : 0) + offset;
    if (!isCanonical(state, linear, size)) throw new GuestFault(index === SS ? VECTOR_SS : VECTOR_GP, 0);
    return linear;
  }
  if (!mayAccess(state, index, isWrite) || !isWithinLimit(segment, offset, size)) {
    throw new GuestFault(index === SS ? VECTOR_SS : VECTOR_GP, 0);
  }
  return (segment.base + offset) >>> 0;
}

export function createCpuMemory(state: CpuState, linear: LinearMemory, translator: Translator): CpuMemory {
  return {
    readLinear: (at, size) => linear.readSystem(at, size),
    writeLinear: (at, size, value) => linear.writeSystem(at, size, value),
    readPhysical: (physicalAddress) => translator.readPhysical(physicalAddress),
    readSegment: (segment, offset, size) => linear.read(checkSegment(state, segment, offset, size, false), size),
    writeSegment: (segment, offset, size, value) =>
      linear.write(checkSegment(state, segment, offset, size, true), size, value),
  };
}
