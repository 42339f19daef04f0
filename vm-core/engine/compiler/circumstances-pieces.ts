/** Pieces of the programs of circumstances-program.ts: each changes the circumstances, or meets them, and goes on in a block. */
import { CR4_PCIDE } from '../../state/control-bits.ts';
import * as place from './circumstances-places.ts';
import { DATA_AT, type Draw, PROGRAM_AT, STACK_AT } from './random-program.ts';

/** The size of the code, and of addresses. */
export type WideMode = 32 | 64;

const STACK_TOP: number = STACK_AT + 0x800;
/** The port of the device that interrupts. */
export const DEVICE_PORT = 0x300;
const TSC = 0x10;
const FS_BASE = 0xc000_0100;

/** Instructions with an operand at [ESI]: of integers, locked and not, of x87, MMX and SSE, and of system tables. */
const atSource = instructionsOf(`
  0fc106 0fab06 0fbb06 ff36 8f06 a5 ad d7 0fc70e f00fc70e 0fb106 1106 1906 1306 0fa40e05 0fad0e 8706 f716 ff06 ff0e d316
  f00106 c70601020304 0fb706 0faf06 f726 f72e c60607 db2e db3e dd06 dd1e df3e df36 d936 dd36 dd26 d926
  0f1006 0f1106 0f2806 660f7f06 0f6f06 0f7f06 f20f1006 0f1606 660fd7c0 0fae06 0fae0e 0fae1e 0f0106 0f0006`);
const atSourceIn32 = instructionsOf('60 61 c9 6206 0fb506 0f010e');
const atSourceIn64 = instructionsOf('480fc70e 488706 48ff06 480106 48a5');

function instructionsOf(text: string): readonly (readonly number[])[] {
  return (
    text.match(/[0-9a-f]+/g)?.map((digits) => digits.match(/../g)?.map((byte) => Number.parseInt(byte, 16)) ?? []) ?? []
  );
}

/** Jumps to a block of the program, mostly the one that the others jump to. */
export function jumpToBlock(writer: CircumstancesWriter, draw: Draw): void {
  writer.jump(place.someBlock(draw));
}

export class CircumstancesWriter {
  readonly code: number[] = [];
  readonly draw: Draw;
  readonly mode: WideMode;
  readonly #at: number;

  constructor(draw: Draw, mode: WideMode, at: number) {
    this.draw = draw;
    this.mode = mode;
    this.#at = at;
  }

  /** Address of what is written next. */
  get here(): number {
    return this.#at + this.code.length;
  }

  piece(): readonly number[] {
    const kinds = [
      ...[() => this.#trap(), () => this.#debugRegisters(), () => this.#time(), () => this.#shadow()],
      ...[
        () => this.#remap(),
        () => this.#remap(),
        () => this.#context(),
        () => this.#a20(),
        () => this.#pointers(),
        () => this.#interrupt(),
      ],
      ...[() => this.#resume(), () => this.#device(), () => this.#segments(), () => this.#flipControl()],
      ...[() => this.#alignment(), () => this.#enterUser(), () => this.#store(), () => this.#string()],
      ...[() => this.#border(), () => this.#border(), () => this.#border(), () => this.#stackAtBorder()],
    ];
    for (let count = 1 + this.draw(4); count > 0; count--) (kinds[this.draw(kinds.length)] as () => void)();
    jumpToBlock(this, this.draw);
    return this.code;
  }

  put(...bytes: readonly number[]): void {
    this.code.push(...bytes);
  }

  /** With REX.W in 64-bit code. */
  wide(...bytes: readonly number[]): void {
    this.put(...(this.mode === 64 ? [0x48] : []), ...bytes);
  }

  load(register: number, value: number): void {
    this.put(0xb8 + register, ...place.littleEndian(value, 4));
  }

  /** An instruction with an operand at an address. */
  absolute(opcode: readonly number[], reg: number, address: number): void {
    const modRm = this.mode === 64 ? [0x04 | (reg << 3), 0x25] : [0x05 | (reg << 3)];
    this.put(...opcode, ...modRm, ...place.littleEndian(address, 4));
  }

  jump(target: number): void {
    this.put(0xe9, ...place.littleEndian(target - (this.here + 5), 4));
  }

  writeModelSpecific(register: number, low: number, high: number): void {
    this.load(1, register);
    this.load(0, low);
    this.load(2, high);
    this.put(0x0f, 0x30);
  }

  /** pushf; or, and or xor [esp],n; popf */
  #flags(operation: 1 | 4 | 6, value: number): void {
    this.put(0x9c, 0x81, 0x04 | (operation << 3), 0x24, ...place.littleEndian(value, 4), 0x9d);
  }

  #trap(): void {
    if (this.draw(3) === 0) this.#flags(4, ~0x100);
    else this.#flags(1, 0x100);
  }

  /** A breakpoint on a block, on data, or on the border of two pages. */
  #debugRegisters(): void {
    const { draw } = this;
    const n = draw(4);
    const isCode = draw(2) === 0;
    const address = isCode
      ? place.someBlock(draw)
      : draw(2) === 0
        ? DATA_AT + draw(0x100)
        : place.BORDER - 8 + draw(16);
    this.load(0, address);
    this.put(0x0f, 0x23, 0xc0 | (n << 3));
    const kind = isCode ? 0 : [1, 3][draw(2)];
    const length = isCode ? 0 : [0, 1, 3, 2][draw(4)];
    const condition = ((kind as number) | ((length as number) << 2)) << (16 + 4 * n);
    const general = draw(8) === 0 ? 0x2000 : 0;
    this.load(0, (condition | (3 << (2 * n)) | 0x400 | general) >>> 0);
    this.put(0x0f, 0x23, 0xf8);
  }

  /** What the time stamp is goes to the log; or it is set; or the next one is privileged. */
  #time(): void {
    const { draw } = this;
    const what = draw(6);
    if (what === 0) this.writeModelSpecific(TSC, draw(0x1000000), draw(3));
    if (what === 1) this.#control(4, 4);
    if (what === 2) this.put(0x0f, 0x01, 0xf9);
    else this.put(0x0f, 0x31);
    this.absolute([0x01], 0, place.LOG);
    if (draw(4) === 0) this.put(0x31, 0xc0, 0x0f, 0xa2);
  }

  /** STI, CLI, and loads of SS, behind which nothing interrupts. */
  #shadow(): void {
    const { draw } = this;
    const shadows = [
      () => this.put(0xfb),
      () => this.put(0xfb, 0xfb),
      () => this.put(0xfb, 0xfa),
      () => this.put(0xfa),
      () => this.put(0x8c, 0xd0, 0x8e, 0xd0),
      () => this.put(0x8c, 0xd0, 0x8e, 0xd0, 0xfb),
      () => (this.mode === 32 ? this.put(0x16, 0x17) : this.put(0xfb)),
      () => this.put(0xfb, 0xf4),
    ];
    for (let count = 1 + draw(3); count > 0; count--) (shadows[draw(shadows.length)] as () => void)();
  }

  /** Another entry for a page, which the processor hears of, or not. */
  #remap(): void {
    const { draw, mode } = this;
    const page = place.changing[draw(place.changing.length)] as number;
    const isCode = page === PROGRAM_AT;
    const others = [0, 0, place.A20, place.ALIAS, 0x1000];
    const target = isCode ? page + (draw(3) === 0 ? place.A20 : 0) : page + (others[draw(others.length)] as number);
    const rights = isCode ? 7 - 2 * draw(2) : ([7, 7, 5, 3, 1, 0, 0x67, 0x107][draw(8)] as number);
    const table = mode === 64 ? place.TABLE_64 : place.TABLE_32;
    this.absolute([0xc7], 0, table + (page >>> 12) * (mode / 8));
    this.put(...place.littleEndian((target & ~0xfff) | rights, 4));
    const forget = draw(4);
    if (forget === 0) return;
    if (forget === 1) this.put(0x0f, 0x20, 0xd8, 0x0f, 0x22, 0xd8);
    else this.absolute([0x0f, 0x01], 7, page);
  }

  /** Another process context, whose translations are kept or forgotten; or there are none; or INVPCID. */
  #context(): void {
    const { draw, mode } = this;
    const what = mode === 32 ? 4 : draw(8);
    if (what === 0) this.#control(4, CR4_PCIDE);
    else if (what < 5) {
      this.put(0x0f, 0x20, 0xd8, 0x34, draw(4));
      if (mode === 64 && draw(2) === 0) this.put(0x48, 0x0f, 0xba, 0xe8, 63);
      this.put(0x0f, 0x22, 0xd8);
    } else {
      const words = [draw(4), 0, place.changing[draw(place.changing.length)] as number, 0];
      for (const [n, word] of words.entries()) {
        this.absolute([0xc7], 0, place.CONTEXT + 4 * n);
        this.put(...place.littleEndian(word, 4));
      }
      this.load(0, draw(4));
      this.absolute([0x66, 0x0f, 0x38, 0x82], 0, place.CONTEXT);
    }
  }

  #a20(): void {
    this.put(0xb0, 2 * this.draw(2), 0xe6, 0x92);
  }

  #pointers(): void {
    for (const register of [3, 6, 7]) if (this.draw(2) === 0) this.load(register, this.#nearBorder());
  }

  #nearBorder(): number {
    const { draw } = this;
    return place.BORDER - 20 + draw(24) + ([0, 0, place.ALIAS, place.A20][draw(4)] as number);
  }

  #interrupt(): void {
    const { mode } = this;
    const kinds = [
      [0xcd, place.SYSTEM_CALL],
      [0xcc],
      [0xf1],
      mode === 32 ? [0xce] : [0xcd, place.SYSTEM_CALL],
      mode === 64 ? [0x0f, 0x05] : [0xcd, 0x04],
      [0x0f, 0x34],
      [0x0f, 0x0b],
    ] as const;
    this.put(...(kinds[this.draw(kinds.length)] as readonly number[]));
  }

  /** IRET to a block, with RF or TF or neither. */
  #resume(): void {
    const { draw, mode } = this;
    if (mode === 64) this.put(0x8c, 0xd0, 0x50, 0x68, ...place.littleEndian(STACK_TOP, 4));
    this.put(0x9c, 0x81, 0x0c, 0x24, ...place.littleEndian([0x10000, 0x10100, 0x100, 0x200][draw(4)] as number, 4));
    if (mode === 64) this.put(0x8c, 0xc8, 0x50);
    else this.put(0x0e);
    this.put(0x68, ...place.littleEndian(place.someBlock(draw), 4));
    this.wide(0xcf);
  }

  #device(): void {
    this.put(0x66, 0xba, ...place.littleEndian(DEVICE_PORT, 2), [0xec, 0xee, 0x6c, 0x6e][this.draw(4)] as number);
  }

  /** Data with odd limits or bases, in DS, ES, FS or GS; FS elsewhere; and an access by FS. */
  #segments(): void {
    const { draw, mode } = this;
    const all = [...place.odd, place.USER_DATA, place.USER_DATA, 0];
    const segments = [0, 3, 4, 5];
    this.load(0, all[draw(all.length)] as number);
    this.put(0x8e, 0xc0 | ((segments[draw(4)] as number) << 3));
    if (mode === 64 && draw(2) === 0) this.writeModelSpecific(FS_BASE, draw(3) * 0x1001, draw(8) === 0 ? 1 : 0);
    this.load(6, this.#nearBorder());
    this.put(0x64, [0x01, 0x03, 0x89][draw(3)] as number, 0x06);
    // Without it most of what follows would fault.
    if (draw(3) === 0) return;
    this.load(0, place.USER_DATA);
    this.put(0x8e, 0xd8, 0x8e, 0xc0);
  }

  /** mov eax,cr; xor eax,n; mov cr,eax */
  #control(register: 0 | 4, bits: number): void {
    this.put(0x0f, 0x20, 0xc0 | (register << 3), 0x35, ...place.littleEndian(bits, 4));
    this.put(0x0f, 0x22, 0xc0 | (register << 3));
  }

  /** CR0.TS, WP, AM, EM, MP; CR4.PGE, DE, PSE; CLTS and LMSW. */
  #flipControl(): void {
    const { draw } = this;
    const kinds = [
      () => this.#control(0, [8, 0x10000, 0x40000, 4, 2][draw(5)] as number),
      () => this.#control(4, [0x80, 8, 0x10][draw(3)] as number),
      () => this.put(0x0f, 0x06),
      () => this.put(0x0f, 0x20, 0xc0, 0x0f, 0x01, 0xf0),
    ];
    (kinds[draw(4)] as () => void)();
  }

  #alignment(): void {
    this.#flags(6, 0x40000);
  }

  #enterUser(): void {
    const { draw, mode } = this;
    this.put(0x6a, place.USER_DATA, 0x68, ...place.littleEndian(STACK_TOP, 4));
    this.put(0x9c, 0x81, 0x0c, 0x24, ...place.littleEndian(draw(2) * 0x200, 4));
    this.put(0x6a, place.USER_CODE[mode], 0x68, ...place.littleEndian(place.someBlock(draw), 4));
    this.wide(0xcf);
  }

  /** Over the immediate that lies on two pages, there or by the other pages that are the same. */
  #store(): void {
    const { draw } = this;
    const at = place.STRADDLING_AT + 1 + (draw(2) === 0 ? place.ALIAS : 0);
    const stores: readonly (readonly [number, number])[] = [
      [0x89, 0],
      [0x88, 1],
      [0x88, 2],
      [0x01, 0],
    ];
    const [opcode, distance] = stores[draw(4)] as readonly [number, number];
    this.absolute([opcode], 1 + draw(3), at + distance);
  }

  /** Repeated, forwards or backwards, across the border. */
  #string(): void {
    const { draw } = this;
    this.load(1, draw(40));
    this.load(6, this.#nearBorder());
    this.load(7, this.#nearBorder());
    const operations = [0xa4, 0xa5, 0xaa, 0xab, 0xac, 0xa6, 0xa7, 0xae, 0xaf];
    this.put(draw(4) === 0 ? 0xfd : 0xfc, 0xf2 + draw(2), operations[draw(operations.length)] as number, 0xfc);
  }

  /** One of many instructions that reach over the border of two pages, or begin there. */
  #border(): void {
    const { draw, mode } = this;
    this.load(6, this.#nearBorder());
    const all = [...atSource, ...atSource, ...(mode === 64 ? atSourceIn64 : atSourceIn32)];
    this.put(...(draw(6) === 0 ? [0x66] : []), ...(all[draw(all.length)] as readonly number[]));
  }

  /** Pushes, pops and frames where two pages meet; and back to the stack. */
  #stackAtBorder(): void {
    const { draw, mode } = this;
    this.load(4, this.#nearBorder() + 8);
    this.load(5, this.#nearBorder() + 8);
    const both = [
      [0x50],
      [0x58],
      [0x6a, 5],
      [0xc8, 16, 0, 1 + draw(4)],
      [0xc8, 8, 0, 0],
      [0xc9],
      [0x9c],
      [0x54],
      [0x5c],
    ];
    const narrow = [[0x60], [0x61], [0x66, 0x60], [0x66, 0x61], [0x06], [0x1e], [0x66, 0x50], [0x66, 0xc9]];
    const all = [
      ...both,
      ...(mode === 32
        ? narrow
        : [
            [0x0f, 0xa0],
            [0x66, 0x50],
            [0xff, 0x34, 0x24],
            [0x8f, 0x04, 0x24],
          ]),
    ];
    this.put(...(all[draw(all.length)] as readonly number[]));
    this.load(4, STACK_TOP);
  }
}
