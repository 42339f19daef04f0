/**
 * Hardware task switching, through TSS descriptors and task gates, by JMP, CALL, IRET and interrupts (SDM vol. 3A §7.3,
 * table 7-1). What is wrong with the way to the new task faults in the old one; what is wrong with the new task's own
 * segments faults in the new one, where the instruction pointer is already that of the new task.
 */
import { plus } from '../state/address.ts';
import { CR0_PG, CR0_TS } from '../state/control-bits.ts';
import { CS, DS, ES, FS, GS, generalSlots, type SegmentIndex, SS, slot } from '../state/layout.ts';
import { ARITHMETIC_FLAGS, DF, IF, IOPL, NT, RF, TF, VM } from '../state/lazy-flags.ts';
import { type Cpu, GuestFault, VECTOR_GP, VECTOR_NP, VECTOR_SS, VECTOR_TS } from './cpu.ts';
import { DR6_BT, DR7_LOCAL_ENABLES } from './debug-registers.ts';
import {
  type Descriptor,
  findDescriptor,
  isCode,
  isConforming,
  isNull,
  isPresent,
  isReadable,
  isWritableData,
  markAccessed,
  privilegeOf,
  segmentFrom,
  selectorError,
  systemTypeOf,
  TYPE_BIT_32,
  TYPE_BIT_BUSY,
  TYPE_LDT,
  TYPE_TSS_16_AVAILABLE,
} from './descriptors.ts';
import { isLongMode, linearAddressOf, modelFlags, setPrivilegeLevel, virtualInterruptFlags } from './mode.ts';
import { writeCr3 } from './paging-registers.ts';
import { setNullSegment, setVirtual8086Segment } from './segments.ts';
import { Stack } from './stack.ts';
import { readTaskImage, requireWritableImage, type TaskImage, taskLayout, writeTaskImage } from './task-images.ts';

/** How the switch was asked for. `call` also stands for interrupts: the new task is nested. */
export type TaskSwitchKind = 'jump' | 'call' | 'return';

const LINK = 0;

/** The descriptor of the task that a task gate names; #GP where there is none that is available, #NP if it is absent. */
export function requireTaskOfGate(cpu: Cpu, selector: number): Descriptor {
  return requireTask(cpu, selector, VECTOR_GP, false);
}

/** Whether a descriptor is a task-state segment, and whether it is busy. */
function isTask({ attributes }: Descriptor, busy: boolean): boolean {
  const type = systemTypeOf(attributes);
  if (type === undefined || (type & ~(TYPE_BIT_32 | TYPE_BIT_BUSY)) !== TYPE_TSS_16_AVAILABLE) return false;
  return ((type & TYPE_BIT_BUSY) !== 0) === busy;
}

function requireTask(cpu: Cpu, selector: number, vector: number, busy: boolean): Descriptor {
  const isGlobal = (selector & 4) === 0 && !isNull(selector);
  const descriptor = isGlobal ? findDescriptor(cpu, selector) : undefined;
  if (!descriptor || !isTask(descriptor, busy)) throw new GuestFault(vector, selectorError(selector));
  if (!isPresent(descriptor.attributes)) throw new GuestFault(VECTOR_NP, selectorError(selector));
  return descriptor;
}

/** IRET with EFLAGS.NT set: back to the task whose selector the current one has as its link. */
export function returnToPreviousTask(cpu: Cpu): void {
  if (isLongMode(cpu.state)) throw new GuestFault(VECTOR_GP, 0);
  const link = cpu.memory.readLinear((cpu.state.segmentAt(slot.TR).base + LINK) >>> 0, 2);
  switchTask(cpu, requireTask(cpu, link, VECTOR_TS, true), link, 'return');
}

/**
 * Switches to the task of a descriptor that has passed its checks; EIP is what the old task goes on with. `savedFlags` are
 * set in what is saved of its flags.
 */
export function switchTask(
  cpu: Cpu,
  descriptor: Descriptor,
  selector: number,
  kind: TaskSwitchKind,
  savedFlags = 0,
): void {
  if (isLongMode(cpu.state)) throw new GuestFault(VECTOR_GP, selectorError(selector));
  const layout = taskLayout((descriptor.attributes & TYPE_BIT_32) !== 0);
  const task = segmentFrom(descriptor, selector);
  if (task.limit < layout.limitMin) throw new GuestFault(VECTOR_TS, selectorError(selector));
  readTaskImage(cpu, task.base, layout);
  cpu.calls?.note();
  leaveTask(cpu, kind, savedFlags);
  // Read again: a second descriptor may name the segment that the old task has just been saved in.
  const image = readTaskImage(cpu, task.base, layout);
  const { state, memory } = cpu;
  const old = state.segmentAt(slot.TR);
  if (kind === 'call') memory.writeLinear((task.base + LINK) >>> 0, 2, old.selector);
  const attributes = descriptor.attributes | TYPE_BIT_BUSY;
  if (kind !== 'return')
    memory.writeLinear(linearAddressOf(state, plus(descriptor.linearAddress, 5)), 1, attributes & 0xff);
  state.setSegmentAt(slot.TR, { ...task, attributes });
  try {
    enterTask(cpu, image, kind);
  } catch (error) {
    if (!(error instanceof GuestFault)) throw error;
    cpu.calls?.stackChanged();
    throw new GuestFault(error.vector, error.errorCode, true);
  }
  cpu.calls?.stackChanged();
  if (image.trap) cpu.trap(DR6_BT);
}

/** Saves the old task; everything that can fault comes before the first change. */
function leaveTask(cpu: Cpu, kind: TaskSwitchKind, savedFlags: number): void {
  const { state, memory } = cpu;
  const old = state.segmentAt(slot.TR);
  const layout = taskLayout((old.attributes & TYPE_BIT_32) !== 0);
  if (old.limit < layout.savedLimitMin) throw new GuestFault(VECTOR_TS, selectorError(old.selector));
  requireWritableImage(cpu, old.base, layout);
  const rightsAt = (state.read32(slot.GDTR_BASE) + (old.selector & 0xfff8) + 5) >>> 0;
  if (kind !== 'call') memory.writeLinear(rightsAt, 1, memory.readLinear(rightsAt, 1) & ~TYPE_BIT_BUSY);
  const flags = state.eflags | savedFlags;
  writeTaskImage(cpu, old.base, layout, kind === 'return' ? flags & ~NT : flags);
}

/** Loads the new task. Its registers come first, so that a fault in its segments is one of the new task. */
function enterTask(cpu: Cpu, image: TaskImage, kind: TaskSwitchKind): void {
  const { state } = cpu;
  state.write32(slot.CR0, state.read32(slot.CR0) | CR0_TS);
  state.write32(slot.DR7, state.read32(slot.DR7) & ~DR7_LOCAL_ENABLES);
  for (const offset of [slot.CR0, slot.DR7]) state.onDerivedChange(offset);
  loadRegisters(cpu, image, kind);
  if (image.pageTables !== undefined && (state.read32(slot.CR0) & CR0_PG) !== 0) writeCr3(cpu, image.pageTables);
  loadLocalTable(cpu, image.localTable);
  if ((state.read32(slot.EFLAGS) & VM) !== 0) return;
  loadCode(cpu, image.selectors[CS] as number);
  loadStack(cpu, image.selectors[SS] as number);
  const data: readonly SegmentIndex[] = [ES, DS, FS, GS];
  for (const index of data) loadData(cpu, index, image.selectors[index] as number);
  if (image.instructionPointer > state.segment(CS).limit) throw new GuestFault(VECTOR_GP, 0);
}

/** Flags that a task has of its own; a 16-bit task has the lower half of them. */
const TASK_FLAGS = ARITHMETIC_FLAGS | DF | TF | IF | IOPL | NT | RF | VM;

function loadRegisters(cpu: Cpu, image: TaskImage, kind: TaskSwitchKind): void {
  const { state } = cpu;
  const writable = TASK_FLAGS | modelFlags(cpu) | virtualInterruptFlags(cpu);
  state.eip = image.instructionPointer;
  state.eflags = (image.flags & writable) | (kind === 'call' ? NT : 0);
  generalSlots.forEach((offset, n) => {
    // A 16-bit task leaves the upper halves, which the manual says nothing of.
    if (image.layout.size === 2) state.write16(offset, image.general[n] as number);
    else state.write32(offset, image.general[n] as number);
  });
  const isVirtual = (state.read32(slot.EFLAGS) & VM) !== 0;
  setPrivilegeLevel(state, isVirtual ? 3 : (image.selectors[CS] as number) & 3);
  state.onDerivedChange(slot.EFLAGS);
  image.selectors.forEach((selector, index) => {
    if (isVirtual) setVirtual8086Segment(state, index as SegmentIndex, selector);
    else state.setSegment(index, { selector, base: 0, limit: 0, attributes: 0 });
  });
}

/** #TS with the selector, unless `holds`. */
function demand(holds: boolean, selector: number, vector = VECTOR_TS): void {
  if (!holds) throw new GuestFault(vector, selectorError(selector));
}

function requireListed(cpu: Cpu, selector: number): Descriptor {
  const descriptor = isNull(selector) ? undefined : findDescriptor(cpu, selector);
  if (!descriptor) throw new GuestFault(VECTOR_TS, selectorError(selector));
  return descriptor;
}

function loadLocalTable(cpu: Cpu, selector: number): void {
  cpu.state.setSegmentAt(slot.LDTR, { selector, base: 0, limit: 0, attributes: 0 });
  if (isNull(selector)) return;
  demand((selector & 4) === 0, selector);
  const descriptor = requireListed(cpu, selector);
  demand(systemTypeOf(descriptor.attributes) === TYPE_LDT && isPresent(descriptor.attributes), selector);
  cpu.state.setSegmentAt(slot.LDTR, segmentFrom(descriptor, selector));
}

function loadCode(cpu: Cpu, selector: number): void {
  const descriptor = requireListed(cpu, selector);
  const { attributes } = descriptor;
  const level = selector & 3;
  const fits = isConforming(attributes) ? privilegeOf(attributes) <= level : privilegeOf(attributes) === level;
  demand(isCode(attributes) && fits, selector);
  demand(isPresent(attributes), selector, VECTOR_NP);
  cpu.state.setSegment(CS, segmentFrom(markAccessed(cpu, descriptor), selector));
}

function loadStack(cpu: Cpu, selector: number): void {
  const level = cpu.state.read8(slot.CPL);
  const descriptor = requireListed(cpu, selector);
  const { attributes } = descriptor;
  demand(isWritableData(attributes) && (selector & 3) === level && privilegeOf(attributes) === level, selector);
  demand(isPresent(attributes), selector, VECTOR_SS);
  cpu.state.setSegment(SS, segmentFrom(markAccessed(cpu, descriptor), selector));
}

function loadData(cpu: Cpu, index: SegmentIndex, selector: number): void {
  if (isNull(selector)) {
    setNullSegment(cpu.state, index, selector);
    return;
  }
  const descriptor = requireListed(cpu, selector);
  const { attributes } = descriptor;
  const level = Math.max(cpu.state.read8(slot.CPL), selector & 3);
  demand(isReadable(attributes) && (isConforming(attributes) || privilegeOf(attributes) >= level), selector);
  demand(isPresent(attributes), selector, VECTOR_NP);
  cpu.state.setSegment(index, segmentFrom(markAccessed(cpu, descriptor), selector));
}

/** Pushes the error code of the exception that led to the current task, as wide as its task-state segment. */
export function pushTaskErrorCode(cpu: Cpu, errorCode: number): void {
  const isWide = (cpu.state.segmentAt(slot.TR).attributes & TYPE_BIT_32) !== 0;
  const stack = Stack.current(cpu);
  try {
    stack.push(isWide ? 4 : 2, errorCode);
  } catch (error) {
    throw error instanceof GuestFault ? new GuestFault(error.vector, error.errorCode, true) : error;
  }
  stack.commit();
}
