/**
 * What the generated functions for events do to the record of calls (call-shadow.ts), if there is one: a handler gets an entry,
 * which the return takes away. What leaves entries behind, or leads to a stack of which they do not tell, is refused before
 * anything has changed; TypeScript does it.
 */
import { CS, internal, SS, segmentSlots, slot } from '../../state/layout.ts';
import type { Value } from '../../wasm/function-builder.ts';
import * as entry from '../call-entry.ts';
import { neighbour, STACK_BASE, stackTopOf } from '../call-stage.ts';
import { CODE_BASE } from '../run-loop.ts';
import type { EventCode } from './event-code.ts';

const CS_SELECTOR = segmentSlots[CS] as number;
const SS_SELECTOR = segmentSlots[SS] as number;
const UNUSED = -1n;
/** What an interrupt pushes at most on the stack that it finds, with what aligns it. */
const FRAME_MAX = 64;
/** What a frame with the stack's pointer has, without the error code. */
const FRAME_ITEMS = 5;
/** A return may drop so many bytes of parameters. */
const DROPPED_MAX = 0xffff;
/** Addresses are numbers in TypeScript, which are exact with four levels of tables. */
const EXACT_SHIFT = 16;

/** A handler that is about to be entered. The state is as before. */
interface EnteredHandler {
  /** One of the kinds of entries. */
  readonly kind: Value;
  readonly vector: Value;
  /** Linear address of the return address in the frame. */
  readonly frame: Value;
  readonly offset: Value;
  readonly isInward: Value;
}

export function recordEntry(s: EventCode, { kind, vector, frame, offset, isInward }: EnteredHandler): void {
  const top = s.f.copy(s.field(internal.CALLS_TOP));
  s.if(top, () => {
    const at = s.f.copy(s.wideUnsigned(frame));
    refuseUnrecorded(s);
    const changes = s.variable(isInward);
    if (s.isWide) s.set(changes, s.or(isInward, isElsewhere(s, at)));
    s.if(s.isZero(changes), () => s.refuseIf(isLeft(s, top, at)));
    const next = s.f.copy(neighbour(s.f, top, entry.CALL_ENTRY_SIZE));
    const size = s.isWide ? 8 : 4;
    s.f.store(64, next, entry.CALL_SLOT, s.select(changes, s.f.copy(s.f.i64(UNUSED)), at));
    s.f.store(64, next, entry.CALL_INNER_SLOT, at);
    s.f.store(64, next, entry.CALL_RETURN, codeAddress(s, s.address(slot.EIP)));
    s.f.store(64, next, entry.CALL_TARGET, codeAddress(s, offset));
    const what = s.or(s.shl(kind, 16), s.shl(vector, 24));
    s.f.store(32, next, entry.CALL_SELECTOR, s.or(s.field(CS_SELECTOR, 16), what));
    s.f.store(32, next, entry.CALL_ADDRESS_SIZE, s.or(s.shl(changes, 8), size));
    s.if(changes, () => recordOuter(s, next, s.add(at, s.f.i64(BigInt(FRAME_ITEMS * size)))));
    s.setField(internal.CALLS_TOP, next);
  });
}

/** Notes the stack that is left, and where the new one begins. */
function recordOuter(s: EventCode, at: Value, begin: Value): void {
  const base = s.f.copy(s.isWide ? s.f.i64(0n) : s.wideUnsigned(s.field(STACK_BASE)));
  s.f.store(16, at, entry.CALL_OUTER_SELECTOR, s.field(SS_SELECTOR, 16));
  s.f.store(64, at, entry.CALL_OUTER_BASE, base);
  s.f.store(64, at, entry.CALL_OUTER_POINTER, s.sub(top(s), base));
  s.f.store(64, at, entry.CALL_OUTER_BEGIN, s.f.load('i64', 64, s.cpu, internal.CALLS_BEGIN));
  const number = s.f.operate('f64.convert_i64_s', begin);
  s.f.store(64, s.cpu, internal.CALLS_BEGIN, s.f.operate('i64.reinterpret_f64', number));
}

/** An IRET is about to pop; `after` is where the stack pointer goes, as a linear address. The state is as before. */
export function recordReturn(s: EventCode, isOutward: Value, after: Value): void {
  const newest = s.f.copy(s.field(internal.CALLS_TOP));
  s.if(newest, () => {
    refuseUnrecorded(s);
    const at = s.f.copy(top(s));
    const isInner = s.eq(s.f.load('i64', 64, newest, entry.CALL_INNER_SLOT), at);
    s.if(
      s.and(s.f.load('i32', 8, newest, entry.CALL_CHANGES_STACK), isInner),
      () => {
        const load = (field: number) => s.f.load('i64', 64, newest, field);
        const back = s.add(load(entry.CALL_OUTER_BASE), load(entry.CALL_OUTER_POINTER));
        s.refuseIf(s.gtU(s.sub(s.wideUnsigned(after), back), DROPPED_MAX));
        s.f.store(64, s.cpu, internal.CALLS_BEGIN, load(entry.CALL_OUTER_BEGIN));
        drop(s, newest);
      },
      () => {
        s.refuseIf(isOutward);
        s.if(
          s.eq(s.f.load('i64', 64, newest, entry.CALL_SLOT), at),
          () => {
            s.refuseIf(isLeft(s, neighbour(s.f, newest, -entry.CALL_ENTRY_SIZE), at));
            drop(s, newest);
          },
          () => s.refuseIf(isLeft(s, newest, at)),
        );
      },
    );
  });
}

function drop(s: EventCode, newest: Value): void {
  s.f.store(64, newest, entry.CALL_SLOT, s.f.i64(UNUSED));
  s.f.store(8, newest, entry.CALL_CHANGES_STACK, s.constant(0));
  s.setField(internal.CALLS_TOP, neighbour(s.f, newest, -entry.CALL_ENTRY_SIZE));
}

function refuseUnrecorded(s: EventCode): void {
  s.refuseIf(s.field(internal.CALLS_ASK));
  if (!s.isWide) return;
  s.refuseIf(s.ne(s.field(internal.CANONICAL_SHIFT), EXACT_SHIFT));
  s.refuseUnlessCanonical(s.address(slot.ESP));
}

/** True for an entry whose frame lies at a place or below: it was left without a return. */
function isLeft(s: EventCode, at: Value, place: Value): Value {
  const changes = s.f.copy(s.f.load('i32', 8, at, entry.CALL_CHANGES_STACK));
  const inner = s.f.load('i64', 64, at, entry.CALL_INNER_SLOT);
  const there = s.f.copy(s.select(changes, inner, s.f.load('i64', 64, at, entry.CALL_SLOT)));
  return s.and(s.isZero(s.gtS(there, place)), s.or(changes, s.ne(there, -1)));
}

/** In 64-bit mode a handler may have a stack of its own without a change of level. */
function isElsewhere(s: EventCode, frame: Value): Value {
  const pushed = s.sub(s.address(slot.ESP), frame);
  return s.gtU(s.sub(pushed, s.f.i64(1n)), FRAME_MAX - 1);
}

function top(s: EventCode): Value {
  return stackTopOf(s.f, s.cpu, s.isWide ? 64 : 32);
}

function codeAddress(s: EventCode, offset: Value): Value {
  return s.isWide ? offset : s.wideUnsigned(s.add(s.field(CODE_BASE), offset));
}
