/**
 * RETF and IRET: to the same and to an outer privilege level, and to virtual-8086 mode (SDM vol. 2B RET, vol. 2A IRET).
 */

import { type Address, lowHalf, plus } from '../../state/address.ts';
import { ATTRIBUTE_LONG } from '../../state/cpu-state.ts';
import { CS, DS, ES, FS, GS, type SegmentIndex, SS, slot } from '../../state/layout.ts';
import { IF, IOPL, NT, RF, TF, VM } from '../../state/lazy-flags.ts';
import {
  type CodeTarget,
  codeTarget,
  enterCode,
  enterUnprotectedCode,
  requireTransferDescriptor,
  requireUnprotectedOffset,
} from '../code-segments.ts';
import {
  BRANCH,
  type Cpu,
  EXIT,
  GuestFault,
  type Instruction,
  type Outcome,
  type SystemOperation,
  VECTOR_GP,
} from '../cpu.ts';
import { isCode, isConforming, isNull, markAccessed, privilegeOf, segmentFrom, selectorError } from '../descriptors.ts';
import {
  modelFlags,
  mustBeNoticed,
  privilegeLevel,
  requireVirtual8086Privilege,
  virtualInterruptFlags,
  setPrivilegeLevel,
  usesDescriptors,
  is64BitMode,
  isLongMode,
} from '../mode.ts';
import { dropInnerSegments, requireStackSegment, setNullSegment, setVirtual8086Segment } from '../segments.ts';
import { ARITHMETIC_AND_NT, mergeFlags, returnedFlags } from '../returned-flags.ts';
import { setStackPointer, Stack, type StackSize } from '../stack.ts';
import { returnToPreviousTask } from '../task-switch.ts';
import { hasVirtualInterruptFlag, loadVirtualFlag } from '../virtual-8086.ts';

const DATA_SEGMENTS: readonly SegmentIndex[] = [ES, DS, FS, GS];

export const RET_FAR: SystemOperation = (cpu, instruction) => returnFar(cpu, instruction, 0);

export const RET_FAR_POP: SystemOperation = (cpu, instruction) =>
  returnFar(cpu, instruction, instruction.immediate & 0xffff);

function returnFar(cpu: Cpu, instruction: Instruction, bytes: number): Outcome {
  const size = (instruction.operandSize / 8) as StackSize;
  const stack = Stack.current(cpu);
  const offset = stack.pop(size);
  const selector = lowHalf(stack.pop(size)) & 0xffff;
  stack.skip(bytes);
  if (!usesDescriptors(cpu.state)) {
    requireUnprotectedOffset(cpu, offset);
    stack.commit();
    return enterUnprotectedCode(cpu, { selector, offset });
  }
  const target = returnTarget(cpu, selector, offset);
  if (target.level === privilegeLevel(cpu.state)) {
    stack.commit();
    return enterCode(cpu, target);
  }
  return returnOutward(cpu, target, stack, size, bytes);
}

/** Checks the code segment of a return: its level is the selector's RPL, which may not be an inner one. */
function returnTarget(cpu: Cpu, selector: number, offset: Address): CodeTarget {
  const descriptor = requireTransferDescriptor(cpu, selector);
  const { attributes } = descriptor;
  const level = selector & 3;
  const allowed = isConforming(attributes) ? privilegeOf(attributes) <= level : privilegeOf(attributes) === level;
  if (!isCode(attributes) || level < privilegeLevel(cpu.state) || !allowed) {
    throw new GuestFault(VECTOR_GP, selectorError(selector));
  }
  return codeTarget(cpu, descriptor, selector, offset, level);
}

/** Pops the outer stack's pointer, switches to it and drops `bytes` there; data segments of inner levels become null. */
function returnOutward(cpu: Cpu, target: CodeTarget, stack: Stack, size: StackSize, bytes: number): Outcome {
  const { state } = cpu;
  const from = privilegeLevel(state);
  const pointer = stack.pop(size);
  const selector = lowHalf(stack.pop(size)) & 0xffff;
  loadOuterStack(cpu, target, selector);
  enterCode(cpu, target);
  setStackPointer(state, plus(pointer, bytes));
  if (target.level > from) dropInnerSegments(state, DATA_SEGMENTS);
  return EXIT;
}

/** SS of an outer level; a null selector is one where 64-bit code runs at a level other than 3. */
function loadOuterStack(cpu: Cpu, target: CodeTarget, selector: number): void {
  const isLong = isLongMode(cpu.state) && (target.segment.attributes & ATTRIBUTE_LONG) !== 0;
  if (isLong && isNull(selector) && target.level !== 3 && (selector & 3) === target.level) {
    setNullSegment(cpu.state, SS, selector);
    return;
  }
  const descriptor = requireStackSegment(cpu, selector, target.level, VECTOR_GP);
  cpu.state.setSegment(SS, segmentFrom(markAccessed(cpu, descriptor), selector));
}

/** IRET, IRETD and IRETQ, by operand size. Ends the blocking of NMIs: one that waits is taken behind it. */
export const IRET: SystemOperation = (cpu, instruction) => {
  const { state } = cpu;
  const outcome = usesDescriptors(state) ? returnProtected(cpu, instruction) : returnUnprotected(cpu, instruction);
  state.write8(slot.NMI_BLOCKED, 0);
  return outcome === BRANCH && state.read8(slot.NMI_PENDING) !== 0 ? EXIT : outcome;
};

function returnUnprotected(cpu: Cpu, instruction: Instruction): Outcome {
  const isVirtual = hasVirtualInterruptFlag(cpu) && instruction.operandSize === 16;
  if (!isVirtual) requireVirtual8086Privilege(cpu);
  const { state } = cpu;
  const size = instruction.operandSize === 16 ? 2 : 4;
  const stack = Stack.current(cpu);
  const offset = stack.pop(size);
  const selector = lowHalf(stack.pop(size)) & 0xffff;
  const image = stack.pop(size);
  requireUnprotectedOffset(cpu, offset);
  const loaded = isVirtual ? loadVirtualFlag(state.eflags, image) : state.eflags;
  stack.commit();
  const ioPrivilege = (state.read32(slot.EFLAGS) & VM) === 0 ? IOPL : 0;
  const writable =
    ARITHMETIC_AND_NT | TF | (isVirtual ? 0 : IF) | ioPrivilege | (size === 4 ? RF | modelFlags(cpu) : 0);
  const flags = state.eflags;
  const changed = mergeFlags(loaded, image, writable);
  state.eflags = changed;
  enterUnprotectedCode(cpu, { selector, offset });
  return mustBeNoticed(cpu, flags, changed) ? EXIT : BRANCH;
}

function returnProtected(cpu: Cpu, instruction: Instruction): Outcome {
  const { state } = cpu;
  if ((state.read32(slot.EFLAGS) & NT) !== 0) {
    if (isLongMode(state)) throw new GuestFault(VECTOR_GP, 0);
    returnToPreviousTask(cpu);
    return EXIT;
  }
  const size = (instruction.operandSize / 8) as StackSize;
  const level = privilegeLevel(state);
  const stack = Stack.current(cpu);
  const offset = stack.pop(size);
  const selector = lowHalf(stack.pop(size)) & 0xffff;
  const image = lowHalf(stack.pop(size));
  if (size === 4 && (image & VM) !== 0 && level === 0 && !isLongMode(state))
    return returnToVirtual8086(cpu, stack, selector, Number(offset), image);

  const flags = mergeFlags(state.eflags, image, returnedFlags(cpu, size));
  const target = returnTarget(cpu, selector, offset);
  // IRET of 64-bit mode always has a stack pointer on the stack.
  if (target.level !== level || is64BitMode(state)) returnOutward(cpu, target, stack, size, 0);
  else {
    stack.commit();
    enterCode(cpu, target);
  }
  state.eflags = flags;
  return EXIT;
}

function returnToVirtual8086(cpu: Cpu, stack: Stack, selector: number, offset: number, image: number): Outcome {
  const { state } = cpu;
  if (offset > 0xffff) throw new GuestFault(VECTOR_GP, 0);
  const pointer = stack.pop(4);
  const order: readonly SegmentIndex[] = [SS, ES, DS, FS, GS];
  const selectors = order.map((index) => [index, stack.pop(4) & 0xffff] as const);
  state.eflags = mergeFlags(
    state.eflags,
    image,
    ARITHMETIC_AND_NT | TF | IF | IOPL | RF | VM | virtualInterruptFlags(cpu) | modelFlags(cpu),
  );
  state.onDerivedChange(slot.EFLAGS);
  setPrivilegeLevel(state, 3);
  for (const [index, value] of selectors) setVirtual8086Segment(state, index, value);
  setVirtual8086Segment(state, CS, selector);
  state.write32(slot.ESP, pointer);
  state.eip = offset;
  return EXIT;
}
