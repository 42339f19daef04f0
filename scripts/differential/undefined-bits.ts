/**
 * Which flags, and which bits of memory, have no defined value at a point of a sequence: they are neither compared nor
 * read. Flags go to memory with the frames of interrupts and exceptions and come back with POPF and IRET.
 */
import { type Instruction, Mnemonic } from 'iced-x86';
import type { CpuState } from '../../vm-core/state/cpu-state.ts';
import { SS, slot } from '../../vm-core/state/layout.ts';
import { RF } from '../../vm-core/state/lazy-flags.ts';
import { type Access, stackMask } from './accesses.ts';
import type { FlagFacts } from './flag-facts.ts';

/** What a 32-bit image can set for longer on one machine than on the other. */
const IMAGE_ONLY = RF;

/** Instructions that load the flags from the stack: bytes below the image, and its size. */
const flagLoads: ReadonlyMap<number, { readonly below: number; readonly size: 2 | 4 }> = new Map([
  [Mnemonic.Popf, { below: 0, size: 2 }],
  [Mnemonic.Popfd, { below: 0, size: 4 }],
  [Mnemonic.Iret, { below: 4, size: 2 }],
  [Mnemonic.Iretd, { below: 8, size: 4 }],
]);

/** A flags image on the stack. */
export interface FlagsImage {
  readonly value: number;
  readonly size: 2 | 4;
  /** Bits of it that are not defined. */
  readonly undefinedBits: number;
}

/** What pushed a frame, as far as it decides what lies where. */
export interface FrameKind {
  readonly wordSize: 2 | 4;
  readonly hasErrorCode: boolean;
  /** Faults push RF; QEMU does not do that. */
  readonly isFault: boolean;
}

export class UndefinedBits {
  flags = 0;
  /** Masks of double words, by linear address. */
  readonly memory: Map<number, number> = new Map();

  /** After an instruction other than those that load the flags. */
  apply({ defines, undefines }: FlagFacts): void {
    this.flags = (this.flags & ~defines) | undefines;
  }

  /** After an instruction that loaded the flags from an image. */
  loaded({ value, size, undefinedBits }: FlagsImage): void {
    this.flags = size === 2 ? undefinedBits | (this.flags & IMAGE_ONLY) : undefinedBits | (value & IMAGE_ONLY);
  }

  /** After a frame was pushed, with the processor at the handler's first instruction. */
  pushed(state: CpuState, { wordSize, hasErrorCode, isFault }: FrameKind): void {
    const below = wordSize * (hasErrorCode ? 3 : 2);
    const offset = ((state.read32(slot.ESP) + below) & stackMask(state)) >>> 0;
    const mask = this.flags | (isFault ? RF : 0);
    this.#add((state.segment(SS).base + offset) >>> 0, wordSize === 2 ? mask & 0xffff : mask);
  }

  /** Whether an access reads what is not defined. */
  isReadBy({ isRead, linear, size }: Access): boolean {
    if (!isRead || this.memory.size === 0) return false;
    for (let at = linear & ~3; at < linear + size; at += 4) if (this.memory.has(at)) return true;
    return false;
  }

  /** The image that an instruction is about to load, or undefined for instructions that load none. */
  imageOf(state: CpuState, { mnemonic }: Instruction, read: (linear: number) => number): FlagsImage | undefined {
    const load = flagLoads.get(mnemonic);
    if (!load) return undefined;
    const offset = ((state.read32(slot.ESP) + load.below) & stackMask(state)) >>> 0;
    const linear = (state.segment(SS).base + offset) >>> 0;
    const cut = load.size === 2 ? 0xffff : 0xffffffff;
    return { value: read(linear) & cut, size: load.size, undefinedBits: this.#maskAt(linear) & cut };
  }

  #maskAt(linear: number): number {
    const aligned = linear & ~3;
    const shift = (linear & 3) * 8;
    const low = (this.memory.get(aligned) ?? 0) >>> shift;
    return shift === 0 ? low : low | ((this.memory.get(aligned + 4) ?? 0) << (32 - shift));
  }

  #add(linear: number, mask: number): void {
    const aligned = linear & ~3;
    const shift = (linear & 3) * 8;
    this.#set(aligned, mask << shift);
    if (shift !== 0) this.#set(aligned + 4, mask >>> (32 - shift));
  }

  #set(aligned: number, mask: number): void {
    if (mask !== 0) this.memory.set(aligned, (this.memory.get(aligned) ?? 0) | mask);
  }
}
