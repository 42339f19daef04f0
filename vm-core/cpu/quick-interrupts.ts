/**
 * The usual interrupt, exception and IRET of kernels, done at once: 32-bit protected mode and 64-bit mode, gates to code
 * of the same or an inner level, everything in memory that compiled code reaches without asking (SDM vol. 3A §6.12, §6.14).
 * All that is unusual, faults above all, is refused before anything has changed; interrupt-entry.ts and far-returns.ts are
 * the whole of it.
 */
import { CR0_AM, CR0_PE } from '../state/control-bits.ts';
import { isExact } from '../state/address.ts';
import { ATTRIBUTE_BIG, ATTRIBUTE_PRESENT } from '../state/cpu-state.ts';
import {
  CS,
  DS,
  ENTRY_BASE,
  ENTRY_READ_END,
  ENTRY_WRITE_END,
  ES,
  FS,
  GS,
  internal,
  SEGMENT_ATTRIBUTES,
  SEGMENT_BASE,
  SEGMENT_ENTRY_SIZE,
  SEGMENT_LIMIT,
  type SegmentIndex,
  SS,
  segmentSlots,
  slot,
} from '../state/layout.ts';
import { AC, IF, NT, RF, TF, VM } from '../state/lazy-flags.ts';
import type { Cpu } from './cpu.ts';
import { longGateOffset, TYPE_BIT_32 } from './descriptors.ts';
import { is64BitMode, isCanonical, isLongMode, privilegeLevel, setPrivilegeLevel } from './mode.ts';
import { QuickDescriptor, type QuickMemory } from './quick-descriptor.ts';
import { mergeFlags, returnedFlags } from './returned-flags.ts';
import { dropInnerSegments, setNullSegment } from './segments.ts';

/** Present and a 32-bit interrupt or trap gate, which in long mode is one of 64 bits; the type's lowest bit is of traps. */
const GATE_MASK = 0x9e00;
const GATE = 0x8e00;
const TRAP = 0x100;

const CS_SELECTOR = segmentSlots[CS] as number;
const SS_SELECTOR = segmentSlots[SS] as number;
const STACK_ENTRY = internal.SEGMENTS + SS * SEGMENT_ENTRY_SIZE;
const TSS_STACKS = 4;
const TSS_64_IST1 = 36;
const TWO_32 = 0x1_0000_0000;

const DATA_SEGMENTS: readonly SegmentIndex[] = [ES, DS, FS, GS];

export class QuickInterrupts {
  readonly #cpu: Cpu;
  readonly #memory: QuickMemory;
  readonly #gate: QuickDescriptor;
  readonly #code: QuickDescriptor;
  readonly #stack: QuickDescriptor;
  /** Where the frame begins, and the selector of its stack, once one was found. */
  #pointer = 0;
  #selector = 0;

  constructor(cpu: Cpu, memory: QuickMemory) {
    this.#cpu = cpu;
    this.#memory = memory;
    this.#gate = new QuickDescriptor(cpu.state, memory);
    this.#code = new QuickDescriptor(cpu.state, memory);
    this.#stack = new QuickDescriptor(cpu.state, memory);
  }

  /**
   * Enters the handler of a vector other than #DB; EIP is the value to push. `errorCode` is -1 where none is pushed;
   * `resume` is RF or 0, set in the image of the flags. False: nothing has changed.
   */
  enter(vector: number, isSoftware: boolean, errorCode: number, resume: number): boolean {
    const { state } = this.#cpu;
    if (this.#isUnusual()) return false;
    if (is64BitMode(state)) return this.#enterLong(vector, isSoftware, errorCode, resume);
    return !isLongMode(state) && this.#enterProtected(vector, isSoftware, errorCode, resume);
  }

  /** IRETD of protected mode, IRETQ of 64-bit mode. False: nothing has changed. */
  return(operandSize: number): boolean {
    const { state } = this.#cpu;
    if (this.#isUnusual() || (state.read32(slot.EFLAGS) & NT) !== 0) return false;
    if (is64BitMode(state)) return operandSize === 64 && this.#returnLong();
    return operandSize === 32 && !isLongMode(state) && this.#returnProtected();
  }

  #isUnusual(): boolean {
    const { state, calls } = this.#cpu;
    const flags = state.read32(slot.EFLAGS);
    const control = state.read32(slot.CR0);
    if (calls !== undefined || (control & CR0_PE) === 0 || (flags & (VM | TF | RF)) !== 0) return true;
    // Alignment checks depend on the level.
    return (control & CR0_AM) !== 0 && (flags & AC) !== 0;
  }

  #isOpenGate(isSoftware: boolean, level: number): boolean {
    const { high } = this.#gate;
    return (high & GATE_MASK) === GATE && (!isSoftware || ((high >>> 13) & 3) >= level);
  }

  #enterProtected(vector: number, isSoftware: boolean, errorCode: number, resume: number): boolean {
    const { state } = this.#cpu;
    const [gate, code] = [this.#gate, this.#code];
    const level = privilegeLevel(state);
    if (vector * 8 + 7 > state.read16(slot.IDTR_LIMIT)) return false;
    if (!gate.read(state.read32(slot.IDTR_BASE) + vector * 8) || !this.#isOpenGate(isSoftware, level)) return false;
    const selector = gate.low >>> 16;
    const offset = ((gate.high & 0xffff_0000) | (gate.low & 0xffff)) >>> 0;
    if (!code.find(selector) || !code.isCode || code.level > level || offset > code.limit) return false;
    const isInward = code.level < level;
    const bytes = (isInward ? 20 : 12) + (errorCode < 0 ? 0 : 4);
    const host = isInward ? this.#openInner(code.level, bytes) : this.#openCurrent(bytes);
    if (host === 0) return false;
    const { view } = state;
    let at = host;
    if (errorCode >= 0) {
      view.setUint32(at, errorCode, true);
      at += 4;
    }
    view.setUint32(at, state.read32(slot.EIP), true);
    view.setUint32(at + 4, state.read16(CS_SELECTOR), true);
    view.setUint32(at + 8, state.eflags | resume, true);
    if (isInward) {
      view.setUint32(at + 12, state.read32(slot.ESP), true);
      view.setUint32(at + 16, state.read16(SS_SELECTOR), true);
      this.#stack.load(SS, this.#selector);
    }
    state.write32(slot.ESP, this.#pointer);
    state.write32(slot.EIP, offset);
    state.write32(slot.EIP + 4, 0);
    this.#arrive(selector);
    return true;
  }

  /** The flags, the code segment, the level and what waited for the processor to go on. */
  #arrive(selector: number): void {
    const { state } = this.#cpu;
    const cleared = (this.#gate.high & TRAP) === 0 ? TF | NT | RF | VM | IF : TF | NT | RF | VM;
    state.write32(slot.EFLAGS, state.read32(slot.EFLAGS) & ~cleared);
    const { level } = this.#code;
    this.#code.load(CS, (selector & 0xfffc) | level);
    setPrivilegeLevel(state, level);
    state.write8(slot.HALTED, 0);
    state.write8(slot.INTERRUPT_SHADOW, 0);
  }

  /** Room for a frame on the stack that SS:ESP names, which is one of 32 bits; 0 for none. */
  #openCurrent(bytes: number): number {
    const { state } = this.#cpu;
    if ((state.read16(SS_SELECTOR + SEGMENT_ATTRIBUTES) & ATTRIBUTE_BIG) === 0) return 0;
    const pointer = state.read32(slot.ESP) - bytes;
    if (pointer < 0 || !this.#isWithinStack(pointer + bytes, ENTRY_WRITE_END)) return 0;
    this.#pointer = pointer;
    return this.#memory.writePlace((state.read32(STACK_ENTRY + ENTRY_BASE) + pointer) >>> 0, bytes);
  }

  #isWithinStack(end: number, field: typeof ENTRY_READ_END | typeof ENTRY_WRITE_END): boolean {
    const { state } = this.#cpu;
    return end <= state.read32(STACK_ENTRY + field + 4) * TWO_32 + state.read32(STACK_ENTRY + field);
  }

  /** Room on the stack that the task has for an inner level. */
  #openInner(level: number, bytes: number): number {
    const { state } = this.#cpu;
    const attributes = state.read16(slot.TR + SEGMENT_ATTRIBUTES);
    const place = TSS_STACKS + level * 8;
    if ((attributes & (ATTRIBUTE_PRESENT | TYPE_BIT_32)) !== (ATTRIBUTE_PRESENT | TYPE_BIT_32)) return 0;
    if (place + 5 > state.read32(slot.TR + SEGMENT_LIMIT)) return 0;
    const entry = this.#memory.systemReadPlace((state.read32(slot.TR + SEGMENT_BASE) + place) >>> 0, 6);
    if (entry === 0) return 0;
    const selector = state.view.getUint16(entry + 4, true);
    const stack = this.#stack;
    if ((selector & 3) !== level || !stack.find(selector)) return 0;
    const pointer = state.view.getUint32(entry, true) - bytes;
    if (!stack.isStack || !stack.isBig || stack.level !== level) return 0;
    if (pointer < 0 || pointer + bytes - 1 > stack.limit) return 0;
    this.#pointer = pointer;
    this.#selector = selector;
    return this.#memory.systemWritePlace((stack.base + pointer) >>> 0, bytes);
  }

  #enterLong(vector: number, isSoftware: boolean, errorCode: number, resume: number): boolean {
    const { state } = this.#cpu;
    const [gate, code] = [this.#gate, this.#code];
    const level = privilegeLevel(state);
    if (vector * 16 + 15 > state.read16(slot.IDTR_LIMIT)) return false;
    const base = state.readAddress(slot.IDTR_BASE);
    if (!isExact(base)) return false;
    const at = base + vector * 16;
    const upper = this.#memory.systemReadPlace(at + 8, 4);
    if (upper === 0 || !gate.read(at) || !this.#isOpenGate(isSoftware, level)) return false;
    const selector = gate.low >>> 16;
    const offset = longGateOffset(gate.low, gate.high, state.view.getUint32(upper, true));
    if (!code.find(selector) || !code.isLongCode || code.level > level || !isCanonical(state, offset)) return false;
    const bytes = errorCode < 0 ? 40 : 48;
    const host = this.#openLong(code.level < level, bytes);
    if (host === 0) return false;
    const { view } = state;
    let place = host;
    if (errorCode >= 0) {
      this.#storeSmall(place, errorCode);
      place += 8;
    }
    view.setUint32(place, state.read32(slot.EIP), true);
    view.setUint32(place + 4, state.read32(slot.EIP + 4), true);
    this.#storeSmall(place + 8, state.read16(CS_SELECTOR));
    this.#storeSmall(place + 16, state.eflags | resume);
    view.setUint32(place + 24, state.read32(slot.ESP), true);
    view.setUint32(place + 28, state.read32(slot.ESP + 4), true);
    this.#storeSmall(place + 32, state.read16(SS_SELECTOR));
    if (code.level < level) setNullSegment(state, SS, code.level);
    state.writeAddress(slot.ESP, this.#pointer);
    state.writeAddress(slot.EIP, offset);
    this.#arrive(selector);
    return true;
  }

  /** Stores eight bytes of which the upper half is zero. */
  #storeSmall(host: number, value: number): void {
    const { view } = this.#cpu.state;
    view.setUint32(host, value, true);
    view.setUint32(host + 4, 0, true);
  }

  /** Room for a frame where the gate or the level says, aligned to 16 bytes; otherwise on the current stack. */
  #openLong(isInward: boolean, bytes: number): number {
    const { state } = this.#cpu;
    const stackIndex = this.#gate.high & 7;
    let top = state.readAddress(slot.ESP);
    if (stackIndex > 0 || isInward) {
      const place = stackIndex > 0 ? TSS_64_IST1 + (stackIndex - 1) * 8 : TSS_STACKS + this.#code.level * 8;
      const isPresent = (state.read16(slot.TR + SEGMENT_ATTRIBUTES) & ATTRIBUTE_PRESENT) !== 0;
      if (!isPresent || place + 7 > state.read32(slot.TR + SEGMENT_LIMIT)) return 0;
      const base = state.readAddress(slot.TR + SEGMENT_BASE);
      const entry = isExact(base) ? this.#memory.systemReadPlace(base + place, 8) : 0;
      if (entry === 0) return 0;
      top = this.#addressAt(entry);
    }
    if (!isExact(top)) return 0;
    const pointer = Math.floor(top / 16) * 16 - bytes;
    if (!isCanonical(state, pointer, bytes)) return 0;
    this.#pointer = pointer;
    return this.#memory.systemWritePlace(pointer, bytes);
  }

  /** Eight bytes as an address, rounded where numbers are not exact. */
  #addressAt(host: number): number {
    const { view } = this.#cpu.state;
    return view.getInt32(host + 4, true) * TWO_32 + view.getUint32(host, true);
  }

  #returnProtected(): boolean {
    const { state } = this.#cpu;
    const { view } = state;
    const level = privilegeLevel(state);
    const pointer = state.read32(slot.ESP);
    if ((state.read16(SS_SELECTOR + SEGMENT_ATTRIBUTES) & ATTRIBUTE_BIG) === 0) return false;
    if (!this.#isWithinStack(pointer + 12, ENTRY_READ_END)) return false;
    const base = state.read32(STACK_ENTRY + ENTRY_BASE);
    const host = this.#memory.readPlace((base + pointer) >>> 0, 12);
    if (host === 0) return false;
    const offset = view.getUint32(host, true);
    const selector = view.getUint16(host + 4, true);
    const image = view.getUint32(host + 8, true);
    if ((image & VM) !== 0 || !this.#isReturnCode(selector, level) || offset > this.#code.limit) return false;
    const isOutward = this.#code.level > level;
    if (isOutward) {
      const outer = this.#memory.readPlace((base + pointer + 12) >>> 0, 8);
      if (outer === 0 || !this.#isWithinStack(pointer + 20, ENTRY_READ_END)) return false;
      if (!this.#findReturnStack(view.getUint16(outer + 4, true)) || !this.#stack.isBig) return false;
      this.#pointer = view.getUint32(outer, true);
    }
    const flags = mergeFlags(state.eflags, image, returnedFlags(this.#cpu, 4));
    if (isOutward) this.#stack.load(SS, this.#selector);
    this.#code.load(CS, selector);
    setPrivilegeLevel(state, this.#code.level);
    state.write32(slot.ESP, isOutward ? this.#pointer : (pointer + 12) >>> 0);
    state.write32(slot.EIP, offset);
    state.write32(slot.EIP + 4, 0);
    if (isOutward) dropInnerSegments(state, DATA_SEGMENTS);
    state.eflags = flags;
    state.write8(slot.NMI_BLOCKED, 0);
    return true;
  }

  /** Code at the level of the selector, which is the current one or an outer one. */
  #isReturnCode(selector: number, level: number): boolean {
    const code = this.#code;
    return (selector & 3) >= level && code.find(selector) && code.isCode && code.level === (selector & 3);
  }

  /** The stack of the level that the code returns to. */
  #findReturnStack(selector: number): boolean {
    const stack = this.#stack;
    const { level } = this.#code;
    this.#selector = selector;
    return (selector & 3) === level && stack.find(selector) && stack.isStack && stack.level === level;
  }

  #returnLong(): boolean {
    const { state } = this.#cpu;
    const { view } = state;
    const level = privilegeLevel(state);
    const pointer = state.readAddress(slot.ESP);
    const host = this.#memory.readPlace(pointer, 40);
    if (host === 0) return false;
    const offset = this.#addressAt(host);
    const selector = view.getUint16(host + 8, true);
    if (!isExact(offset)) return false;
    if (!this.#isReturnCode(selector, level) || !this.#code.isLongCode || !isCanonical(state, offset)) return false;
    const stackSelector = view.getUint16(host + 32, true);
    const isNullStack = (stackSelector & 0xfffc) === 0;
    if (isNullStack && ((stackSelector & 3) !== this.#code.level || stackSelector === 3)) return false;
    if (!isNullStack && !this.#findReturnStack(stackSelector)) return false;
    const flags = mergeFlags(state.eflags, view.getUint32(host + 16, true), returnedFlags(this.#cpu, 8));
    if (isNullStack) setNullSegment(state, SS, stackSelector);
    else this.#stack.load(SS, stackSelector);
    state.writeAddress(slot.EIP, offset);
    state.write32(slot.ESP, view.getUint32(host + 24, true));
    state.write32(slot.ESP + 4, view.getUint32(host + 28, true));
    this.#code.load(CS, selector);
    setPrivilegeLevel(state, this.#code.level);
    if (this.#code.level > level) dropInnerSegments(state, DATA_SEGMENTS);
    state.eflags = flags;
    state.write8(slot.NMI_BLOCKED, 0);
    return true;
  }
}
