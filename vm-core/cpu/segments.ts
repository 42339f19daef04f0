/**
 * Loading of segment registers in real, virtual-8086 and protected mode (SDM vol. 3A §3.4.3, §5.6, §5.7, §20.1.1).
 *
 * In real mode only selector and base change; limit and attributes stay in the cache as protected mode left them, which
 * is what "big real mode" rests on.
 */

import type { CpuState } from '../state/cpu-state.ts';
import {
  ATTRIBUTE_BIG,
  ATTRIBUTE_CODE,
  ATTRIBUTE_EXPAND_DOWN_OR_CONFORMING,
  type SegmentState,
} from '../state/cpu-state.ts';
import {
  SEGMENT_ATTRIBUTES,
  SEGMENT_BASE,
  SEGMENT_LIMIT,
  type SegmentIndex,
  SS,
  segmentSlots,
} from '../state/layout.ts';
import { type Cpu, GuestFault, VECTOR_GP, VECTOR_NP, VECTOR_SS } from './cpu.ts';
import {
  type Descriptor,
  isCode,
  isConforming,
  isNull,
  isPresent,
  isReadable,
  isWritableData,
  markAccessed,
  privilegeOf,
  requireDescriptor,
  segmentFrom,
  selectorError,
} from './descriptors.ts';
import { isVirtual8086, privilegeLevel, usesDescriptors, is64BitMode } from './mode.ts';

/** Attributes of a present, accessed, writable data segment: what a real-mode segment has after reset. */
export const REAL_MODE_DATA = 0x93;
/** Attributes of a present, accessed, readable code segment: CS after reset. */
export const REAL_MODE_CODE = 0x9b;
/** Attributes of every segment in virtual-8086 mode: like real-mode data, at privilege level 3. */
const VIRTUAL_8086_DATA = 0xf3;

/** Loads ES, SS, DS, FS or GS the way MOV, POP and LDS do in the current mode. Throws before anything has changed. */
export function loadSegment(cpu: Cpu, index: SegmentIndex, selector: number): void {
  if (!usesDescriptors(cpu.state)) {
    setUnprotectedSegment(cpu.state, index, selector);
    return;
  }
  if (index === SS && isNullStack(cpu, selector)) setNullSegment(cpu.state, SS, selector);
  else if (index === SS) {
    const descriptor = requireStackSegment(cpu, selector, privilegeLevel(cpu.state), VECTOR_GP);
    cpu.state.setSegment(SS, segmentFrom(markAccessed(cpu, descriptor), selector));
  } else if (isNull(selector)) loadNull(cpu, index, selector);
  else {
    const descriptor = requireDataSegment(cpu, selector);
    cpu.state.setSegment(index, segmentFrom(markAccessed(cpu, descriptor), selector));
  }
}

/** What a null selector leaves of the cache on AMD's processors before Zen 2 is base and limit, on others nothing. */
function loadNull({ state, model }: Cpu, index: SegmentIndex, selector: number): void {
  const base = state.baseAt(segmentSlots[index] as number);
  const { limit } = state.segment(index);
  if (model.vendor !== 'AuthenticAMD') setNullSegment(state, index, selector);
  else state.setSegment(index, { selector: selector & 3, base, limit, attributes: 0 });
}

/** In 64-bit mode SS may be null at the levels 0 to 2. */
function isNullStack({ state }: Cpu, selector: number): boolean {
  const level = privilegeLevel(state);
  return is64BitMode(state) && isNull(selector) && level !== 3 && (selector & 3) === level;
}

/** Loads any segment register, CS too, where selectors name no descriptors. */
export function setUnprotectedSegment(state: CpuState, index: SegmentIndex, selector: number): void {
  if (isVirtual8086(state)) setVirtual8086Segment(state, index, selector);
  else setRealModeSegment(state, index, selector);
}

/** Real mode: the selector and 16 times it as base. A cache that a null selector had made unusable is repaired. */
export function setRealModeSegment(state: CpuState, index: SegmentIndex, selector: number): void {
  const at = segmentSlots[index] as number;
  if (!isPresent(state.read16(at + SEGMENT_ATTRIBUTES))) {
    state.write16(at + SEGMENT_ATTRIBUTES, REAL_MODE_DATA);
    state.write32(at + SEGMENT_LIMIT, 0xffff);
  }
  state.write16(at, selector);
  state.write32(at + SEGMENT_BASE, (selector & 0xffff) << 4);
  state.onDerivedChange(at);
}

/** Virtual-8086 mode: everything about the segment follows from the selector. */
export function setVirtual8086Segment(state: CpuState, index: SegmentIndex, selector: number): void {
  const base = (selector & 0xffff) << 4;
  state.setSegment(index, { selector: selector & 0xffff, base, limit: 0xffff, attributes: VIRTUAL_8086_DATA });
}

/** A data-segment register that names nothing: every access through it faults. */
export function setNullSegment(state: CpuState, index: SegmentIndex, selector: number): void {
  state.setSegment(index, { selector: selector & 3, base: 0, limit: 0, attributes: 0 });
}

/** The descriptor for ES, DS, FS or GS, checked against CPL and RPL; `selector` is not null. */
function requireDataSegment(cpu: Cpu, selector: number): Descriptor {
  const descriptor = requireDescriptor(cpu, selector, VECTOR_GP);
  const { attributes } = descriptor;
  if (!isReadable(attributes)) throw new GuestFault(VECTOR_GP, selectorError(selector));
  const level = Math.max(privilegeLevel(cpu.state), selector & 3);
  if (!isConforming(attributes) && level > privilegeOf(attributes)) {
    throw new GuestFault(VECTOR_GP, selectorError(selector));
  }
  if (!isPresent(attributes)) throw new GuestFault(VECTOR_NP, selectorError(selector));
  return descriptor;
}

/**
 * The descriptor for SS at privilege `level`. What is wrong with selector or descriptor raises `vector` (#GP, or #TS for
 * stacks out of the task-state segment); an absent segment raises #SS.
 */
export function requireStackSegment(cpu: Cpu, selector: number, level: number, vector: number): Descriptor {
  if (isNull(selector)) throw new GuestFault(vector, 0);
  const descriptor = requireDescriptor(cpu, selector, vector);
  const { attributes } = descriptor;
  if ((selector & 3) !== level || privilegeOf(attributes) !== level || !isWritableData(attributes)) {
    throw new GuestFault(vector, selectorError(selector));
  }
  if (!isPresent(attributes)) throw new GuestFault(VECTOR_SS, selectorError(selector));
  return descriptor;
}

/**
 * After a return to an outer level: data segments that the outer level may not use become null (SDM vol. 3A §5.8.6; vol. 2A
 * IRET, RETURN-TO-OUTER-PRIVILEGE-LEVEL). Bases stay: 64-bit code goes on with those of FS and GS.
 */
export function dropInnerSegments(state: CpuState, indices: readonly SegmentIndex[]): void {
  const level = privilegeLevel(state);
  for (const index of indices) {
    const at = segmentSlots[index] as number;
    const attributes = state.read16(at + SEGMENT_ATTRIBUTES);
    const guarded = !isCode(attributes) || !isConforming(attributes);
    if (!isNull(state.read16(at)) && !(guarded && privilegeOf(attributes) < level)) continue;
    if ((state.read16(at) | state.read32(at + SEGMENT_LIMIT) | attributes) === 0) continue;
    state.write16(at, 0);
    state.write32(at + SEGMENT_LIMIT, 0);
    state.write16(at + SEGMENT_ATTRIBUTES, 0);
    state.onDerivedChange(at);
  }
}

/** True when `size` bytes at `offset` lie within the segment's limit, expand-down segments included. */
export function isWithinLimit(segment: SegmentState, offset: number, size: number): boolean {
  const last = offset + size - 1;
  const expandsDown =
    (segment.attributes & (ATTRIBUTE_CODE | ATTRIBUTE_EXPAND_DOWN_OR_CONFORMING)) ===
    ATTRIBUTE_EXPAND_DOWN_OR_CONFORMING;
  if (!expandsDown) return last <= segment.limit;
  return offset > segment.limit && last <= ((segment.attributes & ATTRIBUTE_BIG) === 0 ? 0xffff : 0xffff_ffff);
}
