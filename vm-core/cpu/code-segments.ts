/**
 * Loading of CS: the targets of far transfers and what changes with them (SDM vol. 3A §5.8).
 */
import { type Address, lowHalf, plus } from '../state/address.ts';
import { ATTRIBUTE_BIG, ATTRIBUTE_LONG, type SegmentState } from '../state/cpu-state.ts';
import { CS } from '../state/layout.ts';
import {
  BRANCH,
  type Cpu,
  EXIT,
  GuestFault,
  type Instruction,
  type Outcome,
  VECTOR_GP,
  VECTOR_NP,
  VECTOR_UD,
} from './cpu.ts';
import {
  type Descriptor,
  isCode,
  isConforming,
  isNull,
  isPresent,
  limitOf,
  markAccessed,
  privilegeOf,
  requireDescriptor,
  segmentFrom,
  selectorError,
} from './descriptors.ts';
import { dataOffset, isCanonical, isLongMode, setPrivilegeLevel } from './mode.ts';
import { setUnprotectedSegment } from './segments.ts';

/** selector:offset as an instruction names it. */
export interface FarPointer {
  readonly selector: number;
  readonly offset: Address;
}

/** The pointer in a direct far JMP or CALL. */
export function immediatePointer(instruction: Instruction): FarPointer {
  const offset = instruction.operandSize === 16 ? instruction.immediate & 0xffff : instruction.immediate >>> 0;
  return { selector: instruction.immediate2 & 0xffff, offset };
}

/** The pointer in memory that an indirect far JMP or CALL or LDS … names: offset, then selector. */
export function memoryPointer(cpu: Cpu, instruction: Instruction): FarPointer {
  if (!instruction.isMemory) throw new GuestFault(VECTOR_UD);
  const size = (instruction.operandSize / 8) as 2 | 4 | 8;
  const at = instruction.offset();
  const offset = cpu.memory.readSegment(instruction.segment, at, size);
  const selector = cpu.memory.readSegment(instruction.segment, dataOffset(cpu.state, plus(at, size)), 2);
  return { selector, offset };
}

/** A code segment that has passed its checks, ready to be entered. */
export interface CodeTarget {
  readonly segment: SegmentState;
  readonly offset: Address;
  /** The privilege level at the target. */
  readonly level: number;
}

/** Finds the descriptor of a far transfer; a null selector or one beyond its table is #GP. */
export function requireTransferDescriptor(cpu: Cpu, selector: number): Descriptor {
  if (isNull(selector)) throw new GuestFault(VECTOR_GP, 0);
  return requireDescriptor(cpu, selector, VECTOR_GP);
}

/** True when a JMP, or a CALL without a gate, from `level` may reach the code segment. */
export function isReachableDirectly(attributes: number, selector: number, level: number): boolean {
  const target = privilegeOf(attributes);
  return isConforming(attributes) ? target <= level : target === level && (selector & 3) <= level;
}

/**
 * In long mode a segment of 64-bit code has no limit, but its offsets must be canonical; it cannot be a 32-bit one too. Of
 * offsets in other segments the low half counts.
 */
function requireCodeOffset(cpu: Cpu, descriptor: Descriptor, selector: number, offset: Address): Address {
  const { attributes } = descriptor;
  const isLong = isLongMode(cpu.state) && (attributes & ATTRIBUTE_LONG) !== 0;
  if (isLong && (attributes & ATTRIBUTE_BIG) !== 0) throw new GuestFault(VECTOR_GP, selectorError(selector));
  const own = isLong ? offset : lowHalf(offset) >>> 0;
  const isWithin = isLong ? isCanonical(cpu.state, own) : own <= limitOf(descriptor);
  if (!isWithin) throw new GuestFault(VECTOR_GP, 0);
  return own;
}

/** The code segment of `descriptor` at `level`; checks presence (#NP) and that `offset` lies within it (#GP(0)). */
export function codeTarget(
  cpu: Cpu,
  descriptor: Descriptor,
  selector: number,
  offset: Address,
  level: number,
): CodeTarget {
  if (!isCode(descriptor.attributes)) throw new GuestFault(VECTOR_GP, selectorError(selector));
  if (!isPresent(descriptor.attributes)) throw new GuestFault(VECTOR_NP, selectorError(selector));
  const own = requireCodeOffset(cpu, descriptor, selector, offset);
  const segment = segmentFrom(markAccessed(cpu, descriptor), (selector & 0xfffc) | level);
  return { segment, offset: own, level };
}

/** Sets CS, EIP and CPL. */
export function enterCode(cpu: Cpu, target: CodeTarget): Outcome {
  cpu.state.setSegment(CS, target.segment);
  setPrivilegeLevel(cpu.state, target.level);
  cpu.state.eip = target.offset;
  return EXIT;
}

/** Real and virtual-8086 mode: #GP(0) unless `offset` lies within CS, whose limit a far transfer does not change. */
export function requireUnprotectedOffset(cpu: Cpu, offset: Address): void {
  if (offset > cpu.state.segment(CS).limit) throw new GuestFault(VECTOR_GP, 0);
}

/** Real and virtual-8086 mode: sets CS and EIP. */
export function enterUnprotectedCode(cpu: Cpu, pointer: FarPointer): Outcome {
  setUnprotectedSegment(cpu.state, CS, pointer.selector);
  cpu.state.eip = pointer.offset;
  return BRANCH;
}
