/** Memory as system operations see it: by linear address, or through a segment with its checks (SDM vol. 3A §5.3). */
import { type CpuMemory, GuestFault, type MemorySize, VECTOR_GP, VECTOR_SS } from '../cpu/cpu.ts';
import { is64BitMode, isCanonical, isLongMode } from '../cpu/mode.ts';
import { isWithinLimit } from '../cpu/segments.ts';
import type { LinearMemory } from '../memory/linear-memory.ts';
import type { Translator } from '../memory/translator.ts';
import { type Address, addressFrom, highHalf, lowHalf, plus, sumOf } from '../state/address.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { FS, type SegmentIndex, SS, segmentSlots } from '../state/layout.ts';
import { mayAccess } from './derived-state.ts';

/** The linear address of an access that segment limits and rights allow; throws #SS(0) or #GP(0) otherwise. */
export function checkSegment(
  state: CpuState,
  index: SegmentIndex,
  offset: Address,
  size: number,
  isWrite: boolean,
): Address {
  if (is64BitMode(state)) {
    const linear = index >= FS ? sumOf(state.baseAt(segmentSlots[index] as number), offset) : offset;
    if (!isCanonical(state, linear, size)) throw new GuestFault(index === SS ? VECTOR_SS : VECTOR_GP, 0);
    return linear;
  }
  const segment = state.segment(index);
  const short = Number(offset);
  if (!mayAccess(state, index, isWrite) || !isWithinLimit(segment, short, size)) {
    throw new GuestFault(index === SS ? VECTOR_SS : VECTOR_GP, 0);
  }
  return (segment.base + short) >>> 0;
}

export function createCpuMemory(state: CpuState, linear: LinearMemory, translator: Translator): CpuMemory {
  const isLong = () => isLongMode(state);
  const second = (at: Address) => (isLong() ? plus(at, 4) : (lowHalf(at) + 4) >>> 0);
  const readWide = (read: (at: Address) => number, at: Address): Address => {
    const low = read(at);
    return addressFrom(read(second(at)) | 0, low);
  };
  const writeWide = (write: (at: Address, value: number) => void, at: Address, value: Address): void => {
    write(at, lowHalf(value) >>> 0);
    write(second(at), highHalf(value) >>> 0);
  };
  const readOrdinary = (at: Address) => linear.read(at, 4);
  const readSystem = (at: Address) => linear.readSystem(at, 4);

  function readLinear(at: Address, size: 1 | 2 | 4): number;
  function readLinear(at: Address, size: MemorySize): Address;
  function readLinear(at: Address, size: MemorySize): Address {
    return size === 8 ? readWide(readSystem, at) : linear.readSystem(at, size);
  }

  function readSegment(segment: SegmentIndex, offset: Address, size: 1 | 2 | 4): number;
  function readSegment(segment: SegmentIndex, offset: Address, size: MemorySize): Address;
  function readSegment(segment: SegmentIndex, offset: Address, size: MemorySize): Address {
    const at = checkSegment(state, segment, offset, size, false);
    if (size !== 8) return linear.read(at, size);
    linear.requireReadable(at, 8);
    return readWide(readOrdinary, at);
  }

  return {
    readLinear,
    writeLinear: (at, size, value) => {
      if (size === 8) writeWide((place, half) => linear.writeSystem(place, 4, half), at, value);
      else linear.writeSystem(at, size, Number(value));
    },
    readPhysical: (physicalAddress) => translator.readPhysical(physicalAddress),
    readSegment,
    writeSegment: (segment, offset, size, value) => {
      const at = checkSegment(state, segment, offset, size, true);
      if (size === 8) linear.requireWritable(at, 8);
      if (size === 8) writeWide((place, half) => linear.write(place, 4, half), at, value);
      else linear.write(at, size, Number(value));
    },
    requireReadable: (segment, offset, size) =>
      linear.requireReadable(checkSegment(state, segment, offset, size, false), size),
    requireWritable: (segment, offset, size) =>
      linear.requireWritable(checkSegment(state, segment, offset, size, true), size),
  };
}
