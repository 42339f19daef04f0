/** Memory as system operations see it: by linear address, or through a segment with its checks (SDM vol. 3A §5.3). */
import { type CpuMemory, GuestFault, VECTOR_GP, VECTOR_SS } from '../cpu/cpu.ts';
import { is64BitMode, isCanonical } from '../cpu/mode.ts';
import { isWithinLimit } from '../cpu/segments.ts';
import type { LinearMemory } from '../memory/linear-memory.ts';
import type { Translator } from '../memory/translator.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { FS, type SegmentIndex, SS } from '../state/layout.ts';
import { mayAccess } from './derived-state.ts';

const TWO_32 = 2 ** 32;

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
  const readWide = (read: (at: number) => number, at: number): number => read(at) + (read(at + 4) | 0) * TWO_32;
  const writeWide = (write: (at: number, value: number) => void, at: number, value: number): void => {
    write(at, value >>> 0);
    write(at + 4, Math.floor(value / TWO_32) >>> 0);
  };
  const readOrdinary = (at: number) => linear.read(at, 4);
  const readSystem = (at: number) => linear.readSystem(at, 4);
  return {
    readLinear: (at, size) => (size === 8 ? readWide(readSystem, at) : linear.readSystem(at, size)),
    writeLinear: (at, size, value) => {
      if (size === 8) writeWide((place, half) => linear.writeSystem(place, 4, half), at, value);
      else linear.writeSystem(at, size, value);
    },
    readPhysical: (physicalAddress) => translator.readPhysical(physicalAddress),
    readSegment: (segment, offset, size) => {
      const at = checkSegment(state, segment, offset, size, false);
      return size === 8 ? readWide(readOrdinary, at) : linear.read(at, size);
    },
    writeSegment: (segment, offset, size, value) => {
      const at = checkSegment(state, segment, offset, size, true);
      if (size === 8) linear.requireWritable(at, 8);
      if (size === 8) writeWide((place, half) => linear.write(place, 4, half), at, value);
      else linear.write(at, size, value);
    },
  };
}
