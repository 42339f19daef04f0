/**
 * The stack segment of 64-bit mode in the generated functions for events: it is null or flat there, and everything that is
 * derived from it is known (SDM vol. 3A §5.8.5; derived-state.ts).
 */
import {
  ENTRY_BASE,
  ENTRY_READ_END,
  ENTRY_WRITE_END,
  internal,
  SEGMENT_ATTRIBUTES,
  SEGMENT_BASE,
  SEGMENT_ENTRY_SIZE,
  SEGMENT_LIMIT,
  SS,
  segmentSlots,
} from '../../state/layout.ts';
import type { Value } from '../../wasm/function-builder.ts';
import { factsOf } from '../compiler/segment-facts.ts';
import { attributesOf, baseOf, type DescriptorValue, limitOf } from './descriptor-code.ts';
import type { EventCode } from './event-code.ts';

const SS_SLOT = segmentSlots[SS] as number;
const ENTRY = internal.SEGMENTS + SS * SEGMENT_ENTRY_SIZE;
const FLAT_END = 0x1_0000_0000;

/** A null selector of a level below 3. */
export function loadNullStack(s: EventCode, selector: Value): void {
  setStack(s, selector, s.constant(0), 0, 0, 0xffff);
}

/** Refuses a stack of some base or limit of its own. */
export function requireFlat(s: EventCode, stack: DescriptorValue): void {
  s.refuseIf(baseOf(s, stack));
  s.refuseIf(s.ne(limitOf(s, stack), -1));
}

/** Loads what `requireFlat` has let pass. */
export function loadFlatStack(s: EventCode, selector: Value, stack: DescriptorValue): void {
  setStack(s, selector, attributesOf(s, stack), 0xffff_ffff, FLAT_END, 0xffff_ffff);
}

/** Loads a flat stack of these attributes, which is writable and big, as a system call does. */
export function setFlatStack(s: EventCode, selector: Value, attributes: number): void {
  setStack(s, selector, s.constant(attributes), 0xffff_ffff, FLAT_END, 0xffff_ffff);
}

function setStack(
  s: EventCode,
  selector: Value,
  attributes: Value,
  limit: number,
  end: number,
  stackMask: number,
): void {
  s.setField(SS_SLOT, selector, 16);
  s.setField(SS_SLOT + SEGMENT_ATTRIBUTES, attributes, 16);
  s.setAddress(SS_SLOT + SEGMENT_BASE, s.constant(0));
  s.setField(SS_SLOT + SEGMENT_LIMIT, limit);
  s.setAddress(ENTRY + ENTRY_BASE, s.constant(0));
  for (const field of [ENTRY_READ_END, ENTRY_WRITE_END]) s.f.store(64, s.cpu, ENTRY + field, s.f.i64(BigInt(end)));
  const isBig = stackMask === 0xffff_ffff;
  const { facts, mask } = factsOf(SS, { isBaseFixed: true, base: 0, end, isBig, isRealMode: false });
  s.setField(internal.SEGMENT_FACTS, s.or(s.and(s.field(internal.SEGMENT_FACTS), ~mask), facts));
  s.setField(internal.STACK_MASK, stackMask);
}
