/**
 * How the processor enters the handler of an interrupt or exception: through the interrupt table of real mode or the
 * gates of protected mode (SDM vol. 3A §6.12, §20.1.4; 80386 manual §14.3 for the limit of the real-mode table).
 */

import { endRecording } from './branches/guest-branches.ts';
import { type Address, lowHalf, plus } from '../state/address.ts';
import { CR0_PE } from '../state/control-bits.ts';
import { ATTRIBUTE_BIG, ATTRIBUTE_LONG } from '../state/cpu-state.ts';
import { CS, DS, ES, FS, GS, type SegmentIndex, SS, slot } from '../state/layout.ts';
import { AC, IF, NT, RF, TF, VM } from '../state/lazy-flags.ts';
import { codeTarget, enterCode, requireTransferDescriptor } from './code-segments.ts';
import {
  type Cpu,
  GuestFault,
  VECTOR_AC,
  VECTOR_BR,
  VECTOR_DB,
  VECTOR_DE,
  VECTOR_DF,
  VECTOR_GP,
  VECTOR_MF,
  VECTOR_NM,
  VECTOR_NP,
  VECTOR_PF,
  VECTOR_SS,
  VECTOR_TS,
  VECTOR_UD,
  VECTOR_XM,
} from './cpu.ts';
import { DR7_GD } from './debug-registers.ts';
import {
  type Descriptor,
  isCode,
  isConforming,
  isPresent,
  longGateOffset,
  privilegeOf,
  readDescriptor,
  selectorError,
  systemTypeOf,
  TYPE_BIT_32,
  TYPE_INTERRUPT_GATE_16,
  TYPE_INTERRUPT_GATE_32,
  TYPE_TASK_GATE,
  TYPE_TRAP_GATE_16,
  TYPE_TRAP_GATE_32,
} from './descriptors.ts';
import { isVirtual8086, privilegeLevel, isLongMode } from './mode.ts';
import { setNullSegment, setRealModeSegment } from './segments.ts';
import { Stack, wholeStackPointer } from './stack.ts';
import { pushTaskErrorCode, requireTaskOfGate, switchTask } from './task-switch.ts';
import { innerStackPointer, interruptStackPointer, openInnerStack } from './task-state.ts';

/** An interrupt or exception that is to be delivered. */
export interface CpuEvent {
  readonly vector: number;
  readonly errorCode: number | undefined;
  /** `software` is checked against the gate's privilege level; the other two set the EXT bit of error codes. */
  readonly kind: 'exception' | 'software' | 'external';
  /** True for an NMI: further ones are blocked until IRET. */
  readonly nonMaskable?: boolean;
  /** True when a repeated string instruction was interrupted between two iterations: RF is set in the pushed image. */
  readonly resume?: boolean;
}

/** Bits of an error code: the event came from outside the program; the index is of a gate in the IDT. */
const ERROR_EXT = 1;
const ERROR_IDT = 2;

const vectorsWithSelector: ReadonlySet<number> = new Set([VECTOR_TS, VECTOR_NP, VECTOR_SS, VECTOR_GP]);

const vectorsWithErrorCode: ReadonlySet<number> = new Set([...vectorsWithSelector, VECTOR_DF, VECTOR_PF, VECTOR_AC]);

/** Fault-class exceptions: their pushed image has RF set, so that an instruction breakpoint does not recur. */
const faultVectors: ReadonlySet<number> = new Set([
  ...vectorsWithSelector,
  VECTOR_DE,
  VECTOR_BR,
  VECTOR_UD,
  VECTOR_NM,
  VECTOR_PF,
  VECTOR_MF,
  VECTOR_AC,
  VECTOR_XM,
]);

/**
 * Enters the handler of `event`; EIP is the value to push. Throws the GuestFault that stands in the way before anything
 * has changed; behind a task gate it may be one of the new task.
 */
export function enterHandler(cpu: Cpu, event: CpuEvent): void {
  const { state } = cpu;
  cpu.calls?.note();
  if ((state.read32(slot.CR0) & CR0_PE) === 0) enterRealMode(cpu, event);
  else enterProtectedMarked(cpu, event);
  state.write8(slot.HALTED, 0);
  state.write8(slot.INTERRUPT_SHADOW, 0);
  if (event.nonMaskable) state.write8(slot.NMI_BLOCKED, 1);
  if (event.vector !== VECTOR_DB || event.kind !== 'exception') return;
  unguardDebugRegisters(cpu);
  endRecording(state, cpu.model);
}

/** Enters the handler of a usual event of a usual kernel; false if it is another, and then nothing has changed. */
export function enterHandlerQuickly(cpu: Cpu, event: CpuEvent): boolean {
  const { vector, kind, nonMaskable } = event;
  if (!cpu.quick || nonMaskable || (vector === VECTOR_DB && kind === 'exception')) return false;
  const errorCode = pushesErrorCode(event) ? (event.errorCode ?? 0) : -1;
  return cpu.quick.enter(vector, kind, errorCode, resumes(event) ? RF : 0);
}

/** As `enterProtected`; the error code of what it throws says in EXT whether the program caused the event itself. */
function enterProtectedMarked(cpu: Cpu, event: CpuEvent): void {
  try {
    enterProtected(cpu, event);
  } catch (error) {
    throw event.kind === 'software' ? error : withExternalBit(error);
  }
}

function withExternalBit(error: unknown): unknown {
  if (!(error instanceof GuestFault) || !vectorsWithSelector.has(error.vector)) return error;
  return new GuestFault(error.vector, (error.errorCode ?? 0) | ERROR_EXT, error.isOfNewTask);
}

/** The handler of a debug exception may use the debug registers. */
function unguardDebugRegisters(cpu: Cpu): void {
  const control = cpu.state.read32(slot.DR7);
  if ((control & DR7_GD) === 0) return;
  cpu.state.write32(slot.DR7, control & ~DR7_GD);
  cpu.state.onDerivedChange(slot.DR7);
}

function enterRealMode(cpu: Cpu, { kind, vector }: CpuEvent): void {
  const { state, memory } = cpu;
  if (vector * 4 + 3 > state.read16(slot.IDTR_LIMIT)) throw new GuestFault(VECTOR_DF, 0);
  const entry = (state.read32(slot.IDTR_BASE) + vector * 4) >>> 0;
  const offset = memory.readLinear(entry, 2);
  const selector = memory.readLinear((entry + 2) >>> 0, 2);
  const flags = state.eflags;
  const stack = Stack.current(cpu);
  stack.push(2, flags);
  stack.push(2, state.segment(CS).selector);
  stack.push(2, state.eip);
  stack.commit();
  state.eflags = flags & ~(IF | TF | RF | AC);
  setRealModeSegment(state, CS, selector);
  state.eip = offset;
  cpu.calls?.interrupted(kind, vector, 2, 0);
}

/** A gate that has passed the checks on itself; of a task gate only the selector means something. */
interface Gate {
  readonly isTask: boolean;
  readonly selector: number;
  readonly offset: number;
  readonly size: 2 | 4;
  readonly clearsInterruptFlag: boolean;
}

function enterProtected(cpu: Cpu, event: CpuEvent): void {
  const { state } = cpu;
  if (isLongMode(state)) {
    enterLong(cpu, event);
    return;
  }
  const gate = requireInterruptGate(cpu, event);
  if (gate.isTask) {
    enterTask(cpu, event, gate.selector);
    return;
  }
  const descriptor = requireTransferDescriptor(cpu, gate.selector);
  const level = handlerLevel(cpu, descriptor, gate.selector);
  const target = codeTarget(cpu, descriptor, gate.selector, gate.offset, level);
  const flags = state.eflags;
  const inward = level < privilegeLevel(state);
  const stack = inward ? openInnerStack(cpu, level) : Stack.current(cpu);
  if (inward) pushOuterStack(cpu, stack, gate.size);
  stack.push(gate.size, resumes(event) ? flags | RF : flags);
  stack.push(gate.size, state.segment(CS).selector);
  stack.push(gate.size, state.eip);
  const hasErrorCode = pushesErrorCode(event);
  if (hasErrorCode) stack.push(gate.size, event.errorCode ?? 0);
  const leftVirtual8086 = isVirtual8086(state);
  state.eflags = flags & ~(TF | NT | RF | VM | (gate.clearsInterruptFlag ? IF : 0));
  if (leftVirtual8086) leaveVirtual8086(cpu);
  stack.commit();
  enterCode(cpu, target);
  cpu.calls?.interrupted(event.kind, event.vector, gate.size, hasErrorCode ? gate.size : 0);
}

function enterTask(cpu: Cpu, event: CpuEvent, selector: number): void {
  switchTask(cpu, requireTaskOfGate(cpu, selector), selector, 'call', resumes(event) ? RF : 0);
  if (pushesErrorCode(event)) pushTaskErrorCode(cpu, event.errorCode ?? 0);
}

/** Whether RF is set in what is saved of the flags. */
function resumes({ resume, kind, vector }: CpuEvent): boolean {
  return resume === true || (kind === 'exception' && faultVectors.has(vector));
}

function pushesErrorCode({ kind, vector }: CpuEvent): boolean {
  return kind === 'exception' && vectorsWithErrorCode.has(vector);
}

/** Long mode: gates of 16 bytes to 64-bit code, and a stack frame that is always whole and aligned (SDM vol. 3A §6.14). */
function enterLong(cpu: Cpu, event: CpuEvent): void {
  const { state } = cpu;
  const gate = requireLongInterruptGate(cpu, event);
  const descriptor = requireTransferDescriptor(cpu, gate.selector);
  const level = handlerLevel(cpu, descriptor, gate.selector);
  if ((descriptor.attributes & (ATTRIBUTE_LONG | ATTRIBUTE_BIG)) !== ATTRIBUTE_LONG) {
    throw new GuestFault(VECTOR_GP, selectorError(gate.selector));
  }
  const target = codeTarget(cpu, descriptor, gate.selector, gate.offset, level);
  const flags = state.eflags;
  const inward = level < privilegeLevel(state);
  const stack = Stack.enteringLong(cpu, handlerStack(cpu, gate, inward, level), inward ? level : undefined);
  stack.push(8, state.segment(SS).selector);
  stack.push(8, wholeStackPointer(state));
  stack.push(8, (resumes(event) ? flags | RF : flags) >>> 0);
  stack.push(8, state.segment(CS).selector);
  stack.push(8, state.rip);
  const hasErrorCode = pushesErrorCode(event);
  if (hasErrorCode) stack.push(8, event.errorCode ?? 0);
  state.eflags = flags & ~(TF | NT | RF | VM | (gate.clearsInterruptFlag ? IF : 0));
  stack.commit();
  enterCode(cpu, target);
  cpu.calls?.interrupted(event.kind, event.vector, 8, hasErrorCode ? 8 : 0);
}

interface LongGate {
  readonly selector: number;
  readonly offset: Address;
  /** Number in the interrupt stack table; 0 for none. */
  readonly stackIndex: number;
  readonly clearsInterruptFlag: boolean;
}

function requireLongInterruptGate(cpu: Cpu, { vector, kind }: CpuEvent): LongGate {
  const { state } = cpu;
  const error = vector * 8 + ERROR_IDT;
  if (vector * 16 + 15 > state.read16(slot.IDTR_LIMIT)) throw new GuestFault(VECTOR_GP, error);
  const at = plus(state.readExact(slot.IDTR_BASE), vector * 16);
  const { low, high, attributes } = readDescriptor(cpu, at);
  const type = systemTypeOf(attributes);
  const isGate = type === TYPE_INTERRUPT_GATE_32 || type === TYPE_TRAP_GATE_32;
  const isForbidden = kind === 'software' && privilegeOf(attributes) < privilegeLevel(state);
  if (!isGate || isForbidden) throw new GuestFault(VECTOR_GP, error);
  if (!isPresent(attributes)) throw new GuestFault(VECTOR_NP, error);
  return {
    selector: low >>> 16,
    offset: longGateOffset(low, high, cpu.memory.readLinear(plus(at, 8), 4)),
    stackIndex: high & 7,
    clearsInterruptFlag: type === TYPE_INTERRUPT_GATE_32,
  };
}

/** Where the handler's stack begins: aligned to 16 bytes. */
function handlerStack(cpu: Cpu, { stackIndex }: LongGate, inward: boolean, level: number): Address {
  const pointer =
    stackIndex > 0
      ? interruptStackPointer(cpu, stackIndex)
      : inward
        ? innerStackPointer(cpu, level)
        : wholeStackPointer(cpu.state);
  return plus(pointer, -(lowHalf(pointer) & 15));
}

/** Reads and checks the gate of the event's vector. */
function requireInterruptGate(cpu: Cpu, { vector, kind }: CpuEvent): Gate {
  const { state } = cpu;
  const error = vector * 8 + ERROR_IDT;
  if (vector * 8 + 7 > state.read16(slot.IDTR_LIMIT)) throw new GuestFault(VECTOR_GP, error);
  const { low, high, attributes } = readDescriptor(cpu, (state.read32(slot.IDTR_BASE) + vector * 8) >>> 0);
  const type = systemTypeOf(attributes);
  const wide = type === TYPE_INTERRUPT_GATE_32 || type === TYPE_TRAP_GATE_32;
  const narrow = type === TYPE_INTERRUPT_GATE_16 || type === TYPE_TRAP_GATE_16;
  if (!wide && !narrow && type !== TYPE_TASK_GATE) throw new GuestFault(VECTOR_GP, error);
  if (kind === 'software' && privilegeOf(attributes) < privilegeLevel(state)) throw new GuestFault(VECTOR_GP, error);
  if (!isPresent(attributes)) throw new GuestFault(VECTOR_NP, error);
  return {
    isTask: type === TYPE_TASK_GATE,
    selector: low >>> 16,
    offset: wide ? ((high & 0xffff_0000) | (low & 0xffff)) >>> 0 : low & 0xffff,
    size: wide ? 4 : 2,
    clearsInterruptFlag: ((type as number) & ~TYPE_BIT_32) === TYPE_INTERRUPT_GATE_16,
  };
}

/** The privilege level at which the handler runs; #GP(selector) where the gate's code segment may not be one. */
function handlerLevel(cpu: Cpu, { attributes }: Descriptor, selector: number): number {
  const current = privilegeLevel(cpu.state);
  const target = privilegeOf(attributes);
  const level = isConforming(attributes) ? current : target;
  // That the segment is absent, which is #NP, comes before what virtual-8086 mode asks of its level.
  const isOfVirtual8086 = level === 0 || !isPresent(attributes) || !isVirtual8086(cpu.state);
  const forbidden = !isCode(attributes) || target > current || !isOfVirtual8086;
  if (forbidden) throw new GuestFault(VECTOR_GP, selectorError(selector));
  return level;
}

/** Pushes the interrupted stack's pointer, and before it the data segments of virtual-8086 mode. */
function pushOuterStack(cpu: Cpu, stack: Stack, size: 2 | 4): void {
  const { state } = cpu;
  if (isVirtual8086(state)) {
    const order: readonly SegmentIndex[] = [GS, FS, DS, ES];
    for (const index of order) stack.push(size, state.segment(index).selector);
  }
  stack.push(size, state.segment(SS).selector);
  stack.push(size, state.read32(slot.ESP));
}

/** The handler starts with null data segments: what the registers held names no descriptors. */
function leaveVirtual8086(cpu: Cpu): void {
  cpu.state.onDerivedChange(slot.EFLAGS);
  const data: readonly SegmentIndex[] = [ES, DS, FS, GS];
  for (const index of data) setNullSegment(cpu.state, index, 0);
}
