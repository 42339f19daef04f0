/**
 * Segment descriptors, system descriptors and gates as they lie in the GDT and the LDT (SDM vol. 3A §3.4.5, §3.5).
 */
import { type Address, addressFrom, plus } from '../state/address.ts';
import {
  ATTRIBUTE_ACCESSED,
  ATTRIBUTE_CODE,
  ATTRIBUTE_EXPAND_DOWN_OR_CONFORMING,
  ATTRIBUTE_GRANULARITY,
  ATTRIBUTE_PRESENT,
  ATTRIBUTE_S,
  ATTRIBUTE_WRITABLE_OR_READABLE,
  type SegmentState,
} from '../state/cpu-state.ts';
import { SEGMENT_ATTRIBUTES, SEGMENT_BASE, SEGMENT_LIMIT, slot } from '../state/layout.ts';
import { type Cpu, GuestFault, VECTOR_GP } from './cpu.ts';
import { linearAddressOf } from './mode.ts';

/** Types of system descriptors (the low four attribute bits while S is 0). */
export const TYPE_TSS_16_AVAILABLE = 0x1;
export const TYPE_LDT = 0x2;
export const TYPE_TSS_16_BUSY = 0x3;
export const TYPE_CALL_GATE_16 = 0x4;
export const TYPE_TASK_GATE = 0x5;
export const TYPE_INTERRUPT_GATE_16 = 0x6;
export const TYPE_TRAP_GATE_16 = 0x7;
export const TYPE_TSS_32_AVAILABLE = 0x9;
export const TYPE_TSS_32_BUSY = 0xb;
export const TYPE_CALL_GATE_32 = 0xc;
export const TYPE_INTERRUPT_GATE_32 = 0xe;
export const TYPE_TRAP_GATE_32 = 0xf;

const LONG_DESCRIPTOR_SIZE = 16;
/** Where the type of a second descriptor would lie. */
const UPPER_TYPE = 0x1f00;

/** The type bit that tells 32-bit system descriptors from 16-bit ones. */
export const TYPE_BIT_32 = 0x8;
/** The type bit that marks a task-state segment as busy. */
export const TYPE_BIT_BUSY = 0x2;

/** A descriptor and where it was found. `attributes` are as in the register table: bits 40–47, then 52–55. */
export interface Descriptor {
  readonly linearAddress: Address;
  readonly low: number;
  readonly high: number;
  readonly attributes: number;
}

/** True for the selectors 0–3, which name no descriptor. */
export function isNull(selector: number): boolean {
  return (selector & 0xfffc) === 0;
}

/** The error code that names a selector. The EXT bit is added where an event is delivered (see interrupt-entry.ts). */
export function selectorError(selector: number): number {
  return selector & 0xfffc;
}

/** Reads the descriptor that `selector` names, or undefined beyond the table's limit or without an LDT. */
export function findDescriptor(cpu: Cpu, selector: number): Descriptor | undefined {
  const { state } = cpu;
  const local = (selector & 4) !== 0;
  if (local && (state.read16(slot.LDTR + SEGMENT_ATTRIBUTES) & ATTRIBUTE_PRESENT) === 0) return undefined;
  const limit = local ? state.read32(slot.LDTR + SEGMENT_LIMIT) : state.read16(slot.GDTR_LIMIT);
  if ((selector | 7) > limit) return undefined;
  const base = state.readExact(local ? slot.LDTR + SEGMENT_BASE : slot.GDTR_BASE);
  return readDescriptor(cpu, linearAddressOf(state, plus(base, selector & 0xfff8)));
}

/** Reads the eight bytes of a descriptor or gate at a linear address. */
export function readDescriptor(cpu: Cpu, linearAddress: Address): Descriptor {
  const low = cpu.memory.readLinear(linearAddress, 4);
  const high = cpu.memory.readLinear(linearAddressOf(cpu.state, plus(linearAddress, 4)), 4);
  return { linearAddress, low, high, attributes: ((high >>> 8) & 0xff) | ((high >>> 12) & 0xf00) };
}

/**
 * The upper half of a base or offset in a system descriptor of long mode, which has 16 bytes; #GP(selector) where these
 * do not lie in the table or look like a descriptor of their own.
 */
export function readUpperHalf(cpu: Cpu, { linearAddress }: Descriptor, selector: number): number {
  const { state, memory } = cpu;
  const limit = (selector & 4) !== 0 ? state.read32(slot.LDTR + SEGMENT_LIMIT) : state.read16(slot.GDTR_LIMIT);
  if ((selector & 0xfff8) + LONG_DESCRIPTOR_SIZE - 1 > limit) throw new GuestFault(VECTOR_GP, selectorError(selector));
  const type = memory.readLinear(plus(linearAddress, 12), 4) & UPPER_TYPE;
  if (type !== 0) throw new GuestFault(VECTOR_GP, selectorError(selector));
  return memory.readLinear(plus(linearAddress, 8), 4);
}

/** The offset in a gate of long mode, signed. */
export function longGateOffset(low: number, high: number, upper: number): Address {
  return addressFrom(upper | 0, ((high & 0xffff_0000) | (low & 0xffff)) >>> 0);
}

/** Reads the descriptor that `selector` names; where there is none, raises `vector` with the selector. */
export function requireDescriptor(cpu: Cpu, selector: number, vector: number): Descriptor {
  const descriptor = findDescriptor(cpu, selector);
  if (!descriptor) throw new GuestFault(vector, selectorError(selector));
  return descriptor;
}

/** Descriptor privilege level. */
export function privilegeOf(attributes: number): number {
  return (attributes >>> 5) & 3;
}

export function isPresent(attributes: number): boolean {
  return (attributes & ATTRIBUTE_PRESENT) !== 0;
}

/** The type of a system descriptor or gate, or undefined for code and data. */
export function systemTypeOf(attributes: number): number | undefined {
  return (attributes & ATTRIBUTE_S) === 0 ? attributes & 0xf : undefined;
}

export function isCode(attributes: number): boolean {
  return (attributes & (ATTRIBUTE_S | ATTRIBUTE_CODE)) === (ATTRIBUTE_S | ATTRIBUTE_CODE);
}

export function isConforming(attributes: number): boolean {
  return isCode(attributes) && (attributes & ATTRIBUTE_EXPAND_DOWN_OR_CONFORMING) !== 0;
}

export function isWritableData(attributes: number): boolean {
  const mask = ATTRIBUTE_S | ATTRIBUTE_CODE | ATTRIBUTE_WRITABLE_OR_READABLE;
  return (attributes & mask) === (ATTRIBUTE_S | ATTRIBUTE_WRITABLE_OR_READABLE);
}

/** Data, or code that may be read. */
export function isReadable(attributes: number): boolean {
  if ((attributes & ATTRIBUTE_S) === 0) return false;
  return (attributes & ATTRIBUTE_CODE) === 0 || (attributes & ATTRIBUTE_WRITABLE_OR_READABLE) !== 0;
}

/** The limit in bytes, granularity applied. */
export function limitOf(descriptor: Descriptor): number {
  const limit = (descriptor.high & 0xf_0000) | (descriptor.low & 0xffff);
  return (descriptor.attributes & ATTRIBUTE_GRANULARITY) === 0 ? limit : ((limit << 12) | 0xfff) >>> 0;
}

/** What a segment register, LDTR or TR holds after it was loaded from `descriptor`. */
export function segmentFrom(descriptor: Descriptor, selector: number): SegmentState {
  const { low, high } = descriptor;
  return {
    selector: selector & 0xffff,
    base: ((high & 0xff00_0000) | ((high & 0xff) << 16) | (low >>> 16)) >>> 0,
    limit: limitOf(descriptor),
    attributes: descriptor.attributes,
  };
}

/** Sets the accessed bit of a code or data descriptor in its table; returns the descriptor as it is then. */
export function markAccessed(cpu: Cpu, descriptor: Descriptor): Descriptor {
  if ((descriptor.attributes & ATTRIBUTE_ACCESSED) !== 0) return descriptor;
  const attributes = descriptor.attributes | ATTRIBUTE_ACCESSED;
  cpu.memory.writeLinear(linearAddressOf(cpu.state, plus(descriptor.linearAddress, 5)), 1, attributes & 0xff);
  return { ...descriptor, high: (descriptor.high | (ATTRIBUTE_ACCESSED << 8)) >>> 0, attributes };
}
