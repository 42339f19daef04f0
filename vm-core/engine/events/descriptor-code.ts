/** Descriptors and segment registers in the generated functions for events (SDM vol. 3A §3.4.5). */
import { ATTRIBUTE_CODE, ATTRIBUTE_EXPAND_DOWN_OR_CONFORMING, ATTRIBUTE_S } from '../../state/cpu-state.ts';
import {
  DS,
  ES,
  FS,
  GS,
  SEGMENT_ATTRIBUTES,
  SEGMENT_BASE,
  SEGMENT_LIMIT,
  segmentSlots,
  slot,
} from '../../state/layout.ts';
import type { Value } from '../../wasm/function-builder.ts';
import type { EventCode } from './event-code.ts';

/** Present, a segment, code, conforming, accessed: bits of the high half that tell code which is entered. */
const CODE_MASK = 0x9d00;
const CODE = 0x9900;
/** Present, a segment, code, expand-down, writable, accessed. */
const STACK_MASK = 0x9f00;
const STACK = 0x9300;
const LONG_AND_BIG = 0x60_0000;
const LONG = 0x20_0000;
const BIG = 0x40_0000;
const GRANULARITY = 23;
/** The privilege level in the attributes, on which nothing that is derived depends. */
const ATTRIBUTE_LEVEL = 3 << 5;

/** The halves of a descriptor. */
export interface DescriptorValue {
  readonly low: Value;
  readonly high: Value;
}

/** What a selector of the GDT names; refuses other selectors. */
export function findDescriptor(s: EventCode, selector: Value): DescriptorValue {
  s.refuseIf(s.and(selector, 4));
  s.refuseUnless(s.and(selector, 0xfff8));
  s.refuseIf(s.gtU(s.or(selector, 7), s.field(slot.GDTR_LIMIT, 16)));
  const at = s.add(s.address(slot.GDTR_BASE), s.asAddress(s.and(selector, 0xfff8)));
  const host = s.place('read', at, 8, 'system');
  return { low: s.load(host), high: s.load(host, 4) };
}

/** Code that is present, not conforming, and has been used before; in 64-bit mode that of 64 bits. Others are refused. */
export function findCode(s: EventCode, selector: Value): DescriptorValue {
  const code = findDescriptor(s, selector);
  s.refuseUnless(s.matches(code.high, CODE_MASK, CODE));
  if (s.isWide) s.refuseUnless(s.matches(code.high, LONG_AND_BIG, LONG));
  return code;
}

/** Writable data that is present, big, does not expand down, and has been used before. Others are refused. */
export function findStack(s: EventCode, selector: Value): DescriptorValue {
  const stack = findDescriptor(s, selector);
  s.refuseUnless(s.matches(stack.high, STACK_MASK | BIG, STACK | BIG));
  return stack;
}

export function levelOf(s: EventCode, { high }: DescriptorValue): Value {
  return s.and(s.shrU(high, 13), 3);
}

export function limitOf(s: EventCode, { low, high }: DescriptorValue): Value {
  const limit = s.or(s.and(high, 0xf_0000), s.and(low, 0xffff));
  return s.select(s.bit(high, GRANULARITY), s.or(s.shl(limit, 12), 0xfff), limit);
}

export function baseOf(s: EventCode, { low, high }: DescriptorValue): Value {
  const upper = s.or(s.and(high, 0xff00_0000), s.shl(s.and(high, 0xff), 16));
  return s.or(upper, s.shrU(low, 16));
}

export function attributesOf(s: EventCode, { high }: DescriptorValue): Value {
  return s.or(s.and(s.shrU(high, 8), 0xff), s.and(s.shrU(high, 12), 0xf00));
}

/** Refuses a descriptor that would change what is derived from a segment register. */
export function requireSame(s: EventCode, index: number, descriptor: DescriptorValue): void {
  const at = segmentSlots[index] as number;
  const changed = s.xor(s.field(at + SEGMENT_ATTRIBUTES, 16), attributesOf(s, descriptor));
  s.refuseIf(s.and(changed, ~ATTRIBUTE_LEVEL));
  s.refuseIf(s.ne(s.field(at + SEGMENT_LIMIT), limitOf(s, descriptor)));
  s.refuseIf(s.ne(s.address(at + SEGMENT_BASE), s.asAddress(baseOf(s, descriptor))));
}

/** Loads a segment register with what `requireSame` has let pass. */
export function loadSame(s: EventCode, index: number, selector: Value, descriptor: DescriptorValue): void {
  const at = segmentSlots[index] as number;
  s.setField(at, selector, 16);
  s.setField(at + SEGMENT_ATTRIBUTES, attributesOf(s, descriptor), 16);
}

/** Refuses a return outward after which a data segment that is not empty would have to become so (SDM vol. 3A §5.8.6). */
export function refuseDrops(s: EventCode, level: Value): void {
  for (const index of [ES, DS, FS, GS]) {
    const at = segmentSlots[index] as number;
    const selector = s.field(at, 16);
    const attributes = s.field(at + SEGMENT_ATTRIBUTES, 16);
    const conforming = ATTRIBUTE_S | ATTRIBUTE_CODE | ATTRIBUTE_EXPAND_DOWN_OR_CONFORMING;
    const isGuarded = s.ne(s.and(attributes, conforming), conforming);
    const isInner = s.and(isGuarded, s.ltU(s.and(s.shrU(attributes, 5), 3), level));
    const isNull = s.isZero(s.and(selector, 0xfffc));
    s.if(s.or(isNull, isInner), () => s.refuseIf(s.or(s.or(selector, attributes), s.field(at + SEGMENT_LIMIT))));
  }
}
