/** Generated code that keeps the ring of executed code (trace-ring.ts), block by block, while somebody asks for it. */
import { TRACE_RING, TRACE_RING_SIZE } from '../memory/layout.ts';
import { CS, internal, SEGMENT_ATTRIBUTES, segmentSlots } from '../state/layout.ts';
import type { FunctionBuilder, Value } from '../wasm/function-builder.ts';
import * as entry from './trace-entry.ts';

const CS_SLOT = segmentSlots[CS] as number;

/** A block begins; `address` gives its linear address. */
export function stageTraceBegin(f: FunctionBuilder, cpu: Value, addressBits: 32 | 64, address: () => Value): void {
  const newest = f.load('i32', 32, cpu, internal.TRACE_NEWEST);
  f.if(newest, () => {
    const place = f.binary('and', f.binary('add', newest, f.i32(entry.TRACE_ENTRY_SIZE)), f.i32(TRACE_RING_SIZE - 1));
    const at = f.binary('or', place, f.binary('add', cpu, f.i32(TRACE_RING)));
    const kind = addressBits === 64 ? entry.KIND_LONG_CODE : entry.KIND_CODE;
    f.store(64, at, entry.TRACE_ADDRESS, f.widen(address(), false));
    f.store(32, at, entry.TRACE_COUNT, f.i32(kind << 16));
    f.store(16, at, entry.TRACE_SELECTOR, f.load('i32', 16, cpu, CS_SLOT));
    f.store(16, at, entry.TRACE_ATTRIBUTES, f.load('i32', 16, cpu, CS_SLOT + SEGMENT_ATTRIBUTES));
    f.store(32, cpu, internal.TRACE_NEWEST, at);
  });
}

/** So many instructions of the block have retired. */
export function stageTraceCount(f: FunctionBuilder, cpu: Value, count: Value): void {
  const newest = f.load('i32', 32, cpu, internal.TRACE_NEWEST);
  f.if(newest, () => f.store(16, newest, entry.TRACE_COUNT, count));
}
