/**
 * Random programs for tests of the compiler in circumstances that change all the time (SDM vol. 3A chapters 4, 6 and 17): the
 * program of random-program.ts in 32- or 64-bit code with paging, at both levels of privilege, and pieces that it jumps to, which
 * trap, watch, remap, wait for interrupts, and reach over pages (circumstances-pieces.ts). This file has what lies around them:
 * descriptors, page tables, and handlers that write down what they see and go on.
 */
import { CircumstancesWriter, jumpToBlock, type WideMode } from './circumstances-pieces.ts';
import * as place from './circumstances-places.ts';
import { DATA_AT, type Draw, PROGRAM_AT, randomProgram, STACK_AT } from './random-program.ts';

/** What lies at an address. */
export type Placed = readonly [at: number, bytes: readonly number[]];

/** Everything that a guest of such a program has in memory. It begins at SETUP_AT, with paging on. */
export function circumstancesProgram(draw: Draw, mode: WideMode): readonly Placed[] {
  const pieces = place.piecePlaces.map((at): Placed => [at, new CircumstancesWriter(draw, mode, at).piece()]);
  const elsewhere = [...place.piecePlaces, place.STRADDLING_AT];
  const program = () => [...randomProgram(draw, mode, { elsewhere })];
  return [
    [PROGRAM_AT, program()],
    [PROGRAM_AT + place.A20, program()],
    ...pieces,
    [place.STRADDLING_AT, straddling(draw, mode)],
    [place.SETUP_AT, setup(draw, mode)],
    ...descriptorTables(mode),
    ...pageTables(),
    ...handlers(draw, mode),
    [STACK_AT, Array.from({ length: 0x200 }, () => place.littleEndian(place.someBlock(draw), 8)).flat()],
  ];
}

/** mov eax,n, whose immediate lies on two pages; add [LOG],eax; and on in a block. */
function straddling(draw: Draw, mode: WideMode): readonly number[] {
  const writer = new CircumstancesWriter(draw, mode, place.STRADDLING_AT);
  writer.load(0, draw(0x1000000));
  writer.absolute([0x01], 0, place.LOG);
  jumpToBlock(writer, draw);
  return writer.code;
}

/** The interrupt controllers, and where SYSCALL and SYSENTER lead. */
function setup(draw: Draw, mode: WideMode): readonly number[] {
  const writer = new CircumstancesWriter(draw, mode, place.SETUP_AT);
  const words = [
    ...[0x20, 0x11, 0x21, place.IRQS, 0x21, 0x04, 0x21, 0x01, 0x21, 0x00],
    ...[0xa0, 0x11, 0xa1, place.IRQS + 8, 0xa1, 0x02, 0xa1, 0x01, 0xa1, 0xff],
  ];
  for (let n = 0; n < words.length; n += 2) writer.put(0xb0, words[n + 1] as number, 0xe6, words[n] as number);
  const registers = [
    [0x174, place.CODE, 0],
    [0x175, place.KERNEL_STACK, 0],
    [0x176, place.handlerAt(place.SYSENTER), 0],
    ...(mode === 64 ? [[0xc0000081, 0, 0x0018_0008] as const] : []),
    ...(mode === 64 ? [[0xc0000082, place.handlerAt(place.SYSCALL), 0] as const] : []),
    ...(mode === 64 ? [[0xc0000084, 0x700, 0] as const] : []),
  ] as const;
  for (const [register, low, high] of registers) writer.writeModelSpecific(register, low, high);
  jumpToBlock(writer, draw);
  return writer.code;
}

function descriptorTables(mode: WideMode): readonly Placed[] {
  const task = place.TASK;
  const descriptors = [
    0n,
    mode === 64 ? 0x00af_9b00_0000_ffffn : 0x00cf_9b00_0000_ffffn,
    0x00cf_9300_0000_ffffn,
    0x00cf_fb00_0000_ffffn,
    0x00cf_f300_0000_ffffn,
    0x00af_fb00_0000_ffffn,
    0x0000_8900_0000_0067n | (BigInt(task) << 16n),
    0n,
    // Data that ends in the middle of what is accessed, data that begins there, and data elsewhere.
    0x0040_f300_0000_0000n | BigInt(place.BORDER + 5),
    0x0040_f700_0000_0000n | BigInt(place.BORDER - 7),
    0x00cf_f300_0000_ffffn | (0x1003n << 16n),
  ];
  const gates = Array.from({ length: place.VECTORS }, (_, vector) => gate(mode, vector)).flat();
  const stacks = mode === 64 ? [place.KERNEL_STACK, 0] : [place.KERNEL_STACK, place.DATA];
  return [
    [place.GDT, descriptors.flatMap((descriptor) => place.littleEndian(descriptor, 8))],
    [place.IDT, gates],
    [task + 4, stacks.flatMap((word) => place.littleEndian(word, 4))],
    [task + 0x24, mode === 64 ? place.littleEndian(place.FAULT_STACK, 8) : []],
  ];
}

/** In 64-bit mode a page fault and a double fault have a stack of their own. */
function gate(mode: WideMode, vector: number): readonly number[] {
  const offset = place.handlerAt(vector);
  const hasStack = mode === 64 && (vector === place.DOUBLE_FAULT || vector === place.PAGE_FAULT);
  const low = [...place.littleEndian(offset, 2), place.CODE, 0, hasStack ? 1 : 0, 0xee];
  return [...low, ...place.littleEndian(offset >>> 16, 2), ...(mode === 64 ? new Array<number>(8).fill(0) : [])];
}

/** The low 2 MiB as they are, and some pages a second time. */
function pageTables(): readonly Placed[] {
  const rights = 7;
  const entries = (size: 4 | 8) =>
    Array.from({ length: 512 }, (_, n) => place.littleEndian(place.physicalPage(n) | rights, size)).flat();
  const pointer = (to: number, size: 4 | 8) => place.littleEndian(to | rights, size);
  return [
    [place.DIRECTORY_32, pointer(place.TABLE_32, 4)],
    [place.TABLE_32, entries(4)],
    [place.ROOT_64, pointer(place.POINTERS_64, 8)],
    [place.POINTERS_64, pointer(place.DIRECTORY_64, 8)],
    [place.DIRECTORY_64, pointer(place.TABLE_64, 8)],
    [place.TABLE_64, entries(8)],
  ];
}

function handlers(draw: Draw, mode: WideMode): readonly Placed[] {
  return Array.from({ length: place.HANDLERS }, (_, n): Placed => {
    const at = place.handlerAt(n);
    return [at, new HandlerWriter(draw, mode, at).handler(n)];
  });
}

/** What a handler pushes: EAX, ECX and EDX, and in 32-bit code DS. */
const SAVED = { 32: 4, 64: 3 } as const;
const WITH_ERROR_CODE: readonly number[] = [8, 10, 11, 12, 13, 14, 17];
/** Handlers that go back. The others begin anew at some block. */
const GO_BACK: readonly number[] = [1, 2, 3, 4, 7, 14, 16, 17, ...place.interruptVectors];

class HandlerWriter extends CircumstancesWriter {
  handler(vector: number): readonly number[] {
    if (vector === place.SYSENTER) this.#sysenter();
    else if (vector === place.SYSCALL) this.#syscall();
    else if (GO_BACK.includes(vector)) this.#goBack(vector);
    else this.#beginAnew(vector);
    return this.code;
  }

  get #size(): number {
    return this.mode / 8;
  }

  #enter(vector: number): void {
    this.put(0x50, 0x51, 0x52);
    if (this.mode === 32) this.put(0x1e);
    this.load(0, place.DATA);
    this.put(0x8e, 0xd8);
    this.load(0, vector);
    this.absolute([0x01], 0, place.LOG);
    const words = WITH_ERROR_CODE.includes(vector) ? 4 : 3;
    for (let word = 0; word < words; word++) {
      this.#stackOperand([0x8b], 0, SAVED[this.mode] + word);
      this.#note();
    }
    this.put(0x0f, 0x31);
    this.#note();
  }

  /** add [LOG],eax; rol dword [LOG],5 */
  #note(): void {
    this.absolute([0x01], 0, place.LOG);
    this.absolute([0xc1], 0, place.LOG);
    this.put(5);
  }

  #stackOperand(opcode: readonly number[], reg: number, word: number): void {
    this.put(...opcode, 0x44 | (reg << 3), 0x24, word * this.#size);
  }

  #leave(vector: number): void {
    if (this.mode === 32) this.put(0x1f);
    this.put(0x5a, 0x59, 0x58);
    if (WITH_ERROR_CODE.includes(vector)) this.wide(0x83, 0xc4, this.#size);
    this.wide(0xcf);
  }

  #goBack(vector: number): void {
    this.#enter(vector);
    const flags = SAVED[this.mode] + (WITH_ERROR_CODE.includes(vector) ? 3 : 2);
    if (vector === 1) this.#debugException(flags);
    else if (vector === 7) this.put(0x0f, 0x20, 0xc0, 0x83, 0xe0, 0xf3, 0x0f, 0x22, 0xc0);
    else if (vector === place.PAGE_FAULT) this.#bringBack();
    else if (vector === 16) this.put(0xdb, 0xe2);
    else if (vector === 17) this.#changeFlags(4, flags, ~0x40000);
    else if (vector === place.SYSTEM_CALL) this.put(0x90);
    else if (vector >= place.IRQS) this.put(0xb0, 0x20, 0xe6, 0x20);
    if (vector === place.NMI || vector === place.IRQ) this.#goOnElsewhere();
    this.#leave(vector);
  }

  /** Back to a piece that depends on what was seen so far: no program stays where it is. */
  #goOnElsewhere(): void {
    this.absolute([0x8b], 0, place.LOG);
    this.put(0x25, ...place.littleEndian(place.PIECES_MASK, 4), 0x05, ...place.littleEndian(place.PIECES_AT, 4));
    this.#stackOperand(this.mode === 64 ? [0x48, 0x89] : [0x89], 0, SAVED[this.mode]);
  }

  /** OR or AND of the flags on the stack. */
  #changeFlags(operation: 1 | 4, flags: number, value: number): void {
    this.#stackOperand([0x81], operation, flags);
    this.put(...place.littleEndian(value, 4));
  }

  /** Sets RF, takes TF away one time in eight, and breakpoints one time in sixteen. */
  #debugException(flags: number): void {
    this.put(0x0f, 0x21, 0xf0);
    this.#note();
    this.put(0x31, 0xc0, 0x0f, 0x23, 0xf0);
    this.#changeFlags(1, flags, 0x10000);
    this.absolute([0xf6], 0, place.LOG);
    this.put(7, 0x75, 8);
    this.#changeFlags(4, flags, ~0x100);
    this.absolute([0xf6], 0, place.LOG + 1);
    this.put(15, 0x75, 8);
    this.load(0, 0x400);
    this.put(0x0f, 0x23, 0xf8);
  }

  /** Maps the page where it is expected to be; beyond the low 2 MiB there is none. */
  #bringBack(): void {
    this.put(0x0f, 0x20, 0xd0);
    this.#note();
    this.put(0x0f, 0x20, 0xd0);
    this.wide(0x89, 0xc1);
    this.wide(0xc1, 0xe9, 21);
    const [entry, table] = this.mode === 64 ? [0xcd, place.TABLE_64] : [0x8d, place.TABLE_32];
    this.put(0x74, 5, 0xe9, ...place.littleEndian(place.handlerAt(place.ANEW) - (this.here + 7), 4));
    this.put(0x89, 0xc1, 0xc1, 0xe9, 12);
    this.put(0x25, ...place.littleEndian(0xffff_f000, 4), 0x83, 0xc8, 7);
    this.put(0x89, 0x04, entry, ...place.littleEndian(table, 4));
    if (this.draw(2) === 0) this.put(0x0f, 0x01, 0x38);
  }

  #beginAnew(vector: number): void {
    if (vector === place.ANEW) this.load(0, vector);
    else this.#enter(vector);
    this.load(0, place.DATA);
    for (const segment of [3, 0, 2]) this.put(0x8e, 0xc0 | (segment << 3));
    this.load(4, STACK_AT + 0x800);
    for (const register of [3, 6, 7]) this.load(register, DATA_AT + this.draw(0x800));
    jumpToBlock(this, this.draw);
  }

  /** sysexit to a block; of 64-bit code, too. */
  #sysenter(): void {
    this.load(2, place.someBlock(this.draw));
    this.load(1, STACK_AT + 0x800);
    this.wide(0x0f, 0x35);
  }

  /** add [LOG],ecx; sysret */
  #syscall(): void {
    this.absolute([0x01], 1, place.LOG);
    this.wide(0x0f, 0x07);
  }
}
