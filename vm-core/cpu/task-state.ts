/**
 * What the processor reads from the current task-state segment without switching tasks: stacks of inner privilege levels
 * and the I/O permission bitmap (SDM vol. 3A §7.2.1, vol. 1 §18.5.2).
 */
import { type Address, plus } from '../state/address.ts';
import { slot } from '../state/layout.ts';
import { type Cpu, GuestFault, VECTOR_GP, VECTOR_SS, VECTOR_TS } from './cpu.ts';
import { isPresent, markAccessed, segmentFrom, selectorError, TYPE_BIT_32 } from './descriptors.ts';
import { isCanonical, isLongMode, linearAddressOf } from './mode.ts';
import { requireStackSegment } from './segments.ts';
import { Stack } from './stack.ts';

const TSS_32_ESP0 = 4;
const TSS_16_SP0 = 2;
const TSS_64_RSP0 = 4;
const TSS_64_IST1 = 36;
const TSS_32_IO_MAP_BASE = 102;

/** Opens the stack that the current task has for privilege `level`; SS and ESP change when it is committed. */
export function openInnerStack(cpu: Cpu, level: number): Stack {
  if (isLongMode(cpu.state)) return Stack.enteringLong(cpu, innerStackPointer(cpu, level), level);
  const task = cpu.state.segmentAt(slot.TR);
  const wide = (task.attributes & TYPE_BIT_32) !== 0;
  const offset = wide ? TSS_32_ESP0 + level * 8 : TSS_16_SP0 + level * 4;
  const pointerSize = wide ? 4 : 2;
  if (!isPresent(task.attributes) || offset + pointerSize + 1 > task.limit) {
    throw new GuestFault(VECTOR_TS, selectorError(task.selector));
  }
  const address = task.base + offset;
  const pointer = cpu.memory.readLinear(address >>> 0, pointerSize);
  const selector = cpu.memory.readLinear((address + pointerSize) >>> 0, 2);
  const descriptor = requireStackSegment(cpu, selector, level, VECTOR_TS);
  const segment = segmentFrom(markAccessed(cpu, descriptor), selector);
  return Stack.entering(cpu, segment, pointer, selectorError(selector));
}

/** Bytes of the bitmap of software interrupts, which ends where the I/O permission bitmap begins. */
const REDIRECTION_MAP_SIZE = 32;

/** Whether INT n of a virtual-8086 program goes to its own handler: a clear bit; #GP(0) where there is no bitmap. */
export function isInterruptRedirected(cpu: Cpu, vector: number): boolean {
  const task = cpu.state.segmentAt(slot.TR);
  const wide = (task.attributes & TYPE_BIT_32) !== 0;
  if (!isPresent(task.attributes) || !wide || task.limit < TSS_32_IO_MAP_BASE + 1) throw new GuestFault(VECTOR_GP, 0);
  const map = cpu.memory.readLinear((task.base + TSS_32_IO_MAP_BASE) >>> 0, 2);
  const offset = map - REDIRECTION_MAP_SIZE + (vector >>> 3);
  if (offset < 0 || offset > task.limit) throw new GuestFault(VECTOR_GP, 0);
  return ((cpu.memory.readLinear((task.base + offset) >>> 0, 1) >>> (vector & 7)) & 1) === 0;
}

/** The stack pointer at an offset of the task-state segment of long mode; #SS(0) if it is not canonical. */
function longStackPointer(cpu: Cpu, offset: number): Address {
  const task = cpu.state.segmentAt(slot.TR);
  if (!isPresent(task.attributes) || offset + 7 > task.limit) {
    throw new GuestFault(VECTOR_TS, selectorError(task.selector));
  }
  const pointer = cpu.memory.readLinear(plus(cpu.state.baseAt(slot.TR), offset), 8);
  if (!isCanonical(cpu.state, pointer)) throw new GuestFault(VECTOR_SS, 0);
  return pointer;
}

/** The stack that number `index` (1 to 7) of the interrupt stack table gives. */
export function interruptStackPointer(cpu: Cpu, index: number): Address {
  return longStackPointer(cpu, TSS_64_IST1 + (index - 1) * 8);
}

/** The stack pointer for a privilege level in long mode. */
export function innerStackPointer(cpu: Cpu, level: number): Address {
  return longStackPointer(cpu, TSS_64_RSP0 + level * 8);
}

/** Checks the I/O permission bitmap for `size` consecutive ports; #GP(0) where one is forbidden or not mapped. */
export function checkIoPermissionMap(cpu: Cpu, port: number, size: number): void {
  const task = cpu.state.segmentAt(slot.TR);
  const wide = (task.attributes & TYPE_BIT_32) !== 0;
  if (!isPresent(task.attributes) || !wide || task.limit < TSS_32_IO_MAP_BASE + 1) throw new GuestFault(VECTOR_GP, 0);
  const at = (place: number) => linearAddressOf(cpu.state, plus(cpu.state.baseAt(slot.TR), place));
  const map = cpu.memory.readLinear(at(TSS_32_IO_MAP_BASE), 2);
  const offset = map + (port >>> 3);
  if (offset + 1 > task.limit) throw new GuestFault(VECTOR_GP, 0);
  const bits = cpu.memory.readLinear(at(offset), 2) >>> (port & 7);
  if ((bits & ((1 << size) - 1)) !== 0) throw new GuestFault(VECTOR_GP, 0);
}
