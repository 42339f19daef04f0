/**
 * The generated function that enters the handler of a usual interrupt or exception: 32-bit protected mode and 64-bit mode,
 * gates to code of the same or an inner level, everything in memory that compiled code reaches without asking (SDM
 * vol. 3A §6.12, §6.14). All that is unusual, faults above all, is refused before anything has changed;
 * cpu/interrupt-entry.ts is the whole of it.
 */
import { TYPE_BIT_32 } from '../../cpu/descriptors.ts';
import { EFER_LMA } from '../../state/control-bits.ts';
import { ATTRIBUTE_BIG, ATTRIBUTE_PRESENT } from '../../state/cpu-state.ts';
import {
  CS,
  ENTRY_BASE,
  ENTRY_WRITE_END,
  internal,
  SEGMENT_ATTRIBUTES,
  SEGMENT_BASE,
  SEGMENT_ENTRY_SIZE,
  SEGMENT_LIMIT,
  SS,
  segmentSlots,
  slot,
} from '../../state/layout.ts';
import { IF, NT, RF, TF, VM } from '../../state/lazy-flags.ts';
import type { Value, Variable } from '../../wasm/function-builder.ts';
import {
  baseOf,
  type DescriptorValue,
  findCode,
  findStack,
  levelOf,
  limitOf,
  loadSame,
  requireSame,
} from './descriptor-code.ts';
import { KIND_SOFTWARE } from '../call-entry.ts';
import type { EventCode } from './event-code.ts';
import { recordEntry } from './event-records.ts';
import { loadNullStack } from './long-stack.ts';

/** Present and a 32-bit interrupt or trap gate, which in long mode is one of 64 bits; the type's lowest bit is of traps. */
const GATE_MASK = 0x9e00;
const GATE = 0x8e00;
const TRAP = 0x100;

const CS_SELECTOR = segmentSlots[CS] as number;
const SS_SELECTOR = segmentSlots[SS] as number;
const STACK_ENTRY = internal.SEGMENTS + SS * SEGMENT_ENTRY_SIZE;
const TSS_STACKS = 4;
const TSS_64_IST1 = 36;

/** The parameters of the function. */
interface EventValues {
  readonly vector: Value;
  /** The kind of an entry in the record of calls. */
  readonly kind: Value;
  /** -1 where none is pushed. */
  readonly errorCode: Value;
  /** RF or 0, set in the image of the flags. */
  readonly resume: Value;
}

/** An open gate and the code that it leads to. */
interface Target {
  readonly gate: DescriptorValue;
  readonly selector: Value;
  readonly code: DescriptorValue;
  readonly level: Value;
  readonly isInward: Value;
}

/** Writes the function (cpu, vector, kind, error code, resume) → whether the handler was entered; EIP is the value to push. */
export function writeEnter(s: EventCode): void {
  const [, vector, kind, errorCode, resume] = s.f.parameters as readonly Value[];
  const event = { vector, kind, errorCode, resume } as EventValues;
  s.refuseUnusual();
  if (s.isWide) enterLong(s, event);
  else enterProtected(s, event);
}

function enterProtected(s: EventCode, { vector, kind, errorCode, resume }: EventValues): void {
  s.refuseIf(s.and(s.field(slot.EFER), EFER_LMA));
  const at = s.shl(vector, 3);
  s.refuseIf(s.gtU(s.add(at, s.constant(7)), s.field(slot.IDTR_LIMIT, 16)));
  const host = s.place('read', s.add(s.field(slot.IDTR_BASE), at), 8, 'system');
  const gate = { low: s.load(host), high: s.load(host, 4) };
  const offset = s.or(s.and(gate.high, 0xffff_0000), s.and(gate.low, 0xffff));
  const target = openGate(s, gate, kind);
  s.refuseIf(s.gtU(offset, limitOf(s, target.code)));
  const hasErrorCode = s.f.copy(s.f.binary('geS', errorCode, s.constant(0)));
  const bytes = s.f.copy(s.add(s.select(target.isInward, s.constant(20), s.constant(12)), s.shl(hasErrorCode, 2)));
  const { pointer, frame, linear, stack, low, high } = openProtected(s, target, bytes);
  const { isInward } = target;
  recordEntry(s, { kind, vector, frame: s.add(linear, s.shl(hasErrorCode, 2)), offset, isInward });
  const place = s.variable(frame);
  s.if(hasErrorCode, () => {
    s.f.store(32, place, 0, errorCode);
    s.set(place, s.add(place, s.constant(4)));
  });
  s.f.store(32, place, 0, s.field(slot.EIP));
  s.f.store(32, place, 4, s.field(CS_SELECTOR, 16));
  s.f.store(32, place, 8, s.or(s.flags(), resume));
  s.if(target.isInward, () => {
    s.f.store(32, place, 12, s.field(slot.ESP));
    s.f.store(32, place, 16, s.field(SS_SELECTOR, 16));
    loadSame(s, SS, stack, { low, high });
  });
  s.setField(slot.ESP, pointer);
  s.setAddress(slot.EIP, offset);
  arrive(s, target);
}

/** Finds the code behind a gate that is open for the event; refuses what is closed. */
function openGate(s: EventCode, gate: DescriptorValue, kind: Value): Target {
  s.refuseUnless(s.matches(gate.high, GATE_MASK, GATE));
  const now = s.field(slot.CPL, 8);
  s.refuseIf(s.and(s.eq(kind, KIND_SOFTWARE), s.ltU(levelOf(s, gate), now)));
  const selector = s.shrU(gate.low, 16);
  const code = findCode(s, selector);
  const level = levelOf(s, code);
  s.refuseIf(s.gtU(level, now));
  requireSame(s, CS, code);
  const isInward = s.ltU(level, now);
  s.refuseIf(s.and(isInward, s.field(internal.LEVELS_HEARD)));
  return { gate, selector, code, level, isInward };
}

/** A place for a frame: its linear and its host address, and the stack's selector and descriptor if it is another one. */
interface Room {
  readonly pointer: Variable;
  readonly frame: Variable;
  readonly linear: Variable;
  readonly stack: Variable;
  readonly low: Variable;
  readonly high: Variable;
}

function openProtected(s: EventCode, { isInward, level }: Target, bytes: Value): Room {
  const zero = () => s.variable(s.constant(0));
  const room = { pointer: zero(), frame: zero(), linear: zero(), stack: zero(), low: zero(), high: zero() };
  s.if(
    isInward,
    () => openInner(s, level, bytes, room),
    () => {
      s.refuseUnless(s.and(s.field(SS_SELECTOR + SEGMENT_ATTRIBUTES, 16), ATTRIBUTE_BIG));
      const top = s.field(slot.ESP);
      s.refuseIf(s.ltU(top, bytes));
      s.refuseIf(s.gtU(s.wideUnsigned(top), s.f.load('i64', 64, s.cpu, STACK_ENTRY + ENTRY_WRITE_END)));
      s.set(room.pointer, s.sub(top, bytes));
      s.set(room.linear, s.add(s.field(STACK_ENTRY + ENTRY_BASE), room.pointer));
      s.set(room.frame, s.place('write', room.linear, bytes, 'current'));
    },
  );
  return room;
}

/** Room on the stack that the task has for an inner level. */
function openInner(s: EventCode, level: Value, bytes: Value, room: Room): void {
  const present32 = ATTRIBUTE_PRESENT | TYPE_BIT_32;
  s.refuseUnless(s.matches(s.field(slot.TR + SEGMENT_ATTRIBUTES, 16), present32, present32));
  const at = s.add(s.shl(level, 3), s.constant(TSS_STACKS));
  s.refuseIf(s.gtU(s.add(at, s.constant(5)), s.field(slot.TR + SEGMENT_LIMIT)));
  const entry = s.place('read', s.add(s.field(slot.TR + SEGMENT_BASE), at), 6, 'system');
  const selector = s.load(entry, 4, 16);
  s.refuseIf(s.ne(s.and(selector, 3), level));
  const stack = findStack(s, selector);
  s.refuseIf(s.ne(levelOf(s, stack), level));
  requireSame(s, SS, stack);
  const top = s.load(entry);
  s.refuseIf(s.ltU(top, bytes));
  s.refuseIf(s.gtU(s.sub(top, s.constant(1)), limitOf(s, stack)));
  s.set(room.pointer, s.sub(top, bytes));
  s.set(room.linear, s.add(baseOf(s, stack), room.pointer));
  s.set(room.frame, s.place('write', room.linear, bytes, 'system'));
  s.set(room.stack, selector);
  s.set(room.low, stack.low);
  s.set(room.high, stack.high);
}

/** The flags, the code segment, the level and what waited for the processor to go on. */
function arrive(s: EventCode, { gate, selector, code, level }: Target): void {
  const always = TF | NT | RF | VM;
  const cleared = s.select(s.and(gate.high, TRAP), s.constant(always), s.constant(always | IF));
  s.setField(slot.EFLAGS, s.and(s.field(slot.EFLAGS), s.not(cleared)));
  loadSame(s, CS, s.or(s.and(selector, 0xfffc), level), code);
  s.setLevel(level);
  s.setField(slot.HALTED, 0, 8);
  s.setField(slot.INTERRUPT_SHADOW, 0, 8);
  s.f.return(s.constant(1));
}

function enterLong(s: EventCode, { vector, kind, errorCode, resume }: EventValues): void {
  const at = s.shl(vector, 4);
  s.refuseIf(s.gtU(s.add(at, s.constant(15)), s.field(slot.IDTR_LIMIT, 16)));
  const host = s.place('read', s.add(s.address(slot.IDTR_BASE), s.wideUnsigned(at)), 16, 'system');
  const gate = { low: s.load(host), high: s.load(host, 4) };
  const lower = s.wideUnsigned(s.or(s.and(gate.high, 0xffff_0000), s.and(gate.low, 0xffff)));
  const offset = s.or(lower, s.shl(s.wideUnsigned(s.load(host, 8)), 32));
  s.refuseUnlessCanonical(offset);
  const target = openGate(s, gate, kind);
  const hasErrorCode = s.f.copy(s.f.binary('geS', errorCode, s.constant(0)));
  const bytes = s.add(s.constant(40), s.shl(hasErrorCode, 3));
  const top = stackTop(s, target);
  const pointer = s.sub(s.and(top, -16), s.wideUnsigned(bytes));
  const place = s.variable(s.place('write', pointer, bytes, 'system'));
  const { isInward } = target;
  const frame = s.add(pointer, s.wideUnsigned(s.shl(hasErrorCode, 3)));
  recordEntry(s, { kind, vector, frame, offset, isInward });
  s.if(hasErrorCode, () => {
    s.f.store(64, place, 0, s.wideUnsigned(errorCode));
    s.set(place, s.add(place, s.constant(8)));
  });
  s.f.store(64, place, 0, s.address(slot.EIP));
  s.f.store(64, place, 8, s.wideUnsigned(s.field(CS_SELECTOR, 16)));
  s.f.store(64, place, 16, s.wideUnsigned(s.or(s.flags(), resume)));
  s.f.store(64, place, 24, s.address(slot.ESP));
  s.f.store(64, place, 32, s.wideUnsigned(s.field(SS_SELECTOR, 16)));
  s.if(target.isInward, () => loadNullStack(s, target.level));
  s.setAddress(slot.ESP, pointer);
  s.setAddress(slot.EIP, offset);
  arrive(s, target);
}

/** Where the frame goes in 64-bit mode: to the stack that the gate or the level says, or to the current one. */
function stackTop(s: EventCode, { gate, isInward, level }: Target): Value {
  const top = s.variable(s.address(slot.ESP));
  const index = s.and(gate.high, 7);
  s.if(s.or(index, isInward), () => {
    const ofGate = s.add(s.shl(index, 3), s.constant(TSS_64_IST1 - 8));
    const ofLevel = s.add(s.shl(level, 3), s.constant(TSS_STACKS));
    const at = s.select(index, ofGate, ofLevel);
    s.refuseUnless(s.and(s.field(slot.TR + SEGMENT_ATTRIBUTES, 16), ATTRIBUTE_PRESENT));
    s.refuseIf(s.gtU(s.add(at, s.constant(7)), s.field(slot.TR + SEGMENT_LIMIT)));
    const entry = s.place('read', s.add(s.address(slot.TR + SEGMENT_BASE), s.wideUnsigned(at)), 8, 'system');
    s.set(top, s.f.load('i64', 64, entry));
  });
  return top;
}
