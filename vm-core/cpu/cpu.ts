/**
 * What system code (far transfers, exceptions, descriptor loads, control registers …) works on: one vCPU, its view of
 * memory and ports, and the events that are pending for it.
 *
 * A system operation is a plain function `(cpu, instruction) => Outcome`. On entry EIP already points behind the
 * instruction. It may throw a `GuestFault` at any point before it commits registers; the engine catches it right at the
 * call, puts EIP back to the instruction and delivers the exception. Nothing else is ever thrown on a guest's behalf.
 */
import type { CpuModelFacts } from '../isa/cpu-model.ts';
import type { OperandSize } from '../isa/operand.ts';
import type { GuestEvent } from '../machine/machine.ts';
import type { Address } from '../state/address.ts';
import type { CpuState } from '../state/cpu-state.ts';
import type { SegmentIndex } from '../state/layout.ts';
import type { LocalApicUnit } from './local-apic/local-apic-unit.ts';
import type { PerformanceCounters } from './performance/performance-counters.ts';
import type { Topology } from './topology.ts';

/** The instruction is done and the next one follows in the same block. */
export const NEXT = 0;
/** EIP was set by the operation. */
export const BRANCH = 1;
/** Done, and the run loop must look at events, mode or memory map before the next instruction (EIP as it stands). */
export const EXIT = 2;
/** Not finished: the same instruction is executed again (a repeated string instruction, a wait for the host). */
export const REPEAT = 4;
/** A fault was raised; the engine makes this one. With EXIT: there is none, the same instruction is executed again. */
export const FAULT = 8;
export type Outcome = typeof NEXT | typeof BRANCH | typeof EXIT | typeof REPEAT;

/** An architectural exception on its way to delivery; never leaves the cpu and engine layers as an exception. */
export class GuestFault {
  readonly vector: number;
  /** Undefined for vectors that push none. */
  readonly errorCode: number | undefined;
  /** True behind the point of a task switch from which there is no way back: EIP is the new task's and stays. */
  readonly isOfNewTask: boolean;

  constructor(vector: number, errorCode?: number, isOfNewTask = false) {
    this.vector = vector;
    this.errorCode = errorCode;
    this.isOfNewTask = isOfNewTask;
  }
}

export const VECTOR_DE = 0;
export const VECTOR_DB = 1;
export const VECTOR_NMI = 2;
export const VECTOR_BP = 3;
export const VECTOR_OF = 4;
export const VECTOR_BR = 5;
export const VECTOR_UD = 6;
export const VECTOR_NM = 7;
export const VECTOR_DF = 8;
export const VECTOR_TS = 10;
export const VECTOR_NP = 11;
export const VECTOR_SS = 12;
export const VECTOR_GP = 13;
export const VECTOR_PF = 14;
export const VECTOR_MF = 16;
export const VECTOR_AC = 17;
export const VECTOR_XM = 19;

/** The decoded instruction a system operation is called for. Valid during the call only. */
export interface Instruction {
  /** Name of the row: the key of the operation. */
  readonly name: string;
  /** Bytes in the instruction. */
  readonly length: number;
  readonly operandSize: OperandSize;
  readonly addressSize: OperandSize;
  /** Vector, port, far offset, stack adjustment … sign- or zero-extended to 32 bits as the row says. */
  readonly immediate: number;
  /** The second immediate: far selector, ENTER's level. */
  readonly immediate2: number;
  /** The bits 3–5 of ModR/M: register, segment, control- or debug-register number. */
  readonly reg: number;
  /** Slot offset of the general register that ModR/M's reg field names at this operand size. */
  readonly regSlot: number;
  /** True when ModR/M names memory. */
  readonly isMemory: boolean;
  /** Slot offset of the register that ModR/M's r/m field names (only if `isMemory` is false). */
  readonly rmSlot: number;
  /** Segment of the memory operand with overrides applied (string instructions: of the source). */
  readonly segment: SegmentIndex;
  /** Offset of the memory operand in its segment, cut to the address size; with 64 bits it is signed. */
  offset(): Address;
  /** True when a REP, REPE or REPNE prefix stands before the instruction. */
  readonly repeat: boolean;
}

/** I/O space. Values are unsigned; ports nobody claims read as all ones. */
export interface PortSpace {
  read(port: number, size: 1 | 2 | 4): number;
  write(port: number, size: 1 | 2 | 4, value: number): void;
}

/** Bytes of one access. */
export type MemorySize = 1 | 2 | 4 | 8;

/**
 * Memory as instructions see it. The `linear` calls are system accesses (descriptor tables, task state) and check no
 * segment; the `segment` calls check limit and rights of the segment and throw #GP(0) or #SS(0). Values are unsigned;
 * those of eight bytes are signed.
 */
export interface CpuMemory {
  readLinear(linearAddress: Address, size: 1 | 2 | 4): number;
  readLinear(linearAddress: Address, size: MemorySize): Address;
  writeLinear(linearAddress: Address, size: MemorySize, value: Address): void;
  /** Four aligned bytes of physical memory. */
  readPhysical(physicalAddress: number): number;
  readSegment(segment: SegmentIndex, offset: Address, size: 1 | 2 | 4): number;
  readSegment(segment: SegmentIndex, offset: Address, size: MemorySize): Address;
  writeSegment(segment: SegmentIndex, offset: Address, size: MemorySize, value: Address): void;
  /** Raises what a write would raise, and writes nothing. */
  requireWritable(segment: SegmentIndex, offset: Address, size: MemorySize): void;
  /** The same for a read that is made in parts. */
  requireReadable(segment: SegmentIndex, offset: Address, size: number): void;
}

/** What keeps a record of calls. */
export interface CallObserver {
  /** Where the processor is, before it is reported to have gone elsewhere. */
  note(): void;
  /** A far call has pushed CS and EIP, each of so many bytes. */
  farCalled(size: 2 | 4 | 8): void;
  /** An interrupt was entered: its frame has items of so many bytes, and `above` bytes lie on top of its EIP. */
  interrupted(kind: 'software' | 'exception' | 'external', vector: number, size: 2 | 4 | 8, above: number): void;
  /** The processor has gone to another stack, and has pushed nothing there. */
  stackChanged(): void;
}

/** Generated code that enters the handlers of usual interrupts and exceptions. */
export interface QuickEntry {
  /**
   * Enters the handler of a vector other than #DB; EIP is the value to push. `errorCode` is -1 where none is pushed;
   * `resume` is RF or 0, set in the image of the flags. False: it is unusual, and nothing has changed.
   */
  enter(vector: number, kind: 'software' | 'exception' | 'external', errorCode: number, resume: number): boolean;
}

/** What is cached of address translations. By default these are the current process context's. */
export interface Translations {
  /** Control registers were written: they hold from now on; nothing is flushed but by a change of the paging mode. */
  rulesChanged(): void;
  flushAll(): void;
  /** Global pages stay. */
  flushContext(pcid?: number): void;
  /** Those of all process contexts; global pages stay. */
  flushContexts(): void;
  /** One page; with `global` false a global one stays. */
  invalidatePage(linearAddress: Address, pcid?: number, global?: boolean): void;
}

/** What MONITOR and MWAIT watch, where others can store to it. */
export interface StoreMonitor {
  /** Watches the line of an address that may be read. */
  arm(segment: SegmentIndex, offset: Address): void;
  /** The wait begins; false where nothing is watched, and when it was stored to before. */
  wait(): boolean;
}

/** One vCPU as system code sees it. */
export interface Cpu {
  /** Absent while nobody asks for a record of calls. */
  readonly calls?: CallObserver | undefined;
  /** Absent where no code is generated. */
  readonly quick?: QuickEntry | undefined;
  /** Absent where nothing is executed that could be counted. */
  readonly counters?: PerformanceCounters | undefined;
  /** Absent where there are no interrupts to be controlled. */
  readonly localApic?: LocalApicUnit | undefined;
  readonly state: CpuState;
  readonly model: CpuModelFacts;
  /** Absent where there is no other vCPU. */
  readonly monitored?: StoreMonitor | undefined;
  /** Of the machine's vCPUs; absent where there is one. */
  readonly topology?: Topology | undefined;
  readonly memory: CpuMemory;
  readonly ports: PortSpace;
  /** Asks the machine's interrupt controller for the vector of the pending maskable interrupt (the INTA cycle). */
  acknowledgeInterrupt(): number;
  /** True while a maskable interrupt waits. One that comes later makes the engine leave by itself. */
  interruptPending(): boolean;
  readonly translations: Translations;
  /** Virtual time in ticks, and how many of them make a second. */
  now(): number;
  readonly ticksPerSecond: number;
  /** A debug exception before the next instruction, for reasons as DR6 has them. */
  trap(reasons: number): void;
  /** Random bits for RDRAND and RDSEED, as an unsigned number of 32. */
  random(): number;
  /** Tells the embedder of an event that may stop the machine; nothing is made while nobody listens. */
  report(makeEvent: () => GuestEvent): void;
  /** A message for the developer of the guest; each is told once. */
  log(message: string): void;
  /** Reports guest use of something that the product does not model yet; the machine stops with this text. */
  unsupported(what: string): void;
}

export type SystemOperation = (cpu: Cpu, instruction: Instruction) => Outcome;
