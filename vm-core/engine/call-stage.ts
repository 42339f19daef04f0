/**
 * Generated code that keeps the call shadow (call-shadow.ts): what near calls and returns, far ones in real mode, and
 * loads of the stack pointer do while calls are recorded. What is rare is left to TypeScript.
 */
import { CALL_SHADOW_SIZE } from '../memory/layout.ts';
import { CS, ENTRY_BASE, internal, SEGMENT_ENTRY_SIZE, SS, segmentSlots, slot } from '../state/layout.ts';
import type { FunctionBuilder, Value } from '../wasm/function-builder.ts';
import {
  CALL_ADDRESS_SIZE,
  CALL_ENTRY_SIZE,
  CALL_RETURN,
  CALL_SELECTOR,
  CALL_SLOT,
  CALL_TARGET,
  KIND_FAR,
} from './call-entry.ts';

const CODE_BASE = internal.SEGMENTS + CS * SEGMENT_ENTRY_SIZE + ENTRY_BASE;
/** Where the state has the base of the stack segment. */
export const STACK_BASE: number = internal.SEGMENTS + SS * SEGMENT_ENTRY_SIZE + ENTRY_BASE;
const CS_SELECTOR = segmentSlots[CS] as number;
const UNUSED = -1n;

/** What the staging of an instruction brings: where its stack pointer is, and who does what is rare. */
export interface CallKeeper {
  /** Linear address of the top of the stack, as an i64. */
  stackTop(): Value;
  /** Calls recorded at a slot and below are over; so many bytes were pushed there. */
  callsOver(slot: Value, pushed: number): void;
}

/** A call, after its push: offsets of the target and of the return address, and the size of the latter. */
export interface StagedCall {
  readonly target: Value;
  readonly back: Value;
  readonly size: number;
  /** Of a far call in real mode: the target's paragraph, which CS does not hold yet. */
  readonly selector?: Value | undefined;
}

/** Adds an entry. Entries at its slot and below, which nobody has returned from, are dropped before. */
export function stageCall(f: FunctionBuilder, cpu: Value, keeper: CallKeeper, call: StagedCall): void {
  const top = f.variable(f.load('i32', 32, cpu, internal.CALLS_TOP));
  f.if(top, () => {
    const at = keeper.stackTop();
    f.if(f.binary('geU', at, f.load('i64', 64, top, CALL_SLOT)), () => {
      keeper.callsOver(at, call.selector ? 2 * call.size : call.size);
      f.set(top, f.load('i32', 32, cpu, internal.CALLS_TOP));
    });
    f.set(top, neighbour(f, top, CALL_ENTRY_SIZE));
    f.store(64, top, CALL_SLOT, at);
    f.store(64, top, CALL_RETURN, codeAddress(f, cpu, call.back));
    f.store(64, top, CALL_TARGET, codeAddress(f, cpu, call.target, call.selector));
    const kind = call.selector ? KIND_FAR << 16 : 0;
    f.store(32, top, CALL_SELECTOR, f.binary('or', f.load('i32', 16, cpu, CS_SELECTOR), f.i32(kind)));
    f.store(32, top, CALL_ADDRESS_SIZE, f.i32(call.size));
    f.store(32, cpu, internal.CALLS_TOP, top);
  });
}

/** Takes the newest entry away if it is the one returned from. A return from below it is a jump in disguise. */
export function stageReturn(f: FunctionBuilder, cpu: Value, keeper: CallKeeper): void {
  const top = f.load('i32', 32, cpu, internal.CALLS_TOP);
  f.if(top, () => {
    const at = keeper.stackTop();
    const expected = f.load('i64', 64, top, CALL_SLOT);
    f.if(
      f.binary('eq', at, expected),
      () => {
        f.store(64, top, CALL_SLOT, f.i64(UNUSED));
        f.store(32, cpu, internal.CALLS_TOP, neighbour(f, top, -CALL_ENTRY_SIZE));
      },
      () => f.if(f.binary('gtU', at, expected), () => keeper.callsOver(at, 0)),
    );
  });
}

/** Runs an instruction that loads the stack pointer, and tells of it unless it only moved up inside the newest frame. */
export function stageStackLoad(
  f: FunctionBuilder,
  cpu: Value,
  keeper: Pick<CallKeeper, 'stackTop'>,
  run: () => void,
  tell: () => void,
): void {
  const old = keeper.stackTop();
  run();
  const top = f.load('i32', 32, cpu, internal.CALLS_TOP);
  f.if(top, () => {
    const at = keeper.stackTop();
    const expected = f.load('i64', 64, top, CALL_SLOT);
    const down = f.binary('ltU', at, old);
    const beyond = f.binary('gtU', at, expected);
    const unknown = f.binary('eq', expected, f.i64(UNUSED));
    f.if(f.binary('or', down, f.binary('or', beyond, unknown)), tell);
  });
}

/** Linear address of the top of the stack by the state, as an i64. */
export function stackTopOf(f: FunctionBuilder, cpu: Value, addressBits: 32 | 64): Value {
  if (addressBits === 64) return f.load('i64', 64, cpu, slot.ESP);
  const pointer = f.binary('and', f.load('i32', 32, cpu, slot.ESP), f.load('i32', 32, cpu, internal.STACK_MASK));
  return f.widen(f.binary('add', f.load('i32', 32, cpu, STACK_BASE), pointer), false);
}

/** Linear address of an offset in the code segment or a paragraph, as an i64; one of 64 bits is linear itself. */
function codeAddress(f: FunctionBuilder, cpu: Value, offset: Value, paragraph?: Value): Value {
  if (offset.type === 'i64') return offset;
  const base = paragraph ? f.binary('shl', paragraph, f.i32(4)) : f.load('i32', 32, cpu, CODE_BASE);
  return f.widen(f.binary('add', base, offset), false);
}

/** The entry so many bytes away in the ring. */
export function neighbour(f: FunctionBuilder, at: Value, distance: number): Value {
  const place = f.binary('and', f.binary('add', at, f.i32(distance)), f.i32(CALL_SHADOW_SIZE - 1));
  return f.binary('or', place, f.binary('and', at, f.i32(-CALL_SHADOW_SIZE)));
}
