/**
 * Random programs for tests of the compiler that go from mode to mode (SDM vol. 3A §9.8, §9.9): three programs, of 16-, 32- and
 * 64-bit code, and pieces that they jump to, which change what code is executed as, and go on in one of the programs. Page tables
 * of each kind are there twice; in the second set the pages of the programs are exchanged for others.
 */
import { CR0_PE, CR0_PG, CR0_WP, CR4_PAE, CR4_PGE, CR4_PSE, EFER_LME } from '../../state/control-bits.ts';
import {
  blockAddress,
  DATA_AT,
  type Draw,
  PROGRAM_AT,
  type ProgramMode,
  randomProgram,
  STACK_AT,
} from './random-program.ts';

/** Where each program lies; the first two meet on a page. */
const programAt: Readonly<Record<ProgramMode, number>> = { 16: PROGRAM_AT, 32: 0x7430, 64: 0xbe30 };
const modes: readonly ProgramMode[] = [16, 32, 64];
/** Pieces of code for each of them. */
const PIECES_AT = 0xd000;
const PIECES = 12;
const PIECE_SIZE = 192;
const HANDLERS_AT = 0xec00;
const HANDLER_SIZE = 64;
const VECTORS = 32;
/** With A20 closed another copy of the programs is the one below. */
const A20 = 0x100000;
/** What takes the place of a page in the second set of tables lies so much higher. */
const OTHER = 0x10000;

const GDT = 0x600;
const GDTR = 0x800;
const IDTR = { real: 0x810, protected: 0x820, long: 0x830 } as const;
/** Far pointers of 64-bit code. */
const POINTERS = 0x840;
const IDT_32 = 0x1000;
const IDT_64 = 0x1400;
const STACK_TOP: number = STACK_AT + 0x800;

/** Roots of the first set: CR3 for each kind of paging. The second set has its bit set. */
const [DIRECTORY, POINTERS_PAE, TOP_LEVEL] = [0x20000, 0x23000, 0x26000] as const;
const SECOND_SET = 0x40000;
const [P, W, U, LARGE, GLOBAL] = [1, 2, 4, 0x80, 0x100] as const;

const CODE: Readonly<Record<ProgramMode, number>> = { 16: 0x18, 32: 0x08, 64: 0x20 };
const DATA = 0x10;
const DATA_16 = 0x28;
const GDT_SIZE = 0x30;
const EFER = 0xc0000080;

/** What lies at an address. */
export type Placed = readonly [at: number, bytes: Iterable<number>];

/** Everything that a guest of these programs has in memory. It begins in real mode, at one of the blocks of `beginnings`. */
export function modeSwitchingProgram(draw: Draw): readonly Placed[] {
  const pieces = modes.flatMap((mode) => piecesAt(mode).map((at): Placed => [at, new Piece(draw, mode, at).bytes()]));
  return [
    ...modes.flatMap((mode) =>
      [0, OTHER, A20].map((distance): Placed => [programAt[mode] + distance, program(draw, mode)]),
    ),
    ...pieces,
    ...descriptorTables(),
    ...[0, SECOND_SET].flatMap((set) => pageTables(set)),
    ...handlers(draw),
    [STACK_AT, Array.from({ length: 0x200 }, () => littleEndian(someBlock(draw), 8)).flat()],
  ];
}

/** Addresses of blocks of 16-bit code. */
export const beginning = (draw: Draw): number => blockAddress(draw, programAt[16]);

/** Address of a block of any of the programs. */
export const someBlock = (draw: Draw): number => blockAddress(draw, programAt[modes[draw(3)] as ProgramMode]);

/** Addresses of the pieces that change what code of a size is executed as. */
export function piecesAt(mode: ProgramMode): readonly number[] {
  const first = PIECES_AT + modes.indexOf(mode) * PIECES * PIECE_SIZE;
  return Array.from({ length: PIECES }, (_, n) => first + n * PIECE_SIZE);
}

function program(draw: Draw, mode: ProgramMode): Uint8Array {
  return randomProgram(draw, mode, { elsewhere: piecesAt(mode), programAt: programAt[mode] });
}

function descriptorTables(): readonly Placed[] {
  const descriptors = [
    0n,
    0x00cf_9b00_0000_ffffn,
    0x00cf_9300_0000_ffffn,
    0x0000_9b00_0000_ffffn,
    0x00af_9b00_0000_ffffn,
  ];
  const pseudo = (limit: number, base: number) => [...littleEndian(limit, 2), ...littleEndian(base, 8)];
  const gates = (gate: (offset: number) => readonly number[], first: number) =>
    Array.from({ length: VECTORS }, (_, vector) => gate(first + vector * HANDLER_SIZE)).flat();
  const gate = (selector: number) => (offset: number) => [
    ...littleEndian(offset, 2),
    ...littleEndian(selector, 2),
    0,
    0x8e,
    ...littleEndian(offset >>> 16, 2),
  ];
  const wide = (offset: number) => [...gate(CODE[64])(offset), ...littleEndian(0, 8)];
  return [
    [GDT, [...descriptors, 0x0000_9300_0000_ffffn].flatMap((descriptor) => littleEndian(descriptor, 8))],
    [GDTR, pseudo(GDT_SIZE - 1, GDT)],
    [IDTR.real, pseudo(0x3ff, 0)],
    [IDTR.protected, pseudo(VECTORS * 8 - 1, IDT_32)],
    [IDTR.long, pseudo(VECTORS * 16 - 1, IDT_64)],
    [IDT_32, gates(gate(CODE[32]), handlersAt(32))],
    [IDT_64, gates(wide, handlersAt(64))],
  ];
}

/** Tables of all kinds that map the low 4 MiB, in the second set with other programs. */
function pageTables(set: number): readonly Placed[] {
  const rights = P | W | U;
  const at = (address: number) => (address + set) | rights;
  const page = (n: number) => {
    const isCode = modes.some((mode) => n === programAt[mode] >>> 12 || n === (programAt[mode] + 0x380) >>> 12);
    return ((n << 12) + (set !== 0 && isCode ? OTHER : 0)) | rights | (n % 3 === 0 ? GLOBAL : 0);
  };
  const entries = (count: number, size: number, entry: (n: number) => number) =>
    Array.from({ length: count }, (_, n) => littleEndian(entry(n), size)).flat();
  const [table, directory, table64, pointers64] = [0x21000, 0x24000, 0x25000, 0x27000];
  return [
    // The second entry is a page of 4 MiB with PSE, and without it a table that is the same one.
    [DIRECTORY + set, entries(2, 4, (n) => at(table) | (n === 1 ? LARGE : 0))],
    [table + set, entries(1024, 4, page)],
    [POINTERS_PAE + set, entries(1, 8, () => (directory + set) | P)],
    [directory + set, entries(2, 8, (n) => (n === 0 ? at(table64) : 0x200000 | rights | LARGE))],
    [table64 + set, entries(512, 8, page)],
    [TOP_LEVEL + set, entries(1, 8, () => at(pointers64))],
    [pointers64 + set, entries(1, 8, () => at(directory))],
  ];
}

function handlersAt(mode: ProgramMode): number {
  return HANDLERS_AT + modes.indexOf(mode) * VECTORS * HANDLER_SIZE;
}

/** Handlers of exceptions: everything is in order again, and the program goes on somewhere. */
function handlers(draw: Draw): readonly Placed[] {
  const vectors = Array.from({ length: VECTORS }, (_, vector) => vector);
  const code = modes.flatMap((mode) =>
    vectors.map((vector): Placed => {
      const at = handlersAt(mode) + vector * HANDLER_SIZE;
      return [at, new Piece(draw, mode, at).handler()];
    }),
  );
  // Real mode reaches its own at paragraph 0.
  const ofReal = () => littleEndian(handlersAt(16) + draw(VECTORS) * HANDLER_SIZE, 4);
  const real = Array.from({ length: 0x100 }, ofReal).flat();
  return [[0, real], ...code];
}

/** Ways of changing the mode. */
const targets = ['real', 'unreal', 'protected', 'paged', 'pae', 'long'] as const;

/** Code that changes the mode, of one size of code; it is in order in all modes that have code of this size. */
class Piece {
  readonly #draw: Draw;
  readonly #mode: ProgramMode;
  readonly #at: number;
  readonly #code: number[] = [];

  constructor(draw: Draw, mode: ProgramMode, at: number) {
    this.#draw = draw;
    this.#mode = mode;
    this.#at = at;
  }

  bytes(): readonly number[] {
    if (this.#draw(2) === 0) this.#toggle();
    else if (this.#mode === 64) this.#jumpFar((this.#draw(2) * 16 + 16) as 16 | 32);
    else this.#change(targets[this.#draw(targets.length)] as (typeof targets)[number]);
    this.#jump(this.#mode);
    return this.#code;
  }

  handler(): readonly number[] {
    if (this.#mode === 16) this.#put(0x31, 0xc0, 0x8e, 0xd0);
    else this.#loadSegments(DATA);
    this.#load(4, STACK_TOP);
    for (const register of [3, 6, 7]) this.#load(register, DATA_AT + this.#draw(0x800));
    if (this.#mode === 16) this.#farJump(0, blockAddress(this.#draw, programAt[16]));
    else this.#jump(this.#mode);
    return this.#code;
  }

  #put(...bytes: readonly number[]): void {
    this.#code.push(...bytes);
  }

  /** In code of 16 bits an instruction of 32. */
  #wide(...bytes: readonly number[]): void {
    this.#put(...(this.#mode === 16 ? [0x66] : []), ...bytes);
  }

  #load(register: number, value: number): void {
    this.#wide(0xb8 + register, ...littleEndian(value, 4));
  }

  /** Takes bits of a control register away, sets some and flips some, by way of EAX. */
  #control(register: 0 | 3 | 4, { clear = 0, set = 0, flip = 0 }): void {
    this.#put(0x0f, 0x20, 0xc0 | (register << 3));
    if (clear !== 0) this.#wide(0x25, ...littleEndian(~clear, 4));
    if (set !== 0) this.#wide(0x0d, ...littleEndian(set, 4));
    if (flip !== 0) this.#wide(0x35, ...littleEndian(flip, 4));
    this.#put(0x0f, 0x22, 0xc0 | (register << 3));
  }

  #setControl(register: 3 | 4, value: number): void {
    this.#load(0, value);
    this.#put(0x0f, 0x22, 0xc0 | (register << 3));
  }

  #setLongMode(on: boolean): void {
    this.#load(1, EFER);
    this.#put(0x0f, 0x32);
    if (on) this.#wide(0x0d, ...littleEndian(EFER_LME, 4));
    else this.#wide(0x25, ...littleEndian(~EFER_LME, 4));
    this.#put(0x0f, 0x30);
  }

  /** LGDT or LIDT. */
  #table(operation: 2 | 3, at: number): void {
    if (this.#mode === 16) this.#put(0x66, 0x0f, 0x01, 0x06 | (operation << 3), ...littleEndian(at, 2));
    else if (this.#mode === 32) this.#put(0x0f, 0x01, 0x05 | (operation << 3), ...littleEndian(at, 4));
    else this.#put(0x0f, 0x01, 0x04 | (operation << 3), 0x25, ...littleEndian(at, 4));
  }

  #loadSegments(selector: number): void {
    this.#load(0, selector);
    for (const segment of [3, 0, 2]) this.#put(0x8e, 0xc0 | (segment << 3));
  }

  #farJump(selector: number, offset: number): void {
    this.#wide(0xea, ...littleEndian(offset, 4), ...littleEndian(selector, 2));
  }

  /** To code of a size; 64-bit code keeps the pointer in memory. */
  #jumpFar(size: ProgramMode): void {
    const to = this.#target(size);
    if (this.#mode !== 64) {
      this.#farJump(CODE[size], to);
      return;
    }
    const pointer = POINTERS + ((this.#at - PIECES_AT) / PIECE_SIZE) * 8;
    for (const [n, word] of [to, CODE[size]].entries())
      this.#put(0xc7, 0x04, 0x25, ...littleEndian(pointer + 4 * n, 4), ...littleEndian(word, 4));
    this.#put(0xff, 0x2c, 0x25, ...littleEndian(pointer, 4));
  }

  /** Mostly a block, but also a piece, and the same block a MiB above where it can be reached. */
  #target(size: ProgramMode): number {
    const draw = this.#draw;
    const pieces = piecesAt(size);
    if (draw(5) === 0) return pieces[draw(pieces.length)] as number;
    return blockAddress(draw, programAt[size]) + (size !== 16 && draw(4) === 0 ? A20 : 0);
  }

  /** Within code of this size. */
  #jump(size: ProgramMode): void {
    const bytes = size === 16 ? 2 : 4;
    const from = this.#at + this.#code.length + 1 + bytes;
    this.#put(0xe9, ...littleEndian(this.#target(size) - from, bytes));
  }

  /** What leaves the kind of paging as it is. */
  #toggle(): void {
    const draw = this.#draw;
    const page = programAt[modes[draw(3)] as ProgramMode];
    const toggles = [
      () => this.#control(0, { flip: CR0_WP }),
      () => this.#control(4, { flip: CR4_PGE }),
      () => this.#control(4, { flip: CR4_PSE }),
      () => this.#control(3, { flip: SECOND_SET }),
      () => this.#control(3, {}),
      // OUT 64h: A20 is closed, or open.
      () => this.#put(0xb0, draw(2) === 0 ? 0xdd : 0xdf, 0xe6, 0x64),
      // INVLPG
      () => {
        this.#load(0, page);
        this.#put(...(this.#mode === 16 ? [0x67] : []), 0x0f, 0x01, 0x38);
      },
      () => this.#loadSegments(draw(2) === 0 ? DATA : DATA_16),
    ];
    (toggles[draw(toggles.length)] as () => void)();
  }

  #change(target: (typeof targets)[number]): void {
    const draw = this.#draw;
    this.#control(0, { clear: CR0_PG });
    if (target === 'real' || target === 'unreal') {
      this.#toRealMode(target === 'unreal');
      return;
    }
    const kinds = {
      protected: [0, 0],
      paged: [DIRECTORY, (draw(2) * CR4_PSE) | (draw(2) * CR4_PGE)],
      pae: [POINTERS_PAE, CR4_PAE | (draw(2) * CR4_PGE)],
      long: [TOP_LEVEL, CR4_PAE | (draw(2) * CR4_PGE)],
    } as const;
    const [root, bits] = kinds[target];
    this.#table(2, GDTR);
    this.#setLongMode(target === 'long');
    this.#setControl(4, bits);
    this.#setControl(3, root + (root !== 0 && draw(3) === 0 ? SECOND_SET : 0));
    this.#table(3, target === 'long' ? IDTR.long : IDTR.protected);
    const paging = root === 0 ? 0 : CR0_PG;
    this.#control(0, { clear: CR0_WP, set: (CR0_PE | paging | (draw(2) * CR0_WP)) >>> 0 });
    if (draw(2) === 0 && target !== 'long') this.#loadSegments(draw(4) === 0 ? DATA_16 : DATA);
    this.#jumpFar(target === 'long' && draw(2) === 0 ? 64 : draw(2) === 0 ? 16 : 32);
  }

  /** Only code of 16 bits leads there; the other one goes to such code. With limits as they were in protected mode, or without. */
  #toRealMode(isUnreal: boolean): void {
    if (this.#mode !== 16) {
      this.#jumpFar(16);
      return;
    }
    this.#table(3, IDTR.real);
    this.#control(0, { clear: CR0_PE });
    if (!isUnreal) this.#loadSegments(0);
    this.#farJump(0, blockAddress(this.#draw, programAt[16]));
  }
}

function littleEndian(value: number | bigint, size: number): readonly number[] {
  const whole = BigInt.asUintN(64, BigInt(value));
  return Array.from({ length: size }, (_, n) => Number((whole >> BigInt(8 * n)) & 0xffn));
}
