/**
 * The generated functions of SYSCALL and SYSRET in 64-bit mode, and of SYSENTER and SYSEXIT in 32-bit protected mode (SDM
 * vol. 2B, vol. 3A §5.8). They go between flat segments, which is what the usual kernel has anyway; the rest is that of
 * cpu/operations/system-calls.ts and fast-calls.ts.
 */
import { CR0_AM, CR0_PE, EFER_LMA, EFER_SCE } from '../../state/control-bits.ts';
import {
  CS,
  internal,
  SEGMENT_ATTRIBUTES,
  SEGMENT_BASE,
  SEGMENT_LIMIT,
  SS,
  segmentSlots,
  slot,
} from '../../state/layout.ts';
import { AC, IF, RF, TF, VM } from '../../state/lazy-flags.ts';
import type { Value } from '../../wasm/function-builder.ts';
import type { FunctionReference } from '../../wasm/module-builder.ts';
import * as record from '../record.ts';
import { bitOf, type EventCode } from './event-code.ts';
import { setFlatStack } from './long-stack.ts';
import { statusAfter } from './return-code.ts';

/** Present, accessed, with a limit in pages: 64-bit code, 32-bit code, data. */
const LONG_CODE = 0xa9b;
const FLAT_CODE = 0xc9b;
const FLAT_DATA = 0xc93;
const ATTRIBUTE_LEVEL = 3 << 5;
/** Flags that SYSRET takes from R11: all but RF and VM. */
const RETURNED_FLAGS = 0x3c_7fd7;
/** Where the two selectors of a system call lie in IA32_STAR. */
const STAR_SELECTORS = slot.STAR + 4;

const CS_SLOT = segmentSlots[CS] as number;
const SS_SLOT = segmentSlots[SS] as number;

/** Writes a function (cpu, record) → status, or 0. */
type WriteTransfer = (s: EventCode, interruptPending: FunctionReference) => void;

/** Refuses what the level or the flags make unusual; true kernels have none of it. */
function refuseUnusualCall(s: EventCode): void {
  const [control, flags] = [s.field(slot.CR0), s.field(slot.EFLAGS)];
  s.refuseUnless(s.and(control, CR0_PE));
  s.refuseIf(s.and(flags, VM | TF | RF));
  s.refuseIf(s.and(s.bit(control, bitOf(CR0_AM)), s.bit(flags, bitOf(AC))));
  s.refuseIf(s.field(internal.LEVELS_HEARD));
}

/** Refuses unless a segment register holds a flat segment of these attributes, at whatever level. */
function requireFlatSegment(s: EventCode, at: number, attributes: number): void {
  const changed = s.xor(s.field(at + SEGMENT_ATTRIBUTES, 16), s.constant(attributes));
  s.refuseIf(s.and(changed, ~ATTRIBUTE_LEVEL));
  s.refuseIf(s.ne(s.field(at + SEGMENT_LIMIT), -1));
  s.refuseIf(s.isZero(s.isZero(s.address(at + SEGMENT_BASE))));
}

function setFlatSegment(s: EventCode, at: number, selector: Value, attributes: number, level: 0 | 3): void {
  s.setField(at, s.or(selector, level), 16);
  s.setField(at + SEGMENT_ATTRIBUTES, attributes | (level << 5), 16);
}

/** The RIP or EIP behind the instruction of the record. */
function next(s: EventCode): Value {
  const at = s.f.parameters[1] as Value;
  return s.add(s.address(slot.EIP), s.asAddress(s.f.load('i32', 16, at, record.RECORD_NEXT_OFFSET)));
}

function finish(s: EventCode, before: Value, interruptPending: FunctionReference): void {
  const at = s.f.parameters[1] as Value;
  s.f.return(statusAfter(s, before, () => s.f.call(interruptPending, at)));
}

export const writeSystemCall: WriteTransfer = (s, interruptPending) => {
  refuseUnusualCall(s);
  s.refuseUnless(s.and(s.field(slot.EFER), EFER_SCE));
  requireFlatSegment(s, CS_SLOT, LONG_CODE);
  const before = s.f.copy(s.field(slot.EFLAGS));
  const flags = s.f.copy(s.flags());
  const selector = s.f.copy(s.and(s.field(STAR_SELECTORS), 0xfffc));
  s.setAddress(slot.ECX, next(s));
  s.setAddress(slot.R11, flags);
  s.setAddress(slot.EIP, s.address(slot.LSTAR));
  s.setFlags(s.and(flags, s.not(s.field(slot.FMASK))));
  s.setLevel(s.constant(0));
  setFlatSegment(s, CS_SLOT, selector, LONG_CODE, 0);
  setFlatStack(s, s.add(selector, s.constant(8)), FLAT_DATA);
  finish(s, before, interruptPending);
};

/** To 64-bit code; on processors of Intel. */
export const writeSystemReturn: WriteTransfer = (s, interruptPending) => {
  refuseUnusualCall(s);
  s.refuseIf(s.field(internal.IS_AMD));
  s.refuseUnless(s.and(s.field(slot.EFER), EFER_SCE));
  s.refuseIf(s.field(slot.CPL, 8));
  requireFlatSegment(s, CS_SLOT, LONG_CODE);
  const target = s.address(slot.ECX);
  s.refuseUnlessCanonical(target);
  const image = s.field(slot.R11);
  s.refuseIf(s.and(image, TF));
  const before = s.f.copy(s.field(slot.EFLAGS));
  const selector = s.f.copy(s.shrU(s.field(STAR_SELECTORS), 16));
  s.setAddress(slot.EIP, target);
  s.setFlags(s.and(image, RETURNED_FLAGS));
  s.setLevel(s.constant(3));
  setFlatSegment(s, CS_SLOT, s.add(selector, s.constant(16)), LONG_CODE, 3);
  setFlatStack(s, s.or(s.add(selector, s.constant(8)), 3), FLAT_DATA | ATTRIBUTE_LEVEL);
  finish(s, before, interruptPending);
};

/** IA32_SYSENTER_CS without its RPL. */
function fastSelector(s: EventCode): Value {
  refuseUnusualCall(s);
  s.refuseIf(s.field(internal.CALLS_TOP));
  s.refuseIf(s.and(s.field(slot.EFER), EFER_LMA));
  const selector = s.f.copy(s.and(s.field(slot.SYSENTER_CS), 0xfffc));
  s.refuseUnless(selector);
  requireFlatSegment(s, CS_SLOT, FLAT_CODE);
  requireFlatSegment(s, SS_SLOT, FLAT_DATA);
  return selector;
}

export const writeFastCall: WriteTransfer = (s, interruptPending) => {
  const selector = fastSelector(s);
  const before = s.f.copy(s.field(slot.EFLAGS));
  s.setField(slot.EFLAGS, s.and(before, ~IF));
  s.setAddress(slot.EIP, s.field(slot.SYSENTER_EIP));
  s.setAddress(slot.ESP, s.field(slot.SYSENTER_ESP));
  s.setLevel(s.constant(0));
  setFlatSegment(s, CS_SLOT, selector, FLAT_CODE, 0);
  setFlatSegment(s, SS_SLOT, s.add(selector, s.constant(8)), FLAT_DATA, 0);
  finish(s, before, interruptPending);
};

export const writeFastReturn: WriteTransfer = (s, interruptPending) => {
  const selector = fastSelector(s);
  s.refuseIf(s.field(slot.CPL, 8));
  s.setAddress(slot.EIP, s.field(slot.EDX));
  s.setAddress(slot.ESP, s.field(slot.ECX));
  s.setLevel(s.constant(3));
  setFlatSegment(s, CS_SLOT, s.add(selector, s.constant(16)), FLAT_CODE, 3);
  setFlatSegment(s, SS_SLOT, s.add(selector, s.constant(24)), FLAT_DATA, 3);
  finish(s, s.f.copy(s.field(slot.EFLAGS)), interruptPending);
};
