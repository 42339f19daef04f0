/**
 * The call stack. The first frame is the processor's; its callers are known from the machine's record of calls, and what
 * lies on the stack is believed: a return address that the guest has changed is where it will return to. Callers older
 * than the record are guessed.
 */
import type { CallRecord } from '../../vm-core/index.ts';
import { formatHex } from '../expressions/format.ts';
import { localized } from '../protocol/localized.ts';
import { codeSizeOf, descriptorOf, segmentBaseOf } from './descriptors.ts';
import { type CodePlace, guessedCallers } from './guessed-callers.ts';
import type { Guest } from './guest.ts';
import { interruptName } from './interrupt-name.ts';
import { interruptedTasks, type TaskPlace } from './task-frames.ts';

const EFLAGS_VM = 1 << 17;

export interface Frame extends CodePlace {
  /** The address whose line the frame shows: inside the call, where it is one. */
  readonly lineAddress: number;
  /** In bits: how offsets in the frame's code are written. */
  readonly codeSize: 16 | 32 | 64;
  /** SS:ESP of the frame; of a caller, when what it called has returned to it (parameters may be dropped then). */
  readonly stackSelector: number;
  readonly stackOffset: number;
  readonly stackAddress: number;
  /** `recorded`: the call was seen; `changed`: and the guest has changed its return address. */
  readonly origin: 'processor' | 'recorded' | 'changed' | 'guessed';
  /** What the frame handles: `INT 10h`, `IRQ 0 (INT 08h)`, `#GP`; undefined for a routine that was called. */
  readonly handles: string | undefined;
}

/** Some of the frames, innermost first, and how many there are in all. */
export interface FramePage {
  readonly frames: readonly Frame[];
  readonly total: number;
}

/** `count` frames from number `first` on; the others of a deep stack are not looked at. */
export function stackFrames(guest: Guest, first = 0, count: number = Number.POSITIVE_INFINITY): FramePage {
  const { calls, isComplete } = guest.vcpu.callStack();
  const isWanted = (index: number): boolean => index >= first && index < first + count;
  const frames: Frame[] = [];
  let innermost = processorFrame(guest, calls[0]);
  if (isWanted(0)) frames.push(innermost);
  const baseOf = segmentBases(guest);
  let stack = { selector: guest.register('SS'), base: guest.register('SS.base') };
  calls.forEach((call, index) => {
    if (call.callerStack) stack = call.callerStack;
    if (!isWanted(index + 1) && index + 1 < calls.length) return;
    innermost = callerFrame(guest, call, calls[index + 1], stack, baseOf);
    if (isWanted(index + 1)) frames.push(innermost);
  });
  const known = calls.length + 1;
  const guessed = isComplete ? [] : guessedFrames(guest, innermost);
  const others = interruptedTasks(guest).map(taskFrame);
  const more = [...guessed, ...others];
  frames.push(...more.filter((_, index) => isWanted(known + index)));
  return { frames, total: known + more.length };
}

/** One frame; undefined if there are not so many. */
export function frameAt(guest: Guest, index: number): Frame | undefined {
  return stackFrames(guest, index, 1).frames[0];
}

function processorFrame(guest: Guest, enteredBy: CallRecord | undefined): Frame {
  const { linearEip, codeSize } = guest.vcpu;
  return {
    selector: guest.register('CS'),
    offset: guest.codeOffset(linearEip - guest.codeBase),
    address: linearEip,
    lineAddress: linearEip,
    codeSize,
    stackSelector: guest.register('SS'),
    stackOffset: guest.stackPointer,
    stackAddress: guest.stackAddress(guest.stackPointer),
    origin: 'processor',
    handles: handledBy(guest, enteredBy),
  };
}

/** The frame that a call returns to, on the stack of the caller. */
function callerFrame(
  guest: Guest,
  call: CallRecord,
  enteredBy: CallRecord | undefined,
  stack: { readonly selector: number; readonly base: number },
  baseOf: (selector: number) => readonly number[],
): Frame {
  const { slot, size, returnAddress } = call;
  const offset = guest.readInteger(slot, size);
  const selector = (call.kind === 'call' ? undefined : guest.readInteger(slot + size, 2)) ?? call.selector;
  const codeSize = callerCodeSize(guest, call, selector);
  const bases = codeSize === 64 ? [0] : baseOf(selector);
  const isKept =
    selector === call.selector && bases.some((base) => inSegment(call, base, offset ?? 0) === returnAddress);
  const base = bases[0] ?? 0;
  const address = isKept || offset === undefined ? returnAddress : inSegment(call, base, offset);
  const stackOffset = offsetOfCaller(guest, call, stack.base);
  const isResumed = call.kind === 'interrupt' && call.source !== 'software';
  return {
    selector,
    offset: offset ?? inSegment(call, -base, address),
    address,
    lineAddress: isResumed ? address : address - 1,
    codeSize,
    stackSelector: stack.selector,
    stackOffset,
    stackAddress: inSegment(call, stack.base, stackOffset),
    origin: isKept || offset === undefined ? 'recorded' : 'changed',
    handles: handledBy(guest, enteredBy),
  };
}

/** Calls go on in code of their own size; interrupts and far calls may come from any code. */
function callerCodeSize(guest: Guest, { kind, slot, size }: CallRecord, selector: number): 16 | 32 | 64 {
  const isReal = guest.vcpu.mode === 'real';
  if (kind === 'call' || size === 2 || isReal) return size === 8 ? 64 : size === 2 || isReal ? 16 : 32;
  const flags = kind === 'interrupt' && size === 4 ? (guest.readInteger(slot + 2 * size, size) ?? 0) : 0;
  if ((flags & EFLAGS_VM) !== 0) return 16;
  const descriptor = descriptorOf(guest, selector);
  return typeof descriptor === 'object' ? codeSizeOf(guest, descriptor.attributes) : size === 8 ? 64 : 32;
}

/** Where another task goes on. What called it there is not known. */
function taskFrame(place: TaskPlace): Frame {
  const { task, selector, base, offset, codeSize, stackSelector, stackOffset, stackBase } = place;
  const address = (base + offset) >>> 0;
  return {
    ...{ selector, offset, address, lineAddress: address, codeSize, stackSelector, stackOffset },
    stackAddress: (stackBase + stackOffset) >>> 0,
    origin: 'recorded',
    handles: localized('task {0}', formatHex(task, 16)),
  };
}

/** A linear address; without 64-bit code they wrap at 4 GiB. */
function inSegment({ size }: CallRecord, base: number, offset: number): number {
  return size === 8 ? base + offset : (base + offset) >>> 0;
}

/** The stack pointer behind what a return takes off the stack. An interrupt of 64-bit code has pushed it. */
function offsetOfCaller(guest: Guest, call: CallRecord, stackBase: number): number {
  const { kind, slot, size, callerStack } = call;
  if (callerStack) return callerStack.pointer;
  if (size === 8)
    return kind === 'interrupt' ? (guest.readInteger(slot + 3 * size, 8) ?? slot) : slot + itemsOf(kind) * size;
  const offset = slot - stackBase + itemsOf(kind) * size;
  return guest.stackSize === 16 ? offset & 0xffff : offset >>> 0;
}

/** How much a return pops, in units of its size. */
function itemsOf(kind: CallRecord['kind']): number {
  return kind === 'call' ? 1 : kind === 'far-call' ? 2 : 3;
}

function handledBy(guest: Guest, call: CallRecord | undefined): string | undefined {
  return call?.kind === 'interrupt' ? interruptName(guest, call) : undefined;
}

/** Where a selector's segment may begin: as the mode reads it now, or as real mode does. */
function segmentBases(guest: Guest): (selector: number) => readonly number[] {
  const known = new Map<number, readonly number[]>();
  return (selector) => {
    const there = known.get(selector);
    if (there) return there;
    const base = segmentBaseOf(guest, selector);
    const bases = [...(base === undefined ? [] : [base]), selector << 4];
    known.set(selector, bases);
    return bases;
  };
}

/** Only the stack that SS names now can be searched. */
function guessedFrames(guest: Guest, innermost: Frame): readonly Frame[] {
  if (innermost.stackSelector !== guest.register('SS')) return [];
  const { stackSelector, codeSize } = innermost;
  return guessedCallers(guest, innermost, innermost.stackOffset).map((caller) => ({
    ...caller,
    lineAddress: guest.is64Bit ? caller.address - 1 : Math.max(caller.address - 1, 0),
    codeSize,
    stackSelector,
    stackAddress: guest.stackAddress(caller.stackOffset),
    origin: 'guessed',
    handles: undefined,
  }));
}
