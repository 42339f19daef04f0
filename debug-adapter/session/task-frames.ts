/**
 * Where the tasks go on that the current one has interrupted: a task that was entered by CALL, by an interrupt or an exception
 * names the one before it, whose state its task-state segment keeps (SDM vol. 3A §7.2.1, §7.4).
 */
import { ATTRIBUTE_BIG, ATTRIBUTE_PRESENT, descriptorOf, isLongMode, readSystemMemory } from './descriptors.ts';
import type { Guest } from './guest.ts';

/** The place in code and on the stack that a task-state segment keeps. */
export interface TaskPlace {
  readonly task: number;
  readonly selector: number;
  readonly base: number;
  readonly offset: number;
  readonly codeSize: 16 | 32;
  readonly stackSelector: number;
  readonly stackOffset: number;
  readonly stackBase: number;
}

/** Links beyond this lead in a circle. */
const TASKS_MAX = 16;
const TYPE_MASK = 0x1f;
/** Busy task-state segments of 16 and 32 bits. */
const BUSY_16 = 3;
const BUSY_32 = 11;
const EFLAGS_VM = 1 << 17;

interface Layout {
  readonly size: 2 | 4;
  readonly pointer: number;
  readonly flags: number;
  readonly stackPointer: number;
  readonly code: number;
  readonly stack: number;
  readonly end: number;
}

const LAYOUT_32: Layout = { size: 4, pointer: 32, flags: 36, stackPointer: 56, code: 76, stack: 80, end: 0x68 };
const LAYOUT_16: Layout = { size: 2, pointer: 14, flags: 16, stackPointer: 26, code: 36, stack: 38, end: 0x2c };

/** The tasks behind the current one, the last that was interrupted first. */
export function interruptedTasks(guest: Guest): readonly TaskPlace[] {
  const { mode } = guest.vcpu;
  if (mode === 'real' || isLongMode(guest)) return [];
  const places: TaskPlace[] = [];
  let link = linkAt(guest, guest.register('TR.base'));
  while (places.length < TASKS_MAX && link !== undefined) {
    const task = readTask(guest, link);
    if (!task || link === guest.register('TR')) break;
    places.push(task.place);
    link = linkAt(guest, task.base);
  }
  return places;
}

function linkAt(guest: Guest, base: number): number | undefined {
  const words = readSystemMemory(guest, base, 2);
  return words.byteLength < 2 ? undefined : words.getUint16(0, true);
}

/** The state of a task that waits to go on: its segment is still busy. */
function readTask(guest: Guest, task: number): { readonly base: number; readonly place: TaskPlace } | undefined {
  const found = descriptorOf(guest, task);
  if (typeof found === 'string' || (found.attributes & ATTRIBUTE_PRESENT) === 0) return undefined;
  const type = found.attributes & TYPE_MASK;
  if (type !== BUSY_16 && type !== BUSY_32) return undefined;
  const layout = type === BUSY_32 ? LAYOUT_32 : LAYOUT_16;
  const words = readSystemMemory(guest, found.base, layout.end);
  if (words.byteLength < layout.end) return undefined;
  const word = (at: number): number => words.getUint16(at, true);
  const wide = (at: number): number => (layout.size === 4 ? words.getUint32(at, true) : word(at));
  const isVirtual = (wide(layout.flags) & EFLAGS_VM) !== 0;
  const code = segmentOfTask(guest, word(layout.code), isVirtual);
  const stack = segmentOfTask(guest, word(layout.stack), isVirtual);
  const place: TaskPlace = {
    ...{ task, selector: word(layout.code), base: code.base, offset: wide(layout.pointer), codeSize: code.size },
    ...{ stackSelector: word(layout.stack), stackOffset: wide(layout.stackPointer), stackBase: stack.base },
  };
  return { base: found.base, place };
}

/** A segment that is not there any more counts as one at 0. */
function segmentOfTask(
  guest: Guest,
  selector: number,
  isVirtual: boolean,
): { readonly base: number; readonly size: 16 | 32 } {
  if (isVirtual) return { base: selector << 4, size: 16 };
  const found = descriptorOf(guest, selector);
  if (typeof found === 'string') return { base: 0, size: 32 };
  return { base: found.base, size: (found.attributes & ATTRIBUTE_BIG) !== 0 ? 32 : 16 };
}
