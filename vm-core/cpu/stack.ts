/**
 * The stack as system code uses it (SDM vol. 3A §6.2.3). The stack pointer is 16 or 32 bits wide by SS.B, in 64-bit mode
 * 64; the registers change only when the operation commits, so a fault in the middle leaves them exact.
 */
import { type Address, lowHalf, plus } from '../state/address.ts';
import { ATTRIBUTE_BIG, type CpuState, type SegmentState } from '../state/cpu-state.ts';
import { SEGMENT_ATTRIBUTES, SS, segmentSlots, slot } from '../state/layout.ts';
import { type Cpu, GuestFault, VECTOR_SS } from './cpu.ts';
import { is64BitMode, isCanonical } from './mode.ts';
import { isWithinLimit, setNullSegment } from './segments.ts';

const SS_ATTRIBUTES = (segmentSlots[SS] as number) + SEGMENT_ATTRIBUTES;

/** Bytes of an item on the stack. */
export type StackSize = 2 | 4 | 8;

type StackWidth = 16 | 32 | 64;

/** Bits of the stack pointer that the current stack uses. */
export function stackWidth(state: CpuState): StackWidth {
  return is64BitMode(state) ? 64 : widthOf(state.read16(SS_ATTRIBUTES));
}

function widthOf(attributes: number): 16 | 32 {
  return (attributes & ATTRIBUTE_BIG) === 0 ? 16 : 32;
}

function wrap(width: StackWidth, offset: Address): Address {
  if (width === 64) return offset;
  return width === 32 ? lowHalf(offset) >>> 0 : lowHalf(offset) & 0xffff;
}

/** An offset on the current stack, with its wrap. */
export function stackOffset(state: CpuState, offset: Address): Address {
  return wrap(stackWidth(state), offset);
}

/** SP, ESP or RSP; signed if it has 64 bits. */
export function stackPointer(state: CpuState): Address {
  const width = stackWidth(state);
  return width === 64 ? state.readExact(slot.ESP) : wrap(width, state.read32(slot.ESP));
}

/** ESP or RSP as it is saved where another stack is entered, whatever the current one uses of it. */
export function wholeStackPointer(state: CpuState): Address {
  return is64BitMode(state) ? state.readExact(slot.ESP) : state.read32(slot.ESP);
}

/** Writes the bits of the stack pointer that the current stack uses; the others stay. */
export function setStackPointer(state: CpuState, value: Address): void {
  writePointer(state, stackWidth(state), value);
}

function writePointer(state: CpuState, width: StackWidth, value: Address): void {
  if (width === 16) state.write16(slot.ESP, lowHalf(value));
  else if (width === 32) state.write32(slot.ESP, lowHalf(value));
  else state.writeAddress(slot.ESP, value);
}

/** One push on the current stack, committed at once. */
export function push(cpu: Cpu, size: StackSize, value: Address): void {
  const stack = Stack.current(cpu);
  stack.push(size, value);
  stack.commit();
}

/** A stack that SS does not name yet: a segment, or in long mode no segment but the privilege level in SS. */
type EnteredStack = SegmentState | { readonly level: number } | undefined;

/** Several pushes or pops that take effect together at `commit`. */
export class Stack {
  private readonly cpu: Cpu;
  private readonly width: StackWidth;
  private readonly entered: EnteredStack;
  private readonly faultCode: number;
  private pointer: Address;

  private constructor(cpu: Cpu, pointer: Address, width: StackWidth, entered: EnteredStack, faultCode: number) {
    this.cpu = cpu;
    this.width = width;
    this.entered = entered;
    this.faultCode = faultCode;
    this.pointer = wrap(width, pointer);
  }

  /** The stack that SS and the stack pointer name now. */
  static current(cpu: Cpu): Stack {
    return new Stack(cpu, stackPointer(cpu.state), stackWidth(cpu.state), undefined, 0);
  }

  /** A stack that SS does not name yet; no room on it raises #SS(`faultCode`). */
  static entering(cpu: Cpu, segment: SegmentState, pointer: Address, faultCode: number): Stack {
    return new Stack(cpu, pointer, widthOf(segment.attributes), segment, faultCode);
  }

  /** A stack of long mode; `level` is that of its privilege where SS changes, which becomes null then. */
  static enteringLong(cpu: Cpu, pointer: Address, level: number | undefined): Stack {
    return new Stack(cpu, pointer, 64, { level: level ?? -1 }, 0);
  }

  push(size: StackSize, value: Address): void {
    const pointer = wrap(this.width, plus(this.pointer, -size));
    const bits = size === 8 ? value : size === 2 ? lowHalf(value) & 0xffff : lowHalf(value) >>> 0;
    if (!this.entered) this.cpu.memory.writeSegment(SS, pointer, size, bits);
    else this.cpu.memory.writeLinear(this.#enteredAddress(this.entered, pointer, size), size, bits);
    this.pointer = pointer;
  }

  #enteredAddress(entered: NonNullable<EnteredStack>, pointer: Address, size: StackSize): Address {
    if ('level' in entered) {
      if (!isCanonical(this.cpu.state, pointer, size)) throw new GuestFault(VECTOR_SS, 0);
      return pointer;
    }
    if (!isWithinLimit(entered, Number(pointer), size)) throw new GuestFault(VECTOR_SS, this.faultCode);
    return (entered.base + Number(pointer)) >>> 0;
  }

  /** Pops from the current stack. */
  pop(size: 2 | 4): number;
  pop(size: StackSize): Address;
  pop(size: StackSize): Address {
    const value = this.cpu.memory.readSegment(SS, this.pointer, size);
    this.skip(size);
    return value;
  }

  /** Drops bytes without reading them. */
  skip(bytes: number): void {
    this.pointer = wrap(this.width, plus(this.pointer, bytes));
  }

  /** Raises what a write of the item on top of the current stack would raise. */
  requireRoom(size: StackSize): void {
    this.cpu.memory.requireWritable(SS, this.pointer, size);
  }

  /** Makes the pushes and pops take effect; a stack that was entered becomes the current one. */
  commit(): void {
    const { entered } = this;
    if (entered && !('level' in entered)) this.cpu.state.setSegment(SS, entered);
    else if (entered && entered.level >= 0) setNullSegment(this.cpu.state, SS, entered.level);
    writePointer(this.cpu.state, this.width, this.pointer);
  }
}
