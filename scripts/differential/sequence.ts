/**
 * A sequence while it is being made. Each instruction is looked at before it runs: what it would touch must lie in the
 * zones, what it reads must be defined. Then it runs on the bench, so that the next one can be chosen for the state it
 * finds. What QEMU cannot be asked is found out here too: see differences.ts.
 */
import { Decoder, DecoderOptions, FlowControl, type Instruction, InstructionInfoFactory, Mnemonic } from 'iced-x86';
import { generalSlots, SS, slot } from '../../vm-core/state/layout.ts';
import { TF } from '../../vm-core/state/lazy-flags.ts';
import { type Access, accessesOf, frameAccesses, stackMask } from './accesses.ts';
import type { Bench } from './bench.ts';
import { TASK } from './descriptor-tables.ts';
import { differenceOf } from './differences.ts';
import { flagFacts } from './flag-facts.ts';
import { ACCESSED, isDescriptorOfCode, isSystemWide, operandBits } from './instruction-facts.ts';
import { type CodeKind, HAND_OVER_ARRIVAL, handOver, type Image, type StartState } from './image.ts';
import {
  IMAGE_RAM,
  INTERRUPT_RETURN,
  isInDataZone,
  NO_VECTOR,
  PROTECTED_STUBS,
  PROTECTED_VECTOR_LAST,
  REAL_STUBS,
  RETURN_STUBS_END,
  RETURNING_VECTORS,
  STUB_SIZE,
} from './layout.ts';
import type { Result } from './results.ts';
import { UndefinedBits } from './undefined-bits.ts';

/** A finished sequence: what goes into the image, and what came out on the bench. */
export interface Sequence {
  readonly start: StartState;
  readonly code: readonly number[];
  /** Linear address of the code. */
  readonly at: number;
  /** Bytes of the instructions as they were made, in order; the hand-over is not among them. */
  readonly instructions: readonly PlacedInstruction[];
  readonly result: Result;
  /** Flags that are not compared. */
  readonly undefinedFlags: number;
  /** Bits of double words in memory that are not compared, by linear address. */
  readonly undefinedMemory: ReadonlyMap<number, number>;
}

/** Where an instruction begins in the code, and how it is executed. */
export interface PlacedInstruction extends CodeKind {
  readonly offset: number;
}

/** What became of an instruction: `refused` means that nothing has happened, `lost` that the sequence is of no use. */
export type Emission = 'done' | 'refused' | 'ended' | 'lost';

/** A place where our processor allowed what limits and rights forbid, or the other way round. */
export class LimitError extends Error {}

/** Exceptions that push an error code. */
const errorCodeVectors: ReadonlySet<number> = new Set([8, 10, 11, 12, 13, 14, 17]);
/** Exceptions that never report an instruction that is to be executed again, so that they push RF as it is. */
const TRAPS: ReadonlySet<number> = new Set([3, 4]);
const FRAME_WORDS_MAX = 4;
const BYTES_AHEAD = 16;
/** A sequence that executes more instructions is given up. */
const STEPS_MAX = 200;
const interrupts: ReadonlySet<number> = new Set([Mnemonic.Int, Mnemonic.Int3, Mnemonic.Int1, Mnemonic.Into]);
const VM = 1 << 17;

const infoFactory = new InstructionInfoFactory();

export class SequenceInProgress {
  readonly bench: Bench;
  readonly start: StartState;
  readonly #image: Image;
  readonly #at: number;
  readonly #code: number[] = [];
  readonly #instructions: PlacedInstruction[] = [];
  readonly #undefined = new UndefinedBits();
  #steps = 0;
  #attempt: readonly number[] = [];
  #vector: number | undefined;

  constructor(bench: Bench, image: Image, start: StartState) {
    this.bench = bench;
    this.start = start;
    this.#image = image;
    this.#at = IMAGE_RAM + image.nextCode;
    bench.begin(start);
  }

  /** Linear address of the next instruction. */
  get cursor(): number {
    return this.#at + this.#code.length;
  }

  get instructionCount(): number {
    return this.#instructions.length;
  }

  get isEnded(): boolean {
    return this.#vector !== undefined;
  }

  /** False if the sequence has left the mode in which the harness expects it. */
  get isInMode(): boolean {
    return (this.bench.state.read32(slot.CR0) & 1) === (this.#image.mode === 'real' ? 0 : 1);
  }

  /** The code with the instruction that was tried last. */
  get attemptedCode(): readonly number[] {
    return [...this.#code, ...this.#attempt];
  }

  /**
   * Appends an instruction and executes it, and what follows until the end of the code is reached. With `mayFault`, an
   * exception ends the sequence; otherwise it makes the instruction refused. If it jumps over the bytes of `gap`, these
   * are appended too.
   */
  emit(bytes: readonly number[], mayFault: boolean, gap: readonly number[] = []): Emission {
    const kind = this.bench.codeKind;
    if (this.bench.linearEip !== this.cursor) throw new Error('the sequence is not at its end');
    this.#attempt = bytes;
    this.bench.write(this.cursor, [...bytes, ...new Array<number>(BYTES_AHEAD).fill(0x90)]);
    const outcome = this.#step(bytes.length, mayFault);
    if (outcome === 'refused') return outcome;
    this.#instructions.push({ offset: this.#code.length, ...kind });
    this.#code.push(...bytes);
    if (outcome !== 'done') return outcome;
    if (gap.length > 0 && this.bench.linearEip === this.cursor + gap.length) {
      // A return address in front of it may be gone to later.
      this.bench.write(this.cursor, gap);
      this.#code.push(...gap);
    }
    return this.#follow();
  }

  /** Executes the instruction that bytes begin with, if it is one of an 80386 that changes nothing of the system. */
  emitDecoded(bytes: readonly number[]): Emission {
    const decoder = new Decoder(this.bench.codeSize, Uint8Array.from(bytes), DecoderOptions.None);
    const instruction = decoder.decode();
    const { length } = instruction;
    const isHarmless = !instruction.isInvalid && !isSystemWide(instruction);
    instruction.free();
    decoder.free();
    return isHarmless ? this.emit(bytes.slice(0, length), true) : 'refused';
  }

  /** Appends an instruction that follows ones already there, and executes nothing. */
  place(bytes: readonly number[]): void {
    this.bench.write(this.cursor, bytes);
    this.#instructions.push({ offset: this.#code.length, ...this.bench.codeKind });
    this.#code.push(...bytes);
  }

  /** Executes what `place` has appended. */
  run(): Emission {
    return this.#follow();
  }

  /** Ends the sequence with a jump to the harness, unless an exception did; undefined if that cannot be. */
  finish(): Sequence | undefined {
    // Behind an exception the bench is in its handler, while a machine that raises none goes on in the sequence.
    const kind = this.isEnded ? this.#instructions.at(-1) : undefined;
    const jump = handOver(this.#image.mode, kind ?? this.bench.codeKind);
    // A trap flag that is still set takes effect behind the jump, and an interrupt leaves a frame.
    const isSeen = !this.isEnded && ((this.bench.state.eflags & TF) !== 0 || this.bench.state.read8(slot.CPL) !== 0);
    if (isSeen && this.emit(jump, true) !== 'ended') return undefined;
    const result = this.bench.result(this.#vector ?? NO_VECTOR);
    for (const [address, value] of result.memory) {
      if (isDescriptorOfCode(address, value)) this.#undefined.memory.set(address, ACCESSED);
    }
    return {
      start: this.start,
      code: [...this.#code, ...jump],
      at: this.#at,
      instructions: this.#instructions,
      result,
      undefinedFlags: this.#undefined.flags,
      undefinedMemory: this.#undefined.memory,
    };
  }

  /** Executes until the end of the code is reached. */
  #follow(): Emission {
    for (;;) {
      const at = this.bench.linearEip;
      if (at === this.cursor) return 'done';
      const stub = this.#stubAt(at);
      if (stub !== undefined) {
        // Jumped into at level 3, it does not get far.
        if (stub !== NO_VECTOR && this.bench.state.read8(slot.CPL) !== 0) return 'lost';
        this.#vector = stub;
        return 'ended';
      }
      const own = at >= this.#at && at < this.cursor;
      const handler = at >= IMAGE_RAM + INTERRUPT_RETURN && at < IMAGE_RAM + RETURN_STUBS_END;
      if (!own && !handler) return 'lost';
      // A fault here would be one of ours alone: it ends the sequence, and QEMU is asked.
      const outcome = this.#step(undefined, true);
      if (outcome !== 'done') return outcome === 'ended' ? outcome : 'lost';
    }
  }

  /** The vector whose stub begins at a linear address. */
  #stubAt(linear: number): number | undefined {
    const real = this.#image.mode === 'real';
    if (!real && linear === HAND_OVER_ARRIVAL) return NO_VECTOR;
    const first = IMAGE_RAM + (real ? REAL_STUBS : PROTECTED_STUBS);
    const vector = (linear - first) / STUB_SIZE;
    return Number.isInteger(vector) && vector >= 0 && vector <= (real ? 255 : PROTECTED_VECTOR_LAST)
      ? vector
      : undefined;
  }

  /** Looks at the instruction at EIP and executes it. `length` is what a new one should have. */
  #step(length: number | undefined, mayFault: boolean): Emission {
    const bits = this.bench.codeSize;
    const at = this.bench.linearEip;
    const decoder = new Decoder(bits, this.bench.read(at, BYTES_AHEAD), DecoderOptions.MovTr);
    const instruction = decoder.decode();
    try {
      if (this.#steps++ > STEPS_MAX) return 'lost';
      const bytes = this.bench.read(at, instruction.isInvalid ? BYTES_AHEAD : instruction.length);
      if (differenceOf({ instruction, bytes, bench: this.bench })) return 'refused';
      if (instruction.isInvalid) return this.#stepInvalid(mayFault);
      if (length !== undefined && instruction.length !== length) return 'refused';
      return this.#stepValid(instruction, at, mayFault);
    } finally {
      instruction.free();
      decoder.free();
    }
  }

  /** An instruction that iced-x86 takes for invalid must fault. */
  #stepInvalid(mayFault: boolean): Emission {
    if (!mayFault) return 'refused';
    const outcome = this.bench.step();
    if (outcome.kind === 'exception') return this.#fault(outcome.vector, mayFault, this.bench.save());
    throw new LimitError('an invalid instruction was executed');
  }

  #stepValid(instruction: Instruction, at: number, mayFault: boolean): Emission {
    const { state } = this.bench;
    const facts = flagFacts(state, instruction, operandBits(instruction));
    const isInterrupt = interrupts.has(instruction.mnemonic);
    if ((facts.reads & this.#undefined.flags) !== 0) return 'refused';
    const info = infoFactory.info(instruction);
    const accesses = accessesOf(state, instruction, info);
    info.free();
    if (!accesses) return 'refused';
    if (accesses.some(({ allowed }) => !allowed)) return this.#expectFault(instruction, accesses);
    if (!accesses.every((access) => this.#isInReach(access, at + instruction.length))) return 'refused';
    if (isInterrupt && !this.#isFrameSafe(true)) return 'refused';
    const image = this.#undefined.imageOf(state, instruction, (linear) => this.bench.read32(linear));
    if (image && (image.value & VM) !== 0 && this.#isProtected) return 'refused';
    if (!image && accesses.some((access) => this.#undefined.isReadBy(access))) return 'refused';
    const saved = this.bench.save();
    const nextEip = state.eip + instruction.length;
    const task = state.read16(slot.TR);
    const outcome = this.bench.step();
    // Task switches are compared with QEMU elsewhere (test/against-qemu): here the harness is a task of its own.
    if (state.read16(slot.TR) !== task) {
      this.bench.reloadTasks();
      return 'lost';
    }
    if (outcome.kind === 'stuck') return 'lost';
    const isTrap = outcome.kind === 'exception' && outcome.vector === 1;
    if (outcome.kind === 'exception' && !isTrap) return this.#fault(outcome.vector, mayFault, saved);
    const next = at + instruction.length;
    if (isInterrupt && this.bench.linearEip !== next) this.#pushedByInterrupt(instruction, nextEip);
    if (image) this.#undefined.loaded(image);
    else this.#undefined.apply(facts);
    if (!isTrap) return 'done';
    return this.#isFrameSafe(false) ? this.#fault(1, true, saved) : 'lost';
  }

  /** INT n has pushed a frame, or the fault of its gate has: then an error code lies where INT n has its return address. */
  #pushedByInterrupt(instruction: Instruction, nextEip: number): void {
    const stub = this.#stubAt(this.bench.linearEip);
    const { state } = this.bench;
    const top = state.segment(SS).base + ((state.read32(slot.ESP) & stackMask(state)) >>> 0);
    const returnsBehind = ((this.bench.read32(top) ^ nextEip) & 0xffff) === 0;
    const isFault = stub !== undefined && errorCodeVectors.has(stub) && !returnsBehind;
    const vector = instruction.mnemonic === Mnemonic.Int ? Number(instruction.immediate(0)) : 0;
    const isNarrow = this.#isReturning(vector) && vector > RETURNING_VECTORS.last32;
    const wordSize = this.#isProtected && !(isNarrow && !isFault) ? 4 : 2;
    this.#undefined.pushed(state, { wordSize, isFault, hasErrorCode: isFault && this.#isProtected });
  }

  /** Limits and rights forbid it: our processor must fault; QEMU is not asked, it would not. */
  #expectFault(instruction: Instruction, accesses: readonly Access[]): Emission {
    // Repeats may stop before, ARPL does not always write, and a call through a gate pushes what the gate says.
    const isFarCall =
      instruction.flowControl === FlowControl.Call || instruction.flowControl === FlowControl.IndirectCall;
    const mayPass = instruction.hasRepPrefix || instruction.hasRepnePrefix || instruction.mnemonic === Mnemonic.Arpl;
    if (mayPass || isFarCall) return 'refused';
    const saved = this.bench.save();
    const before = generalSlots.map((offset) => this.bench.state.read32(offset));
    const outcome = this.bench.step();
    this.bench.restore(saved);
    if (outcome.kind === 'stuck') return 'lost';
    if (outcome.kind === 'done' || outcome.vector === 1) {
      const wrong = accesses.find(({ allowed }) => !allowed) as Access;
      throw new LimitError(`no fault at offset ${wrong.offset.toString(16)} of segment ${wrong.segment}`);
    }
    this.bench.dismiss();
    if (generalSlots.some((offset, n) => this.bench.state.read32(offset) !== before[n])) {
      throw new LimitError('registers have changed although the instruction faulted');
    }
    return 'refused';
  }

  /** A fault that was raised but not delivered; `saved` is memory before the instruction, which may have written some. */
  #fault(vector: number, mayFault: boolean, saved: readonly Uint8Array[]): Emission {
    if (!mayFault || !this.#isFrameSafe(false) || this.#isReturning(vector)) {
      this.bench.dismiss();
      this.bench.restore(saved);
      return 'refused';
    }
    if (this.bench.deliver().kind !== 'done') return 'lost';
    this.#undefined.pushed(this.bench.state, {
      wordSize: this.#isProtected ? 4 : 2,
      isFault: this.#isProtected && !TRAPS.has(vector),
      hasErrorCode: this.#isProtected && errorCodeVectors.has(vector),
    });
    this.#vector = this.#stubAt(this.bench.linearEip);
    return this.#vector === vector ? 'ended' : 'lost';
  }

  #isReturning(vector: number): boolean {
    return vector >= RETURNING_VECTORS.first && vector <= RETURNING_VECTORS.last;
  }

  /** Whether what an exception pushes stays in the zones. `any` is for INT n, whose gate may have either size. */
  #isFrameSafe(any: boolean): boolean {
    // From level 3 the stack of level 0 is taken, if it is still the harness's.
    if (this.bench.state.read8(slot.CPL) !== 0) return (this.bench.state.read16(slot.TR) & ~7) === TASK;
    const frames = this.#isProtected
      ? [frameAccesses(this.bench.state, 4, FRAME_WORDS_MAX), ...(any ? [frameAccesses(this.bench.state, 2, 3)] : [])]
      : [frameAccesses(this.bench.state, 2, 3)];
    return frames.flat().every((access) => access.allowed && isInDataZone(access.linear, access.size));
  }

  get #isProtected(): boolean {
    return (this.bench.state.read32(slot.CR0) & 1) !== 0;
  }

  /** The zones can be read and written, and what there is of the sequence's own code. */
  #isInReach(access: Access, codeEnd: number): boolean {
    if (access.isCheck || isInDataZone(access.linear, access.size)) return true;
    const end = Math.max(codeEnd, this.cursor);
    return access.linear >= this.#at && access.linear + access.size <= end;
  }
}
