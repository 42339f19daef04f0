/** Segment registers in generated code: their slots, and what derived-state.ts derives from them (SDM vol. 3A §20.1.1). */
import { ATTRIBUTE_PRESENT } from '../state/cpu-state.ts';
import {
  ENTRY_BASE,
  internal,
  SEGMENT_ATTRIBUTES,
  SEGMENT_BASE,
  SEGMENT_ENTRY_SIZE,
  type SegmentIndex,
  SS,
  segmentSlots,
} from '../state/layout.ts';
import type { FunctionBuilder, Value } from '../wasm/function-builder.ts';
import { RECORD_REG, RECORD_REG_SLOT } from './record.ts';

/** Addresses of the selector's slot and of the derived entry; the number where it is known when code is generated. */
export interface StagedSegment {
  readonly slot: Value;
  readonly entry: Value;
  readonly index: Value;
}

/** One segment register, or the one that the record's ModR/M names. */
export function stagedSegment(
  f: FunctionBuilder,
  cpu: Value,
  record: Value,
  index: SegmentIndex | 'reg',
): StagedSegment {
  const number = index === 'reg' ? f.load('i32', 8, record, RECORD_REG) : f.i32(index);
  const slot = index === 'reg' ? f.load('i32', 16, record, RECORD_REG_SLOT) : f.i32(segmentSlots[index] as number);
  const place = f.binary('mul', number, f.i32(SEGMENT_ENTRY_SIZE));
  const entry = f.binary('add', cpu, f.binary('add', place, f.i32(internal.SEGMENTS)));
  return { slot: f.binary('add', cpu, slot), entry, index: number };
}

/** A present segment that is not SS: a load of SS also holds interrupts off, and one of an absent segment repairs it. */
export function takesParagraphs(f: FunctionBuilder, { slot, index }: StagedSegment): Value {
  const isPresent = f.binary('and', f.load('i32', 16, slot, SEGMENT_ATTRIBUTES), f.i32(ATTRIBUTE_PRESENT));
  return f.select(f.binary('eq', index, f.i32(SS)), f.i32(0), isPresent);
}

export function loadParagraph(f: FunctionBuilder, { slot, entry }: StagedSegment, selector: Value): void {
  const base = f.binary('shl', selector, f.i32(4));
  f.store(16, slot, 0, selector);
  f.store(32, slot, SEGMENT_BASE, base);
  f.store(32, entry, ENTRY_BASE, base);
}
