/**
 * Far JMP and CALL: direct, through call gates, and in real and virtual-8086 mode (SDM vol. 2A CALL, JMP; vol. 3A §5.8).
 */
import { type Address, plus } from '../../state/address.ts';
import { ATTRIBUTE_BIG, ATTRIBUTE_LONG, ATTRIBUTE_PRESENT } from '../../state/cpu-state.ts';
import { CS, SS } from '../../state/layout.ts';
import {
  type CodeTarget,
  codeTarget,
  enterCode,
  enterUnprotectedCode,
  type FarPointer,
  immediatePointer,
  isReachableDirectly,
  memoryPointer,
  requireTransferDescriptor,
  requireUnprotectedOffset,
} from '../code-segments.ts';
import {
  type Cpu,
  EXIT,
  GuestFault,
  type Instruction,
  type Outcome,
  type SystemOperation,
  VECTOR_GP,
  VECTOR_NP,
} from '../cpu.ts';
import {
  type Descriptor,
  isCode,
  isConforming,
  longGateOffset,
  privilegeOf,
  readUpperHalf,
  selectorError,
  systemTypeOf,
  TYPE_BIT_32,
  TYPE_CALL_GATE_16,
  TYPE_CALL_GATE_32,
  TYPE_TASK_GATE,
  TYPE_TSS_16_AVAILABLE,
  TYPE_TSS_32_AVAILABLE,
} from '../descriptors.ts';
import { isLongMode, privilegeLevel, usesDescriptors } from '../mode.ts';
import { Stack, stackOffset, stackPointer, type StackSize, wholeStackPointer } from '../stack.ts';
import { requireTaskOfGate, switchTask } from '../task-switch.ts';
import { openInnerStack } from '../task-state.ts';

export const JMP_FAR_IMMEDIATE: SystemOperation = (cpu, instruction) => jumpFar(cpu, immediatePointer(instruction));

export const JMP_FAR_MEMORY: SystemOperation = (cpu, instruction) => jumpFar(cpu, memoryPointer(cpu, instruction));

export const CALL_FAR_IMMEDIATE: SystemOperation = (cpu, instruction) =>
  callFar(cpu, instruction, immediatePointer(instruction));

export const CALL_FAR_MEMORY: SystemOperation = (cpu, instruction) =>
  callFar(cpu, instruction, memoryPointer(cpu, instruction));

function jumpFar(cpu: Cpu, pointer: FarPointer): Outcome {
  if (!usesDescriptors(cpu.state)) {
    requireUnprotectedOffset(cpu, pointer.offset);
    return enterUnprotectedCode(cpu, pointer);
  }
  const descriptor = requireTransferDescriptor(cpu, pointer.selector);
  if (isCode(descriptor.attributes)) return enterCode(cpu, directTarget(cpu, descriptor, pointer));
  const gate = requireGate(cpu, descriptor, pointer.selector);
  if (gate.kind === 'task') return toTask(cpu, gate, 'jump');
  const level = privilegeLevel(cpu.state);
  const code = requireGateCode(cpu, gate);
  const { attributes } = code;
  const reachable = isConforming(attributes) ? privilegeOf(attributes) <= level : privilegeOf(attributes) === level;
  if (!reachable) throw new GuestFault(VECTOR_GP, selectorError(gate.selector));
  return enterCode(cpu, codeTarget(cpu, code, gate.selector, gate.offset, level));
}

function callFar(cpu: Cpu, instruction: Instruction, pointer: FarPointer): Outcome {
  const size = (instruction.operandSize / 8) as StackSize;
  if (!usesDescriptors(cpu.state)) {
    requireUnprotectedOffset(cpu, pointer.offset);
    pushReturn(cpu, Stack.current(cpu), size).commit();
    return called(cpu, enterUnprotectedCode(cpu, pointer), size);
  }
  const descriptor = requireTransferDescriptor(cpu, pointer.selector);
  if (isCode(descriptor.attributes)) {
    const target = directTarget(cpu, descriptor, pointer);
    pushReturn(cpu, Stack.current(cpu), size).commit();
    return called(cpu, enterCode(cpu, target), size);
  }
  const gate = requireGate(cpu, descriptor, pointer.selector);
  if (gate.kind === 'task') return toTask(cpu, gate, 'call');
  return callThroughGate(cpu, gate);
}

/** The call is done; its return address has so many bytes. */
function called(cpu: Cpu, outcome: Outcome, size: StackSize): Outcome {
  cpu.calls?.farCalled(size);
  return outcome;
}

function pushReturn(cpu: Cpu, stack: Stack, size: StackSize): Stack {
  stack.push(size, cpu.state.segment(CS).selector);
  stack.push(size, cpu.state.rip);
  return stack;
}

function directTarget(cpu: Cpu, descriptor: Descriptor, { selector, offset }: FarPointer): CodeTarget {
  const level = privilegeLevel(cpu.state);
  if (!isReachableDirectly(descriptor.attributes, selector, level)) {
    throw new GuestFault(VECTOR_GP, selectorError(selector));
  }
  return codeTarget(cpu, descriptor, selector, offset, level);
}

/** A call gate as its descriptor has it. */
interface CallGate {
  readonly kind: 'gate';
  readonly selector: number;
  readonly offset: Address;
  readonly size: StackSize;
  readonly parameterCount: number;
}

/** A task-state segment, or what a task gate names. */
interface TaskTarget {
  readonly kind: 'task';
  readonly descriptor: Descriptor;
  readonly selector: number;
}

function toTask(cpu: Cpu, { descriptor, selector }: TaskTarget, kind: 'jump' | 'call'): Outcome {
  switchTask(cpu, descriptor, selector, kind);
  return EXIT;
}

/** Checks a system descriptor that a far transfer names. */
function requireGate(cpu: Cpu, descriptor: Descriptor, selector: number): CallGate | TaskTarget {
  if (isLongMode(cpu.state)) return requireLongGate(cpu, descriptor, selector);
  const { attributes, low, high } = descriptor;
  const type = systemTypeOf(attributes);
  const isGate = type === TYPE_CALL_GATE_16 || type === TYPE_CALL_GATE_32;
  const isTask = type === TYPE_TASK_GATE || type === TYPE_TSS_16_AVAILABLE || type === TYPE_TSS_32_AVAILABLE;
  const level = Math.max(privilegeLevel(cpu.state), selector & 3);
  if ((!isGate && !isTask) || privilegeOf(attributes) < level) throw new GuestFault(VECTOR_GP, selectorError(selector));
  if ((attributes & ATTRIBUTE_PRESENT) === 0) throw new GuestFault(VECTOR_NP, selectorError(selector));
  if (type === TYPE_TASK_GATE) {
    const task = low >>> 16;
    return { kind: 'task', descriptor: requireTaskOfGate(cpu, task), selector: task };
  }
  if (isTask) return { kind: 'task', descriptor, selector };
  const wide = ((type as number) & TYPE_BIT_32) !== 0;
  const offset = wide ? ((high & 0xffff_0000) | (low & 0xffff)) >>> 0 : low & 0xffff;
  return { kind: 'gate', selector: low >>> 16, offset, size: wide ? 4 : 2, parameterCount: high & 0x1f };
}

/** In long mode there are call gates of 16 bytes, to 64-bit code, and nothing else that a transfer could lead through. */
function requireLongGate(cpu: Cpu, descriptor: Descriptor, selector: number): CallGate {
  const { attributes, low, high } = descriptor;
  const level = Math.max(privilegeLevel(cpu.state), selector & 3);
  if (systemTypeOf(attributes) !== TYPE_CALL_GATE_32 || privilegeOf(attributes) < level) {
    throw new GuestFault(VECTOR_GP, selectorError(selector));
  }
  if ((attributes & ATTRIBUTE_PRESENT) === 0) throw new GuestFault(VECTOR_NP, selectorError(selector));
  const upper = readUpperHalf(cpu, descriptor, selector);
  const offset = longGateOffset(low, high, upper);
  return { kind: 'gate', selector: low >>> 16, offset, size: 8, parameterCount: 0 };
}

/** The code segment that a call gate leads to; it may not be less privileged than the caller. */
function requireGateCode(cpu: Cpu, gate: CallGate): Descriptor {
  const descriptor = requireTransferDescriptor(cpu, gate.selector);
  const { attributes } = descriptor;
  const isLong = (attributes & (ATTRIBUTE_LONG | ATTRIBUTE_BIG)) === ATTRIBUTE_LONG;
  const isOfMode = isLong || !isLongMode(cpu.state);
  if (!isCode(attributes) || privilegeOf(attributes) > privilegeLevel(cpu.state) || !isOfMode) {
    throw new GuestFault(VECTOR_GP, selectorError(gate.selector));
  }
  return descriptor;
}

function callThroughGate(cpu: Cpu, gate: CallGate): Outcome {
  const descriptor = requireGateCode(cpu, gate);
  const level = privilegeLevel(cpu.state);
  const inner = privilegeOf(descriptor.attributes);
  if (isConforming(descriptor.attributes) || inner === level) {
    const target = codeTarget(cpu, descriptor, gate.selector, gate.offset, level);
    pushReturn(cpu, Stack.current(cpu), gate.size).commit();
    return called(cpu, enterCode(cpu, target), gate.size);
  }
  const target = codeTarget(cpu, descriptor, gate.selector, gate.offset, inner);
  const stack = openInnerStack(cpu, inner);
  stack.push(gate.size, cpu.state.segment(SS).selector);
  stack.push(gate.size, wholeStackPointer(cpu.state));
  copyParameters(cpu, stack, gate);
  pushReturn(cpu, stack, gate.size);
  stack.commit();
  return called(cpu, enterCode(cpu, target), gate.size);
}

/** Copies the gate's parameters from the caller's stack, the last pushed last. */
function copyParameters(cpu: Cpu, stack: Stack, gate: CallGate): void {
  const top = stackPointer(cpu.state);
  for (let index = gate.parameterCount - 1; index >= 0; index--) {
    const offset = stackOffset(cpu.state, plus(top, index * gate.size));
    stack.push(gate.size, cpu.memory.readSegment(SS, offset, gate.size));
  }
}
