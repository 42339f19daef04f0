/**
 * The stack as system code uses it (SDM vol. 3A §6.2.3). The stack pointer is 16 or 32 bits wide by SS.B; the
 * registers change only when the operation commits, so a fault in the middle leaves them exact.
 */
import { ATTRIBUTE_BIG, type CpuState, type SegmentState } from '../state/cpu-state.ts';
import { SEGMENT_ATTRIBUTES, SS, segmentSlots, slot } from '../state/layout.ts';
import { type Cpu, GuestFault, VECTOR_SS } from './cpu.ts';
import { isWithinLimit } from './segments.ts';

const SS_ATTRIBUTES = (segmentSlots[SS] as number) + SEGMENT_ATTRIBUTES;

/** FFFFh or FFFFFFFFh: the bits of ESP that the current stack uses. */
export function stackMask(state: CpuState): number {
  return maskOf(state.read16(SS_ATTRIBUTES));
}

function maskOf(attributes: number): number {
  return (attributes & ATTRIBUTE_BIG) === 0 ? 0xffff : 0xffff_ffff;
}

/** Writes the bits of ESP that a stack with this mask uses; the others stay. */
export function setStackPointer(state: CpuState, mask: number, value: number): void {
  if (mask === 0xffff) state.write16(slot.ESP, value);
  else state.write32(slot.ESP, value);
}

/** One push on the current stack, committed at once. */
export function push(cpu: Cpu, size: 2 | 4, value: number): void {
  const mask = stackMask(cpu.state);
  const pointer = ((cpu.state.read32(slot.ESP) - size) & mask) >>> 0;
  cpu.memory.writeSegment(SS, pointer, size, value);
  setStackPointer(cpu.state, mask, pointer);
}

/** Several pushes or pops that take effect together at `commit`. */
export class Stack {
  private readonly cpu: Cpu;
  private readonly mask: number;
  /** The stack of another privilege level that is about to be entered; undefined for the current one. */
  private readonly entered: SegmentState | undefined;
  private readonly faultCode: number;
  private pointer: number;

  private constructor(cpu: Cpu, pointer: number, mask: number, entered: SegmentState | undefined, faultCode: number) {
    this.cpu = cpu;
    this.mask = mask;
    this.entered = entered;
    this.faultCode = faultCode;
    this.pointer = (pointer & mask) >>> 0;
  }

  /** The stack that SS:ESP names now. */
  static current(cpu: Cpu): Stack {
    return new Stack(cpu, cpu.state.read32(slot.ESP), stackMask(cpu.state), undefined, 0);
  }

  /** A stack that SS does not name yet; no room on it raises #SS(`faultCode`). */
  static entering(cpu: Cpu, segment: SegmentState, pointer: number, faultCode: number): Stack {
    return new Stack(cpu, pointer, maskOf(segment.attributes), segment, faultCode);
  }

  push(size: 2 | 4, value: number): void {
    const pointer = ((this.pointer - size) & this.mask) >>> 0;
    const bits = size === 2 ? value & 0xffff : value >>> 0;
    if (!this.entered) this.cpu.memory.writeSegment(SS, pointer, size, bits);
    else {
      if (!isWithinLimit(this.entered, pointer, size)) throw new GuestFault(VECTOR_SS, this.faultCode);
      this.cpu.memory.writeLinear((this.entered.base + pointer) >>> 0, size, bits);
    }
    this.pointer = pointer;
  }

  /** Pops from the current stack. */
  pop(size: 2 | 4): number {
    const value = this.cpu.memory.readSegment(SS, this.pointer, size);
    this.skip(size);
    return value;
  }

  /** Drops bytes without reading them. */
  skip(bytes: number): void {
    this.pointer = ((this.pointer + bytes) & this.mask) >>> 0;
  }

  /** #SS(0) unless the item on top lies within the current stack's limit. */
  requireRoom(size: 2 | 4): void {
    if (!isWithinLimit(this.cpu.state.segment(SS), this.pointer, size)) throw new GuestFault(VECTOR_SS, 0);
  }

  /** Makes the pushes and pops take effect; a stack that was entered becomes the current one. */
  commit(): void {
    if (this.entered) this.cpu.state.setSegment(SS, this.entered);
    setStackPointer(this.cpu.state, this.mask, this.pointer);
  }
}
