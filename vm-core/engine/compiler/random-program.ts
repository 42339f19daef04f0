/**
 * Random programs for tests of the compiler: blocks at known places with jumps, calls and returns between them, arithmetic of
 * all kinds, loads and stores, and stores into the program's own immediates.
 */

import { realModeEnd, realModeInstruction } from './real-mode-pieces.ts';
import { unitInstruction } from './unit-pieces.ts';

/** Gives numbers from 0 to below a bound. */
export type Draw = (bound: number) => number;

/** The code's mode; a program lies at the same addresses in all of them. */
export type ProgramMode = 16 | 32 | 64;

/** Programs reach over the end of a page, in the middle of a block. */
export const PROGRAM_AT = 0x6e30;
const BLOCKS = 14;
const BLOCK_SIZE = 64;
/** Kept free for the jumps that end a block. */
const END_SIZE = 16;
/** Below it lie addresses of blocks, for returns of which nobody has called. */
export const STACK_AT = 0x5000;
export const STACK_END = 0x6000;
/** Where the address registers point to. */
export const DATA_AT = 0x9000;

/** Bytes of a seed's choices: the same in every run. */
export function drawFrom(seed: number): Draw {
  let state = seed | 0;
  return (bound) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return Math.floor(((state >>> 8) / 0x1000000) * bound);
  };
}

/** Address of a random block of the program at an address. */
export function blockAddress(draw: Draw, programAt: number = PROGRAM_AT): number {
  return programAt + draw(BLOCKS) * BLOCK_SIZE;
}

/** What a program is made of besides the ordinary. */
export interface ProgramTraits {
  /** Places that it jumps to now and then. */
  readonly elsewhere?: readonly number[];
  readonly programAt?: number;
  /** Half of it are instructions of the x87, MMX and SSE. */
  readonly usesUnits?: boolean;
}

/** The bytes of a program. */
export function randomProgram(draw: Draw, mode: ProgramMode, traits: ProgramTraits = {}): Uint8Array {
  const bytes = new Uint8Array(BLOCKS * BLOCK_SIZE).fill(0x90);
  const { programAt = PROGRAM_AT } = traits;
  const writer = new ProgramWriter(draw, mode, traits);
  for (let block = 0; block < BLOCKS; block++) {
    const code: number[] = [];
    for (let count = 1 + draw(8); count > 0; count--) {
      const next = writer.instruction(programAt + block * BLOCK_SIZE + code.length);
      if (code.length + next.length > BLOCK_SIZE - END_SIZE) break;
      code.push(...next);
    }
    code.push(...writer.end(programAt + block * BLOCK_SIZE + code.length));
    bytes.set(code, block * BLOCK_SIZE);
  }
  return bytes;
}

/** ModR/M of [BX], [SI], [DI] and a displacement of a byte, in 16- and in 32-bit addressing. */
const PLACES: Readonly<Record<16 | 32, readonly number[]>> = { 16: [0x47, 0x44, 0x45], 32: [0x43, 0x46, 0x47] };
/** Registers that are written: not those that hold addresses. */
const WRITTEN = [0, 1, 2, 5] as const;

class ProgramWriter {
  readonly #draw: Draw;
  readonly #mode: ProgramMode;
  readonly #elsewhere: readonly number[];
  readonly #programAt: number;
  readonly #usesUnits: boolean;
  /** Where immediates lie that may be stored to. */
  readonly #immediates: number[] = [];

  constructor(draw: Draw, mode: ProgramMode, { elsewhere, programAt, usesUnits }: ProgramTraits) {
    this.#programAt = programAt ?? PROGRAM_AT;
    this.#elsewhere = elsewhere ?? [];
    this.#usesUnits = usesUnits ?? false;
    this.#draw = draw;
    this.#mode = mode;
  }

  instruction(at: number): readonly number[] {
    const draw = this.#draw;
    if (this.#usesUnits && draw(2) === 0) return unitInstruction(draw, this.#mode, (reg) => this.#memory(reg));
    const kinds = [
      () => [draw(8) * 8 + 1 + 2 * draw(2), this.#registers()],
      () => [draw(8) * 8 + 1 + 2 * draw(2), ...this.#memory(WRITTEN[draw(4)] as number)],
      () => [draw(8) * 8 + 2 * draw(2), ...this.#memory(draw(4))],
      () => [0x83, 0xc0 | (draw(8) << 3) | (WRITTEN[draw(4)] as number), draw(256)],
      () => [0x80, ...this.#memory(draw(8)), draw(256)],
      () => [0xff, 0xc0 | (draw(2) << 3) | (WRITTEN[draw(4)] as number)],
      () => [0xff, ...this.#memory(draw(2))],
      () => [0xc1, 0xc0 | (draw(8) << 3) | (WRITTEN[draw(4)] as number), draw(40)],
      () => [0xd3, 0xc0 | (draw(8) << 3) | (WRITTEN[draw(4)] as number)],
      () => [0xd0, ...this.#memory(draw(8))],
      () => [0x89 + 2 * draw(2), ...this.#memory(WRITTEN[draw(4)] as number)],
      () => [0x85, this.#registers()],
      () => [0xf7, 0xc0 | ((2 + draw(4)) << 3) | (WRITTEN[draw(4)] as number)],
      () => [0x0f, 0xaf, 0xc0 | ((WRITTEN[draw(4)] as number) << 3) | draw(8)],
      () => [0x0f, 0xb6 + draw(2) + 8 * draw(2), ...this.#memory(WRITTEN[draw(4)] as number)],
      () => [0x0f, 0x90 + draw(16), 0xc0 | draw(3)],
      () => [0x0f, 0xa3 + 8 * draw(4), this.#registers()],
      () => [0x0f, 0xa4 + 8 * draw(2), this.#registers(), draw(40)],
      () => [0x0f, 0xc1, this.#registers()],
      () => [0x0f, 0xb1, ...this.#memory(WRITTEN[draw(4)] as number)],
      () => [0x50 + draw(8)],
      () => [0x6a, draw(0x80), 0x9d],
      () => [0x9c, 0xfa, 0x9d],
      () => [0x58 + (WRITTEN[draw(4)] as number)],
      () => [0x8d, ...this.#memory(WRITTEN[draw(4)] as number)],
      () => [0x86, this.#registers() & ~0x1b],
      () => [[0x98, 0x99, 0xf5, 0xf8, 0xf9, 0x9e, 0x9f, 0x9c, 0xf8][draw(9)] as number],
      () => [0xaa + 2 * draw(2)],
      // FLD1, FADD, FSTP and FNSTSW are another unit's, CLI, STI, RDTSC and SMSW the system's.
      () =>
        [
          [0xd9, 0xe8],
          [0xd8, 0xc1],
          [0xdd, 0xd8],
          [0xdf, 0xe0],
        ][draw(4)] as number[],
      () => [[0xfa], [0xfb], [0xfb, 0xfa], [0x0f, 0x31], [0x0f, 0x01, 0xe1]][draw(5)] as number[],
      () => [0xf3, 0xa4 + draw(2) + 8 * draw(2)].slice(draw(2)),
    ];
    const prefix = draw(3) === 0 ? [0x66] : [];
    const wide = this.#mode === 64 && draw(2) === 0 ? [0x48] : [];
    if (this.#mode === 16 && draw(5) === 0)
      return realModeInstruction(draw, (reg) => this.#memory(reg), WRITTEN[draw(4)] as number);
    const special = draw(12);
    if (special === 0) return this.#moveImmediate(at);
    if (special === 1) return this.#storeToCode(at);
    // Addresses that strings have moved away come back.
    if (special === 2) return this.#pointer();
    const code = (kinds[draw(kinds.length)] as () => readonly number[])();
    if (code[0] === 0xf3) return [...this.#shorter(), ...prefix, 0xf3, ...wide, ...code.slice(1)];
    return [...prefix, ...wide, ...code];
  }

  /** A conditional jump, and something that always goes elsewhere. */
  end(at: number): readonly number[] {
    const draw = this.#draw;
    const size = this.#mode === 16 ? 2 : 4;
    const jump = (opcode: readonly number[], from: number): readonly number[] => {
      const distance = this.#target() - (from + opcode.length + size);
      return [...opcode, ...bytesOf(distance, size)];
    };
    const first = draw(4) === 0 ? [] : jump([0x0f, 0x80 + draw(16)], at);
    if (this.#mode === 16 && draw(4) === 0)
      return [...first, ...realModeEnd(draw, blockAddress(draw, this.#programAt))];
    const last = draw(6);
    if (last === 0) return [...first, 0xc3];
    return [...first, ...jump([last < 3 ? 0xe8 : 0xe9], at + first.length)];
  }

  #target(): number {
    const draw = this.#draw;
    const isElsewhere = this.#elsewhere.length > 0 && draw(4) === 0;
    return isElsewhere
      ? (this.#elsewhere[draw(this.#elsewhere.length)] as number)
      : blockAddress(draw, this.#programAt);
  }

  #registers(): number {
    return 0xc0 | ((WRITTEN[this.#draw(4)] as number) << 3) | (WRITTEN[this.#draw(4)] as number);
  }

  #memory(reg: number): readonly number[] {
    const places = PLACES[this.#mode === 16 ? 16 : 32];
    return [(places[this.#draw(3)] as number) | (reg << 3), this.#draw(256)];
  }

  #moveImmediate(at: number): readonly number[] {
    this.#immediates.push(at + 1);
    const register = WRITTEN[this.#draw(4)] as number;
    return [0xb8 + register, ...bytesOf(this.#draw(0x10000), this.#mode === 16 ? 2 : 4)];
  }

  #storeToCode(at: number): readonly number[] {
    const target = this.#immediates[this.#draw(Math.max(this.#immediates.length, 1))] ?? DATA_AT;
    // MOV [target], AL; relative to RIP in 64-bit mode.
    if (this.#mode === 16) return [0x88, 0x06, ...bytesOf(target, 2)];
    return [0x88, 0x05, ...bytesOf(this.#mode === 64 ? target - (at + 6) : target, 4)];
  }

  /** AND ECX,n: strings of millions of elements take all the time, most of it where there is no memory. */
  #shorter(): readonly number[] {
    const counts = [3, 0x1f, 0xff, 0x7ff] as const;
    return [0x81, 0xe1, ...bytesOf(counts[this.#draw(4)] as number, this.#mode === 16 ? 2 : 4)];
  }

  #pointer(): readonly number[] {
    const register = [3, 6, 7][this.#draw(3)] as number;
    // Now and then across the end of a page.
    const place = DATA_AT + (this.#draw(4) === 0 ? 0xf80 : this.#draw(0x800));
    return [0xb8 + register, ...bytesOf(place, this.#mode === 16 ? 2 : 4)];
  }
}

function bytesOf(value: number, size: number): readonly number[] {
  return Array.from({ length: size }, (_, n) => (value >> (8 * n)) & 0xff);
}
