/**
 * A sequence while it is being made. Each instruction is looked at before it runs: what it would touch must lie in the
 * zones, what it reads must be defined. Then it runs on the bench, so that the next one can be chosen for the state it
 * finds. What QEMU cannot be asked is found out here too: see differences.ts.
 */
import { Decoder, DecoderOptions, FlowControl, type Instruction, InstructionInfoFactory, Mnemonic } from 'iced-x86';
import { generalSlots, slot } from '../../vm-core/state/layout.ts';
import { RF, TF } from '../../vm-core/state/lazy-flags.ts';
import { type Access, accessesOf, frameAccesses, stackMask } from './accesses.ts';
import type { Bench } from './bench.ts';
import { differenceOf } from './differences.ts';
import { AC, flagFacts, ID } from './flag-facts.ts';
import type { Size } from './encode.ts';
import { ACCESSED, isDescriptorOfCode, isSystemWide, operandBits } from './instruction-facts.ts';
import { handOver, type Image, type StartState } from './image.ts';
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

/** A finished sequence: what goes into the image, and what came out on the bench. */
export interface Sequence {
  readonly start: StartState;
  readonly code: readonly number[];
  /** Linear address of the code. */
  readonly at: number;
  /** Bytes of the instructions as they were made, in order; the hand-over is not among them. */
  readonly instructions: readonly { readonly offset: number; readonly codeSize: Size }[];
  readonly result: Result;
  /** Flags that are not compared. */
  readonly undefinedFlags: number;
  /** Bits of double words in memory that are not compared, by linear address. */
  readonly undefinedMemory: ReadonlyMap<number, number>;
}

/** What became of an instruction: `refused` means that nothing has happened, `lost` that the sequence is of no use. */
export type Emission = 'done' | 'refused' | 'ended' | 'lost';

/** A place where our processor allowed what limits and rights forbid, or the other way round. */
export class LimitError extends Error {}

/** Exceptions that push an error code. */
const errorCodeVectors: ReadonlySet<number> = new Set([8, 10, 11, 12, 13, 14, 17]);
/** Exceptions that report an instruction, which pushes RF, and not what came before. */
const TRAPS: ReadonlySet<number> = new Set([1, 3, 4]);
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
  readonly #instructions: { offset: number; codeSize: Size }[] = [];
  readonly #undefinedMemory = new Map<number, number>();
  #undefinedFlags = 0;
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
    const { codeSize } = this.bench;
    if (this.bench.linearEip !== this.cursor) throw new Error('the sequence is not at its end');
    this.#attempt = bytes;
    this.bench.write(this.cursor, [...bytes, ...new Array<number>(BYTES_AHEAD).fill(0x90)]);
    const outcome = this.#step(bytes.length, mayFault);
    if (outcome === 'refused') return outcome;
    this.#instructions.push({ offset: this.#code.length, codeSize });
    this.#code.push(...bytes);
    if (outcome !== 'done') return outcome;
    if (gap.length > 0 && this.bench.linearEip === this.cursor + gap.length) this.#code.push(...gap);
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
    this.#instructions.push({ offset: this.#code.length, codeSize: this.bench.codeSize });
    this.#code.push(...bytes);
  }

  /** Executes what `place` has appended. */
  run(): Emission {
    return this.#follow();
  }

  /** Ends the sequence with a jump to the harness, unless an exception did; undefined if that cannot be. */
  finish(): Sequence | undefined {
    // Behind an exception the bench is in its handler, while a machine that raises none goes on in the sequence.
    const codeSize = this.isEnded ? this.#instructions.at(-1)?.codeSize : undefined;
    const jump = handOver(this.#image.mode, codeSize ?? this.bench.codeSize);
    // A trap flag that is still set takes effect behind the jump.
    const traps = !this.isEnded && (this.bench.state.eflags & TF) !== 0;
    if (traps && this.emit(jump, true) !== 'ended') return undefined;
    const result = this.bench.result(this.#vector ?? NO_VECTOR);
    for (const [address, value] of result.memory) {
      if (isDescriptorOfCode(address, value)) this.#undefinedMemory.set(address, ACCESSED);
    }
    return {
      start: this.start,
      code: [...this.#code, ...jump],
      at: this.#at,
      instructions: this.#instructions,
      result,
      undefinedFlags: this.#undefinedFlags,
      undefinedMemory: this.#undefinedMemory,
    };
  }

  /** Executes until the end of the code is reached. */
  #follow(): Emission {
    for (;;) {
      const at = this.bench.linearEip;
      if (at === this.cursor) return 'done';
      const stub = this.#stubAt(at);
      if (stub !== undefined) {
        this.#vector = stub;
        return 'ended';
      }
      const own = at >= this.#at && at < this.cursor;
      const handler = at >= IMAGE_RAM + INTERRUPT_RETURN && at < IMAGE_RAM + RETURN_STUBS_END;
      if (!own && !handler) return 'lost';
      const outcome = this.#step(undefined, false);
      if (outcome !== 'done') return outcome === 'ended' ? outcome : 'lost';
    }
  }

  /** The vector whose stub begins at a linear address. */
  #stubAt(linear: number): number | undefined {
    const real = this.#image.mode === 'real';
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
    if (((isInterrupt ? ~0 : facts.reads) & this.#undefinedFlags) !== 0) return 'refused';
    const info = infoFactory.info(instruction);
    const accesses = accessesOf(state, instruction, info);
    info.free();
    if (!accesses) return 'refused';
    if (accesses.some(({ allowed }) => !allowed)) return this.#expectFault(instruction, accesses);
    if (!accesses.every((access) => this.#isInReach(access, at + instruction.length))) return 'refused';
    if (isInterrupt && !this.#isFrameSafe(true)) return 'refused';
    const image = this.#flagsImage(instruction);
    if (image !== undefined && (image & VM) !== 0 && (state.read32(slot.CR0) & 1) !== 0) return 'refused';
    const saved = this.bench.save();
    const outcome = this.bench.step();
    if (outcome.kind === 'stuck') return 'lost';
    const isTrap = outcome.kind === 'exception' && outcome.vector === 1;
    if (outcome.kind === 'exception' && !isTrap) return this.#fault(outcome.vector, mayFault, saved);
    if (state.read8(slot.CPL) !== 0) return 'lost';
    const stub = isInterrupt ? this.#stubAt(this.bench.linearEip) : undefined;
    if (stub !== undefined && errorCodeVectors.has(stub)) this.#maskFrame(true, true);
    this.#undefinedFlags = (this.#undefinedFlags & ~facts.defines) | facts.undefines;
    if (image !== undefined) this.#undefinedFlags = image & (AC | ID);
    if (!isTrap) return 'done';
    return this.#isFrameSafe(false) ? this.#fault(1, true, saved) : 'lost';
  }

  /** The image that POPFD or IRETD loads, of narrow ones what they leave of AC and ID; undefined for other instructions. */
  #flagsImage({ mnemonic }: Instruction): number | undefined {
    const { state } = this.bench;
    if (mnemonic === Mnemonic.Popf || mnemonic === Mnemonic.Iret) return this.#undefinedFlags & (AC | ID);
    if (mnemonic !== Mnemonic.Popfd && mnemonic !== Mnemonic.Iretd) return undefined;
    const pointer = state.read32(slot.ESP) + (mnemonic === Mnemonic.Iretd ? 8 : 0);
    return this.bench.read32((state.segment(2).base + ((pointer & stackMask(state)) >>> 0)) >>> 0);
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
    this.#maskFrame(!TRAPS.has(vector), errorCodeVectors.has(vector));
    this.#vector = this.#stubAt(this.bench.linearEip);
    return this.#vector === vector ? 'ended' : 'lost';
  }

  #isReturning(vector: number): boolean {
    return vector >= RETURNING_VECTORS.first && vector <= RETURNING_VECTORS.last;
  }

  /** Whether what an exception pushes stays in the zones. `any` is for INT n, whose gate may have either size. */
  #isFrameSafe(any: boolean): boolean {
    const isProtected = (this.bench.state.read32(slot.CR0) & 1) !== 0;
    const frames = isProtected
      ? [frameAccesses(this.bench.state, 4, FRAME_WORDS_MAX), ...(any ? [frameAccesses(this.bench.state, 2, 3)] : [])]
      : [frameAccesses(this.bench.state, 2, 3)];
    return frames.flat().every((access) => access.allowed && isInDataZone(access.linear, access.size));
  }

  /** Undefined flags in a frame just pushed, and RF, which QEMU does not push, are not compared. */
  #maskFrame(isFault: boolean, hasErrorCode = false): void {
    const { state } = this.bench;
    const isProtected = (state.read32(slot.CR0) & 1) !== 0;
    const size = isProtected ? 4 : 2;
    const offset =
      ((state.read32(slot.ESP) + 2 * size + (isProtected && hasErrorCode ? size : 0)) & stackMask(state)) >>> 0;
    const mask = this.#undefinedFlags | (isProtected && isFault ? RF : 0);
    this.#ignore((state.segment(2).base + offset) >>> 0, size === 2 ? mask & 0xffff : mask);
  }

  /** Bits of the 16 or 32 bits at a linear address are not compared. */
  #ignore(linear: number, mask: number): void {
    const aligned = linear & ~3;
    const shift = (linear & 3) * 8;
    const low = mask << shift;
    const high = shift === 0 ? 0 : mask >>> (32 - shift);
    this.#undefinedMemory.set(aligned, (this.#undefinedMemory.get(aligned) ?? 0) | low);
    if (high !== 0) this.#undefinedMemory.set(aligned + 4, (this.#undefinedMemory.get(aligned + 4) ?? 0) | high);
  }

  /** The zones can be read and written, and what there is of the sequence's own code. */
  #isInReach(access: Access, codeEnd: number): boolean {
    if (access.isCheck || isInDataZone(access.linear, access.size)) return true;
    const end = Math.max(codeEnd, this.cursor);
    return access.linear >= this.#at && access.linear + access.size <= end;
  }
}
