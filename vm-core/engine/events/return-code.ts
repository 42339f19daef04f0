/**
 * The generated function of the usual IRETD of protected mode and IRETQ of 64-bit mode: to code of the same or an outer level
 * (SDM vol. 2A IRET). What is unusual is refused before anything has changed; cpu/operations/far-returns.ts is the whole
 * of it.
 */
import { ARITHMETIC_AND_NT } from '../../cpu/returned-flags.ts';
import { BRANCH, EXIT } from '../../cpu/cpu.ts';
import { CR0_AM, EFER_LMA } from '../../state/control-bits.ts';
import { ATTRIBUTE_BIG } from '../../state/cpu-state.ts';
import {
  CS,
  ENTRY_BASE,
  ENTRY_READ_END,
  internal,
  SEGMENT_ATTRIBUTES,
  SEGMENT_ENTRY_SIZE,
  SS,
  segmentSlots,
  slot,
} from '../../state/layout.ts';
import { AC, IF, IOPL, NT, RF, TF, VM } from '../../state/lazy-flags.ts';
import type { Value } from '../../wasm/function-builder.ts';
import type { FunctionReference } from '../../wasm/module-builder.ts';
import {
  type DescriptorValue,
  findCode,
  findStack,
  levelOf,
  limitOf,
  loadSame,
  refuseDrops,
  requireSame,
} from './descriptor-code.ts';
import { STATUS_RESUME } from '../record.ts';
import { bitOf, type EventCode } from './event-code.ts';
import { recordReturn } from './event-records.ts';
import { loadFlatStack, loadNullStack, requireFlat } from './long-stack.ts';

const SS_SELECTOR = segmentSlots[SS] as number;
const STACK_ENTRY = internal.SEGMENTS + SS * SEGMENT_ENTRY_SIZE;
/** Flags that mean something between instructions, and the one on which accesses of memory depend. */
const NOTICED = TF | IF | RF | VM | AC;

/** Writes the function (cpu, record) → status, or 0. `interruptPending` is TypeScript's. */
export function writeReturn(s: EventCode, interruptPending: FunctionReference): void {
  s.refuseUnusual();
  s.refuseIf(s.and(s.field(slot.EFLAGS), NT));
  s.refuseIf(s.field(slot.NMI_PENDING, 8));
  const before = s.f.copy(s.field(slot.EFLAGS));
  if (s.isWide) returnLong(s);
  else returnProtected(s);
  s.setField(slot.NMI_BLOCKED, 0, 8);
  const [, record] = s.f.parameters as readonly [Value, Value];
  s.f.return(statusAfter(s, before, () => s.f.call(interruptPending, record)));
}

/** The status after EFLAGS was loaded: TypeScript must look where the flags ask for something. */
export function statusAfter(s: EventCode, before: Value, isPending: () => Value): Value {
  const after = s.field(slot.EFLAGS);
  const noticed = s.f.copy(s.and(s.xor(before, after), NOTICED));
  const mustLook = s.variable(s.ne(s.and(noticed, ~(IF | RF)), 0));
  const checks = s.and(s.bit(s.field(slot.CR0), bitOf(CR0_AM)), s.bit(s.or(before, after), bitOf(AC)));
  s.set(mustLook, s.or(mustLook, checks));
  s.if(s.and(s.isZero(mustLook), s.ne(s.and(s.and(noticed, after), IF), 0)), () => s.set(mustLook, isPending()));
  const requested = s.field(internal.EXIT_REQUEST);
  // Where there are breakpoints on instructions, RF means more.
  s.set(mustLook, s.or(s.or(mustLook, requested), s.and(s.shrU(noticed, bitOf(RF)), s.field(internal.SHORTCUTS_OFF))));
  const resumes = s.select(s.and(noticed, RF), s.constant(BRANCH | EXIT | STATUS_RESUME), s.constant(BRANCH));
  return s.select(mustLook, s.constant(BRANCH | EXIT), resumes);
}

/** Code at the level of the selector, which is the current one or an outer one. Others are refused. */
function findReturnCode(s: EventCode, selector: Value): DescriptorValue {
  const level = s.and(selector, 3);
  s.refuseIf(s.ltU(level, s.field(slot.CPL, 8)));
  const code = findCode(s, selector);
  s.refuseIf(s.ne(levelOf(s, code), level));
  requireSame(s, CS, code);
  return code;
}

/** The stack of the level that the code returns to. Others are refused. */
function findReturnStack(s: EventCode, selector: Value, level: Value): DescriptorValue {
  s.refuseIf(s.ne(s.and(selector, 3), level));
  const stack = findStack(s, selector);
  s.refuseIf(s.ne(levelOf(s, stack), level));
  return stack;
}

/** What the way outward asks for besides. */
function refuseOutward(s: EventCode, level: Value): void {
  s.refuseIf(s.field(internal.LEVELS_HEARD));
  refuseDrops(s, level);
}

/** The flags with those bits of an image that the current level may load (cpu/returned-flags.ts). */
function mergedFlags(s: EventCode, image: Value): Value {
  const level = s.field(slot.CPL, 8);
  const flags = s.f.copy(s.flags());
  const interrupts = s.select(s.gtU(level, s.and(s.shrU(flags, 12), 3)), s.constant(0), s.constant(IF));
  const ofLevel0 = s.or(s.field(internal.MODEL_SYSTEM_FLAGS), IOPL);
  const system = s.select(level, s.constant(0), ofLevel0);
  const always = s.or(s.field(internal.MODEL_FLAGS), ARITHMETIC_AND_NT | TF | RF);
  const writable = s.f.copy(s.or(always, s.or(interrupts, system)));
  return s.or(s.and(flags, s.not(writable)), s.and(image, writable));
}

function returnProtected(s: EventCode): void {
  s.refuseIf(s.and(s.field(slot.EFER), EFER_LMA));
  s.refuseUnless(s.and(s.field(SS_SELECTOR + SEGMENT_ATTRIBUTES, 16), ATTRIBUTE_BIG));
  const pointer = s.field(slot.ESP);
  const end = s.f.load('i64', 64, s.cpu, STACK_ENTRY + ENTRY_READ_END);
  const refuseBeyond = (bytes: number) =>
    s.refuseIf(s.gtU(s.add(s.wideUnsigned(pointer), s.f.i64(BigInt(bytes))), end));
  refuseBeyond(12);
  const linear = s.add(s.field(STACK_ENTRY + ENTRY_BASE), pointer);
  const host = s.place('read', linear, 12, 'current');
  const offset = s.load(host);
  const selector = s.load(host, 4, 16);
  const image = s.load(host, 8);
  s.refuseIf(s.and(image, VM));
  const code = findReturnCode(s, selector);
  s.refuseIf(s.gtU(offset, limitOf(s, code)));
  const level = levelOf(s, code);
  const isOutward = s.gtU(level, s.field(slot.CPL, 8));
  const after = s.variable(s.add(pointer, s.constant(12)));
  const outer = {
    selector: s.variable(s.constant(0)),
    low: s.variable(s.constant(0)),
    high: s.variable(s.constant(0)),
  };
  s.if(isOutward, () => {
    refuseOutward(s, level);
    refuseBeyond(20);
    const second = s.place('read', s.add(linear, s.constant(12)), 8, 'current');
    s.set(outer.selector, s.load(second, 4, 16));
    const stack = findReturnStack(s, outer.selector, level);
    requireSame(s, SS, stack);
    s.set(outer.low, stack.low);
    s.set(outer.high, stack.high);
    s.set(after, s.load(second));
  });
  recordReturn(s, isOutward, s.add(s.field(STACK_ENTRY + ENTRY_BASE), after));
  const flags = mergedFlags(s, image);
  s.if(isOutward, () => loadSame(s, SS, outer.selector, outer));
  loadSame(s, CS, selector, code);
  s.setField(slot.ESP, after);
  s.setAddress(slot.EIP, offset);
  s.setFlags(flags);
  s.setLevel(level);
}

function returnLong(s: EventCode): void {
  const host = s.place('read', s.address(slot.ESP), 40, 'current');
  const offset = s.f.load('i64', 64, host);
  s.refuseUnlessCanonical(offset);
  const selector = s.load(host, 8, 16);
  const code = findReturnCode(s, selector);
  const level = levelOf(s, code);
  const isOutward = s.f.copy(s.gtU(level, s.field(slot.CPL, 8)));
  s.if(isOutward, () => refuseOutward(s, level));
  const stackSelector = s.load(host, 32, 16);
  const isNull = s.isZero(s.and(stackSelector, 0xfffc));
  const outer = { low: s.variable(s.constant(0)), high: s.variable(s.constant(0)) };
  s.if(
    isNull,
    () => {
      s.refuseIf(s.ne(s.and(stackSelector, 3), level));
      s.refuseIf(s.eq(stackSelector, 3));
    },
    () => {
      const stack = findReturnStack(s, stackSelector, level);
      requireFlat(s, stack);
      s.set(outer.low, stack.low);
      s.set(outer.high, stack.high);
    },
  );
  recordReturn(s, isOutward, s.f.load('i64', 64, host, 24));
  const flags = mergedFlags(s, s.load(host, 16));
  s.if(
    isNull,
    () => loadNullStack(s, stackSelector),
    () => loadFlatStack(s, stackSelector, outer),
  );
  s.setAddress(slot.EIP, offset);
  s.setAddress(slot.ESP, s.f.load('i64', 64, host, 24));
  loadSame(s, CS, selector, code);
  s.setFlags(flags);
  s.setLevel(level);
}
