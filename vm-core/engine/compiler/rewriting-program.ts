/**
 * Random programs for tests of the compiler that write over their own immediates, most of them by instructions whose handlers
 * a region calls: a loop that is hot, in which stores come and go with the bits of a counter.
 */
import { DATA_AT, type Draw, PROGRAM_AT, type ProgramMode, STACK_AT } from './random-program.ts';

/** A word in memory. A store runs while one of these bits of its upper byte is set: first of all the loop is compiled. */
const COUNTER_AT = DATA_AT;
const PHASES = [0x08, 0x10, 0x20] as const;
const PIECES = 8;

/** The bytes of a program that never ends. The counter adds up in memory, what the immediates were in EDX. */
export function rewritingProgram(draw: Draw, mode: ProgramMode): readonly number[] {
  const writer = new RewritingWriter(draw, mode);
  // mov ecx,n; dec ecx; jnz: samples are taken here too.
  const begin = [...writer.load(1, 1 + draw(100)), ...writer.dec(1), 0x75, mode === 64 ? 0xfc : 0xfd];
  const turns = writer.load(3, 1 + draw(5));
  const gap = new Array<number>(draw(32)).fill(0x90);
  const start = [...begin, ...turns, ...gap];
  const body = writer.body(PROGRAM_AT + start.length);
  const turn = [...body, ...writer.dec(3)];
  const loop = [...turn, ...writer.jump([0x0f, 0x85], -turn.length)];
  return [...start, ...loop, ...writer.jump([0xe9], -(start.length + loop.length))];
}

/** A part of the loop's body, which is as long wherever it stores to. */
interface Piece {
  bytes(target: number): readonly number[];
  /** Where its immediate lies, from its beginning. */
  readonly immediate?: number;
  /** Has an immediate of one byte, or stores over those. */
  readonly isByte?: boolean;
}

class RewritingWriter {
  readonly #draw: Draw;
  readonly #mode: ProgramMode;
  readonly #size: 2 | 4;

  constructor(draw: Draw, mode: ProgramMode) {
    this.#draw = draw;
    this.#mode = mode;
    this.#size = mode === 16 ? 2 : 4;
  }

  /** MOV of 16 bits, or of 32. */
  load(register: number, value: number): readonly number[] {
    return [0xb8 + register, ...bytesOf(value, this.#size)];
  }

  dec(register: number): readonly number[] {
    return this.#mode === 64 ? [0xff, 0xc8 + register] : [0x48 + register];
  }

  /** To a distance from the jump itself. */
  jump(opcode: readonly number[], distance: number): readonly number[] {
    return [...opcode, ...bytesOf(distance - opcode.length - this.#size, this.#size)];
  }

  body(at: number): readonly number[] {
    const count = { bytes: () => this.#memory(this.#short([0xff]), 0, COUNTER_AT) };
    const others = Array.from({ length: PIECES }, () => (this.#draw(3) === 0 ? this.#store() : this.#immediate()));
    const pieces: readonly Piece[] = [count, this.#immediate(), ...others];
    const words: number[] = [];
    const single: number[] = [];
    let here = at;
    for (const { bytes, immediate, isByte } of pieces) {
      if (immediate !== undefined) (isByte ? single : words).push(here + immediate);
      here += bytes(0).length;
    }
    return pieces.flatMap(({ bytes, isByte }) => {
      const targets = isByte && single.length > 0 ? single : words;
      return bytes(targets[this.#draw(targets.length)] as number);
    });
  }

  #wide(code: readonly number[]): readonly number[] {
    return this.#mode === 16 ? [0x66, ...code] : code;
  }

  #short(code: readonly number[]): readonly number[] {
    return this.#mode === 16 ? code : [0x66, ...code];
  }

  #memory(opcode: readonly number[], reg: number, address: number): readonly number[] {
    if (this.#mode === 16) return [...opcode, 0x06 | (reg << 3), ...bytesOf(address, 2)];
    return [...opcode, 0x04 | (reg << 3), 0x25, ...bytesOf(address, 4)];
  }

  /** What adds an immediate of one kind or another to EDX; perhaps the end of a block. */
  #immediate(): Piece {
    const end = [[], [], [0xeb, 0x00], [0x74, 0x00]][this.#draw(4)] as readonly number[];
    const byte = this.#draw(0x100);
    const long = bytesOf(this.#draw(0x1000000), 4);
    const add = this.#wide([0x01, 0xc2]);
    const kinds: readonly {
      readonly code: readonly number[];
      readonly after: readonly number[];
      readonly size: number;
    }[] = [
      { code: this.#wide([0xb8, ...long]), after: add, size: 4 },
      { code: this.#wide([0x81, 0xea, ...long]), after: [], size: 4 },
      { code: this.#short([0x81, 0xf2, ...long.slice(0, 2)]), after: [], size: 2 },
      { code: this.#wide([0x83, 0xc2, byte]), after: [], size: 1 },
      { code: [0x80, 0xf2, byte], after: [], size: 1 },
      { code: this.#wide([0xc1, 0xca, byte & 0x1f]), after: add, size: 1 },
      // mov rax,n; imul eax,eax,n; push n; pop edx
      this.#mode === 64
        ? { code: [0x48, 0xb8, ...long, ...long], after: [0x48, 0x01, 0xc2], size: 8 }
        : { code: this.#wide([0x69, 0xc0, ...long]), after: add, size: 4 },
      { code: this.#mode === 16 ? [0x68, ...long.slice(0, 2)] : [0x68, ...long], after: [0x5a], size: this.#size },
    ];
    const { code, after, size } = kinds[this.#draw(kinds.length)] as (typeof kinds)[number];
    return { bytes: () => [...code, ...after, ...end], immediate: code.length - size, isByte: size === 1 };
  }

  /** What stores the counter over an immediate while a bit of the counter is set. */
  #store(): Piece {
    const moved = (load: readonly number[], store: readonly number[], reg: number, target: number) => [
      ...this.#memory(load, reg, COUNTER_AT),
      ...this.#memory(store, reg, target),
    ];
    const isByte = this.#draw(4) === 0;
    // What is there already; and with the byte before the immediate, of which only the other one changes.
    const word = this.#short([0x8b]);
    const same = (target: number) => [
      ...this.#memory(word, 0, target),
      ...this.#memory(this.#short([0x89]), 0, target),
    ];
    const across = (target: number) => [
      ...this.#memory(word, 0, target - 1),
      ...this.#memory([0x8a], 4, COUNTER_AT),
      ...this.#memory(this.#short([0x89]), 0, target - 1),
    ];
    const store = [
      same,
      across,
      (target: number) => moved(this.#short([0x8b]), this.#short([0x89]), 0, target),
      (target: number) => this.#enter(target + 2),
      // fild [counter]; fistp [target]
      (target: number) => [...this.#memory([0xdf], 0, COUNTER_AT), ...this.#memory([0xdf], 3, target)],
      // movd mm0,[counter]; movd [target],mm0; emms
      (target: number) => [...moved([0x0f, 0x6e], [0x0f, 0x7e], 0, target), 0x0f, 0x77],
      // mov al,[counter]; mov [target],al
      (target: number) => moved([0x8a], [0x88], 0, target),
    ][isByte ? 6 : this.#draw(6)] as Piece['bytes'];
    const phase = PHASES[this.#draw(PHASES.length)] as number;
    // test byte [counter + 1],phase; jz over it
    const test = [...this.#memory([0xf6], 0, COUNTER_AT + 1), phase, 0x74, store(0).length];
    return { bytes: (target) => [...test, ...store(target)], isByte };
  }

  /** mov bp,[counter]; push it at a place, which ENTER does; and back to the stack. */
  #enter(end: number): readonly number[] {
    const counter = this.#memory(this.#short([0x8b]), 5, COUNTER_AT);
    return [...counter, ...this.load(4, end), ...this.#short([0xc8, 0, 0, 0]), ...this.load(4, STACK_AT + 0x800)];
  }
}

function bytesOf(value: number, size: number): readonly number[] {
  return Array.from({ length: size }, (_, n) => (value >> (8 * n)) & 0xff);
}
