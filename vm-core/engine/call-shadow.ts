/**
 * The call shadow: a record of the calls, interrupts and exceptions that have not returned, kept while the guest runs.
 * Near calls and returns are recorded by generated code (call-stage.ts); this is the rest: what leaves frames without
 * returning from them, far transfers, interrupts, and changes from one stack to another.
 *
 * The ring in memory holds the stack that the processor is on. A load of the stack pointer that leads elsewhere puts its
 * entries aside and brings back those of the other stack, so that coroutines and tasks have their own callers each. The
 * shadow is a reader: nothing of the guest depends on it.
 */
import type { CallObserver } from '../cpu/cpu.ts';
import { codeAddressOf, is64BitMode, privilegeLevel } from '../cpu/mode.ts';
import type { CallRecord, CallStack } from '../machine/vcpu.ts';
import { CALL_SHADOW, CALL_SHADOW_SIZE } from '../memory/layout.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { CS, internal, SS, segmentSlots, slot } from '../state/layout.ts';
import * as entry from './call-entry.ts';
import { readAddress, recordAt } from './call-record.ts';
import { stackBase, stackEnd, stackTop } from './stack-place.ts';
import { type SuspendedStack, SuspendedStacks } from './suspended-stacks.ts';

const CS_SLOT = segmentSlots[CS] as number;
const SS_SLOT = segmentSlots[SS] as number;
const UNUSED = -1;
/** Where a stack begins that was there before the record. */
const UNKNOWN = Number.POSITIVE_INFINITY;
/** A return may drop so many bytes of parameters. */
const DROPPED_MAX = 0xffff;

const NOTHING_KNOWN: CallStack = { calls: [], isComplete: false, begin: undefined };

/** What an interrupt pushes at most, with what aligns it. */
const FRAME_MAX = 64;

/** Why TypeScript is asked; and another reason, for whoever wants to compare what it does with what generated code does. */
const ASKED_IN_TRANSIT = 1;
export const ASKED_ALWAYS = 2;

/** Where the processor was before an operation that may transfer control or change stacks. */
interface Place {
  selector: number;
  address: number;
  stackSelector: number;
  stackBase: number;
  /** Linear address of the top, and the same with the wrap of an empty stack undone (see stack-place.ts). */
  slot: number;
  end: number;
  level: number;
  /** Selector of the task. */
  task: number;
}

export class CallShadow implements CallObserver {
  readonly #state: CpuState;
  readonly #view: DataView;
  readonly #ring: number;
  readonly #suspended = new SuspendedStacks();
  readonly #before: Place = {
    selector: 0,
    address: 0,
    stackSelector: 0,
    stackBase: 0,
    slot: 0,
    end: 0,
    level: 0,
    task: 0,
  };
  constructor(state: CpuState) {
    this.#state = state;
    this.#view = state.view;
    this.#ring = state.base + CALL_SHADOW;
  }

  get isOn(): boolean {
    return this.#top !== 0;
  }

  set isOn(on: boolean) {
    if (on === this.isOn) return;
    this.#setTop(on ? this.#ring : 0);
    this.reset();
  }

  /** Forgets everything. */
  reset(): void {
    this.#suspended.clear();
    this.#begin = UNKNOWN;
    this.#inTransit = false;
    if (this.isOn) new Uint8Array(this.#view.buffer, this.#ring, CALL_SHADOW_SIZE).fill(0xff);
    if (this.isOn) for (let at = 0; at < entry.CALL_ENTRIES; at++) this.#clear(this.#ring + at * entry.CALL_ENTRY_SIZE);
  }

  /** A return address was pushed at `at`, or is popped from there: calls recorded there and below are over. */
  callsOver(at: number, pushed: number): void {
    if (this.#inTransit) this.#arrive(at + pushed);
    this.#dropBelow(at + 1);
  }

  /** An instruction has loaded the stack pointer, which was `before`. */
  stackLoaded(before: number): void {
    const now = stackEnd(this.#state);
    if (this.#inTransit) this.#arrive(now);
    else this.#move(stackEnd(this.#state, before), now);
  }

  note(): void {
    const state = this.#state;
    const before = this.#before;
    before.selector = state.read16(CS_SLOT);
    before.address = Number(codeAddressOf(this.#state, this.#state.rip));
    before.stackSelector = state.read16(SS_SLOT);
    before.stackBase = stackBase(this.#state);
    before.slot = stackTop(state);
    before.end = stackEnd(state);
    before.level = privilegeLevel(state);
    before.task = state.read16(slot.TR);
  }

  farCalled(size: 2 | 4 | 8): void {
    this.#enter(entry.KIND_FAR, 0, size, 0);
  }

  interrupted(kind: 'software' | 'exception' | 'external', vector: number, size: 2 | 4 | 8, above: number): void {
    const kinds = {
      software: entry.KIND_SOFTWARE,
      exception: entry.KIND_EXCEPTION,
      external: entry.KIND_EXTERNAL,
    } as const;
    this.#enter(kinds[kind], vector, size, above);
  }

  /** RETF or IRET has popped. */
  farReturned(): void {
    const before = this.#before;
    if (this.#isOtherTask()) return;
    if (this.#inTransit) this.#arrive(before.end);
    const top = this.#top;
    if (this.#changesStack(top) && this.#number(top + entry.CALL_INNER_SLOT) === before.slot) {
      this.#leaveInnerStack(top);
      return;
    }
    const stays = stackBase(this.#state) === before.stackBase && privilegeLevel(this.#state) === before.level;
    if (stays) this.#dropBelow(before.slot + 1);
    else this.#switch(before.end, stackEnd(this.#state));
  }

  stackChanged(): void {
    this.#switch(this.#before.end, stackEnd(this.#state));
  }

  /** SS was loaded, alone or together with the stack pointer. */
  stackSegmentLoaded(withPointer: boolean): void {
    const before = this.#before;
    const now = stackEnd(this.#state);
    if (withPointer && this.#inTransit) this.#arrive(now);
    else if (withPointer) this.#move(before.end, now);
    else if (!this.#inTransit && stackBase(this.#state) !== before.stackBase) {
      this.#suspend(before.end);
      this.#inTransit = true;
      this.#write(this.#push(), entry.CALL_SLOT, 0);
    }
  }

  /** The calls that have not returned, innermost first, of the stack that the processor is on. */
  calls(callsMax: number = entry.CALL_ENTRIES): CallStack {
    if (!this.isOn) return NOTHING_KNOWN;
    const now = stackEnd(this.#state);
    if (this.#inTransit) return callsOf(this.#suspended.at(now), callsMax);
    return { ...this.#callsFrom(now, callsMax), begin: knownBegin(this.#begin) };
  }

  #callsFrom(now: number, callsMax: number): Pick<CallStack, 'calls' | 'isComplete'> {
    const calls: CallRecord[] = [];
    let begin = this.#begin;
    let isOuter = false;
    let at = this.#top;
    for (let count = 0; count < entry.CALL_ENTRIES && calls.length < callsMax; count++, at = entry.outerEntry(at)) {
      const record = this.#isUnused(at) ? undefined : recordAt(this.#view, at);
      if (!record) return { calls, isComplete: begin !== UNKNOWN };
      if (!isOuter && record.slot < now && record.slot !== stackTop(this.#state)) {
        // A handler that left its own frame behind is not going back.
        if (record.callerStack) return { calls, isComplete: true };
        continue;
      }
      calls.push(record);
      if (record.callerStack) {
        isOuter = true;
        begin = this.#view.getFloat64(at + entry.CALL_OUTER_BEGIN, true);
      }
    }
    return { calls, isComplete: false };
  }

  #enter(kind: number, vector: number, size: number, above: number): void {
    const before = this.#before;
    if (this.#inTransit) this.#arrive(before.end);
    const at = stackTop(this.#state) + above;
    const changes = privilegeLevel(this.#state) !== before.level || this.#isElsewhere(at);
    if (!changes) this.#dropBelow(at + 1);
    const next = this.#push();
    const view = this.#view;
    this.#write(next, entry.CALL_SLOT, changes ? UNUSED : at);
    this.#write(next, entry.CALL_INNER_SLOT, at);
    this.#write(next, entry.CALL_RETURN, before.address);
    this.#write(next, entry.CALL_TARGET, Number(codeAddressOf(this.#state, this.#state.rip)));
    view.setUint16(next + entry.CALL_SELECTOR, before.selector, true);
    view.setUint8(next + entry.CALL_KIND, kind);
    view.setUint8(next + entry.CALL_VECTOR, vector);
    view.setUint8(next + entry.CALL_ADDRESS_SIZE, size);
    view.setUint8(next + entry.CALL_CHANGES_STACK, changes ? 1 : 0);
    if (!changes) return;
    view.setUint16(next + entry.CALL_OUTER_SELECTOR, before.stackSelector, true);
    this.#write(next, entry.CALL_OUTER_BASE, before.stackBase);
    this.#write(next, entry.CALL_OUTER_POINTER, before.slot - before.stackBase);
    view.setFloat64(next + entry.CALL_OUTER_BEGIN, this.#begin, true);
    this.#begin = at + 5 * size;
  }

  /** Back to the stack on which the processor was when it came here, unless the handler has chosen another. */
  #leaveInnerStack(top: number): void {
    const back = this.#number(top + entry.CALL_OUTER_BASE) + this.#number(top + entry.CALL_OUTER_POINTER);
    this.#begin = this.#view.getFloat64(top + entry.CALL_OUTER_BEGIN, true);
    this.#pop(top);
    const distance = stackTop(this.#state) - back;
    if (distance < 0 || distance > DROPPED_MAX) this.#switch(back, stackEnd(this.#state));
  }

  /** The top of the stack has gone from one place to another: up the same stack, or to another one. */
  #move(from: number, to: number): void {
    if (this.#isUnused(this.#top) && this.#begin === UNKNOWN) this.#begin = to;
    if (to === from) return;
    const bottom = this.#bottom();
    const isUp = to > from && (to <= bottom || (to <= this.#begin && !this.#isLeft(to)));
    if (isUp) this.#dropBelow(to);
    else this.#switch(from, to);
  }

  /** True for the top of a stack that was left, where nothing else is known. */
  #isLeft(place: number): boolean {
    return this.#begin === UNKNOWN && this.#suspended.at(place) !== undefined;
  }

  #switch(from: number, to: number): void {
    this.#suspend(from);
    this.#resume(to);
  }

  /** A switch of tasks has reported itself. */
  #isOtherTask(): boolean {
    return this.#state.read16(slot.TR) !== this.#before.task;
  }

  /** It shows which stack SS and the stack pointer mean. */
  #arrive(at: number): void {
    this.#inTransit = false;
    this.#dropAll();
    this.#resume(at);
  }

  #suspend(pointer: number): void {
    const bottom = this.#bottom();
    let count = 0;
    for (let at = this.#top; !this.#isUnused(at) && count < entry.CALL_ENTRIES; at = entry.outerEntry(at)) count++;
    if (count === 0) return;
    const entries = new Uint8Array(count * entry.CALL_ENTRY_SIZE);
    while (count-- > 0) {
      const top = this.#top;
      const bytes = new Uint8Array(this.#view.buffer, top, entry.CALL_ENTRY_SIZE);
      entries.set(bytes, count * entry.CALL_ENTRY_SIZE);
      this.#pop(top);
    }
    this.#suspended.add({ pointer, begin: Math.max(this.#begin, bottom), entries });
  }

  #resume(pointer: number): void {
    const found = this.#suspended.take(pointer);
    this.#begin = found?.begin ?? pointer;
    if (!found) return;
    const { entries } = found;
    for (let from = 0; from < entries.length; from += entry.CALL_ENTRY_SIZE) {
      const next = this.#push();
      new Uint8Array(this.#view.buffer).set(entries.subarray(from, from + entry.CALL_ENTRY_SIZE), next);
    }
    this.#dropBelow(pointer);
  }

  /** Drops the entries with slots below a place, as far as they are of this stack. */
  #dropBelow(place: number): void {
    for (let top = this.#top; ; top = this.#top) {
      const at = this.#number(top + entry.CALL_SLOT);
      // An inner stack that is begun anew has nobody to return to.
      const isAbandoned = this.#changesStack(top) && this.#number(top + entry.CALL_INNER_SLOT) < place;
      if (isAbandoned) this.#dropAll();
      if (isAbandoned || at === UNUSED || at >= place) return;
      this.#pop(top);
    }
  }

  #dropAll(): void {
    while (!this.#isUnused(this.#top)) this.#pop(this.#top);
  }

  /** The slot of the outermost entry of this stack; 0 without one. */
  #bottom(): number {
    let bottom = 0;
    let at = this.#top;
    for (let count = 0; count < entry.CALL_ENTRIES && !this.#isUnused(at); count++, at = entry.outerEntry(at)) {
      if (this.#changesStack(at)) return this.#number(at + entry.CALL_INNER_SLOT);
      bottom = this.#number(at + entry.CALL_SLOT);
    }
    return bottom;
  }

  #push(): number {
    const next = entry.innerEntry(this.#top);
    this.#clear(next);
    this.#setTop(next);
    return next;
  }

  #pop(top: number): void {
    this.#clear(top);
    this.#setTop(entry.outerEntry(top));
  }

  #clear(at: number): void {
    this.#write(at, entry.CALL_SLOT, UNUSED);
    this.#view.setUint8(at + entry.CALL_CHANGES_STACK, 0);
  }

  #isUnused(at: number): boolean {
    return this.#number(at + entry.CALL_SLOT) === UNUSED && !this.#changesStack(at);
  }

  #changesStack(at: number): boolean {
    return this.#view.getUint8(at + entry.CALL_CHANGES_STACK) === 1;
  }

  /** Where the stack in the ring begins. */
  get #begin(): number {
    return this.#view.getFloat64(this.#state.base + internal.CALLS_BEGIN, true);
  }

  set #begin(at: number) {
    this.#view.setFloat64(this.#state.base + internal.CALLS_BEGIN, at, true);
  }

  /** SS was loaded and the stack pointer was not yet: which stack this is will be seen. */
  get #inTransit(): boolean {
    return (this.#state.read32(internal.CALLS_ASK) & ASKED_IN_TRANSIT) !== 0;
  }

  set #inTransit(is: boolean) {
    const others = this.#state.read32(internal.CALLS_ASK) & ~ASKED_IN_TRANSIT;
    this.#state.write32(internal.CALLS_ASK, is ? others | ASKED_IN_TRANSIT : others);
  }

  get #top(): number {
    return this.#state.read32(internal.CALLS_TOP);
  }

  #setTop(at: number): void {
    this.#state.write32(internal.CALLS_TOP, at);
  }

  #number(at: number): number {
    return readAddress(this.#view, at);
  }

  #write(at: number, field: number, value: number): void {
    this.#view.setUint32(at + field, value, true);
    this.#view.setInt32(at + field + 4, Math.floor(value / 2 ** 32), true);
  }

  /** In 64-bit mode an interrupt may go to a stack of its own without a change of level. */
  #isElsewhere(at: number): boolean {
    const pushed = this.#before.end - at;
    return is64BitMode(this.#state) && (pushed <= 0 || pushed > FRAME_MAX);
  }
}

function knownBegin(begin: number): number | undefined {
  return begin === UNKNOWN ? undefined : begin;
}

/** The calls of a stack that the processor has just come to. */
function callsOf(stack: SuspendedStack | undefined, callsMax: number): CallStack {
  if (!stack) return NOTHING_KNOWN;
  const { buffer, byteOffset, length } = stack.entries;
  const view = new DataView(buffer, byteOffset, length);
  const calls: CallRecord[] = [];
  const last = Math.max(length - callsMax * entry.CALL_ENTRY_SIZE, 0);
  for (let at = length - entry.CALL_ENTRY_SIZE; at >= last; at -= entry.CALL_ENTRY_SIZE) calls.push(recordAt(view, at));
  return { calls, isComplete: stack.begin !== UNKNOWN, begin: knownBegin(stack.begin) };
}
